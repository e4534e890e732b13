// The driver on programs written by hand: exact times of single exchanges and message channels.
#include "simulate/driver.h"

#include <gtest/gtest.h>

#include "engine/engine.h"

namespace planewise::simulate {
namespace {

using workload::Phase;
using workload::Program;
using workload::StepKind;

/// Two ranks that run `steps[rank]` as one slot; one 1 GB/s link each way (links 0 and 1).
struct TwoRanks {
  Program program{};
  System system{};

  TwoRanks(std::vector<workload::Step> first, std::vector<workload::Step> second) {
    program.blocks = {{.name = "1 s", .time = seconds(1)}, {.name = "3 s", .time = seconds(3)}};
    program.labels = {{.name = "exchange"}, {.name = "message", .is_message = true}};
    program.stage_of_rank = {0, 1};
    for (auto* steps : {&first, &second}) {
      program.stages.push_back(
          {.chunks = {{.name = "all", .steps = *steps}}, .slots = {{Phase::forward_1f, 0}}});
    }
    system.program = &program;
    system.rank_of = {0, 1};
    system.rank_weight = {1, 1};
    system.links = {{.capacity = gigabytes_per_second(1)}, {.capacity = gigabytes_per_second(1)}};
    system.paths = {0, 1};
    // An exchange of 2 GB one way and 1 GB the other; a message of 1 GB from rank 0 to rank 1.
    system.flows = {flow(0, 1, 2e9, 0), flow(1, 0, 1e9, 1), flow(0, 1, 1e9, 0)};
    system.transfers = {
        {.label = 0, .members = {0, 1}, .flow_begin = 0, .flow_end = 2, .tail = seconds(0.5)},
        {.label = 1, .members = {0, 1}, .flow_begin = 2, .flow_end = 3}};
  }

  static SystemFlow flow(int source, int destination, double size, int link) {
    return {.source = source,
            .destination = destination,
            .size = bytes(size),
            .latency = seconds(0.25),
            .path_begin = link,
            .path_end = link + 1};
  }
  DrivenStep drive_fast() const { return drive(system, engine::make_fast_engine, {}); }
};

constexpr workload::Step kOneSecond{StepKind::compute, 0};
constexpr workload::Step kThreeSeconds{StepKind::compute, 1};
constexpr workload::Step kExchange{StepKind::exchange, 0};
constexpr workload::Step kSend{StepKind::send, 1};
constexpr workload::Step kReceive{StepKind::receive, 1};

TEST(Driver, StartsAnExchangeWithItsLastMember) {
  const TwoRanks two({kOneSecond, kExchange}, {kThreeSeconds, kExchange});
  const DrivenStep step = two.drive_fast();
  // Rank 1 arrives at 3 s; 0.25 s latency, 2 s for 2 GB at 1 GB/s, 0.5 s tail. Both ranks touch
  // both flows.
  EXPECT_NEAR(step.step_time.base(), 5.75, 1e-12);
  EXPECT_NEAR(step.ranks[0].skew.base(), 2, 1e-12);
  EXPECT_NEAR(step.ranks[1].skew.base(), 0, 1e-12);
  EXPECT_NEAR(step.ranks[0].exposed[0].base(), 2.75, 1e-12);
}

TEST(Driver, SendsWithoutWaitingAndReceivesWithout) {
  const TwoRanks two({kOneSecond, kSend, kThreeSeconds}, {kReceive, kOneSecond});
  const DrivenStep step = two.drive_fast();
  // The message is there at 1 + 0.25 + 1 = 2.25 s; rank 1 then computes 1 s; rank 0 ends at 4 s.
  EXPECT_NEAR(step.step_time.base(), 4, 1e-12);
  const double bubble = step.ranks[1].phases[static_cast<std::size_t>(Phase::bubble)].base();
  EXPECT_NEAR(bubble, 2.25 + (4 - 3.25), 1e-12);
}

TEST(Driver, SendsTheMessagesOfAChannelOneAfterTheOther) {
  const TwoRanks two({kSend, kSend, kSend}, {kReceive, kReceive, kReceive});
  // Three times 0.25 + 1 s, not three at once.
  EXPECT_NEAR(two.drive_fast().step_time.base(), 3.75, 1e-12);
}

TEST(Driver, CountsWhatTheLinksCarried) {
  const TwoRanks two({kSend, kExchange, kExchange}, {kReceive, kExchange, kExchange});
  const DrivenStep step = two.drive_fast();
  EXPECT_NEAR(step.carried[0].base(), 2 * 2e9 + 1e9, 1);
  EXPECT_NEAR(step.carried[1].base(), 2 * 1e9, 1);
}

TEST(Driver, ReportsProgressToTheEnd) {
  const TwoRanks two({kOneSecond}, {kThreeSeconds});
  double last = 0;
  drive(two.system, engine::make_fast_engine, [&](double share) {
    EXPECT_GT(share, last);
    last = share;
  });
  EXPECT_EQ(last, 1);
}

}  // namespace
}  // namespace planewise::simulate
