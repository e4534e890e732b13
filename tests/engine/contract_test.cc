// What engine.h promises, with every engine: what is called back when, and what the callbacks may
// do.
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "engine/engine.h"
#include "engine/engines.h"

namespace planewise::engine {
namespace {

const Rate kLink = gigabytes_per_second(1);
const Bytes kMillisecond = bytes(1e6);  ///< What a link carries in 1 ms.

/// Runs one engine and keeps what it called back, as "f1" for flow 1 and "t1" for timer 1.
class Contract : public EachEngine {
 protected:
  void SetUp() override {
    engine_ =
        GetParam().make({kLink, kLink, kLink}, {.on_flow = [this](FlowId id) { flow(id); },
                                                .on_timer = [this](TimerId id) { timer(id); }});
  }
  void flow(FlowId id) {
    calls_ += "f" + std::to_string(id) + " ";
    if (on_flow_) on_flow_(id);
  }
  void timer(TimerId id) {
    calls_ += "t" + std::to_string(id) + " ";
    if (on_timer_) on_timer_(id);
  }
  void start(FlowId id, std::vector<LinkId> path, Bytes size) {
    engine_->start_flow({.id = id, .path = path, .size = size});
  }

  std::unique_ptr<Engine> engine_;
  std::string calls_;
  std::function<void(FlowId)> on_flow_;
  std::function<void(TimerId)> on_timer_;
};

TEST_P(Contract, NothingToDo) {
  EXPECT_TRUE(engine_->run());
  EXPECT_EQ(engine_->now(), Seconds{});
  EXPECT_EQ(engine_->load(0), Rate{});
}

TEST_P(Contract, TimersThenFlowsEachById) {
  start(9, {0}, kMillisecond);
  start(2, {1}, kMillisecond);
  engine_->at(milliseconds(1), 8);
  engine_->at(milliseconds(1), 3);
  engine_->at(milliseconds(0.5), 7);
  EXPECT_TRUE(engine_->run());
  EXPECT_EQ(calls_, "t7 t3 t8 f2 f9 ");
}

TEST_P(Contract, RoundingDoesNotSplitAnInstant) {
  // Three tenths of a link are not 0.3 of it in binary.
  for (FlowId id = 1; id <= 3; ++id) start(id, {0}, kMillisecond * 0.1);
  start(4, {1}, kMillisecond * 0.3);
  engine_->at(milliseconds(0.1) + milliseconds(0.2), 5);
  EXPECT_TRUE(engine_->run());
  EXPECT_EQ(calls_, "t5 f1 f2 f3 f4 ");
}

TEST_P(Contract, FlowsWithoutPathOrSizeEndAtOnceButAfterTheCall) {
  start(2, {}, kMillisecond);
  start(1, {0}, Bytes{});
  EXPECT_EQ(calls_, "");
  on_flow_ = [this](FlowId id) {
    if (id != 1) return;
    start(0, {}, Bytes{});
    EXPECT_EQ(calls_, "f1 ");
  };
  EXPECT_TRUE(engine_->run());
  EXPECT_EQ(calls_, "f1 f0 f2 ");
  EXPECT_EQ(engine_->now(), Seconds{});
}

TEST_P(Contract, TimerSetForNowComesBeforeFlows) {
  start(1, {0}, kMillisecond);
  start(2, {1}, kMillisecond);
  on_flow_ = [this](FlowId id) {
    if (id == 1) engine_->at(engine_->now(), 5);
  };
  EXPECT_TRUE(engine_->run());
  EXPECT_EQ(calls_, "f1 t5 f2 ");
}

TEST_P(Contract, TimerIsNeverEarly) {
  const Seconds time = seconds(1.0 / 3);
  engine_->at(time, 1);
  start(1, {0}, kMillisecond * (1e3 / 3));
  on_timer_ = [&](TimerId) { EXPECT_GE(engine_->now(), time); };
  EXPECT_TRUE(engine_->run());
  EXPECT_EQ(calls_, "t1 f1 ");
}

TEST_P(Contract, IdIsFreeInItsOwnCallback) {
  start(1, {0}, kMillisecond);
  int rounds = 0;
  on_flow_ = [&](FlowId id) {
    if (++rounds < 5) start(id, {rounds % 3}, kMillisecond);
  };
  EXPECT_TRUE(engine_->run());
  EXPECT_NEAR(engine_->now().in(milliseconds(5)), 1, 1e-14);
  EXPECT_EQ(engine_->statistics().flows_started, 5u);
}

TEST_P(Contract, EndedFlowUsesNothingAndHasNothingLeft) {
  start(1, {0}, kMillisecond);
  start(2, {0, 1}, kMillisecond);
  engine_->at(milliseconds(2), 0);
  on_timer_ = [this](TimerId) {
    EXPECT_EQ(engine_->load(0), Rate{});
    EXPECT_EQ(engine_->load(1), Rate{});
    EXPECT_EQ(engine_->cancel(2), Bytes{});
  };
  EXPECT_TRUE(engine_->run());
  EXPECT_EQ(calls_, "t0 f1 ");
}

TEST_P(Contract, CancelledFlowOfSizeZeroMayStartAgain) {
  start(1, {0}, Bytes{});
  EXPECT_EQ(engine_->cancel(1), Bytes{});
  start(1, {0}, Bytes{});
  EXPECT_EQ(engine_->cancel(1), Bytes{});
  start(1, {0}, kMillisecond);
  EXPECT_TRUE(engine_->run());
  EXPECT_EQ(calls_, "f1 ");
  EXPECT_NEAR(engine_->now().in(milliseconds(1)), 1, 1e-14);
}

TEST_P(Contract, CallbacksSeeTheirOwnChanges) {
  start(1, {0}, kMillisecond * 4);
  engine_->at(milliseconds(1), 0);
  on_timer_ = [this](TimerId) {
    EXPECT_NEAR(engine_->load(0).in(kLink), 1, 1e-14);
    engine_->set_capacity(0, kLink / 2);
    EXPECT_NEAR(engine_->load(0).in(kLink), 0.5, 1e-14);
    start(2, {0, 1}, kMillisecond);
    EXPECT_NEAR(engine_->load(1).in(kLink), 0.25, 1e-14);
    EXPECT_EQ(engine_->cancel(2), kMillisecond);
    EXPECT_EQ(engine_->load(1), Rate{});
  };
  EXPECT_TRUE(engine_->run());
  EXPECT_NEAR(engine_->now().in(milliseconds(7)), 1, 1e-14);
}

TEST_P(Contract, StuckFlowsEndOnceTheirLinkIsRepaired) {
  start(1, {0, 1}, kMillisecond);
  start(2, {2}, kMillisecond);
  engine_->set_capacity(1, Rate{});
  EXPECT_FALSE(engine_->run());
  EXPECT_EQ(calls_, "f2 ");
  engine_->set_capacity(1, kLink);
  EXPECT_TRUE(engine_->run());
  EXPECT_EQ(calls_, "f2 f1 ");
  EXPECT_NEAR(engine_->now().in(milliseconds(2)), 1, 1e-14);
}

TEST_P(Contract, StuckFlowMayBeCancelled) {
  start(1, {0, 1}, kMillisecond);
  engine_->set_capacity(1, Rate{});
  EXPECT_FALSE(engine_->run());
  EXPECT_EQ(engine_->cancel(1), kMillisecond);
  EXPECT_TRUE(engine_->run());
}

TEST_P(Contract, ExceptionOfACallbackLeavesTheRestToTheNextRun) {
  engine_->at(milliseconds(1), 1);
  engine_->at(milliseconds(1), 2);
  start(1, {0}, kMillisecond);
  on_timer_ = [](TimerId id) {
    if (id == 1) throw std::runtime_error("no more");
  };
  EXPECT_THROW(engine_->run(), std::runtime_error);
  EXPECT_TRUE(engine_->run());
  EXPECT_EQ(calls_, "t1 t2 f1 ");
}

INSTANTIATE_TEST_SUITE_P(Engine, Contract, testing::ValuesIn(all_engines()), name_of);

/// What a caller must not do; of our two engines only.
class ContractDeath : public EachEngine {
 protected:
  std::unique_ptr<Engine> engine_ = GetParam().make({kLink}, {});
  const std::vector<LinkId> path_ = {0};
};

TEST_P(ContractDeath, IdInFlight) {
  const Flow flow{.id = 1, .path = path_, .size = kMillisecond};
  engine_->start_flow(flow);
  EXPECT_DEATH(engine_->start_flow(flow), "bug");
}

TEST_P(ContractDeath, ArgumentsOutOfRange) {
  const std::vector<LinkId> no_such_link = {1};
  EXPECT_DEATH(engine_->start_flow({.id = 1, .path = no_such_link}), "link_count");
  EXPECT_DEATH(engine_->start_flow({.id = 1, .path = path_, .size = bytes(-1)}), "flow.size");
  EXPECT_DEATH(engine_->start_flow({.id = 1, .path = path_, .weight = 0}), "flow.weight");
  EXPECT_DEATH(engine_->set_capacity(0, bytes_per_second(-1)), "capacity");
  EXPECT_DEATH(engine_->set_capacity(-1, kLink), "link");
  EXPECT_DEATH(engine_->load(1), "link_count");
  EXPECT_DEATH(engine_->cancel(7), "bug");
}

TEST_P(ContractDeath, TimerInThePast) {
  engine_->at(seconds(1), 1);
  EXPECT_TRUE(engine_->run());
  EXPECT_DEATH(engine_->at(seconds(0.5), 2), "now_");
}

INSTANTIATE_TEST_SUITE_P(Engine, ContractDeath,
                         testing::Values(EngineKind{"fast", make_fast_engine},
                                         EngineKind{"simgrid", make_simgrid_engine}),
                         name_of);

}  // namespace
}  // namespace planewise::engine
