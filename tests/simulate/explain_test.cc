// The critical path of steps worked out by hand, its laws on whole steps, and what is made of it.
#include "simulate/explain.h"

#include <gtest/gtest.h>

#include <cmath>

#include "simulate/contention.h"
#include "simulate/small_system.h"
#include "simulate/two_ranks.h"

namespace planewise::simulate {
namespace {

using namespace test;

struct Piece {
  StepKind kind;
  int rank;
  double began;
  double ended;
};

void expect_path(const TwoRanks& two, const std::vector<Piece>& expected) {
  CriticalPath path;
  two.drive_fast({&path});
  ASSERT_EQ(path.segments().size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const PathSegment& segment = path.segments()[i];
    EXPECT_EQ(segment.kind, expected[i].kind) << i;
    EXPECT_EQ(segment.rank, expected[i].rank) << i;
    EXPECT_NEAR(segment.began.base(), expected[i].began, 1e-12) << i;
    EXPECT_NEAR(segment.ended.base(), expected[i].ended, 1e-12) << i;
  }
}

TEST(CriticalPath, GoesThroughTheLastMemberOfAnExchange) {
  // Rank 1 comes last, at 3 s; then 0.25 s, 2 GB at 1 GB/s, a tail of 0.5 s. Rank 0 goes on
  // longest.
  expect_path(TwoRanks({kOneSecond, kExchange, kOneSecond}, {kThreeSeconds, kExchange}),
              {{StepKind::compute, 1, 0, 3},
               {StepKind::exchange, 0, 3, 5.75},
               {StepKind::compute, 0, 5.75, 6.75}});
}

TEST(CriticalPath, GoesThroughAMessageThatWasWaitedFor) {
  expect_path(TwoRanks({kOneSecond, kSend}, {kReceive, kThreeSeconds}),
              {{StepKind::compute, 0, 0, 1},
               {StepKind::send, 0, 1, 2.25},
               {StepKind::compute, 1, 2.25, 5.25}});
}

TEST(CriticalPath, StaysWithARankWhoseMessageIsThere) {
  expect_path(TwoRanks({kSend}, {kThreeSeconds, kReceive, kOneSecond}),
              {{StepKind::compute, 1, 0, 3}, {StepKind::compute, 1, 3, 4}});
}

TEST(CriticalPath, FollowsAChannelsQueue) {
  expect_path(TwoRanks({kSend, kSend, kSend}, {kReceive, kReceive, kReceive}),
              {{StepKind::send, 0, 0, 1.25},
               {StepKind::send, 0, 1.25, 2.5},
               {StepKind::send, 0, 2.5, 3.75}});
}

TEST(CriticalPath, TellsLatencyFromTheWire) {
  CriticalPath path;
  TwoRanks({kExchange, kSend}, {kExchange, kReceive}).drive_fast({&path});
  ASSERT_EQ(path.segments().size(), 2U);
  EXPECT_NEAR(path.segments()[0].latency.base(), 0.25 + 0.5, 1e-12);
  EXPECT_NEAR(path.segments()[1].latency.base(), 0.25, 1e-12);
}

// On every fabric, reduced or not: from 0 to the step's end without a gap, bit for bit.
TEST(CriticalPath, CoversTheStepWithoutAGap) {
  for (const spec::Routing routing : {spec::Routing::spray, spec::Routing::ecmp}) {
    for (const TopologyOptions& fabric : small_fabrics(routing)) {
      for (const bool symmetry : {true, false}) {
        CriticalPath path;
        const Result result =
            simulate_small({.pipeline = 4}, fabric, {.symmetry = symmetry, .observers = {&path}})
                .result;
        Seconds end{};
        for (const PathSegment& segment : path.segments()) {
          EXPECT_EQ(segment.began, end);
          EXPECT_GT(segment.ended, segment.began);
          EXPECT_GE(segment.latency, Seconds{});
          EXPECT_LE(segment.latency, segment.time());
          end = segment.ended;
        }
        EXPECT_EQ(end, result.step_time);
      }
    }
  }
}

Seconds sum_of(const std::vector<PathShare>& shares) {
  Seconds sum{};
  for (const PathShare& share : shares) sum += share.time;
  return sum;
}

TEST(Explain, AddsUpToTheStep) {
  for (const TopologyOptions& fabric : small_fabrics(spec::Routing::ecmp)) {
    const Result result =
        simulate_small({.pipeline = 4}, fabric, {.watch = {.explanation = true, .longest = 7}})
            .result;
    const Explanation why = result.explanation.value();
    for (const auto* shares : {&why.by_work, &why.by_phase, &why.by_stage}) {
      EXPECT_NEAR(sum_of(*shares).in(result.step_time), 1, 1e-12);
    }
    EXPECT_EQ(why.longest.size(), 7U);
    for (const Saving& saving : why.savings) EXPECT_LE(saving.at_most, result.step_time / 2);
  }
}

// Nothing contends: the exchange takes what its busiest link needs, and no less.
TEST(Contention, IsNoneOnAnIdleFabric) {
  TwoRanks two({kExchange}, {kThreeSeconds, kExchange});
  find_bounds(two.system);
  TransferTimes times;
  two.drive_fast({&times});
  const std::vector<LabelTimes> labels = times.by_label();
  ASSERT_EQ(labels.size(), 1U);
  EXPECT_NEAR(labels[0].alone.base(), 0.25 + 2 + 0.5, 1e-12);
  EXPECT_NEAR(labels[0].mean.base(), 0.25 + 2 + 0.5, 1e-12);
  EXPECT_NEAR(labels[0].longest.base(), labels[0].mean.base(), 1e-12);
}

TEST(Contention, NeverMakesATransferFasterThanAlone) {
  for (const spec::Routing routing : {spec::Routing::spray, spec::Routing::static_path}) {
    for (const TopologyOptions& fabric : small_fabrics(routing)) {
      for (const bool symmetry : {true, false}) {
        const Result result = simulate_small({.pipeline = 4}, fabric,
                                             {.symmetry = symmetry, .watch = {.explanation = true}})
                                  .result;
        for (const LabelTimes& label : result.transfers) {
          EXPECT_GE(label.mean.in(label.alone), 1 - 1e-9) << label.label;
          EXPECT_GE(label.together.in(label.alone), 1 - 1e-12) << label.label;
          EXPECT_GE(label.longest, label.mean * (1 - 1e-12));
        }
      }
    }
  }
}

// Halving what the path spends in compute cannot save more than the half of it: with compute twice
// as fast the step is shorter, but not by more than the bound.
TEST(Explain, BoundsWhatFasterComputeSaves) {
  TwoRanks slow({kOneSecond, kExchange}, {kThreeSeconds, kExchange});
  find_bounds(slow.system);
  CriticalPath path;
  const Seconds before = slow.drive_fast({&path}).step_time;
  const Explanation why = explain(path.segments(), slow.system, 1);
  for (workload::Block& block : slow.program.blocks) block.time = block.time / 2;
  const Seconds saved = before - slow.drive_fast().step_time;
  ASSERT_FALSE(why.savings.empty());
  EXPECT_EQ(why.savings[0].what, Saving::What::compute);  // 3 s against 2 s and 0.75 s
  EXPECT_NEAR(why.savings[0].at_most.base(), 1.5, 1e-12);
  EXPECT_LE(saved.base(), why.savings[0].at_most.base() + 1e-12);
}

}  // namespace
}  // namespace planewise::simulate
