// What an observer is told: every step, flow and transfer, once, in order of time, without gaps.
#include "simulate/observer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "simulate/small_system.h"

namespace planewise::simulate {
namespace {

/// Writes down what it is told.
class Record final : public Observer {
 public:
  void run_began(const System& system) override {
    steps_.resize(system.rank_of.size());
    carried_.resize(system.links.size());
  }
  void transfer_started(const TransferStart& start) override { pass(start.time); }
  void flow_ended(const FlowEvent& flow) override {
    pass(flow.ended);
    EXPECT_LE(flow.requested, flow.started);
    EXPECT_LE(flow.started.base(), flow.ended.base() * (1 + 1e-12));
  }
  void carried(const Carried& part) override {
    pass(part.ended);
    for (const std::int32_t link : part.path) {
      carried_[static_cast<std::size_t>(link)] += part.size * part.weight;
    }
  }
  void transfer_ended(const TransferEnd& end) override { pass(end.ended); }
  void step_ended(const StepEvent& step) override {
    pass(step.ended);
    EXPECT_LE(step.began, step.started);
    EXPECT_LE(step.started, step.ended);
    steps_[static_cast<std::size_t>(step.rank)].push_back(step);
  }
  void run_ended(Seconds step_time) override { step_time_ = step_time; }

  const std::vector<std::vector<StepEvent>>& steps() const { return steps_; }
  const std::vector<Bytes>& by_link() const { return carried_; }
  Seconds step_time() const { return step_time_; }

 private:
  void pass(Seconds time) {
    EXPECT_GE(time, now_);
    now_ = time;
  }

  std::vector<std::vector<StepEvent>> steps_;  // [rank]
  std::vector<Bytes> carried_;                 // [link]
  Seconds now_{};
  Seconds step_time_{};
};

TEST(Observer, IsToldStepsThatCoverEachRanksTime) {
  for (const test::TopologyOptions& fabric : test::small_fabrics(spec::Routing::ecmp)) {
    Record record;
    const Result result =
        test::simulate_small({.pipeline = 4}, fabric, {.observers = {&record}}).result;
    EXPECT_EQ(record.step_time(), result.step_time);
    Seconds last{};
    for (const std::vector<StepEvent>& steps : record.steps()) {
      Seconds end{};
      for (const StepEvent& step : steps) {
        EXPECT_EQ(step.began, end);  // bit for bit
        end = step.ended;
      }
      last = std::max(last, end);
    }
    EXPECT_EQ(last, result.step_time);
  }
}

TEST(Observer, IsToldOfEveryFlow) {
  Record record;
  const Result result =
      test::simulate_small({.pipeline = 4}, test::small_fabrics(spec::Routing::ecmp)[2],
                           {.observers = {&record}})
          .result;
  ASSERT_FALSE(result.busiest_links.empty());
  for (const LinkLoad& load : result.busiest_links) {
    // What the driver counted by transfer, and what flows told one by one, sum in another order.
    const auto is_same = [&](Bytes carried) {
      return std::abs(carried.in(load.carried) - 1) < 1e-12;
    };
    EXPECT_TRUE(std::any_of(record.by_link().begin(), record.by_link().end(), is_same))
        << load.name;
  }
}

}  // namespace
}  // namespace planewise::simulate
