// A simulated step against closed forms, against itself without reduction, and against the other
// engine.
#include <gtest/gtest.h>

#include <numeric>

#include "simulate/small_system.h"

namespace planewise::simulate {
namespace {

using test::SmallJob;
using test::TopologyOptions;
using workload::Phase;

Seconds phase(const RankResult& rank, Phase which) {
  return rank.phases[static_cast<std::size_t>(which)];
}

Seconds block_time(const workload::Program& program, const std::vector<workload::Step>& steps) {
  Seconds sum{};
  for (const workload::Step& step : steps) {
    if (step.kind == workload::StepKind::compute) {
      sum += program.blocks[static_cast<std::size_t>(step.index)].time;
    }
  }
  return sum;
}

/// The program of a small job in which all stages are alike and communication is (next to) free.
struct FreeCommunication {
  workload::Program program{};
  Seconds forward{};
  Seconds backward{};
  Result result{};
};
FreeCommunication without_communication(const SmallJob& small) {
  const spec::JobSpec job = test::small_job(small);
  const spec::ModelSpec model = test::small_model(small.pipeline * small.layers_per_stage);
  spec::ProfileSpec profile = test::round_profile(job, model);
  for (spec::CollectiveCurve& curve : profile.collectives) curve.latency = Seconds{};
  spec::TopologySpec topology = test::make_topology({.family = spec::Family::mpft,
                                                     .planes = 4,
                                                     .radix = 64,
                                                     .nodes = job.parallel.ranks() / 4,
                                                     .gpus = 4});
  topology.nodes.nvlink_latency = Seconds{};
  topology.nodes.nvlink_rate = gigabytes_per_second(1e12);
  topology.fabric.switch_latency = Seconds{};
  topology.fabric.link_rate = gigabytes_per_second(1e12);
  topology.fabric.uplink_rate = topology.fabric.link_rate;
  const auto placement = workload::place_in_order(job.parallel.ranks(), 4);
  FreeCommunication out;
  out.program = workload::training_program(
      {.job = job, .model = model, .profile = profile, .nodes = topology.nodes}, placement);
  // Embedding and head would make the first and last stage longer than the others: they take no
  // time here. So would the optimizer, whose size differs a little from stage to stage.
  for (workload::Block& block : out.program.blocks) {
    block.time = Seconds{};
    for (const workload::Operator& op : block.operators) {
      const bool at_an_end = op.id == "embedding" || op.id == "cross_entropy" ||
                             op.what.starts_with("head") || op.what.starts_with("final norm");
      if (!at_an_end) block.time += op.time;
    }
  }
  for (workload::StageProgram& stage : out.program.stages) stage.slots.pop_back();
  const workload::StageProgram& stage = out.program.stages.front();
  out.forward = block_time(out.program, stage.chunks[0].steps);
  out.backward = block_time(out.program, stage.chunks[1].steps);
  out.result = simulate(out.program, placement, fabric::lay_out(topology), {});
  return out;
}

// Ideal bubble of 1F1B: (P - 1)(F + B) (docs/equations.md), on every rank.
TEST(Step, HasTheIdealBubbleWhenCommunicationIsFree) {
  for (const SmallJob small :
       {SmallJob{.pipeline = 4, .micro_batches = 8}, SmallJob{.pipeline = 4, .micro_batches = 4},
        SmallJob{.pipeline = 2, .micro_batches = 5}}) {
    const FreeCommunication run = without_communication(small);
    const Seconds pair = run.forward + run.backward;
    for (const RankResult& rank : run.result.ranks) {
      EXPECT_NEAR(phase(rank, Phase::bubble).in(pair), small.pipeline - 1, 1e-6) << rank.rank;
      EXPECT_NEAR(rank.compute.in(pair), small.micro_batches, 1e-9);
    }
  }
}

TEST(Step, IsTheSameInBothEnginesOnEveryShape) {
  for (const spec::TopologySpec& topology : test::small_shapes()) {
    SCOPED_TRACE(spec::family_word(topology.fabric.family));
    const Seconds fast = test::simulate_small({.pipeline = 4}, topology).result.step_time;
    const Seconds reference =
        test::simulate_small({.pipeline = 4}, topology, {.engine = EngineKind::simgrid})
            .result.step_time;
    // Both solve the same max-min problem; sums of their events differ by rounding.
    EXPECT_NEAR(fast.in(reference), 1, 1e-9);
    const Seconds whole =
        test::simulate_small({.pipeline = 4}, topology, {.symmetry = false}).result.step_time;
    EXPECT_NEAR(fast.in(whole), 1, 1e-9);
  }
}

TEST(Step, SpendsEveryRanksTimeInExactlyOnePhase) {
  for (const TopologyOptions& fabric : test::small_fabrics(spec::Routing::spray)) {
    const Result result = test::simulate_small({.pipeline = 4}, fabric).result;
    std::int64_t ranks = 0;
    for (const RankResult& rank : result.ranks) {
      const Seconds sum = std::accumulate(rank.phases.begin(), rank.phases.end(), Seconds{});
      EXPECT_NEAR(sum.in(result.step_time), 1, 1e-12);
      ranks += rank.rank_count;
    }
    EXPECT_EQ(ranks, 32);
  }
}

// The reduction is exact: the same step, rank by rank, with far fewer flows.
TEST(Symmetry, ChangesNothingButTheWork) {
  for (const spec::Routing routing :
       {spec::Routing::spray, spec::Routing::static_path, spec::Routing::ecmp}) {
    for (const TopologyOptions& fabric : test::small_fabrics(routing)) {
      const Result reduced = test::simulate_small({.pipeline = 4}, fabric).result;
      const Result full = test::simulate_small({.pipeline = 4}, fabric, {.symmetry = false}).result;
      EXPECT_NEAR(reduced.step_time.in(full.step_time), 1, 1e-12);
      ASSERT_EQ(full.ranks.size(), 32U);
      for (const RankResult& rank : reduced.ranks) {
        const RankResult& same = full.ranks[static_cast<std::size_t>(rank.rank)];
        for (std::size_t p = 0; p < rank.phases.size(); ++p) {
          EXPECT_NEAR(rank.phases[p].in(full.step_time), same.phases[p].in(full.step_time), 1e-12);
        }
      }
      EXPECT_LE(reduced.symmetry.flow_classes, full.symmetry.flows);
    }
  }
}

TEST(Symmetry, FindsOneClassAStageOnASymmetricFabric) {
  const Result result =
      test::simulate_small({.pipeline = 4}, test::small_fabrics(spec::Routing::spray)[0]).result;
  EXPECT_EQ(result.symmetry.rank_classes, 4);
  EXPECT_EQ(result.symmetry.ranks, 32);
}

// Leaves of three nodes under expert groups of two: the middle group spans two leaves, the others
// do not, and the reduction must see it.
TEST(Symmetry, DoesNotMergeRanksThatTheFabricTreatsDifferently) {
  const TopologyOptions fabric{.family = spec::Family::fat_tree,
                               .radix = 16,
                               .nodes = 6,
                               .gpus = 4,
                               .leaf_oversubscription = 3};
  const SmallJob small{.pipeline = 1, .data = 24, .expert = 8};
  const Result reduced = test::simulate_small(small, fabric).result;
  const Result full = test::simulate_small(small, fabric, {.symmetry = false}).result;
  EXPECT_GT(reduced.symmetry.rank_classes, 1);
  EXPECT_LT(reduced.symmetry.rank_classes, 24);
  EXPECT_NEAR(reduced.step_time.in(full.step_time), 1, 1e-12);
}

TEST(Step, IsTheSameWithBothEngines) {
  for (const TopologyOptions& fabric : test::small_fabrics(spec::Routing::spray)) {
    const Result fast = test::simulate_small({.pipeline = 4}, fabric).result;
    const Result reference =
        test::simulate_small({.pipeline = 4}, fabric, {.engine = EngineKind::simgrid}).result;
    EXPECT_NEAR(fast.step_time.in(reference.step_time), 1, 1e-9);
    ASSERT_EQ(fast.ranks.size(), reference.ranks.size());
    for (std::size_t r = 0; r < fast.ranks.size(); ++r) {
      for (std::size_t p = 0; p < fast.ranks[r].phases.size(); ++p) {
        EXPECT_NEAR(fast.ranks[r].phases[p].in(fast.step_time),
                    reference.ranks[r].phases[p].in(fast.step_time), 1e-9);
      }
    }
  }
}

// Without reduction there are single flows with random routes: the engines must agree there too.
TEST(Step, IsTheSameWithBothEnginesUnderEcmp) {
  const TopologyOptions fabric = test::small_fabrics(spec::Routing::ecmp)[2];
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    const SimulationOptions fast{.symmetry = false, .seed = seed};
    SimulationOptions reference = fast;
    reference.engine = EngineKind::simgrid;
    const SmallJob small{.pipeline = 4, .layers_per_stage = 1, .micro_batches = 2};
    EXPECT_NEAR(
        test::simulate_small(small, fabric, fast)
            .result.step_time.in(test::simulate_small(small, fabric, reference).result.step_time),
        1, 1e-9);
  }
}

TEST(Step, DependsOnTheSeedOnlyUnderEcmp) {
  const auto step = [](spec::Routing routing, std::uint64_t seed) {
    return test::simulate_small({.pipeline = 2, .data = 16}, test::small_fabrics(routing)[2],
                                {.seed = seed})
        .result.step_time;
  };
  EXPECT_EQ(step(spec::Routing::spray, 1), step(spec::Routing::spray, 2));
  EXPECT_NE(step(spec::Routing::ecmp, 1), step(spec::Routing::ecmp, 2));
  EXPECT_EQ(step(spec::Routing::ecmp, 1), step(spec::Routing::ecmp, 1));
}

// Parts on unlike paths change which links they share, never how much is sent; with reduction and
// without, weights and all.
TEST(QueuePairs, AreReducedExactly) {
  for (TopologyOptions options : test::small_fabrics(spec::Routing::ecmp)) {
    spec::TopologySpec topology = test::make_topology(options);
    topology.fabric.queue_pairs = 5;
    const Result reduced = test::simulate_small({.pipeline = 4}, topology).result;
    const Result full = test::simulate_small({.pipeline = 4}, topology, {.symmetry = false}).result;
    EXPECT_NEAR(reduced.step_time.in(full.step_time), 1, 1e-12);
    const Result one = test::simulate_small({.pipeline = 4}, options, {.symmetry = false}).result;
    for (std::size_t i = 0; i < one.busiest_links.size(); ++i) {
      if (one.busiest_links[i].kind != fabric::LinkKind::nic_up) continue;
      EXPECT_NEAR(full.busiest_links[i].carried.in(one.busiest_links[i].carried), 1, 1e-12);
    }
  }
}

TEST(QueuePairs, OfALargeNumberComeNearSpray) {
  const auto step = [](spec::Routing routing, int queue_pairs) {
    spec::TopologySpec topology = test::make_topology(test::small_fabrics(routing)[2]);
    topology.fabric.queue_pairs = queue_pairs;
    return test::simulate_small({.pipeline = 2, .data = 16}, topology).result.step_time;
  };
  const Seconds spray = step(spec::Routing::spray, 1);
  const double one = step(spec::Routing::ecmp, 1).in(spray)-1;
  const double many = step(spec::Routing::ecmp, 64).in(spray)-1;
  EXPECT_GT(one, 0);
  // Of 64 parts over n links the fullest has about sqrt(2 ln(n) n / 64) more than its share.
  EXPECT_LT(many, one / 2);
}

TEST(Step, IsNotSlowerWhenAllLinksAreFaster) {
  const spec::JobSpec job = test::small_job({.pipeline = 2, .data = 16});
  const spec::ModelSpec model = test::small_model(4);
  const spec::ProfileSpec profile = test::round_profile(job, model);
  const auto placement = workload::place_in_order(32, 4);
  Seconds last = hours(1);
  for (const double factor : {1.0, 2.0, 4.0, 100.0}) {
    spec::TopologySpec topology = test::make_topology(test::small_fabrics(spec::Routing::spray)[1]);
    topology.fabric.link_rate = topology.fabric.link_rate * factor;
    topology.nodes.nvlink_rate = topology.nodes.nvlink_rate * factor;
    const workload::Program program = workload::training_program(
        {.job = job, .model = model, .profile = profile, .nodes = topology.nodes}, placement);
    const Seconds step = simulate(program, placement, fabric::lay_out(topology), {}).step_time;
    EXPECT_LT(step, last);
    last = step;
  }
}

TEST(LinkLoads, NameTheBusiestLinkOfEachKind) {
  const Result result =
      test::simulate_small({.pipeline = 4}, test::small_fabrics(spec::Routing::spray)[1]).result;
  ASSERT_FALSE(result.busiest_links.empty());
  for (const LinkLoad& load : result.busiest_links) {
    EXPECT_GT(load.mean_load, 0);
    EXPECT_LE(load.mean_load, 1);
    EXPECT_FALSE(load.name.empty());
  }
}

}  // namespace
}  // namespace planewise::simulate
