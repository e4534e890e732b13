// Cases whose completion times can be worked out by hand, with every engine.
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "engine/engine.h"
#include "engine/engines.h"

namespace planewise::engine {
namespace {

// A handful of operations on doubles, each within 1.1e-16.
constexpr double kTolerance = 1e-14;

/// Runs one engine and keeps when each flow ended.
class ClosedForm : public EachEngine {
 protected:
  void build(std::vector<Rate> capacities) {
    engine_ = GetParam().make(std::move(capacities),
                              {.on_flow = [this](FlowId id) { ends_[id] = engine_->now(); },
                               .on_timer = [this](TimerId id) { timers_.at(id)(); }});
  }
  void start(FlowId id, std::vector<LinkId> path, Bytes size, int weight = 1) {
    engine_->start_flow({.id = id, .path = path, .size = size, .weight = weight});
  }
  void at(Seconds time, std::function<void()> action) {
    timers_[timers_.size()] = std::move(action);
    engine_->at(time, timers_.size() - 1);
  }
  void expect_end(FlowId id, Seconds time) {
    ASSERT_TRUE(ends_.contains(id)) << "flow " << id;
    EXPECT_NEAR(ends_[id].in(time), 1, kTolerance) << "flow " << id;
  }

  std::unique_ptr<Engine> engine_;
  std::map<FlowId, Seconds> ends_;
  std::map<TimerId, std::function<void()>> timers_;
};

const Rate kLink = gigabytes_per_second(50);
const Bytes kSize = bytes(1e6);
const Seconds kAlone = kSize / kLink;  // 20 us

TEST_P(ClosedForm, OneFlowTakesSizeOverCapacity) {
  build({kLink});
  start(1, {0}, kSize);
  EXPECT_TRUE(engine_->run());
  expect_end(1, kAlone);
}

TEST_P(ClosedForm, FractionsOfAByteCount) {
  build({bytes_per_second(1)});
  start(1, {0}, bytes(0.375));
  EXPECT_TRUE(engine_->run());
  expect_end(1, seconds(0.375));
}

TEST_P(ClosedForm, LinkIsSharedEqually) {
  build({kLink});
  for (FlowId id = 1; id <= 7; ++id) start(id, {0}, kSize);
  EXPECT_TRUE(engine_->run());
  for (FlowId id = 1; id <= 7; ++id) expect_end(id, kAlone * 7);
}

TEST_P(ClosedForm, LinkOfFlowsOfOneToFourUnits) {
  build({kLink});
  for (FlowId id = 1; id <= 4; ++id) start(id, {0}, kSize * static_cast<double>(id));
  EXPECT_TRUE(engine_->run());
  // Until the flow of k units ends, all of k units are sent of it and of those after it.
  expect_end(1, kAlone * 4);  // 4 x 1
  expect_end(2, kAlone * 7);  // 1 + 3 x 2
  expect_end(3, kAlone * 9);  // 1 + 2 + 2 x 3
  expect_end(4, kAlone * (1 + 2 + 3 + 4));
}

TEST_P(ClosedForm, IncastIsBoundByTheReceiver) {
  constexpr int kSenders = 15;
  build(std::vector<Rate>(kSenders + 1, kLink));
  for (int sender = 0; sender < kSenders; ++sender) {
    start(static_cast<FlowId>(sender), {sender, kSenders}, kSize);
  }
  EXPECT_NEAR(engine_->load(kSenders).in(kLink), 1, kTolerance);
  EXPECT_NEAR(engine_->load(0).in(kLink), 1.0 / kSenders, kTolerance);
  EXPECT_TRUE(engine_->run());
  for (FlowId sender = 0; sender < kSenders; ++sender) expect_end(sender, kAlone * kSenders);
}

TEST_P(ClosedForm, ParkingLot) {
  // Flow 0 crosses three links of 3, 1 and 2 units; flow k only link k - 1. The middle link gives
  // 1/2 to each of its two, so that flows 1 and 3 get 5/2 and 3/2.
  const Rate unit = kLink;
  build({unit * 3, unit, unit * 2});
  start(0, {0, 1, 2}, kSize);
  for (const LinkId link : {0, 1, 2}) start(static_cast<FlowId>(link) + 1, {link}, kSize);
  EXPECT_TRUE(engine_->run());
  expect_end(1, kAlone / 2.5);
  expect_end(3, kAlone / 1.5);
  // Flows 0 and 2 share the middle link to the end.
  expect_end(0, kAlone * 2);
  expect_end(2, kAlone * 2);
}

TEST_P(ClosedForm, LinkNamedTwiceIsUsedTwice) {
  build({kLink});
  start(1, {0, 0}, kSize);
  start(2, {0}, kSize);
  EXPECT_NEAR(engine_->load(0).in(kLink), 1, kTolerance);
  EXPECT_TRUE(engine_->run());
  // At level c/3 both end after 3 units of time.
  expect_end(1, kAlone * 3);
  expect_end(2, kAlone * 3);
}

TEST_P(ClosedForm, WeightIsThatManyFlows) {
  build({kLink});
  start(1, {0}, kSize, 3);
  start(2, {0}, kSize * 2);
  EXPECT_TRUE(engine_->run());
  expect_end(1, kAlone * 4);  // 4 members of 1 unit each
  expect_end(2, kAlone * 5);  // and 1 more unit, alone
}

TEST_P(ClosedForm, StoppedLinkDelaysByTheTimeItIsDown) {
  build({kLink});
  start(1, {0}, kSize);
  at(kAlone * 0.25, [this] { engine_->set_capacity(0, Rate{}); });
  at(kAlone * 3.25, [this] { engine_->set_capacity(0, kLink); });
  EXPECT_TRUE(engine_->run());
  expect_end(1, kAlone * 4);
}

TEST_P(ClosedForm, FlowStartedOnAStoppedLinkWaits) {
  build({Rate{}, kLink});
  start(1, {0, 1}, kSize);
  start(2, {1}, kSize);  // has link 1 to itself meanwhile
  EXPECT_EQ(engine_->load(0), Rate{});
  at(kAlone * 2, [this] { engine_->set_capacity(0, kLink); });
  EXPECT_TRUE(engine_->run());
  expect_end(2, kAlone);
  expect_end(1, kAlone * 3);
}

TEST_P(ClosedForm, CapacityThatRisesAndFalls) {
  build({kLink});
  start(1, {0}, kSize);
  at(kAlone * 0.25, [this] { engine_->set_capacity(0, kLink * 2); });
  at(kAlone * 0.5, [this] { engine_->set_capacity(0, kLink / 4); });
  EXPECT_TRUE(engine_->run());
  // 1/4 at c, 1/2 at 2c, the last 1/4 at c/4.
  expect_end(1, kAlone * 1.5);
}

TEST_P(ClosedForm, CancelReturnsWhatIsLeftOfEachMember) {
  build({kLink});
  start(1, {0}, kSize, 2);
  start(2, {0}, kSize * 2);
  Bytes left{};
  at(kAlone * 1.5, [&] { left = engine_->cancel(1); });  // 1/2 sent by each of three
  EXPECT_TRUE(engine_->run());
  EXPECT_NEAR(left.in(kSize), 0.5, kTolerance);
  EXPECT_FALSE(ends_.contains(1));
  expect_end(2, kAlone * 3);
}

TEST_P(ClosedForm, EndsHalfANanosecondApart) {
  build({kLink, kLink});
  start(1, {0}, kSize);
  start(2, {1}, kSize + bytes(25));
  EXPECT_TRUE(engine_->run());
  expect_end(1, kAlone);
  expect_end(2, kAlone + seconds(0.5e-9));
}

INSTANTIATE_TEST_SUITE_P(Engine, ClosedForm, testing::ValuesIn(all_engines()), name_of);

}  // namespace
}  // namespace planewise::engine
