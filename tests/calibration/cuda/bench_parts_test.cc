// What benches of a GPU are made of and can be told without one.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <set>

#include "calibration/cuda/attention_samples.h"
#include "calibration/cuda/device.h"
#include "calibration/cuda/gpu_check.h"
#include "calibration/cuda/routing.h"
#include "calibration/cuda/routing_math.cuh"
#include "calibration/host/reference.h"

namespace planewise::calibration {
namespace {

constexpr std::int64_t kMega = 1'000'000;

TEST(InputSets, AreThreeCachesInAll) {
  // 3 x 60 MB over 10 MB a set.
  EXPECT_EQ(input_sets(10 * kMega, 60 * kMega, 80'000 * kMega), 18);
  EXPECT_EQ(input_sets(7 * kMega, 60 * kMega, 80'000 * kMega), 26);  // 180 / 7, up
}

TEST(InputSets, AreTwoAtLeastAndNoMoreThanHelps) {
  EXPECT_EQ(input_sets(1000 * kMega, 60 * kMega, 80'000 * kMega), 2);
  EXPECT_EQ(input_sets(1000, 60 * kMega, 80'000 * kMega), 64);
  EXPECT_EQ(input_sets(0, 60 * kMega, 80'000 * kMega), 64);
}

TEST(InputSets, FitInHalfOfTheMemory) {
  EXPECT_EQ(input_sets(30'000 * kMega, 60 * kMega, 80'000 * kMega), 1);
  EXPECT_EQ(input_sets(41'000 * kMega, 60 * kMega, 80'000 * kMega), 0);
}

TEST(Version, IsReadAsEachLibraryWritesIt) {
  EXPECT_EQ(version_text(13000, 1000), "13.0");  // CUDART_VERSION of CUDA 13.0
  EXPECT_EQ(version_text(12090, 1000), "12.9");
  EXPECT_EQ(version_text(130100, 10000), "13.1.0");  // cublasLtGetVersion() of 13.1.0
  EXPECT_EQ(version_text(120804, 10000), "12.8.4");
}

TEST(RoutingMath, SegmentsAreThoseOfTheProcessor) {
  const std::vector<int> counts = {0, 1, 127, 128, 129, 0, 1000};
  const std::vector<std::int64_t> wide(counts.begin(), counts.end());
  const host::Segments expected = host::contiguous_segments(wide);
  for (int g = 0; g < static_cast<int>(counts.size()); ++g) {
    EXPECT_EQ(segment_start(counts.data(), g), expected.first[static_cast<std::size_t>(g)]);
  }
  EXPECT_EQ(segment_start(counts.data(), static_cast<int>(counts.size())), expected.rows_all);
}

TEST(RoutingMath, BankedPlacesAreApartAndInOrder) {
  for (int i = 0; i + 1 < 512; ++i) EXPECT_LT(banked(i), banked(i + 1));
  // Elements 32 apart, as the groups of V3's router lie, are in 8 different banks of 32.
  std::set<int> banks;
  for (int group = 0; group < 8; ++group) banks.insert(banked(32 * group) % 32);
  EXPECT_EQ(banks.size(), 8U);
}

TEST(RoutingMath, RankingIsAnOrderWithTiesToTheLowerIndex) {
  EXPECT_TRUE(comes_before({2, 5}, {1, 0}));
  EXPECT_TRUE(comes_before({1, 0}, {1, 5}));
  EXPECT_FALSE(comes_before({1, 5}, {1, 0}));
  EXPECT_FALSE(comes_before({1, 5}, {1, 5}));
}

TEST(RoutingMath, RoomIsEnoughForTheWorstPadding) {
  const LayerSizes sizes{.experts_per_token = 8, .local_experts = 4};
  // 8 x 100 pairs; the worst is three experts of one row more than a multiple of 128.
  const std::int64_t pairs = 800;
  std::int64_t worst = 0;
  for (std::int64_t a = 0; a <= pairs; a += 1) {
    const std::vector<std::int64_t> counts = {a, (pairs - a) / 3, (pairs - a) / 3,
                                              pairs - a - 2 * ((pairs - a) / 3)};
    worst = std::max(worst, host::contiguous_segments(counts).rows_all);
  }
  EXPECT_LE(worst, room_for_rows(sizes, 100));
  EXPECT_EQ(room_for_rows(sizes, 100) % 128, 0);
}

TEST(SampledRows, AreOfEveryGroupAndNoPadding) {
  const GroupRows rows{.first = {0, 128, 128, 384}, .count = {5, 0, 200, 1}, .rows_all = 512};
  const std::vector<std::int64_t> sampled = sampled_rows(rows, 64, 7);
  EXPECT_EQ(sampled.size(), 48U);  // 16 of each group that has rows
  for (const std::int64_t row : sampled) {
    const bool is_valid = row < 5 || (row >= 128 && row < 328) || row == 384;
    EXPECT_TRUE(is_valid) << row;
  }
}

TEST(GpuCheck, DifferenceKnowsNanAndZeros) {
  EXPECT_NEAR(difference_of({1, 2}, {1, 2}), 0, 1e-15);
  EXPECT_NEAR(difference_of({1, 0}, {0, 1}), 1, 1e-15);  // 1 - 2 x 0 / 2
  EXPECT_TRUE(std::isnan(difference_of({0}, {0})));      // nothing was compared
  EXPECT_TRUE(std::isnan(difference_of({std::nanf("")}, {1})));
}

/// A head of random numbers with the results that the processor finds.
AttentionHead random_head(std::int64_t sequence) {
  std::mt19937 random(5);
  std::normal_distribution<float> normal;
  AttentionHead h{.sequence = sequence, .qk_columns = 12, .v_columns = 8};
  const auto values = [&](std::int64_t count) {
    std::vector<float> x(static_cast<std::size_t>(count));
    for (float& value : x) value = normal(random);
    return x;
  };
  h.q = values(sequence * h.qk_columns);
  h.k = values(sequence * h.qk_columns);
  h.v = values(sequence * h.v_columns);
  h.d_o = values(sequence * h.v_columns);
  const host::AttentionResult result = host::attention(
      h.q, h.k, h.v, {.sequence = sequence, .qk_columns = h.qk_columns, .v_columns = h.v_columns});
  h.o = result.o;
  h.log_sums = result.log_sums;
  return h;
}

std::vector<float> token_of(const std::vector<float>& x, std::int64_t token, std::int64_t columns) {
  return {x.begin() + token * columns, x.begin() + (token + 1) * columns};
}

TEST(AttentionSamples, AreThoseOfTheWholeHead) {
  const AttentionHead h = random_head(37);
  const host::AttentionGradients all = host::attention_backward(
      h.q, h.k, h.v, h.d_o,
      {.sequence = h.sequence, .qk_columns = h.qk_columns, .v_columns = h.v_columns});
  const auto expect_near = [](const std::vector<float>& x, const std::vector<float>& y) {
    // Log-sums and o are rounded to FP32 on the way: 6e-8 of numbers up to about 10.
    for (std::size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(x[i], y[i], 5e-6);
  };
  for (const std::int64_t token : {std::int64_t{0}, std::int64_t{17}, h.sequence - 1}) {
    expect_near(attention_output(h, token), token_of(h.o, token, h.v_columns));
    expect_near(attention_gradient_q(h, token), token_of(all.d_q, token, h.qk_columns));
    expect_near(attention_gradient_k(h, token), token_of(all.d_k, token, h.qk_columns));
    expect_near(attention_gradient_v(h, token), token_of(all.d_v, token, h.v_columns));
  }
}

}  // namespace
}  // namespace planewise::calibration
