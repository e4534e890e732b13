// Numbers about samples, and how often two clocks are seen where there is one.
#include "calibration/measure/statistics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <numbers>

#include "base/random.h"

namespace planewise::calibration {
namespace {

/// Box and Muller's.
double normal(Random& random) {
  const double radius = std::sqrt(-2 * std::log(1 - random.uniform()));
  return radius * std::cos(2 * std::numbers::pi * random.uniform());
}

std::vector<double> drawn(int count, const std::function<double()>& draw) {
  std::vector<double> samples;
  for (int i = 0; i < count; ++i) samples.push_back(draw());
  return samples;
}

/// The share of 1,000 sets of `count` samples that are called bimodal.
double bimodal_share(int count, const std::function<double()>& draw) {
  constexpr int kSets = 1000;
  int found = 0;
  for (int i = 0; i < kSets; ++i) found += summarise(drawn(count, draw), 1).is_bimodal ? 1 : 0;
  return static_cast<double>(found) / kSets;
}

TEST(Quantile, IsLinearBetweenTwoSamples) {
  EXPECT_DOUBLE_EQ(quantile({40, 10, 30, 20}, 0.5), 25);  // half way between the 2nd and the 3rd
  EXPECT_DOUBLE_EQ(quantile({40, 10, 30, 20}, 0.1), 13);  // place 0.3: 10 + 0.3 x 10
  EXPECT_DOUBLE_EQ(quantile({40, 10, 30, 20}, 0), 10);
  EXPECT_DOUBLE_EQ(quantile({40, 10, 30, 20}, 1), 40);
  EXPECT_DOUBLE_EQ(quantile({7}, 0.9), 7);
  EXPECT_DOUBLE_EQ(median({3, 1, 2}), 2);
}

TEST(Summary, DeviationIsTheMedianDistance) {
  // Median 3; distances 2 1 0 1 97, whose median is 1: one outlier moves neither.
  const Summary summary = summarise({1, 2, 3, 4, 100}, 1);
  EXPECT_DOUBLE_EQ(summary.median, 3);
  EXPECT_DOUBLE_EQ(summary.deviation, 1);
}

TEST(Summary, ConfidenceHoldsTheTrueMedianInMostSets) {
  Random random(7);
  int held = 0;
  constexpr int kSets = 1000;
  for (int i = 0; i < kSets; ++i) {
    const auto samples = drawn(40, [&] { return 100 + normal(random); });
    const Summary summary = summarise(samples, static_cast<std::uint64_t>(i));
    EXPECT_LE(summary.low, summary.median);
    EXPECT_GE(summary.high, summary.median);
    held += summary.low <= 100 && 100 <= summary.high ? 1 : 0;
  }
  // 95 % is meant; a percentile bootstrap of a median is a little off, and 1,000 sets have a
  // standard error of 0.7 %.
  EXPECT_GT(held, 910);
  EXPECT_LT(held, 985);
}

TEST(Summary, IsTheSameForTheSameSeed) {
  Random random(3);
  const auto samples = drawn(31, [&] { return normal(random); });
  EXPECT_EQ(summarise(samples, 5).low, summarise(samples, 5).low);
  EXPECT_EQ(summarise(samples, 5).high, summarise(samples, 5).high);
}

TEST(Bimodal, IsRareWhereThereIsOneHeap) {
  Random random(11);
  const auto normally = [&] { return 100 + 2 * normal(random); };
  const auto lognormally = [&] { return 100 * std::exp(0.3 * normal(random)); };
  const auto with_outliers = [&] {
    return 100 + normal(random) + (random.uniform() < 0.1 ? 50 : 0);
  };
  // 1.3 % were seen of 20 samples, 0.13 % of 30.
  EXPECT_LT(bimodal_share(20, normally), 0.03);
  EXPECT_LT(bimodal_share(20, lognormally), 0.03);
  for (const int count : {30, 200}) {
    EXPECT_LT(bimodal_share(count, normally), 0.01) << count;
    EXPECT_LT(bimodal_share(count, lognormally), 0.01) << count;
  }
  // A tenth of the samples far away is no heap; that over a fifth of 200 are has a chance of
  // 4.7 standard deviations.
  EXPECT_LT(bimodal_share(200, with_outliers), 0.001);
}

TEST(Bimodal, SeesTwoClocks) {
  // 1980 and 1575 MHz: the same work takes 100 or 126, each +- 1.
  Random random(13);
  const auto two = [&] { return (random.uniform() < 0.5 ? 100 : 126) + normal(random); };
  EXPECT_GT(bimodal_share(30, two), 0.98);
  EXPECT_GT(bimodal_share(200, two), 0.99);
}

TEST(Bimodal, IsNotTheResolutionOfAClock) {
  // Half of the samples read one tick more, 0.5 % of the time.
  std::vector<double> samples(50, 100);
  samples.resize(100, 100.5);
  EXPECT_FALSE(summarise(samples, 1).is_bimodal);
  EXPECT_FALSE(summarise({1, 2, 1}, 1).is_bimodal);  // too few to say
}

TEST(Stable, IsWithinThreePercent) {
  EXPECT_TRUE(is_stable({100, 102, 103}));
  EXPECT_FALSE(is_stable({100, 102, 103.1}));
  EXPECT_TRUE(is_stable({100}));
}

}  // namespace
}  // namespace planewise::calibration
