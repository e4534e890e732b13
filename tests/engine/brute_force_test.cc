// The fast engine against a simulation that computes everything again at every event.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cstdint>
#include <string>
#include <vector>

#include "engine/brute_force.h"
#include "engine/engine.h"
#include "engine/scenario.h"
#include "engine/seeds.h"

namespace planewise::engine {
namespace {

// Both sides round differently at each of some 100 events; 1e-16 x 100 x a margin of 100 for levels
// that are differences of larger numbers.
constexpr double kTolerance = 1e-12;

TEST(BruteForce, AgreesWithFastEngine) {
  for (const std::uint64_t seed : seeds(4000)) {
    SCOPED_TRACE(seed_note(seed));
    const Scenario scenario = random_scenario(seed, {});
    std::string difference;
    const double error = compare(play(scenario, make_brute_force_engine),
                                 play(scenario, make_fast_engine), difference);
    ASSERT_EQ(difference, "") << scenario;
    ASSERT_LT(error, kTolerance) << scenario;
  }
}

rc::Gen<std::vector<LinkId>> path_of(LinkId link_count) {
  return rc::gen::container<std::vector<LinkId>>(rc::gen::inRange<LinkId>(0, link_count));
}

/// A case that RapidCheck can take flows, hops and changes from until only the culprits are left.
rc::Gen<Scenario> small_scenario() {
  constexpr LinkId kLinks = 4;
  const auto quarters =
      rc::gen::map(rc::gen::inRange(0, 40), [](int n) { return milliseconds(0.25 * n); });
  const auto capacity =
      rc::gen::map(rc::gen::inRange(0, 5), [](int n) { return gigabytes_per_second(n); });
  const auto flow = rc::gen::build<PlannedFlow>(
      rc::gen::set(&PlannedFlow::after, rc::gen::just(-1)),
      rc::gen::set(&PlannedFlow::start, quarters),
      rc::gen::set(&PlannedFlow::path, path_of(kLinks)),
      rc::gen::set(&PlannedFlow::size,
                   rc::gen::map(rc::gen::inRange(0, 4000), [](int n) { return bytes(1e3 * n); })),
      rc::gen::set(&PlannedFlow::weight, rc::gen::inRange(1, 4)));
  const auto change = rc::gen::build<PlannedChange>(
      rc::gen::set(&PlannedChange::time, quarters),
      rc::gen::set(&PlannedChange::link, rc::gen::inRange<LinkId>(0, kLinks)),
      rc::gen::set(&PlannedChange::capacity, capacity));
  return rc::gen::build<Scenario>(
      rc::gen::set(&Scenario::capacities,
                   rc::gen::container<std::vector<Rate>>(std::size_t{kLinks}, capacity)),
      rc::gen::set(&Scenario::flows, rc::gen::container<std::vector<PlannedFlow>>(flow)),
      rc::gen::set(&Scenario::changes, rc::gen::container<std::vector<PlannedChange>>(change)));
}

TEST(BruteForce, AgreesWithFastEngineOnShrinkableCases) {
  seed_rapidcheck();
  EXPECT_TRUE(rc::check("fast = brute force", [] {
    const Scenario scenario = *small_scenario();
    std::string difference;
    const double error = compare(play(scenario, make_brute_force_engine),
                                 play(scenario, make_fast_engine), difference);
    RC_ASSERT(difference.empty());
    RC_ASSERT(error < kTolerance);
  }));
}

}  // namespace
}  // namespace planewise::engine
