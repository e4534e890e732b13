// What FastOptions promise: threads change nothing, and the bounded-error mode knows its error.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
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

/// Appends `other` on links of its own.
void add_beside(Scenario& scenario, const Scenario& other) {
  const auto first_link = static_cast<LinkId>(scenario.capacities.size());
  const auto first_flow = static_cast<int>(scenario.flows.size());
  scenario.capacities.insert(scenario.capacities.end(), other.capacities.begin(),
                             other.capacities.end());
  for (PlannedFlow flow : other.flows) {
    if (flow.after >= 0) flow.after += first_flow;
    for (LinkId& link : flow.path) link += first_link;
    scenario.flows.push_back(std::move(flow));
  }
  for (PlannedChange change : other.changes) {
    change.link += first_link;
    scenario.changes.push_back(change);
  }
  for (PlannedCancel cancel : other.cancels) {
    cancel.flow += first_flow;
    for (LinkId& link : cancel.new_path) link += first_link;
    scenario.cancels.push_back(std::move(cancel));
  }
}

std::unique_ptr<Engine> make_on_three_threads(std::vector<Rate> capacities, Events events) {
  return make_fast_engine_with({.threads = 3}, std::move(capacities), std::move(events));
}

TEST(Threads, ChangeNothingInComponentsSideBySide) {
  for (const std::uint64_t seed : seeds(60)) {
    SCOPED_TRACE(seed_note(seed));
    Scenario scenario;
    for (const Pattern pattern : kPatterns) {
      for (std::uint64_t copy = 0; copy < 3; ++copy) {
        // Twice the same, so that the same happens at the same instant in two components.
        add_beside(scenario, random_scenario(fold_bits(seed, copy / 2), {.pattern = pattern}));
      }
    }
    const std::vector<Entry> one = play(scenario, make_checked_engine);
    ASSERT_EQ(play(scenario, make_fast_engine), one) << scenario;
    ASSERT_EQ(play(scenario, make_checked_engine_on_two_threads), one) << scenario;
    ASSERT_EQ(play(scenario, make_on_three_threads), one) << scenario;
    std::string difference;
    // As in brute_force_test.cc.
    ASSERT_LT(compare(play(scenario, make_brute_force_engine), one, difference), 1e-12) << scenario;
    ASSERT_EQ(difference, "") << scenario;
  }
}

/// When each flow of a direct all-to-all of 12 ranks ends, and what the engine says of its error.
struct Ends {
  std::vector<Seconds> times;
  double time_error = 0;
};
Ends all_to_all_ends(std::uint64_t seed, double tolerance) {
  constexpr LinkId kRanks = 12;
  Random random(seed);
  Ends ends;
  ends.times.resize(std::size_t{kRanks} * kRanks);
  std::unique_ptr<Engine> engine;
  engine = make_fast_engine_with(
      {.certify = true, .time_tolerance = tolerance},
      std::vector<Rate>(2 * kRanks, gigabytes_per_second(50)),
      {.on_flow = [&](FlowId id) { ends.times[id] = engine->now(); }, .on_timer = {}});
  for (LinkId source = 0; source < kRanks; ++source) {
    for (LinkId destination = 0; destination < kRanks; ++destination) {
      const std::vector<LinkId> path = {source, kRanks + destination};
      engine->start_flow({.id = static_cast<FlowId>(source * kRanks + destination),
                          .path = path,
                          .size = bytes(1e6 * (0.8 + 0.4 * random.uniform()))});
    }
  }
  EXPECT_TRUE(engine->run());
  ends.time_error = engine->statistics().time_error;
  return ends;
}

TEST(TimeTolerance, ErrorIsWithinWhatTheEngineSays) {
  for (const std::uint64_t seed : seeds(20)) {
    SCOPED_TRACE(seed_note(seed));
    const Ends exact = all_to_all_ends(seed, 0);
    EXPECT_EQ(exact.time_error, 0);
    for (const double tolerance : {1e-5, 1e-4, 1e-3}) {
      const Ends bounded = all_to_all_ends(seed, tolerance);
      double error = 0;
      for (std::size_t flow = 0; flow < exact.times.size(); ++flow) {
        error = std::max(error, std::abs(bounded.times[flow].in(exact.times[flow]) - 1));
      }
      // Rounding of some 144 events on both sides.
      EXPECT_LE(error, bounded.time_error + 1e-12) << "tolerance " << tolerance;
    }
  }
}

}  // namespace
}  // namespace planewise::engine
