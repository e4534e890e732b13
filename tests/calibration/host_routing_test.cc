// What holds for the router, the permutation, and the way there and back.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "base/random.h"
#include "calibration/host/reference.h"

namespace planewise::calibration::host {
namespace {

constexpr int kExperts = 16;
constexpr RouterOptions kOptions{
    .experts_per_token = 4, .expert_groups = 4, .groups_per_token = 2, .routing_scale = 2.5};

std::vector<float> random_values(std::int64_t count, std::uint64_t seed) {
  Random random(seed);
  std::vector<float> values;
  for (std::int64_t i = 0; i < count; ++i) {
    values.push_back(static_cast<float>(4 * random.uniform() - 2));
  }
  return values;
}

Routing random_routing(std::int64_t tokens, std::uint64_t seed) {
  return route(random_values(tokens * kExperts, seed), random_values(kExperts, seed + 1),
               {tokens, kExperts}, kOptions);
}

TEST(HostRouter, ChoosesDistinctExpertsOfFewGroupsWithWeightsThatSumToTheScale) {
  for (std::uint64_t seed = 1; seed < 20; ++seed) {
    const Routing routing = random_routing(50, seed);
    ASSERT_EQ(routing.experts.size(), 200U);
    for (std::size_t token = 0; token < 50; ++token) {
      const auto first = routing.experts.begin() + static_cast<std::ptrdiff_t>(token * 4);
      const std::set<std::int32_t> experts(first, first + 4);
      EXPECT_EQ(experts.size(), 4U);
      std::set<std::int32_t> groups;
      for (const std::int32_t expert : experts) groups.insert(expert / 4);
      EXPECT_LE(groups.size(), 2U) << "seed " << seed;
      const auto weights = routing.weights.begin() + static_cast<std::ptrdiff_t>(token * 4);
      EXPECT_NEAR(std::accumulate(weights, weights + 4, 0.0), 2.5, 1e-6);  // FP32 rounding
    }
  }
}

TEST(HostRouter, EqualScoresGoToTheLowestIndices) {
  const Routing routing =
      route(std::vector<float>(kExperts), std::vector<float>(kExperts), {1, kExperts}, kOptions);
  EXPECT_EQ(routing.experts, (std::vector<std::int32_t>{0, 1, 2, 3}));
  EXPECT_EQ(routing.weights, std::vector<float>(4, 0.625F));  // 2.5 / 4
}

TEST(HostRouter, BiasDecidesTheChoiceAndNotTheWeights) {
  std::vector<float> bias(kExperts);
  bias[13] = 1;
  bias[14] = 2;
  const Routing routing = route(std::vector<float>(kExperts), bias, {1, kExperts}, kOptions);
  // Group 3 has the best two; then group 0 by its index, whose experts tie with 12 and 15.
  EXPECT_EQ(routing.experts, (std::vector<std::int32_t>{14, 13, 0, 1}));
  EXPECT_EQ(routing.weights, std::vector<float>(4, 0.625F));
}

TEST(HostRouter, AGroupCountsByItsTwoBest) {
  // sigmoid(3) + sigmoid(-9) < sigmoid(1) + sigmoid(1): the group with the single best expert
  // loses.
  std::vector<float> scores(kExperts, -9);
  scores[0] = 3;
  for (const std::size_t expert : {4U, 5U, 8U, 9U}) scores[expert] = 1;
  const Routing routing = route(scores, std::vector<float>(kExperts), {1, kExperts}, kOptions);
  EXPECT_EQ(routing.experts, (std::vector<std::int32_t>{4, 5, 8, 9}));
}

TEST(HostPermutation, IsABijectionOntoRowsThatDoNotPad) {
  const Routing routing = random_routing(77, 3);
  const Permutation p = permutation_of(routing.experts, 4, 4);
  ASSERT_EQ(p.row_of_pair.size(), 77U * 4);
  const auto used = std::count_if(p.pair_of_row.begin(), p.pair_of_row.end(),
                                  [](std::int32_t pair) { return pair >= 0; });
  EXPECT_EQ(used, 77 * 4);
  for (std::size_t pair = 0; pair < p.row_of_pair.size(); ++pair) {
    const std::int64_t row = p.row_of_pair[pair];
    EXPECT_EQ(p.pair_of_row[static_cast<std::size_t>(row)], static_cast<std::int32_t>(pair));
    const auto group = static_cast<std::size_t>(routing.experts[pair] % 4);
    EXPECT_EQ(p.segments.first[group] % 128, 0);
    EXPECT_GE(row, p.segments.first[group]);
    EXPECT_LT(row, p.segments.first[group] + p.segments.count[group]);
  }
}

TEST(HostPermutation, CombiningWhatWasGatheredIsTheSumOfWeightsTimesX) {
  const Routing routing = random_routing(33, 5);
  const Permutation p = permutation_of(routing.experts, 4, 4);
  const std::vector<float> x = random_values(33 * 8, 6);
  const std::vector<float> y = combine(gather(x, 8, p), 8, p, routing.weights);
  const std::vector<float> z = combine(gather(x, 8, p, routing.weights), 8, p);
  for (std::size_t i = 0; i < x.size(); ++i) {
    EXPECT_NEAR(y[i], 2.5 * x[i], 1e-5);  // a token's weights sum to 2.5; FP32 rounding
    EXPECT_NEAR(z[i], 2.5 * x[i], 1e-5);
  }
}

TEST(HostPermutation, WeightsOfQuantisedRowsGoIntoTheirScales) {
  const Routing routing = random_routing(20, 7);
  const Permutation p = permutation_of(routing.experts, 4, 4);
  const RowQuantised x = quantise(random_values(20 * 256, 8), {20, 256});
  const std::vector<float> rows = dequantise(gather(x, p, routing.weights));
  const std::vector<float> expected = gather(dequantise(x), 256, p, routing.weights);
  ASSERT_EQ(rows.size(), expected.size());
  EXPECT_LT(difference(rows, expected), 1e-12);  // two FP32 roundings, 6e-8 each
  const auto padding = std::find(p.pair_of_row.begin(), p.pair_of_row.end(), -1);
  ASSERT_NE(padding, p.pair_of_row.end());
  const auto row = static_cast<std::size_t>(padding - p.pair_of_row.begin());
  EXPECT_EQ(rows[row * 256], 0);
}

TEST(HostSegments, PadOrGiveRoom) {
  const std::vector<std::int64_t> counts = {1, 128, 0, 129};
  const Segments padded_rows = contiguous_segments(counts);
  EXPECT_EQ(padded_rows.first, (std::vector<std::int64_t>{0, 128, 256, 256}));
  EXPECT_EQ(padded_rows.rows_all, 512);
  const Segments room = masked_segments(counts, 256);
  EXPECT_EQ(room.first, (std::vector<std::int64_t>{0, 256, 512, 768}));
  EXPECT_EQ(room.rows_all, 1024);
}

}  // namespace
}  // namespace planewise::calibration::host
