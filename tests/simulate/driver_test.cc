// The driver on programs written by hand: exact times of single exchanges and message channels.
#include "simulate/driver.h"

#include <gtest/gtest.h>

#include "simulate/two_ranks.h"

namespace planewise::simulate {
namespace {

using namespace test;

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
  Moment last;
  drive(two.system, engine::make_fast_engine, [&](const Moment& moment) {
    EXPECT_GT(moment.share, last.share);
    EXPECT_GE(moment.time, last.time);
    last = moment;
  });
  EXPECT_EQ(last.share, 1);
  EXPECT_EQ(last.time, seconds(3));
}

}  // namespace
}  // namespace planewise::simulate
