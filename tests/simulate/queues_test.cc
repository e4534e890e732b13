// Exchanges beside compute, on two ranks: times worked out by hand.
#include <gtest/gtest.h>

#include <numeric>

#include "simulate/completion.h"
#include "simulate/contention.h"
#include "simulate/critical_path.h"
#include "simulate/driver.h"
#include "simulate/explain.h"

namespace planewise::simulate {
namespace {

using workload::Phase;
using workload::Step;
using workload::StepKind;

// Labels: `a` and `c` share queue 0, `b` has queue 1; `message` waits in queue 0.
constexpr int kA = 0, kB = 1, kC = 2, kMessage = 3;
constexpr Step kOneSecond{StepKind::compute, 0};
constexpr Step kThreeSeconds{StepKind::compute, 1};

Step start(int label) { return {StepKind::start, label}; }
Step wait(int label) { return {StepKind::wait, label}; }
Step exchange(int label) { return {StepKind::exchange, label}; }

/// Two ranks that run slots written by hand; a link of 1 GB/s each way. `a` and `b` are 2 GB each
/// way, `c` and the message (from rank 0 to 1) 1 GB. No latency.
struct Pair {
  workload::Program program{};
  System system{};

  Pair(const std::vector<std::vector<Step>>& first, const std::vector<std::vector<Step>>& second) {
    program.blocks = {{.name = "1 s", .time = seconds(1), .routed_time = seconds(0.5)},
                      {.name = "3 s", .time = seconds(3)}};
    program.labels = {{.name = "a"},
                      {.name = "b", .queue = 1},
                      {.name = "c"},
                      {.name = "message", .is_message = true}};
    program.stage_of_rank = {0, 1};
    for (const auto* slots : {&first, &second}) {
      workload::StageProgram stage;
      for (const std::vector<Step>& steps : *slots) {
        stage.slots.push_back({Phase::forward_1f, static_cast<int>(stage.chunks.size())});
        stage.chunks.push_back({.name = "chunk", .steps = steps});
      }
      program.stages.push_back(stage);
    }
    system.program = &program;
    system.rank_of = {0, 1};
    system.rank_weight = {1, 1};
    system.links = {{.capacity = gigabytes_per_second(1)}, {.capacity = gigabytes_per_second(1)}};
    system.paths = {0, 1};
    for (const double size : {2e9, 2e9, 1e9}) add_exchange(bytes(size));
    system.flows.push_back({.source = 0, .destination = 1, .size = bytes(1e9), .path_length = 1});
    system.transfers.push_back(
        {.label = kMessage, .members = {0, 1}, .flow_begin = 6, .flow_end = 7});
  }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;

  void add_exchange(Bytes size) {
    const auto begin = static_cast<std::int32_t>(system.flows.size());
    for (const int source : {0, 1}) {
      system.flows.push_back({.source = source,
                              .destination = 1 - source,
                              .size = size,
                              .path_begin = source,
                              .path_length = 1});
    }
    system.transfers.push_back({.label = static_cast<int>(system.transfers.size()),
                                .members = {0, 1},
                                .flow_begin = begin,
                                .flow_end = begin + 2});
  }

  DrivenStep drive_fast(const Observers& observers = {}) const {
    DrivenStep step = drive(system, engine::make_fast_engine, {}, observers);
    for (const RankResult& rank : step.ranks) {
      const Seconds sum = std::accumulate(rank.phases.begin(), rank.phases.end(), Seconds{});
      EXPECT_NEAR(sum.base(), step.step_time.base(), 1e-12);
    }
    return step;
  }
};

/// Both ranks run the same steps in one slot.
Pair alike(const std::vector<Step>& steps) { return Pair({steps}, {steps}); }

struct Times {
  double busy = 0;
  double exposed = 0;
};
void expect_times(const RankResult& rank, int label, const Times& expected) {
  const auto l = static_cast<std::size_t>(label);
  EXPECT_NEAR(rank.busy[l].base(), expected.busy, 1e-12);
  EXPECT_NEAR(rank.exposed[l].base(), expected.exposed, 1e-12);
  EXPECT_NEAR(rank.hidden(l).base(), expected.busy - expected.exposed, 1e-12);
}

// max(2 s of exchange, compute).
TEST(Queues, ComputesBesideAnExchange) {
  const DrivenStep longer = alike({start(kA), kThreeSeconds, wait(kA)}).drive_fast();
  EXPECT_NEAR(longer.step_time.base(), 3, 1e-12);
  expect_times(longer.ranks[0], kA, {.busy = 2, .exposed = 0});
  const DrivenStep shorter = alike({start(kA), kOneSecond, wait(kA), kOneSecond}).drive_fast();
  EXPECT_NEAR(shorter.step_time.base(), 2 + 1, 1e-12);
  expect_times(shorter.ranks[0], kA, {.busy = 2, .exposed = 1});
}

TEST(Queues, StartAndWaitInOneAreAnExchange) {
  const DrivenStep apart = alike({kOneSecond, start(kA), wait(kA)}).drive_fast();
  const DrivenStep in_one = alike({kOneSecond, exchange(kA)}).drive_fast();
  EXPECT_EQ(apart.step_time, in_one.step_time);
  EXPECT_EQ(apart.ranks[0].phases, in_one.ranks[0].phases);
  EXPECT_EQ(apart.ranks[0].exposed, in_one.ranks[0].exposed);
  EXPECT_EQ(in_one.ranks[0].busy, in_one.ranks[0].exposed);
}

// `c` waits for `a`, though nobody waits for `a`: while the rank waits for `c`, what is on the wire
// first is `a`.
TEST(Queues, RunExchangesOneAfterTheOther) {
  const DrivenStep step = alike({start(kA), exchange(kC)}).drive_fast();
  EXPECT_NEAR(step.step_time.base(), 2 + 1, 1e-12);
  expect_times(step.ranks[0], kA, {.busy = 2, .exposed = 2});
  expect_times(step.ranks[0], kC, {.busy = 1, .exposed = 1});
}

// Each gets half of the link: both take 4 s. The rank waits for `a`, and `b` is done then.
TEST(Queues, ShareALink) {
  const DrivenStep step = alike({start(kA), start(kB), wait(kA), wait(kB)}).drive_fast();
  EXPECT_NEAR(step.step_time.base(), 4, 1e-12);
  expect_times(step.ranks[0], kA, {.busy = 4, .exposed = 4});
  expect_times(step.ranks[0], kB, {.busy = 4, .exposed = 0});
}

TEST(Queues, WaitForTheOldestStart) {
  // The first `a` ends at 2 s, the second at 4 s; compute from 2 s to 3 s.
  const DrivenStep step =
      alike({start(kA), start(kA), wait(kA), kOneSecond, wait(kA)}).drive_fast();
  EXPECT_NEAR(step.step_time.base(), 4, 1e-12);
  expect_times(step.ranks[1], kA, {.busy = 4, .exposed = 3});
}

TEST(Queues, RunAcrossSlots) {
  const std::vector<std::vector<Step>> slots = {{start(kA), kOneSecond}, {}, {wait(kA)}};
  const DrivenStep step = Pair(slots, slots).drive_fast();
  EXPECT_NEAR(step.step_time.base(), 2, 1e-12);
  EXPECT_NEAR(step.ranks[0].chunks[0].base(), 1, 1e-12);
  EXPECT_NEAR(step.ranks[0].chunks[2].base(), 1, 1e-12);
}

// The step is over when its queues are: `a` and `b` share the link, then `c` has it alone.
TEST(Queues, DrainAtTheEnd) {
  const DrivenStep step = alike({start(kA), start(kB), start(kC), kOneSecond}).drive_fast();
  EXPECT_NEAR(step.step_time.base(), 4 + 1, 1e-12);
  expect_times(step.ranks[0], kA, {.busy = 4, .exposed = 3});
  expect_times(step.ranks[0], kB, {.busy = 4, .exposed = 0});
  expect_times(step.ranks[0], kC, {.busy = 1, .exposed = 1});
}

// The message goes when `a` has left the queue; sent directly it shares the link with `a`.
TEST(Queues, SendBehindWhatTheyHold) {
  const DrivenStep queued = Pair({{start(kA), {StepKind::send_queued, kMessage}}},
                                 {{start(kA), {StepKind::receive, kMessage}}})
                                .drive_fast();
  EXPECT_NEAR(queued.step_time.base(), 2 + 1, 1e-12);
  EXPECT_NEAR(queued.ranks[1].phases[static_cast<std::size_t>(Phase::bubble)].base(), 3, 1e-12);
  const DrivenStep beside = Pair({{start(kA), {StepKind::send, kMessage}}},
                                 {{start(kA), {StepKind::receive, kMessage}, kThreeSeconds}})
                                .drive_fast();
  EXPECT_NEAR(beside.step_time.base(), 2 + 3, 1e-12);  // 1 GB at half the rate
}

// Rank 1 starts `a` at 3 s. Rank 0 waits from 1 s on: 2 s of skew, then the exchange.
TEST(Queues, TellSkewFromTheExchange) {
  const DrivenStep step =
      Pair({{start(kA), kOneSecond, wait(kA)}}, {{kThreeSeconds, start(kA), kOneSecond, wait(kA)}})
          .drive_fast();
  EXPECT_NEAR(step.step_time.base(), 5, 1e-12);
  EXPECT_NEAR(step.ranks[0].skew.base(), 2, 1e-12);
  expect_times(step.ranks[0], kA, {.busy = 2, .exposed = 2});
  EXPECT_NEAR(step.ranks[1].skew.base(), 0, 1e-12);
  expect_times(step.ranks[1], kA, {.busy = 2, .exposed = 1});
}

// `a` from 0 to 2 s. Rank 0 has `c` at the head from 2 s on, rank 1 from 3 s: 1 s on the wire.
TEST(Queues, TellWaitingInTheQueueFromSkew) {
  const DrivenStep step = Pair({{start(kA), start(kC), kOneSecond, wait(kC)}},
                               {{start(kA), kThreeSeconds, exchange(kC)}})
                              .drive_fast();
  EXPECT_NEAR(step.step_time.base(), 4, 1e-12);
  expect_times(step.ranks[0], kA, {.busy = 2, .exposed = 1});
  EXPECT_NEAR(step.ranks[0].skew.base(), 1, 1e-12);
  expect_times(step.ranks[0], kC, {.busy = 1, .exposed = 1});
  expect_times(step.ranks[1], kA, {.busy = 2, .exposed = 0});
}

// Half of the 1 s grows with the tokens: 1.5 and 0.5 of what is balanced make 1.25 s and 0.75 s.
TEST(Loads, MakeBlocksLonger) {
  Pair pair({{{StepKind::compute, 0, 0}, kOneSecond}}, {{{StepKind::compute, 0, 0}}});
  pair.program.loads = {{1.5, 0.5}};
  pair.program.blocks[0].estimated_time = seconds(0.2);
  const DrivenStep step = pair.drive_fast();
  EXPECT_NEAR(step.step_time.base(), 1.25 + 1, 1e-12);
  EXPECT_NEAR(step.ranks[0].compute.base(), 2.25, 1e-12);
  EXPECT_NEAR(step.ranks[0].imbalance.base(), 0.25, 1e-12);
  EXPECT_NEAR(step.ranks[0].estimated_compute.base(), 0.2 * 1.25 + 0.2, 1e-12);
  EXPECT_NEAR(step.ranks[1].compute.base(), 0.75, 1e-12);
  EXPECT_NEAR(step.ranks[1].imbalance.base(), -0.25, 1e-12);
}

TEST(QueuesDeathTest, RefuseToWaitForWhatWasNotStarted) {
  const Pair pair = alike({start(kA), wait(kA), wait(kA)});
  EXPECT_DEATH(drive(pair.system, engine::make_fast_engine, {}), "asked");
  const Pair wrong = alike({start(kMessage)});
  EXPECT_DEATH(drive(wrong.system, engine::make_fast_engine, {}), "is_message");
}

// --- the critical path

struct Piece {
  StepKind kind;
  int index;
  int rank;
  double began;
  double ended;
};

void expect_path(const Pair& pair, const std::vector<Piece>& expected) {
  CriticalPath path;
  pair.drive_fast({&path});
  ASSERT_EQ(path.segments().size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const PathSegment& segment = path.segments()[i];
    EXPECT_EQ(segment.kind, expected[i].kind) << i;
    EXPECT_EQ(segment.index, expected[i].index) << i;
    EXPECT_EQ(segment.rank, expected[i].rank) << i;
    EXPECT_NEAR(segment.began.base(), expected[i].began, 1e-12) << i;
    EXPECT_NEAR(segment.ended.base(), expected[i].ended, 1e-12) << i;
  }
}

TEST(CriticalPathOfQueues, StaysWithComputeThatHidesTheExchange) {
  expect_path(Pair({{start(kA), kThreeSeconds, wait(kA)}}, {{start(kA), wait(kA)}}),
              {{StepKind::compute, 1, 0, 0, 3}});
}

// Rank 1 comes last, from its compute; rank 0 had computed beside it.
TEST(CriticalPathOfQueues, GoesFromAWaitToTheLastMembersCompute) {
  expect_path(Pair({{start(kA), kOneSecond, wait(kA), kOneSecond}}, {{kThreeSeconds, start(kA)}}),
              {{StepKind::compute, 1, 1, 0, 3},
               {StepKind::exchange, kA, 0, 3, 5},
               {StepKind::compute, 0, 0, 5, 6}});
}

TEST(CriticalPathOfQueues, GoesFromAWaitThroughTheQueue) {
  const std::vector<Step> steps = {kOneSecond, start(kA), start(kC), kOneSecond, wait(kC)};
  CriticalPath path;
  const DrivenStep step = alike(steps).drive_fast({&path});
  EXPECT_NEAR(step.step_time.base(), 4, 1e-12);
  ASSERT_EQ(path.segments().size(), 3U);
  EXPECT_EQ(path.segments()[0].kind, StepKind::compute);
  EXPECT_EQ(path.segments()[1].index, kA);
  EXPECT_EQ(path.segments()[2].index, kC);
}

TEST(CriticalPathOfQueues, GoesFromAMessageThroughTheQueue) {
  expect_path(Pair({{start(kA), {StepKind::send_queued, kMessage}}},
                   {{start(kA), {StepKind::receive, kMessage}, kOneSecond}}),
              {{StepKind::exchange, kA, 0, 0, 2},
               {StepKind::send, kMessage, 0, 2, 3},
               {StepKind::compute, 0, 1, 3, 4}});
}

// `a` and `c` under one name are one line: 2 + 1 s.
TEST(CriticalPathOfQueues, NamesLabelsOfOneNameOnce) {
  Pair pair({{exchange(kA), exchange(kC)}}, {{exchange(kA), exchange(kC)}});
  pair.program.labels[kC].name = "a";
  find_bounds(pair.system);
  CriticalPath path;
  TransferTimes times;
  Completion completion;
  pair.drive_fast({&path, &times, &completion});
  const Explanation why = explain(path.segments(), pair.system, 1);
  ASSERT_EQ(why.by_work.size(), 1U);
  EXPECT_EQ(why.by_work[0].pieces, 2);
  EXPECT_NEAR(why.by_work[0].time.base(), 3, 1e-12);
  ASSERT_EQ(times.by_label().size(), 1U);
  EXPECT_NEAR(times.by_label()[0].mean.base(), 1.5, 1e-12);
  ASSERT_EQ(completion.by_label().size(), 1U);
  EXPECT_EQ(completion.by_label()[0].flows, 4);
}

TEST(CriticalPathOfQueues, ReachesTheEndOfADrain) {
  expect_path(Pair({{kOneSecond, start(kA)}}, {{start(kA)}}),
              {{StepKind::compute, 0, 0, 0, 1}, {StepKind::exchange, kA, 0, 1, 3}});
}

}  // namespace
}  // namespace planewise::simulate
