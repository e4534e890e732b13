// Flows of dispatch, combine and rings: conservation, placement, and the expected number of copies.
#include "workload/traffic.h"

#include <gtest/gtest.h>

#include <bit>
#include <map>
#include <numeric>

namespace planewise::workload {
namespace {

constexpr int kGpus = 8;

MoeTraffic v3_traffic(int ranks) {
  MoeTraffic moe{.tokens = 4096,
                 .nodes_per_token = std::min(4, ranks / kGpus),
                 .experts_per_token = 8,
                 .routed_experts = 256,
                 .bytes_per_token = 7168 + 56 * 4};
  moe.ranks.resize(static_cast<std::size_t>(ranks));
  std::iota(moe.ranks.begin(), moe.ranks.end(), 0);
  return moe;
}

/// Distinct GPUs among `drawn` of `experts` experts, averaged over all subsets, one by one.
double average_gpus(int experts, int gpus, int drawn) {
  double sum = 0;
  double subsets = 0;
  for (unsigned subset = 0; subset < (1U << experts); ++subset) {
    if (std::popcount(subset) != drawn) continue;
    unsigned seen = 0;
    for (int e = 0; e < experts; ++e) {
      if ((subset >> e & 1U) != 0) seen |= 1U << (e / (experts / gpus));
    }
    sum += std::popcount(seen);
    subsets += 1;
  }
  return sum / subsets;
}

TEST(Dispatch, CopiesATokenOnceToEachGpuThatNeedsIt) {
  for (const auto& [experts, gpus, drawn] :
       std::vector<std::array<int, 3>>{{8, 4, 2}, {8, 8, 3}, {12, 4, 4}, {16, 2, 2}, {16, 8, 1}}) {
    // One node of `gpus` GPUs, so that all of a token's experts are there.
    MoeTraffic moe{.ranks = std::vector<int>(static_cast<std::size_t>(gpus)),
                   .nodes_per_token = 1,
                   .experts_per_token = drawn,
                   .routed_experts = experts};
    EXPECT_NEAR(gpus_per_token_and_node(moe, gpus), average_gpus(experts, gpus, drawn), 1e-12);
  }
}

TEST(Dispatch, SendsEachTokenOnceToEachNodeOverItsOwnRail) {
  const spec::CollectiveCurve curve{.rail_efficiency = 0.5, .nvlink_efficiency = 1};
  const Placement placement = place_in_order(64, kGpus);
  const std::vector<RankFlow> flows = dispatch_flows(v3_traffic(64), placement, curve);
  // 64 ranks x (7 other nodes + 7 peers).
  EXPECT_EQ(flows.size(), 64U * 14U);
  std::map<int, double> rail_bytes;
  for (const RankFlow& flow : flows) {
    if (placement.node(flow.source) == placement.node(flow.destination)) continue;
    EXPECT_EQ(flow.source % kGpus, flow.destination % kGpus);
    rail_bytes[flow.source] += flow.size.base();
  }
  // 4096 tokens x 4 nodes of 8: half of the tokens to each node, 7 of them remote; twice that on
  // the wire.
  for (const auto& [rank, sent] : rail_bytes) EXPECT_NEAR(sent, 7 * 2048.0 * 7392 / 0.5, 1) << rank;
  EXPECT_EQ(rail_bytes.size(), 64U);
}

TEST(Dispatch, ForwardsInTheNodeWhatReachesIt) {
  const Placement placement = place_in_order(64, kGpus);
  const std::vector<RankFlow> flows = dispatch_flows(v3_traffic(64), placement, {});
  // 8 x (1 - C(28,2)/C(32,2)) = 8 x (1 - 378/496) = 1.9032 GPUs a token and node; 16384 tokens
  // arrive at each GPU.
  const double each = 16384.0 * 8 * (1 - 378.0 / 496.0) / 8 * 7392;
  for (const RankFlow& flow : flows) {
    if (placement.node(flow.source) != placement.node(flow.destination)) continue;
    EXPECT_NEAR(flow.size.base(), each, 1);
  }
}

TEST(Dispatch, CombineIsTheSameTheOtherWayRound) {
  const Placement placement = place_in_order(16, kGpus);
  const std::vector<RankFlow> dispatch = dispatch_flows(v3_traffic(16), placement, {});
  const std::vector<RankFlow> combine = reversed(dispatch);
  ASSERT_EQ(combine.size(), dispatch.size());
  for (std::size_t i = 0; i < combine.size(); ++i) {
    EXPECT_EQ(combine[i].source, dispatch[i].destination);
    EXPECT_EQ(combine[i].destination, dispatch[i].source);
    EXPECT_EQ(combine[i].size, dispatch[i].size);
  }
}

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
