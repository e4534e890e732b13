// Ranks on the axes of a job: both grids number the same ranks, and groups partition them.
#include "workload/rank_grid.h"

#include <gtest/gtest.h>

#include <set>

#include "base/random.h"

namespace planewise::workload {
namespace {

using Group = std::vector<int>;

// tp-cp-ep-dp-pp: tensor fastest. 16 ranks: rank = tensor + 2 context + 4 data + 8 pipeline;
// experts over pairs of neighbours: of stage 0's ranks 0 to 7, {0,1}, {2,3}, ...
TEST(RankGrid, NumbersTensorFastest) {
  const RankGrid grid({.tensor = 2, .context = 2, .pipeline = 2, .data = 2, .expert = 2});
  EXPECT_EQ(grid.rank_count(), 16);
  EXPECT_EQ(grid.place(13).tensor, 1);
  EXPECT_EQ(grid.place(13).context, 0);
  EXPECT_EQ(grid.place(13).data, 1);
  EXPECT_EQ(grid.place(13).pipeline, 1);
  EXPECT_EQ(grid.tensor_groups(0), (RankGrid::Groups{{0, 1}, {4, 5}, {2, 3}, {6, 7}}));
  EXPECT_EQ(grid.context_groups(1), (RankGrid::Groups{{8, 10}, {12, 14}, {9, 11}, {13, 15}}));
  EXPECT_EQ(grid.replica_groups(0), (RankGrid::Groups{{0, 2, 4, 6}, {1, 3, 5, 7}}));
  EXPECT_EQ(grid.expert_groups(0), (RankGrid::Groups{{0, 1}, {2, 3}, {4, 5}, {6, 7}}));
  EXPECT_EQ(grid.expert_replica_groups(0), (RankGrid::Groups{{0, 2, 4, 6}, {1, 3, 5, 7}}));
  EXPECT_EQ(grid.at_pipeline(5, 1), 13);
}

// pp fastest: rank = pipeline + 2 tensor + 4 data.
TEST(RankGrid, FollowsTheOrder) {
  using spec::Axis;
  const RankGrid grid(
      {.tensor = 2,
       .pipeline = 2,
       .data = 2,
       .order = {Axis::pipeline, Axis::tensor, Axis::context, Axis::expert, Axis::data}});
  EXPECT_EQ(grid.stages(), (RankGrid::Groups{{0, 2, 4, 6}, {1, 3, 5, 7}}));
  EXPECT_EQ(grid.tensor_groups(1), (RankGrid::Groups{{1, 3}, {5, 7}}));
  EXPECT_EQ(grid.at_pipeline(6, 1), 7);
}

// Of every kind, the groups of all stages together hold every rank once.
TEST(RankGrid, GroupsPartitionTheRanks) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    Random random(seed);
    spec::ParallelSpec p{.tensor = 1 << random.integer(0, 2),
                         .context = 1 << random.integer(0, 1),
                         .pipeline = static_cast<int>(random.integer(1, 3)),
                         .data = 1 << random.integer(0, 3)};
    p.expert_tensor = p.tensor > 1 && random.integer(0, 1) == 1 ? 2 : 1;
    while (p.ranks_per_stage() % (2 * p.expert * p.expert_tensor) == 0 && random.integer(0, 2) > 0)
      p.expert *= 2;
    const RankGrid grid(p);
    const auto check = [&](RankGrid::Groups (RankGrid::*groups)(int) const, std::size_t size) {
      std::set<int> seen;
      for (int stage = 0; stage < p.pipeline; ++stage) {
        for (const Group& group : (grid.*groups)(stage)) {
          EXPECT_EQ(group.size(), size) << seed;
          for (const int rank : group) EXPECT_TRUE(seen.insert(rank).second) << seed;
        }
      }
      EXPECT_EQ(static_cast<std::int64_t>(seen.size()), p.ranks()) << seed;
    };
    const auto at = [](std::int64_t count) { return static_cast<std::size_t>(count); };
    check(&RankGrid::tensor_groups, at(p.tensor));
    check(&RankGrid::context_groups, at(p.context));
    check(&RankGrid::replica_groups, at(std::int64_t{p.context} * p.data));
    check(&RankGrid::expert_groups, at(p.expert));
    check(&RankGrid::expert_tensor_groups, at(p.expert_tensor));
    check(&RankGrid::expert_replica_groups, at(p.ranks_per_stage() / p.expert / p.expert_tensor));
  }
}

TEST(ByNode, CutsAGroupOrFindsItUneven) {
  const Placement placement = place_in_order(16, 4);
  EXPECT_EQ(by_node({0, 1, 4, 5}, placement), (RankGrid::Groups{{0, 1}, {4, 5}}));
  EXPECT_TRUE(by_node({0, 1, 4}, placement).empty());
}

}  // namespace
}  // namespace planewise::workload
