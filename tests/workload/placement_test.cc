#include "workload/placement.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "workload/make_job.h"
#include "workload/training.h"

namespace planewise::workload {
namespace {

TEST(Placement, InOrderIsRankByRank) {
  const Placement placement = place_in_order(16, 4);
  EXPECT_EQ(placement.gpu_of_rank[5], 5);
  EXPECT_EQ(placement.node(5), 1);
}

// Four groups of two nodes with four GPUs: node 0 of group 1 is node 1, node 1 of it is node 1 + 4.
TEST(Placement, ApartIsWholeNodesAsFarApartAsThereAreGroups) {
  const Placement placement = place_apart(32, 8, 4);
  EXPECT_EQ(placement.gpu_of_rank[8], 4);
  EXPECT_EQ(placement.gpu_of_rank[11], 7);
  EXPECT_EQ(placement.gpu_of_rank[12], 20);
  EXPECT_EQ(placement.node(15), 5);
  const std::set<std::int64_t> gpus(placement.gpu_of_rank.begin(), placement.gpu_of_rank.end());
  EXPECT_EQ(gpus.size(), 32u);
  EXPECT_EQ(*gpus.rbegin(), 31);
}

// A rank keeps its rail.
TEST(Placement, ApartKeepsRails) {
  const Placement placement = place_apart(256, 64, 8);
  for (int rank = 0; rank < 256; ++rank) {
    EXPECT_EQ(placement.gpu_of_rank[static_cast<std::size_t>(rank)] % 8, rank % 8);
  }
}

TEST(Placement, OfAJobFollowsItsLayout) {
  spec::ParallelSpec parallel{.pipeline = 2, .data = 16, .expert = 8};
  EXPECT_EQ(place_job(parallel, 4).gpu_of_rank, place_in_order(32, 4).gpu_of_rank);
  parallel.layout = spec::GroupLayout::spread;
  EXPECT_EQ(place_job(parallel, 4).gpu_of_rank, place_apart(32, 8, 4).gpu_of_rank);
}

}  // namespace
}  // namespace planewise::workload
