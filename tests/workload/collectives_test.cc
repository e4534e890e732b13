// Collectives as programs: who sends how much to whom, and that nothing is lost or counted twice.
#include "workload/collectives.h"

#include <gtest/gtest.h>

#include <map>

#include "workload/collective_time.h"
#include "workload/traffic.h"
#include "workload/traffic_program.h"

namespace planewise::workload {
namespace {

using spec::Algorithm;
using spec::Collective;
using spec::GroupLayout;

constexpr int kGpus = 4;

spec::TrafficSpec one_step(spec::TrafficStep step, int ranks) {
  if (step.group == 0) step.group = ranks;
  return {.name = "test", .ranks = ranks, .steps = {std::move(step)}};
}

struct Made {
  spec::TrafficSpec traffic{};
  Placement placement{};
  Program program{};
};
Made make(const spec::TrafficStep& step, int ranks) {
  Made made{.traffic = one_step(step, ranks)};
  made.placement = place_traffic(made.traffic, kGpus);
  made.program = traffic_program({.traffic = made.traffic}, made.placement);
  return made;
}

/// What every rank sends and receives when all ranks have run their programs.
struct Carried {
  std::map<int, double> sent{};
  std::map<int, double> received{};
  double nvlink = 0;
  double network = 0;
};
Carried carried(const Made& made) {
  const Program& program = made.program;
  std::vector<std::int64_t> starts(program.transfers.size(), 0);
  for (std::size_t t = 0; t < program.transfers.size(); ++t) {
    const Transfer& transfer = program.transfers[t];
    const int rank = transfer.members.front();  // of a message the sender
    const auto stage =
        static_cast<std::size_t>(program.stage_of_rank[static_cast<std::size_t>(rank)]);
    for (const Slot& slot : program.stages[stage].slots) {
      for (const Step& step :
           program.stages[stage].chunks[static_cast<std::size_t>(slot.chunk)].steps) {
        const bool starts_it = step.kind == StepKind::exchange || step.kind == StepKind::send;
        if (starts_it && step.index == transfer.label) ++starts[t];
      }
    }
  }
  Carried sum;
  for (std::size_t t = 0; t < program.transfers.size(); ++t) {
    visit_flows(program.transfers[t], made.placement, [&](const RankFlow& flow) {
      const double size = flow.size.base() * static_cast<double>(starts[t]);
      sum.sent[flow.source] += size;
      sum.received[flow.destination] += size;
      const bool inside = made.placement.node(flow.source) == made.placement.node(flow.destination);
      (inside ? sum.nvlink : sum.network) += size;
    });
  }
  return sum;
}

/// Every receive of a rank has its send on the other side, as often.
void expect_messages_to_meet(const Program& program) {
  const auto steps_of = [&](int rank, StepKind kind, int label) {
    const auto& stage = program.stages[static_cast<std::size_t>(
        program.stage_of_rank[static_cast<std::size_t>(rank)])];
    int count = 0;
    for (const Slot& slot : stage.slots) {
      for (const Step& step : stage.chunks[static_cast<std::size_t>(slot.chunk)].steps) {
        count += step.kind == kind && step.index == label ? 1 : 0;
      }
    }
    return count;
  };
  for (const Transfer& transfer : program.transfers) {
    if (!program.labels[static_cast<std::size_t>(transfer.label)].is_message) continue;
    EXPECT_EQ(steps_of(transfer.members[0], StepKind::send, transfer.label),
              steps_of(transfer.members[1], StepKind::receive, transfer.label));
    EXPECT_GT(steps_of(transfer.members[0], StepKind::send, transfer.label), 0);
  }
}

// Each rank sends and receives what nccl-tests derive bus bandwidth from: 2 (n - 1)/n of the buffer
// for a ring all-reduce, (n - 1)/n for the others.
TEST(Collectives, SendWhatTheBusBandwidthCounts) {
  for (const auto& [collective, algorithm] : std::vector<std::pair<Collective, Algorithm>>{
           {Collective::all_reduce, Algorithm::ring},
           {Collective::all_reduce, Algorithm::hierarchical},
           {Collective::reduce_scatter, Algorithm::ring},
           {Collective::reduce_scatter, Algorithm::direct},
           {Collective::reduce_scatter, Algorithm::hierarchical},
           {Collective::all_gather, Algorithm::ring},
           {Collective::all_gather, Algorithm::direct},
           {Collective::all_gather, Algorithm::hierarchical},
           {Collective::all_to_all, Algorithm::direct}}) {
    const spec::TrafficStep step{.name = "step",
                                 .collective = collective,
                                 .algorithm = algorithm,
                                 .group = 16,
                                 .size = bytes(4800)};
    const Made made = make(step, 32);
    expect_messages_to_meet(made.program);
    const Carried sum = carried(made);
    // Hierarchical: (g-1)/g of the buffer in the node, and (m-1)/m of a g-th of it on the rail, is
    // (g-1)/g + (m-1)/(m g) = (m g - 1)/(m g): the same.
    const double expected = counted_size(step, kGpus).base() * bus_factor(step, kGpus);
    ASSERT_EQ(sum.sent.size(), 32U);
    for (int rank = 0; rank < 32; ++rank) {
      EXPECT_NEAR(sum.sent.at(rank), expected, 1e-6) << spec::collective_word(collective);
      EXPECT_NEAR(sum.received.at(rank), expected, 1e-6) << spec::algorithm_word(algorithm);
    }
  }
}

// 16 ranks of 4 nodes, 100 B a pair. What crosses the fabric is the same: 12 remote ranks x 100 B a
// rank. In the node: 3 peers x 100 B directly; by two hops 3 peers x 4 nodes x 100 B.
TEST(AllToAll, ByTwoHopsCarriesTheSameOverTheFabricAndMoreInTheNode) {
  const Carried direct = carried(make({.size = bytes(100)}, 16));
  const Carried hops = carried(make({.algorithm = Algorithm::two_hop, .size = bytes(100)}, 16));
  EXPECT_EQ(direct.network, 16 * 12 * 100.0);
  EXPECT_EQ(hops.network, 16 * 12 * 100.0);
  EXPECT_EQ(direct.nvlink, 16 * 3 * 100.0);
  EXPECT_EQ(hops.nvlink, 16 * 3 * 4 * 100.0);
}

TEST(AllToAll, LimitedToNodesStaysOnItsRail) {
  const Made made = make({.algorithm = Algorithm::node_limited,
                          .group = 8,
                          .size = bytes(100),
                          .nvlink_size = bytes(7)},
                         16);
  ASSERT_EQ(made.program.transfers.size(), 2U);
  for (const Transfer& transfer : made.program.transfers) {
    EXPECT_EQ(flow_count(transfer), 8 * (1 + 3));  // one other node, three peers
    visit_flows(transfer, made.placement, [&](const RankFlow& flow) {
      const bool inside = made.placement.node(flow.source) == made.placement.node(flow.destination);
      EXPECT_EQ(flow.size, inside ? bytes(7) : bytes(100));
      EXPECT_TRUE(inside || flow.source % kGpus == flow.destination % kGpus);
    });
  }
}

// A pattern is one line for n (n - 1) flows, and names each pair once.
TEST(AllToAll, IsWrittenOnceAndVisitedByPair) {
  const Made made = make({.size = bytes(100)}, 8);
  ASSERT_EQ(made.program.transfers.size(), 1U);
  EXPECT_TRUE(made.program.transfers[0].flows.empty());
  EXPECT_EQ(flow_count(made.program.transfers[0]), 56);
  std::map<std::pair<int, int>, int> seen;
  visit_flows(made.program.transfers[0], made.placement, [&](const RankFlow& flow) {
    EXPECT_NE(flow.source, flow.destination);
    seen[{flow.source, flow.destination}] += 1;
  });
  EXPECT_EQ(seen.size(), 56U);
}

// Up and down a tree over n ranks go n - 1 buffers each way, in chunks.
TEST(Trees, CarryOneBufferOverEveryEdge) {
  for (const int ranks : {2, 4, 8, 12, 28}) {
    for (const int chunks : {1, 3}) {
      const Made reduce = make({.collective = Collective::all_reduce,
                                .algorithm = Algorithm::tree,
                                .size = bytes(300),
                                .chunks = chunks},
                               ranks);
      expect_messages_to_meet(reduce.program);
      Carried sum = carried(reduce);
      EXPECT_NEAR(sum.nvlink + sum.network, 2 * (ranks - 1) * 300.0, 1e-9);
      for (const Algorithm algorithm : {Algorithm::tree, Algorithm::ring}) {
        const Made broadcast = make({.collective = Collective::broadcast,
                                     .algorithm = algorithm,
                                     .size = bytes(300),
                                     .chunks = chunks},
                                    ranks);
        expect_messages_to_meet(broadcast.program);
        sum = carried(broadcast);
        EXPECT_NEAR(sum.nvlink + sum.network, (ranks - 1) * 300.0, 1e-9);
        EXPECT_EQ(sum.received.count(0), 0U);
      }
    }
  }
}

TEST(Trees, HaveTheirRanksInPlace) {
  // 0 over 1 and 2; 1 over 3 and 4; 2 over 5.
  EXPECT_EQ(tree_place(0, 6).parent, -1);
  EXPECT_EQ(tree_place(0, 6).children, 2);
  EXPECT_EQ(tree_place(2, 6).children, 1);
  EXPECT_EQ(tree_place(4, 6).parent, 1);
  EXPECT_FALSE(tree_place(4, 6).is_left);
  EXPECT_TRUE(tree_place(5, 6).is_left);
  EXPECT_EQ(tree_place(5, 6).depth, 2);
  EXPECT_EQ(tree_place(5, 6).children, 0);
}

// 4 nodes of 4 in groups of 8: packed takes nodes 0 and 1, spread every other node.
TEST(Groups, ArePackedOrSpreadByWholeNodes) {
  const RankGroups packed = groups_of({.group = 8}, 16, kGpus);
  EXPECT_EQ(packed[0], (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7}));
  const RankGroups spread = groups_of({.layout = GroupLayout::spread, .group = 8}, 16, kGpus);
  EXPECT_EQ(spread[0], (std::vector<int>{0, 1, 2, 3, 8, 9, 10, 11}));
  EXPECT_EQ(spread[1], (std::vector<int>{4, 5, 6, 7, 12, 13, 14, 15}));
}

// 0 -> 1 -> 2 share rank 1, 4 -> 5 is apart; rank 3 has nothing to do.
TEST(Sends, ThatShareARankAreOneExchange) {
  const Made made = make(
      {.collective = Collective::send, .size = bytes(10), .pairs = {{0, 1}, {4, 5}, {1, 2}}}, 8);
  ASSERT_EQ(made.program.transfers.size(), 2U);
  EXPECT_EQ(made.program.transfers[0].members, (std::vector<int>{0, 1, 2}));
  EXPECT_EQ(made.program.transfers[0].flows.size(), 2U);
  EXPECT_EQ(made.program.transfers[1].members, (std::vector<int>{4, 5}));
  const auto steps_of = [&](std::size_t rank) {
    const auto stage = static_cast<std::size_t>(made.program.stage_of_rank[rank]);
    return made.program.stages[stage].chunks[0].steps.size();
  };
  EXPECT_EQ(steps_of(0), 1U);
  EXPECT_EQ(steps_of(3), 0U);
}

// Sizes on the wire are payload over efficiency, by the way that a flow takes.
TEST(Collectives, AreEnlargedByTheEfficiencyOfTheirWay) {
  spec::TrafficSpec traffic = one_step({.size = bytes(100), .curve = "ring"}, 8);
  spec::ProfileSpec profile;
  profile.collectives = {
      {.id = "ring", .latency = microseconds(3), .rail_efficiency = 0.5, .nvlink_efficiency = 0.8}};
  const Placement placement = place_traffic(traffic, kGpus);
  const Program program = traffic_program({.traffic = traffic, .profile = &profile}, placement);
  EXPECT_EQ(program.transfers[0].latency, microseconds(3));
  visit_flows(program.transfers[0], placement, [&](const RankFlow& flow) {
    const bool inside = flow.source / kGpus == flow.destination / kGpus;
    EXPECT_EQ(flow.size, inside ? bytes(125) : bytes(200));
  });
}

// A rank sends 7 x 100 B of an all-to-all over 8, which is at the second piece's 700 B; of a send
// only 100 B. The third piece begins beyond both.
TEST(Collectives, TakeThePieceOfTheirSize) {
  spec::ProfileSpec profile;
  profile.collectives = {{.id = "curve",
                          .latency = microseconds(1),
                          .pieces = {{.from = bytes(700), .latency = microseconds(2)},
                                     {.from = bytes(701), .latency = microseconds(3)}}}};
  spec::TrafficStep step{.size = bytes(100), .curve = "curve"};
  step.group = 8;
  const auto latency = [&](spec::Collective collective) {
    step.collective = collective;
    const spec::TrafficSpec traffic;
    return curve_of({.traffic = traffic, .profile = &profile}, step, spec::Reach::node).latency;
  };
  EXPECT_EQ(latency(spec::Collective::all_to_all), microseconds(2));
  EXPECT_EQ(latency(spec::Collective::send), microseconds(1));
  step.size = bytes(800);  // 7/8 of it from each rank.
  EXPECT_EQ(latency(spec::Collective::all_gather), microseconds(2));
  EXPECT_EQ(latency(spec::Collective::all_reduce), microseconds(3));
}

// Uniform within the spread: the mean of n draws is off by spread / sqrt(3 n), here 0.2 / sqrt(3e5)
// = 3.7e-4; five times that.
TEST(DrawnSize, IsUniformWithinItsSpreadAndTheSameForTheSameStart) {
  double sum = 0, least = 2, most = 0;
  constexpr int kDraws = 100'000;
  for (int i = 0; i < kDraws; ++i) {
    const double size =
        drawn_size(bytes(1), 0.2, {.seed = 7, .transfer = 3, .source = i % 100, .start = i / 100})
            .base();
    sum += size;
    least = std::min(least, size);
    most = std::max(most, size);
  }
  EXPECT_NEAR(sum / kDraws, 1, 5 * 3.7e-4);
  EXPECT_GE(least, 0.8);
  EXPECT_LE(most, 1.2);
  EXPECT_LT(least, 0.801);
  EXPECT_GT(most, 1.199);
  const FlowStart start{.seed = 1, .transfer = 2, .source = 3, .destination = 4, .start = 5};
  EXPECT_EQ(drawn_size(bytes(100), 0.2, start), drawn_size(bytes(100), 0.2, start));
  EXPECT_EQ(drawn_size(bytes(100), 0, start), bytes(100));
  FlowStart later = start;
  later.start = 6;
  EXPECT_NE(drawn_size(bytes(100), 0.2, start), drawn_size(bytes(100), 0.2, later));
}

}  // namespace
}  // namespace planewise::workload
