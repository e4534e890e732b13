// The reference functions themselves: by hand, by laws, and by finite differences.
#include "calibration/host/reference.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/random.h"
#include "calibration/host/e4m3.h"

namespace planewise::calibration::host {
namespace {

// Of a normal number 1 + f the step is 1/8, so its error has a variance of (1/8)^2 / 12, over a
// mean square of 7/3: 5.6e-4 of the square. The difference is half of that for each operand that
// was rounded, 5.6e-4 for a product of two.
constexpr double kQuantisedLimit = 1e-3;
// FP32 sums of 128 products: 128 x 6e-8 in size at worst, squared.
constexpr double kFp32Limit = 1e-10;

/// Rows and blocks of 128 differ in size by up to 2^6, so that a wrong scale shows.
std::vector<float> random_values(std::int64_t count, std::uint64_t seed) {
  Random random(seed);
  std::vector<float> values;
  double size = 1;
  for (std::int64_t i = 0; i < count; ++i) {
    if (i % kScaleBlock == 0) size = std::exp2(6 * random.uniform() - 3);
    values.push_back(static_cast<float>(size * (2 * random.uniform() - 1)));
  }
  return values;
}

/// Sum of x y.
double dot(std::span<const float> x, std::span<const float> y) {
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) sum += static_cast<double>(x[i]) * y[i];
  return sum;
}

TEST(HostDifference, IsZeroOfEqualsTwoOfOppositesAndNanOfNan) {
  const std::vector<float> x = {1, -2, 3};
  const std::vector<float> opposite = {-1, 2, -3};
  const std::vector<float> broken = {1, -2, std::numeric_limits<float>::quiet_NaN()};
  const std::vector<float> zeros(3);
  EXPECT_EQ(difference(x, x), 0);
  EXPECT_EQ(difference(x, opposite), 2);
  EXPECT_EQ(difference(zeros, zeros), 0);
  EXPECT_EQ(difference(x, zeros), 1);
  EXPECT_TRUE(std::isnan(difference(x, broken)));
  EXPECT_TRUE(std::isnan(difference(broken, x)));
}

TEST(HostQuantise, KeepsZerosAndGivesTheLargestTheLargestCode) {
  std::vector<float> x(256);
  x[5] = -7;
  x[6] = 3.5F;
  const RowQuantised q = quantise(x, {1, 256});
  EXPECT_EQ(q.values[5], 0xFE);
  EXPECT_EQ(q.values[6], to_e4m3(224));
  EXPECT_EQ(q.values[7], 0);
  EXPECT_EQ(q.scales[0], 7.0F / 448);
  EXPECT_EQ(dequantise(q), x);  // 448 and 224 times 1/64 are exact
}

TEST(HostQuantise, NoElementIsOffByMoreThanHalfAStep) {
  const MatrixSize size{4, 256};
  const std::vector<float> x = random_values(size.count(), 1);
  const RowQuantised q = quantise(x, size);
  const std::vector<float> back = dequantise(q);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const float scale = q.scales[i % 256 / 128 * 4 + i / 256];
    // Normal codes: 1/16 of the value; below, half of 2^-9. A little for FP32.
    EXPECT_LE(std::fabs(back[i] - x[i]),
              1.00001 * std::fmax(std::fabs(x[i]) / 16, scale * 0x1p-10F));
  }
}

TEST(HostQuantise, NanIsKept) {
  std::vector<float> x(128, 1.0F);
  x[3] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_TRUE(std::isnan(dequantise(quantise(x, {1, 128}))[3]));
}

TEST(HostQuantise, TransposedIsThatOfTheTransposedWithRowsThatPad) {
  const std::vector<float> x = random_values(130 * 3, 2);
  const RowQuantised q = quantise_transposed(x, {130, 3});
  ASSERT_EQ(q.size, (MatrixSize{3, 256}));
  const std::vector<float> back = dequantise(q);
  for (std::size_t row = 0; row < 256; ++row) {
    for (std::size_t column = 0; column < 3; ++column) {
      const float value = back[column * 256 + row];
      if (row >= 130) {
        EXPECT_EQ(value, 0);
      } else {
        EXPECT_NEAR(value, x[row * 3 + column], std::fabs(x[row * 3 + column]) / 16 + 1e-4);
      }
    }
  }
}

TEST(HostQuantise, RequantisedIsNearTheTransposed) {
  const MatrixSize size{256, 128};
  const std::vector<float> x = random_values(size.count(), 3);
  const RowQuantised q = requantise_transposed(quantise(x, size));
  ASSERT_EQ(q.size, (MatrixSize{128, 256}));
  EXPECT_LT(difference(dequantise(q), transpose(x, size)), 2 * kQuantisedLimit);  // rounded twice
}

TEST(HostQuantise, BlocksTransposeExactly) {
  const MatrixSize size{256, 128};
  const std::vector<float> w = random_values(2 * size.count(), 4);
  const BlockQuantised q = quantise_blocks(w, 2, size);
  EXPECT_EQ(q.scales.size(), 2U * 2 * 4);  // 128 columns are one scale, padded to 4
  EXPECT_LT(difference(dequantise(q), w), kQuantisedLimit);
  const std::vector<float> straight = dequantise(q);
  const std::vector<float> turned = dequantise(transpose(q));
  const auto group = static_cast<std::size_t>(size.count());
  for (const std::size_t first : {std::size_t{0}, group}) {
    const std::vector<float> expected = transpose(std::span(straight).subspan(first, group), size);
    EXPECT_EQ(std::vector<float>(turned.begin() + static_cast<std::ptrdiff_t>(first),
                                 turned.begin() + static_cast<std::ptrdiff_t>(first + group)),
              expected);
  }
}

TEST(HostProduct, ByHand) {
  // Group 0 has row 0 (1, 2), group 1 rows 128 (3, 4); W of one row: (10, 1) and (1, 100).
  const Segments segments = contiguous_segments(std::vector<std::int64_t>{1, 1});
  std::vector<float> x(256 * 2);
  x[0] = 1, x[1] = 2, x[256] = 3, x[257] = 4;
  const std::vector<float> w = {10, 1, 1, 100};
  const std::vector<float> y = product(x, w, segments, {1, 2});
  EXPECT_EQ(y[0], 12);
  EXPECT_EQ(y[1], 0);
  EXPECT_EQ(y[128], 403);
  EXPECT_EQ(product_rows(x, w, segments, {1, 2}, std::vector<std::int64_t>{128, 0, 1}),
            (std::vector<double>{403, 12, 0}));
  EXPECT_EQ(weight_gradient(y, x, segments, {1, 2}),
            (std::vector<float>{12, 24, 1209, 1612}));  // 12 x (1, 2), 403 x (3, 4)
}

TEST(HostProduct, QuantisedIsThatOfTheDequantised) {
  const Segments segments = contiguous_segments(std::vector<std::int64_t>{100, 130});
  const MatrixSize size{256, 384};
  const std::vector<float> x = random_values(segments.rows_all * size.columns, 5);
  const std::vector<float> w = random_values(2 * size.count(), 6);
  const RowQuantised qx = quantise(x, {segments.rows_all, size.columns});
  const BlockQuantised qw = quantise_blocks(w, 2, size);
  const std::vector<float> y = product(qx, qw, segments);
  EXPECT_LT(difference(y, product(dequantise(qx), dequantise(qw), segments, size)), kFp32Limit);
  EXPECT_LT(difference(y, product(x, w, segments, size)), 2 * kQuantisedLimit);
}

TEST(HostProduct, QuantisedWeightGradientIsThatOfTheDequantised) {
  const Segments segments = contiguous_segments(std::vector<std::int64_t>{128, 256});
  const MatrixSize size{8, 16};
  const std::int64_t rows = segments.rows_all;
  const RowQuantised d_y =
      quantise_transposed(random_values(rows * size.rows, 7), {rows, size.rows});
  const RowQuantised x =
      quantise_transposed(random_values(rows * size.columns, 8), {rows, size.columns});
  const std::vector<float> expected =
      weight_gradient(transpose(dequantise(d_y), {size.rows, rows}),
                      transpose(dequantise(x), {size.columns, rows}), segments, size);
  EXPECT_LT(difference(weight_gradient(d_y, x, segments), expected), kFp32Limit);
}

TEST(HostSwiglu, BackwardIsTheFiniteDifference) {
  const MatrixSize size{3, 4};
  std::vector<float> x = random_values(2 * size.count(), 9);
  const std::vector<float> d = random_values(size.count(), 10);
  const std::vector<float> d_x = swiglu_backward(x, d, size);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const float kept = x[i];
    x[i] = kept + 0x1p-7F;
    const double above = dot(swiglu(x, size), d);
    x[i] = kept - 0x1p-7F;
    const double below = dot(swiglu(x, size), d);
    x[i] = kept;
    // Curvature: (2^-7)^2 / 6 x a third derivative of a few; values below 2^6.
    EXPECT_NEAR((above - below) * 0x1p6, d_x[i], 2e-3 * (1 + std::fabs(d_x[i])));
  }
}

TEST(HostElements, ByHand) {
  EXPECT_EQ(gelu(std::vector<float>{0})[0], 0);
  const std::vector<float> g = gelu(std::vector<float>{1.5F, -1.5F});
  EXPECT_NEAR(g[0] - g[1], 1.5, 1e-6);  // x/2 (1 + t) + x/2 (1 - t)
  // Mean square of (3, 4) is 12.5.
  const std::vector<float> n = norm(std::vector<float>{3, 4}, std::vector<float>{1, 2}, {1, 2});
  EXPECT_NEAR(n[0], 3 / std::sqrt(12.5), 1e-6);
  EXPECT_NEAR(n[1], 8 / std::sqrt(12.5), 1e-6);
  EXPECT_EQ(embedding(std::vector<float>{1, 2, 3, 4}, 2, std::vector<std::int32_t>{1, 0}),
            (std::vector<float>{3, 4, 1, 2}));
}

TEST(HostRope, TurnsPairsByTheirPosition) {
  const std::vector<float> x = {1, 0, 1, 0, 1, 0, 1, 0};
  const std::vector<float> y = rope(x, {2, 4}, 4);
  EXPECT_EQ(std::vector<float>(y.begin(), y.begin() + 4),
            std::vector<float>(x.begin(), x.begin() + 4));
  EXPECT_NEAR(y[4], std::cos(1.0), 1e-6);  // first pair of row 1: 1 radian
  EXPECT_NEAR(y[5], std::sin(1.0), 1e-6);
  EXPECT_NEAR(y[6], std::cos(0.01), 1e-6);  // second: 10000^(-2/4)
  EXPECT_NEAR(y[7], std::sin(0.01), 1e-6);
}

TEST(HostCrossEntropy, OfEqualLogitsIsTheLogarithmOfTheirNumber) {
  const CrossEntropy c =
      cross_entropy(std::vector<float>(8, 100), std::vector<std::int32_t>{2}, {1, 8});
  EXPECT_NEAR(c.losses[0], std::log(8.0), 1e-6);
  EXPECT_NEAR(c.log_sums[0], 100 + std::log(8.0), 1e-5);  // FP32 at 100
}

TEST(HostAdamW, AFirstStepGoesByTheRateAgainstTheSign) {
  const AdamWState state{.master = {2, 2}, .first = {0, 0}, .second = {0, 0}, .parameter = {0, 0}};
  const AdamWState next =
      adamw(state, std::vector<float>{0.5F, -4}, {.rate = 0.125F, .weight_decay = 0.25F});
  // Corrected moments are g and g^2: 2 - 0.125 (+-1 + 0.25 x 2).
  EXPECT_NEAR(next.master[0], 1.8125, 1e-5);
  EXPECT_NEAR(next.master[1], 2.0625, 1e-5);
  EXPECT_NEAR(from_bf16(next.first[0]), 0.05, 0.05 / 256);  // (1 - 0.9) g, in BF16
  EXPECT_NEAR(from_bf16(next.second[1]), 0.8, 0.8 / 256);   // (1 - 0.95) g^2
  EXPECT_EQ(next.parameter[0], to_bf16(next.master[0]));
}

constexpr AttentionSizes kAttention{
    .batch = 2, .sequence = 5, .heads = 2, .qk_columns = 6, .v_columns = 4};

std::vector<float> small_values(std::size_t count, std::uint64_t seed) {
  Random random(seed);
  std::vector<float> values;
  for (std::size_t i = 0; i < count; ++i) {
    values.push_back(static_cast<float>(2 * random.uniform() - 1));
  }
  return values;
}

TEST(HostAttention, AFirstTokenSeesItselfAlone) {
  const auto q = small_values(120, 1);
  const auto k = small_values(120, 2);
  const auto v = small_values(80, 3);
  const AttentionResult result = attention(q, k, v, kAttention);
  for (std::size_t i = 0; i < 8; ++i) EXPECT_FLOAT_EQ(result.o[i], v[i]);  // both heads of token 0
  const double score = dot(std::span(q).first(6), std::span(k).first(6)) / std::sqrt(6.0);
  EXPECT_NEAR(result.log_sums[0], score, 1e-6);
}

TEST(HostAttention, BackwardIsTheFiniteDifference) {
  std::vector<float> q = small_values(120, 4);
  std::vector<float> k = small_values(120, 5);
  std::vector<float> v = small_values(80, 6);
  const std::vector<float> d_o = small_values(80, 7);
  const AttentionGradients g = attention_backward(q, k, v, d_o, kAttention);
  const auto expect_gradient = [&](std::vector<float>& values, const std::vector<float>& found) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      const float kept = values[i];
      values[i] = kept + 0x1p-8F;
      const double above = dot(attention(q, k, v, kAttention).o, d_o);
      values[i] = kept - 0x1p-8F;
      const double below = dot(attention(q, k, v, kAttention).o, d_o);
      values[i] = kept;
      // FP32 results: a few 6e-8 over 2^-7, 2e-5; curvature 2^-16 of about 1.
      EXPECT_NEAR((above - below) * 0x1p7, found[i], 1e-4);
    }
  };
  expect_gradient(q, g.d_q);
  expect_gradient(k, g.d_k);
  expect_gradient(v, g.d_v);
}

TEST(HostAttention, DecodeIsTheLastTokenOfCausalAttention) {
  // Keys are the cache, values its first 4 of 6 columns; every token's query is that of the decode.
  const DecodeSizes sizes{
      .batch = 1, .sequence = 5, .heads = 1, .latent = 4, .rope = 2, .qk_columns = 6};
  const std::vector<float> cache = small_values(30, 8);
  const std::vector<float> query = small_values(6, 9);
  std::vector<float> queries;
  std::vector<float> values;
  for (std::size_t token = 0; token < 5; ++token) {
    queries.insert(queries.end(), query.begin(), query.end());
    const auto first = cache.begin() + static_cast<std::ptrdiff_t>(token * 6);
    values.insert(values.end(), first, first + 4);
  }
  const AttentionResult all =
      attention(queries, cache, values, {.sequence = 5, .qk_columns = 6, .v_columns = 4});
  const std::vector<float> last = attention_decode(query, cache, sizes);
  ASSERT_EQ(last.size(), 4U);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_FLOAT_EQ(last[i], all.o[16 + i]);
}

}  // namespace
}  // namespace planewise::calibration::host
