// Copies of experts and what they leave the busiest rank; lengths of sequences on ranks.
#include "workload/expert_placement.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/random.h"
#include "workload/cached_lengths.h"
#include "workload/make_serving.h"

namespace planewise::workload {
namespace {

double most(const std::vector<double>& values) {
  return *std::max_element(values.begin(), values.end());
}

// Loads 6, 3, 2, 1 in six slots: the first gets two copies (3 each), then is the busiest again and
// gets a third (2 each). Over three ranks of two slots: {3, 1}, {2, 2}, {2, 2}, mean 4.
TEST(PlaceExperts, CopiesTheBusiestFirst) {
  const ExpertPlacement placement = place_experts({6, 3, 2, 1}, 6, 3);
  EXPECT_EQ(placement.copies, (std::vector<int>{3, 1, 1, 1}));
  EXPECT_EQ(placement.rank_load, (std::vector<double>{1, 1, 1}));
}

TEST(PlaceExperts, WithoutRoomForCopiesFillsRanksEvenly) {
  const ExpertPlacement placement = place_experts({4, 3, 2, 1}, 4, 2);
  EXPECT_EQ(placement.copies, (std::vector<int>{1, 1, 1, 1}));
  EXPECT_EQ(placement.rank_load, (std::vector<double>{1, 1}));  // 4 + 1 and 3 + 2
}

// Laws of random popularity: loads average to 1, and the more slots there are, the less is left to
// the busiest copy. The busiest rank may still have more: two experts that were not copied.
TEST(PlaceExperts, MoreSlotsLeaveLessToACopy) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    Random random(seed);
    std::vector<double> popularity(64);
    for (double& value : popularity) value = std::exp(random.normal());
    double before = HUGE_VAL;
    for (const int slots : {64, 128, 256}) {
      const ExpertPlacement placement = place_experts(popularity, slots, 16);
      EXPECT_EQ(std::accumulate(placement.copies.begin(), placement.copies.end(), 0), slots);
      EXPECT_NEAR(std::accumulate(placement.rank_load.begin(), placement.rank_load.end(), 0.0) / 16,
                  1, 1e-12);
      EXPECT_GE(most(placement.rank_load), 1 - 1e-12);
      double busiest = 0;
      for (std::size_t expert = 0; expert < popularity.size(); ++expert) {
        busiest = std::max(busiest, popularity[expert] / placement.copies[expert]);
      }
      EXPECT_LE(busiest, before) << "seed " << seed;
      before = busiest;
    }
  }
}

double busiest(const spec::MoeRoutingSpec& routing, double pairs, int slots = 256,
               int ranks = 128) {
  static const test::LoadedServing v3 = test::ep144();
  return busiest_load(
      {.model = v3.model, .routing = routing, .slots = slots, .ranks = ranks, .pairs = pairs});
}

// Of 128 numbers that vary by 1 / sqrt(pairs), the largest is about 2.6 of that above the mean
// (the expected largest of 128 standard normal numbers is 2.59).
TEST(BusiestLoad, FallsWithTheTokens) {
  const spec::MoeRoutingSpec chance{.tokens = spec::TokenRouting::random};
  for (const double pairs : {100.0, 400.0, 10'000.0}) {
    EXPECT_NEAR((busiest(chance, pairs) - 1) * std::sqrt(pairs), 2.59, 0.15) << pairs;
  }
  EXPECT_EQ(busiest({}, 100), 1);
}

TEST(BusiestLoad, OfPopularExpertsFallsWithCopies) {
  const spec::MoeRoutingSpec popular{.tokens = spec::TokenRouting::random, .popularity_spread = 1};
  EXPECT_GT(busiest(popular, 1e6), 1.05);
  EXPECT_LT(busiest(popular, 1e6, 4 * 256), busiest(popular, 1e6));
}

// 32 copies of equally popular experts: of 144 ranks with two slots most hold two whole experts, a
// few a whole and a half. 2 over the mean of 256 / 144 is 1.125.
TEST(BusiestLoad, OfCopiesThatNobodyNeedsIsUneven) {
  const spec::MoeRoutingSpec chance{.tokens = spec::TokenRouting::random};
  EXPECT_NEAR(busiest(chance, 1e12, 256 + 32, 144), 1.125, 1e-3);
}

const std::vector<spec::RequestKind> kTwoKinds = {
    {.prompt_length = 1000, .output_length = 1000, .share = 0.5},
    {.prompt_length = 9000, .output_length = 1000, .share = 0.5}};

// Cached on average: (1,500 + 9,500) / 2. Of one kind far along its output, none is above its end.
TEST(MostCached, IsTheMeanOfOneReplicaAndMoreOfSeveral) {
  EXPECT_DOUBLE_EQ(most_cached(kTwoKinds, {.sequences = 8, .replicas = 1}), 5500);
  EXPECT_GT(most_cached(kTwoKinds, {.sequences = 8, .replicas = 100}), 6500);
  EXPECT_LE(most_cached(kTwoKinds, {.sequences = 8, .replicas = 100}), 10'000);
  const std::vector<spec::RequestKind> one = {{.prompt_length = 1000, .output_length = 1}};
  EXPECT_NEAR(most_cached(one, {.sequences = 4, .replicas = 100}), 1001, 1);
}

// The mean of n sequences varies by 4,010 / sqrt(n): both kinds' spread and their places.
TEST(MostCached, ComesNearTheMeanWithManySequences) {
  const auto over = [](std::int64_t sequences) {
    return most_cached(kTwoKinds, {.sequences = sequences, .replicas = 144}) - 5500;
  };
  EXPECT_NEAR(over(100) * 10 / 4010, 2.63, 0.5);
  EXPECT_LT(over(10'000), over(100) / 5);
}

}  // namespace
}  // namespace planewise::workload
