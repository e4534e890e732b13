// Where a solver that keeps rates from one event to the next can go wrong, each as the smallest
// case: every one of these was once a wrong answer with plausible end times.
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "base/random.h"
#include "engine/engine.h"
#include "engine/engines.h"

namespace planewise::engine {
namespace {

// A handful of operations on doubles, each within 1.1e-16.
constexpr double kTolerance = 1e-14;
const Rate kUnit = gigabytes_per_second(1);
const Bytes kMillisecond = bytes(1e6);  ///< What a unit of rate carries in 1 ms.

/// Runs one engine and keeps how often and when each flow ended.
class Pitfall : public EachEngine {
 protected:
  void build(const std::vector<double>& units) {
    std::vector<Rate> capacities;
    for (const double unit : units) capacities.push_back(kUnit * unit);
    engine_ = GetParam().make(std::move(capacities), {.on_flow = [this](FlowId id) { end(id); },
                                                      .on_timer = [this](TimerId) { later_(); }});
  }
  void start(FlowId id, std::vector<LinkId> path, double size) {
    engine_->start_flow({.id = id, .path = path, .size = kMillisecond * size});
  }
  void end(FlowId id) {
    ++end_count_[id];
    ends_[id] = engine_->now();
    if (on_end_) on_end_(id);
  }
  void expect_load(LinkId link, double units) {
    EXPECT_NEAR(engine_->load(link).in(kUnit), units, kTolerance * 100) << "link " << link;
  }
  void expect_end(FlowId id, double time) {
    EXPECT_EQ(end_count_[id], 1) << "flow " << id;
    EXPECT_NEAR(ends_[id].in(milliseconds(time)), 1, kTolerance) << "flow " << id;
  }

  std::unique_ptr<Engine> engine_;
  std::map<FlowId, int> end_count_;
  std::map<FlowId, Seconds> ends_;
  std::function<void()> later_;
  std::function<void(FlowId)> on_end_;
};

TEST_P(Pitfall, FlowThatLeavesItsBottleneckAndComesBackAtOneInstantEndsOnce) {
  build({1, 2});
  start(1, {0, 1}, 1);
  expect_load(0, 1);
  engine_->set_capacity(1, kUnit / 2);  // Link 1 becomes the bottleneck,
  expect_load(0, 0.5);
  engine_->set_capacity(1, kUnit * 2);  // and link 0 again.
  expect_load(0, 1);
  start(2, {0}, 3);
  EXPECT_TRUE(engine_->run());
  expect_end(1, 2);  // half of link 0
  expect_end(2, 4);  // 1 of 3 in 2 ms, the rest alone
}

TEST_P(Pitfall, FlowCancelledAndStartedAgainUnderItsIdEndsOnce) {
  build({1});
  start(1, {0}, 2);
  start(2, {0}, 4);
  later_ = [this] {
    const Bytes left = engine_->cancel(1);  // 1/2 of 2 sent in 1 ms
    engine_->start_flow({.id = 1, .path = std::vector<LinkId>{0}, .size = left});
  };
  engine_->at(milliseconds(1), 0);
  EXPECT_TRUE(engine_->run());
  expect_end(1, 4);
  expect_end(2, 6);
}

TEST_P(Pitfall, ArrivalOnALinkFilledByFlowsBoundElsewhereTakesItsShare) {
  // Flows 1 and 2 fill link 2 from links 0 and 1 of half its width: nothing is left on it, and it
  // is nobody's bottleneck.
  build({1, 1, 2});
  start(1, {0, 2}, 2);
  start(2, {1, 2}, 2);
  expect_load(2, 2);
  start(3, {2}, 2);
  expect_load(2, 2);
  expect_load(0, 2.0 / 3);
  EXPECT_TRUE(engine_->run());
  for (const FlowId id : {1, 2, 3}) expect_end(id, 3);  // 3 x 2 units at 2 a ms
}

TEST_P(Pitfall, ArrivalOverSeveralFullLinksTakesTheLeastShare) {
  // Links 0 and 1 are full of one and three flows; link 2 is filled from link 3.
  build({1, 1, 1, 1});
  start(1, {0}, 10);
  for (const FlowId id : {2, 3, 4}) start(id, {1}, 10);
  start(5, {3, 2}, 10);
  expect_load(2, 1);
  start(6, {0, 1, 2}, 1);
  expect_load(1, 1);
  EXPECT_TRUE(engine_->run());
  expect_end(6, 4);   // a quarter of link 1
  expect_end(1, 11);  // 3/4 of its link for 4 ms, then all of it
  expect_end(5, 11);
}

TEST_P(Pitfall, LinkNoticesThatAFlowBoundElsewhereHasRisenAboveItsLevel) {
  // Link 0 of 3 units: flows 1 and 2 at 1.5; link 1 of 4 units: flow 1, and flow 3 at 2.5. When
  // flow 2 ends, link 0 alone would give 3 to flow 1: link 1 then gives 2 to each.
  build({3, 4});
  start(1, {0, 1}, 15);
  start(2, {0}, 1.5);
  start(3, {1}, 20.5);
  expect_load(1, 4);
  bool seen = false;
  on_end_ = [&](FlowId id) {
    if (id != 2) return;
    seen = true;
    expect_load(0, 2);
    expect_load(1, 4);
  };
  EXPECT_TRUE(engine_->run());
  EXPECT_TRUE(seen);
  expect_end(2, 1);
  expect_end(1, 7.75);   // 1.5 in the first ms, then 13.5 at 2 a ms
  expect_end(3, 8.875);  // 2.5, then 13.5 beside flow 1, then 4.5 alone
}

TEST_P(Pitfall, FlowIsBoundByEachOfItsLinksInTurn) {
  // As before, with link 2 of 2.5 units between: when flow 2 ends, link 0 would give 3 to flow 1
  // and link 2 would give 2.5, but link 1 gives 2; when flow 3 ends it is link 2 that binds.
  build({3, 4, 2.5});
  start(1, {0, 2, 1}, 10.5);
  start(2, {0}, 1.5);
  start(3, {1}, 6.5);
  expect_load(1, 4);
  EXPECT_TRUE(engine_->run());
  expect_end(2, 1);
  expect_end(3, 3);  // 2.5 in the first ms, then 4 at 2 a ms
  expect_end(1, 5);  // 1.5, then 2 ms at 2, then 5 at 2.5 a ms
}

TEST_P(Pitfall, FewFlowsOnManyLinksAreNotSolvedOverAllOfThem) {
  // Were each event to cost what the engine has links, this would take minutes.
  if (GetParam().name == "brute_force" || GetParam().name == "simgrid") GTEST_SKIP();
  constexpr LinkId kLinks = 100'000;
  constexpr FlowId kFlows = 20'000;
  build(std::vector<double>(kLinks, 1));
  Random random(1);
  FlowId next = 0;
  const auto start_next = [&] {
    const auto first = static_cast<LinkId>(random.integer(0, kLinks - 1));
    start(next++, {first, (first + 1) % kLinks}, 1);
  };
  on_end_ = [&](FlowId) {
    if (next < kFlows) start_next();
  };
  for (int i = 0; i < 3; ++i) start_next();
  EXPECT_TRUE(engine_->run());
  EXPECT_EQ(ends_.size(), kFlows);
}

TEST_P(Pitfall, TrunkThatItsFeedersCannotFillCountsOnceItIsNarrowed) {
  // Two feeders of 1 unit into a trunk of 2; at 1 ms the trunk falls to 1.
  build({1, 1, 2});
  start(1, {0, 2}, 2);
  start(2, {1, 2}, 2);
  later_ = [this] { engine_->set_capacity(2, kUnit); };
  engine_->at(milliseconds(1), 0);
  EXPECT_TRUE(engine_->run());
  expect_end(1, 3);
  expect_end(2, 3);
}

TEST_P(Pitfall, TrunkCountsOnceItsFeederIsWidened) {
  build({1, 1, 2});
  start(1, {0, 2}, 4);
  start(2, {1, 2}, 2);
  later_ = [this] { engine_->set_capacity(0, kUnit * 2); };
  engine_->at(milliseconds(1), 0);
  EXPECT_TRUE(engine_->run());
  expect_end(2, 2);  // the trunk halves to 1 and 1
  expect_end(1, 3);  // 2 units left at 2 a ms
}

TEST_P(Pitfall, TrunkCountsForAFlowThatBeginsOnIt) {
  build({1, 1, 2});
  start(1, {0, 2}, 2);
  start(2, {1, 2}, 2);
  expect_load(2, 2);
  start(3, {2}, 2);
  EXPECT_TRUE(engine_->run());
  for (const FlowId id : {1, 2, 3}) expect_end(id, 3);
}

TEST_P(Pitfall, OfTwoLinksThatCoverEachOtherOneStays) {
  build({1, 1});
  start(1, {0, 1}, 1);
  start(2, {0, 1}, 1);
  expect_load(0, 1);
  EXPECT_TRUE(engine_->run());
  expect_end(1, 2);
  expect_end(2, 2);
}

TEST_P(Pitfall, ChainOfTrunksThatCoverEachOtherIsStillBound) {
  // NICs of 1 unit, trunks of 2 in a row, NICs of 1. Two flows share NIC 1 and two NIC 5; the
  // trunks bind nothing, however many of them are left out.
  build({1, 1, 2, 2, 2, 1, 1});
  start(1, {0, 2, 3, 4, 5}, 1);
  start(2, {1, 2, 3, 4, 5}, 1);
  start(3, {1, 2, 3, 4, 6}, 1);
  EXPECT_TRUE(engine_->run());
  for (const FlowId id : {1, 2, 3}) expect_end(id, 2);
}

TEST_P(Pitfall, RoundingDoesNotGatherInWhatALinkGivesToOthers) {
  // Link 0 is crossed by flow 0 and by a stream of flows bound on links 1 to 4, whose rates jump
  // by factors of up to 1e6: sums that are only ever updated keep some 1e-16 of each jump, and
  // there are 12,000.
  constexpr FlowId kFlows = 6'000;
  build({1000, 1e-3, 3, 70, 900});
  start(0, {0}, 3e7);
  Random random(7);
  FlowId next = 1;
  const std::vector<double> sizes = {1e-3, 3, 70, 900};
  const auto start_next = [&] {
    const auto link = static_cast<std::size_t>(random.integer(0, 3));
    start(next++, {static_cast<LinkId>(link) + 1, 0}, sizes[link] * random.uniform());
  };
  on_end_ = [&](FlowId id) {
    if (id != 0 && next <= kFlows) start_next();
  };
  while (next <= 20) start_next();
  bool alone = false;
  later_ = [&] {
    alone = next > kFlows && ends_.size() == kFlows;
    if (alone) {
      EXPECT_NEAR(engine_->load(0).in(kUnit * 1000), 1, 1e-13);
    } else if (ends_.size() < kFlows) {
      engine_->at(engine_->now() + seconds(1), 0);
    }
  };
  engine_->at(seconds(1), 0);
  EXPECT_TRUE(engine_->run());
  EXPECT_TRUE(alone);
  EXPECT_EQ(end_count_.size(), kFlows + 1);
}

TEST_P(Pitfall, BottleneckThatMovesWithoutAChangeOfRate) {
  // Flow 1 gets 1 unit on links 0 and 1 alike. Link 0 widens to 4: its rate stays, and its
  // bottleneck is now link 1, so that it rises only when flow 3 ends there.
  build({2, 2});
  start(1, {0, 1}, 6);
  start(2, {0}, 100);
  start(3, {1}, 2);
  later_ = [this] {
    engine_->set_capacity(0, kUnit * 4);
    expect_load(0, 4);
    expect_load(1, 2);
  };
  engine_->at(milliseconds(1), 0);
  EXPECT_TRUE(engine_->run());
  expect_end(3, 2);
  expect_end(1, 4);   // 1 a ms until 2 ms, then 2
  expect_end(2, 27);  // 1, then 3, then 2 ms at 2, and 92 at 4 a ms
}

INSTANTIATE_TEST_SUITE_P(Engine, Pitfall, testing::ValuesIn(all_engines()), name_of);

}  // namespace
}  // namespace planewise::engine
