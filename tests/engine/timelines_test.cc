// Components that start alone are played ahead; whatever disturbs them must change nothing.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "engine/brute_force.h"
#include "engine/engine.h"
#include "engine/scenario.h"
#include "engine/seeds.h"

namespace planewise::engine {
namespace {

constexpr int kGroups = 4;
constexpr LinkId kLinksOfGroup = 6;
constexpr int kFlowsOfGroup = 12;

LinkId link_in(int group, Random& random) {
  return static_cast<LinkId>(group * kLinksOfGroup + random.integer(0, kLinksOfGroup - 1));
}

/// Groups whose flows all start at once on links of their own. About every other group is then
/// disturbed: by a late flow, by one that crosses to another group, by a cancelled flow, or by a
/// link that slows, stops or recovers.
Scenario groups_with_trouble(std::uint64_t seed) {
  Random random(seed);
  Scenario scenario;
  for (int link = 0; link < kGroups * kLinksOfGroup; ++link) {
    scenario.capacities.push_back(bytes_per_second(1e9 * (1 + 9 * random.uniform())));
  }
  for (int round = 0; round < 2; ++round) {
    for (int group = 0; group < kGroups; ++group) {
      for (int i = 0; i < kFlowsOfGroup; ++i) {
        scenario.flows.push_back({.start = milliseconds(round * 20),
                                  .path = {link_in(group, random), link_in(group, random)},
                                  .size = bytes(1e6 * (1 + random.uniform())),
                                  .weight = static_cast<int>(random.integer(1, 3))});
      }
    }
  }
  const auto some_time = [&random] { return milliseconds(30 * random.uniform()); };
  const auto planned = static_cast<std::int64_t>(scenario.flows.size());
  for (int i = 0; i < 2; ++i) {
    const int group = static_cast<int>(random.integer(0, kGroups - 1));
    switch (random.integer(0, 3)) {
      case 0:
        scenario.flows.push_back({.start = some_time(),
                                  .path = {link_in(group, random), link_in(0, random)},
                                  .size = bytes(1e6 * random.uniform())});
        break;
      case 1:
        scenario.cancels.push_back({.time = some_time(),
                                    .flow = static_cast<int>(random.integer(0, planned - 1)),
                                    .new_path = {link_in(group, random)}});
        break;
      case 2:
        scenario.changes.push_back({.time = some_time(),
                                    .link = link_in(group, random),
                                    .capacity = bytes_per_second(1e9 * random.uniform())});
        break;
      default: {
        const LinkId link = link_in(group, random);
        const Seconds time = some_time();
        scenario.changes.push_back({.time = time, .link = link, .capacity = Rate{}});
        scenario.changes.push_back(
            {.time = time + milliseconds(5), .link = link, .capacity = bytes_per_second(2e9)});
      }
    }
  }
  return scenario;
}

std::unique_ptr<Engine> make_certified(std::vector<Rate> capacities, Events events) {
  return make_fast_engine_with({.certify = true}, std::move(capacities), std::move(events));
}

std::unique_ptr<Engine> make_on_two_threads(std::vector<Rate> capacities, Events events) {
  return make_fast_engine_with({.threads = 2}, std::move(capacities), std::move(events));
}

TEST(Timelines, AreAsIfNothingWerePlayedAhead) {
  for (const std::uint64_t seed : seeds(300)) {
    SCOPED_TRACE(seed_note(seed));
    const Scenario scenario = groups_with_trouble(seed);
    const std::vector<Entry> one = play(scenario, make_certified);
    std::string difference;
    // As in brute_force_test.cc.
    ASSERT_LT(compare(play(scenario, make_brute_force_engine), one, difference), 1e-12) << scenario;
    ASSERT_EQ(difference, "") << scenario;
    ASSERT_EQ(play(scenario, make_on_two_threads), one) << scenario;
  }
}

TEST(Timelines, AreWhatSimgridFinds) {
  for (const std::uint64_t seed : seeds(10)) {
    SCOPED_TRACE(seed_note(seed));
    const Scenario scenario = groups_with_trouble(seed);
    std::string difference;
    ASSERT_LT(
        compare(play(scenario, make_simgrid_engine), play(scenario, make_fast_engine), difference),
        1e-9)
        << scenario;
    ASSERT_EQ(difference, "") << scenario;
  }
}

/// Two groups of ten equal flows over a link each; what a flow that joins the first one does to it.
class TwoGroups : public testing::Test {
 protected:
  static constexpr int kFlows = 10;

  TwoGroups()
      : engine_(make_fast_engine(std::vector<Rate>(2, bytes_per_second(1000)),
                                 {.on_flow = [this](FlowId id) { ends_[id] = engine_->now(); },
                                  .on_timer = [this](TimerId) { disturb(); }})) {
    for (LinkId link = 0; link < 2; ++link) {
      for (FlowId i = 0; i < kFlows; ++i) {
        // Different sizes, so that they are not driven as one.
        engine_->start_flow({.id = i + static_cast<FlowId>(link) * kFlows,
                             .path = {&kPaths[static_cast<std::size_t>(link)], 1},
                             .size = bytes(100 + 10 * static_cast<double>(i))});
      }
    }
  }

  void disturb() { engine_->start_flow({.id = 99, .path = {&kPaths[0], 1}, .size = bytes(1000)}); }

  static constexpr std::array<LinkId, 2> kPaths = {0, 1};
  std::unique_ptr<Engine> engine_;
  std::array<Seconds, 100> ends_{};
};

TEST_F(TwoGroups, ArePlayedAhead) {
  EXPECT_TRUE(engine_->run());
  EXPECT_EQ(engine_->statistics().played_ahead, 2u);
  // All send 100 B at 100 B/s each; then the link carries what is left at its whole rate:
  // 10 flows of 100 + 10 i bytes are 1,450 B.
  EXPECT_DOUBLE_EQ(ends_[0].base(), 1.0);
  EXPECT_DOUBLE_EQ(ends_[9].base(), 1.45);
  EXPECT_DOUBLE_EQ(ends_[19].base(), 1.45);
}

TEST_F(TwoGroups, OnlyTheOneThatIsDisturbedIsGivenUp) {
  engine_->at(seconds(0.5), 0);
  EXPECT_TRUE(engine_->run());
  EXPECT_EQ(engine_->statistics().played_ahead, 2u);
  // From 0.5 s on eleven flows share: the first has 50 B left at 1000/11 B/s.
  EXPECT_DOUBLE_EQ(ends_[0].base(), 0.5 + 50 * 11.0 / 1000);
  // The link is never idle: 1,450 + 1,000 B in all.
  EXPECT_DOUBLE_EQ(ends_[99].base(), 2.45);
  EXPECT_DOUBLE_EQ(ends_[19].base(), 1.45);
}

TEST_F(TwoGroups, LoadsAreSeenInTheMiddle) {
  engine_ = nullptr;
  Rate load{};
  engine_ =
      make_fast_engine(std::vector<Rate>(2, bytes_per_second(1000)),
                       {.on_flow = {}, .on_timer = [&](TimerId) { load = engine_->load(1); }});
  for (FlowId i = 0; i < 2 * kFlows; ++i) {
    engine_->start_flow({.id = i,
                         .path = {&kPaths[1], 1},
                         .size = bytes(100 + 10 * static_cast<double>(i)),
                         .rate_limit = bytes_per_second(40)});
  }
  engine_->at(seconds(0.5), 0);
  EXPECT_TRUE(engine_->run());
  EXPECT_DOUBLE_EQ(load.base(), 800);  // 20 flows at their limit of 40 B/s.
}

}  // namespace
}  // namespace planewise::engine
