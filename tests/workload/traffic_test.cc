// Flows of rings.
#include "workload/traffic.h"

#include <gtest/gtest.h>

namespace planewise::workload {
namespace {

constexpr int kGpus = 8;

TEST(Ring, SendsToTheNextRankOnly) {
  const Placement placement = place_in_order(16, kGpus);
  const std::vector<RankFlow> flows = ring_flows(
      {0, 8, 4}, bytes(100), placement, {.rail_efficiency = 0.5, .nvlink_efficiency = 0.8});
  ASSERT_EQ(flows.size(), 3U);
  EXPECT_EQ(flows[0].destination, 8);
  EXPECT_EQ(flows[0].size, bytes(200));  // to another node: 100 / 0.5
  EXPECT_EQ(flows[2].source, 4);
  EXPECT_EQ(flows[2].destination, 0);
  EXPECT_EQ(flows[2].size, bytes(125));  // inside the node: 100 / 0.8
  EXPECT_TRUE(ring_flows({3}, bytes(100), placement, {}).empty());
}

}  // namespace
}  // namespace planewise::workload
