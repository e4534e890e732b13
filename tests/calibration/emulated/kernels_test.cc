// Our CUDA kernels, run by the emulator, against the plain functions of the host backend.
#include "calibration/cuda/kernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "calibration/host/e4m3.h"
#include "calibration/host/host_bench.h"

namespace planewise::calibration {
namespace {

using host::random_bits;
using host::random_floats;
using Bits = std::uint16_t;

/// e4m3 and scales that the kernels write; NaN before.
struct Scaled {
  MatrixShape shape{};
  std::vector<std::uint8_t> values{};
  std::vector<float> scales{};

  explicit Scaled(MatrixShape of)
      : shape(of),
        values(static_cast<std::size_t>(of.count()), 0xFF),
        scales(static_cast<std::size_t>(of.count() / 128), NAN) {}
  RowScaledOut out() { return {values.data(), scales.data(), shape.rows}; }
  void expect(const host::RowQuantised& expected) const {
    EXPECT_EQ(values, expected.values);
    EXPECT_EQ(scales, expected.scales);
  }
};

double bits_difference(const std::vector<Bits>& ours, const std::vector<float>& expected) {
  return host::difference(host::from_bf16(ours), expected);
}

constexpr double kRounding = 5e-6;  // of BF16: (2^-9)^2 / 3 and more

TEST(Emulated, QuantiseIsThatOfTheProcessor) {
  for (const std::int64_t rows : {1, 31, 32, 33, 100}) {
    const auto x = random_bits(rows * 384, 1, 1);
    Scaled y({rows, 384});
    quantise(x.data(), y.shape, y.out(), nullptr);
    y.expect(host::quantise(host::from_bf16(x), {rows, 384}));
  }
}

TEST(Emulated, QuantiseBothIsThatOfTheProcessor) {
  const MatrixShape shape{256, 384};
  auto x = random_bits(shape.count(), 1, 2);
  std::fill(x.begin(), x.begin() + 128, Bits{0});  // a block of zeros keeps zeros
  Scaled rows(shape);
  Scaled columns({shape.columns, shape.rows});
  quantise_both(x.data(), shape, rows.out(), columns.out(), nullptr);
  rows.expect(host::quantise(host::from_bf16(x), {256, 384}));
  columns.expect(host::quantise_transposed(host::from_bf16(x), {256, 384}));
}

TEST(Emulated, RequantiseTransposedIsThatOfTheProcessor) {
  const host::RowQuantised x = host::quantise(random_floats(256 * 384, 1, 3), {256, 384});
  Scaled columns({384, 256});
  requantise_transposed({x.values.data(), x.scales.data(), 256}, {256, 384}, columns.out(),
                        nullptr);
  columns.expect(host::requantise_transposed(x));
}

TEST(Emulated, QuantiseBlocksIsThatOfTheProcessor) {
  // 320 rows: the last block has 64 of 128. 384 columns: three scales in rows of four.
  const auto w = random_bits(2 * 320 * 384, 1, 4);
  std::vector<std::uint8_t> values(w.size(), 0xFF);
  std::vector<float> scales(2 * 3 * 4);
  quantise_blocks(w.data(), 2, {320, 384}, values.data(), scales.data(), nullptr);
  const host::BlockQuantised expected = host::quantise_blocks(host::from_bf16(w), 2, {320, 384});
  EXPECT_EQ(values, expected.values);
  EXPECT_EQ(scales, expected.scales);
}

TEST(Emulated, DequantisationIsThatOfTheProcessor) {
  const host::RowQuantised x = host::quantise(random_floats(40 * 256, 1, 5), {40, 256});
  std::vector<float> y(40 * 256);
  dequantise(RowScaled{x.values.data(), x.scales.data(), 40}, {40, 256}, y.data(), nullptr);
  EXPECT_EQ(y, host::dequantise(x));
  const host::BlockQuantised w =
      host::quantise_blocks(random_floats(3 * 192 * 256, 1, 6), 3, {192, 256});
  std::vector<float> wide(3 * 192 * 256);
  dequantise(BlockScaled{w.values.data(), w.scales.data()}, 3, {192, 256}, wide.data(), nullptr);
  EXPECT_EQ(wide, host::dequantise(w));
}

TEST(Emulated, SwigluIsThatOfTheProcessor) {
  const MatrixShape shape{37, 256};
  const host::MatrixSize size{37, 256};
  const auto x = random_bits(2 * shape.count(), 1, 7);
  const std::vector<float> wide = host::from_bf16(x);
  std::vector<Bits> y(static_cast<std::size_t>(shape.count()), 0xFFFF);
  swiglu(x.data(), shape, y.data(), nullptr);
  EXPECT_LT(bits_difference(y, host::swiglu(wide, size)), kRounding);

  Scaled scaled(shape);
  swiglu_quantise(x.data(), shape, scaled.out(), nullptr);
  // One code may round the other way where exp() differs in its last digit.
  const host::RowQuantised codes{.size = size, .values = scaled.values, .scales = scaled.scales};
  EXPECT_LT(host::difference(host::dequantise(codes), host::swiglu(wide, size)), 1e-3);

  const auto d_y = random_bits(shape.count(), 1, 8);
  std::vector<Bits> again(y.size(), 0xFFFF);
  std::vector<Bits> d_x(x.size(), 0xFFFF);
  swiglu_backward({.x = x.data(), .d_y = d_y.data(), .y = again.data(), .d_x = d_x.data()}, shape,
                  nullptr);
  EXPECT_LT(bits_difference(again, host::swiglu(wide, size)), kRounding);
  EXPECT_LT(bits_difference(d_x, host::swiglu_backward(wide, host::from_bf16(d_y), size)),
            kRounding);
}

TEST(Emulated, ElementsAreThoseOfTheProcessor) {
  const auto x = random_bits(1000, 1, 9);
  const auto y = random_bits(1000, 1, 10);
  std::vector<Bits> z(1000, 0xFFFF);
  gelu(x.data(), 1000, z.data(), nullptr);
  EXPECT_LT(bits_difference(z, host::gelu(host::from_bf16(x))), kRounding);
  add(x.data(), y.data(), 1000, z.data(), nullptr);
  std::vector<float> sum = host::from_bf16(x);
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += host::from_bf16(y)[i];
  EXPECT_LT(bits_difference(z, sum), kRounding);
  copy(x.data(), 1000, z.data(), nullptr);
  EXPECT_EQ(z, x);
}

TEST(Emulated, RopeIsThatOfTheProcessor) {
  const MatrixShape shape{50, 192};
  auto x = random_bits(shape.count(), 1, 11);
  const std::vector<float> expected = host::rope(host::from_bf16(x), {50, 192}, 64);
  std::vector<float2> table(50 * 32);
  fill_rope_table({50, 64}, table.data(), nullptr);
  rope(x.data(), shape, 64, table.data(), nullptr);
  EXPECT_LT(bits_difference(x, expected), kRounding);
}

TEST(Emulated, AdamwIsThatOfTheProcessor) {
  const std::int64_t count = 1028;
  const auto gradient = random_floats(count, 1e-2, 12);
  host::AdamWState state{.master = random_floats(count, 1, 13),
                         .first = random_bits(count, 1e-2, 14),
                         .second = random_bits(count, 1e-4, 15),
                         .parameter = std::vector<Bits>(static_cast<std::size_t>(count))};
  for (Bits& each : state.second) each &= 0x7FFF;  // squares
  const host::AdamWState expected = host::adamw(state, gradient, {.step = 3});
  adamw({.gradient = gradient.data(),
         .master = state.master.data(),
         .first = state.first.data(),
         .second = state.second.data(),
         .parameter = state.parameter.data()},
        count, {.step = 3}, nullptr);
  EXPECT_LT(host::difference(state.master, expected.master), 1e-12);
  EXPECT_LT(bits_difference(state.second, host::from_bf16(expected.second)), kRounding);
  EXPECT_LT(bits_difference(state.parameter, host::from_bf16(expected.parameter)), kRounding);
}

TEST(Emulated, RowsAreThoseOfTheProcessor) {
  for (const std::int64_t columns : {8, 256, 7168}) {
    const MatrixShape shape{5, columns};
    const host::MatrixSize size{5, columns};
    const auto x = random_bits(shape.count(), 1, 16);
    const auto weight = random_bits(columns, 1, 17);
    std::vector<Bits> y(x.size(), 0xFFFF);
    norm(x.data(), weight.data(), shape, y.data(), nullptr);
    EXPECT_LT(bits_difference(y, host::norm(host::from_bf16(x), host::from_bf16(weight), size)),
              kRounding);

    const std::vector<std::int32_t> targets = {0, 1, 2, 3, static_cast<std::int32_t>(columns - 1)};
    std::vector<float> log_sums(5);
    std::vector<float> losses(5);
    cross_entropy(x.data(), targets.data(), shape, log_sums.data(), losses.data(), nullptr);
    const host::CrossEntropy expected = host::cross_entropy(host::from_bf16(x), targets, size);
    EXPECT_LT(host::difference(log_sums, expected.log_sums), 1e-11);
    EXPECT_LT(host::difference(losses, expected.losses), 1e-11);
  }
  const auto table = random_bits(20 * 256, 1, 18);
  const std::vector<std::int32_t> ids = {19, 0, 7};
  std::vector<Bits> y(3 * 256, 0xFFFF);
  embedding(table.data(), ids.data(), {3, 256}, y.data(), nullptr);
  EXPECT_EQ(host::from_bf16(y), host::embedding(host::from_bf16(table), 256, ids));
}

// ---- Routing ----

struct Routed {
  std::int64_t tokens = 0;
  RouterSizes sizes{};
  std::vector<std::int32_t> experts{};
  std::vector<float> weights{};
};

Routed route_some(const std::vector<float>& scores, const std::vector<float>& bias,
                  const RouterSizes& sizes) {
  Routed r{.tokens = sizes.tokens, .sizes = sizes};
  const auto pairs = static_cast<std::size_t>(sizes.tokens * sizes.experts_per_token);
  r.experts.assign(pairs, -1);
  r.weights.assign(pairs, NAN);
  route(scores.data(), bias.data(), sizes, r.experts.data(), r.weights.data(), nullptr);
  return r;
}

void expect_routing(const RouterSizes& sizes, const std::vector<float>& scores,
                    const std::vector<float>& bias) {
  const Routed ours = route_some(scores, bias, sizes);
  const host::Routing expected = host::route(scores, bias, {sizes.tokens, sizes.experts},
                                             {.experts_per_token = sizes.experts_per_token,
                                              .expert_groups = sizes.expert_groups,
                                              .groups_per_token = sizes.groups_per_token,
                                              .routing_scale = sizes.routing_scale});
  EXPECT_EQ(ours.experts, expected.experts);
  EXPECT_LT(host::difference(ours.weights, expected.weights), 1e-12);
}

TEST(Emulated, RouterIsThatOfTheProcessor) {
  const RouterSizes v3{.tokens = 21,
                       .experts = 256,
                       .experts_per_token = 8,
                       .expert_groups = 8,
                       .groups_per_token = 4,
                       .routing_scale = 2.5F};
  const RouterSizes small{.tokens = 6,
                          .experts = 64,
                          .experts_per_token = 4,
                          .expert_groups = 8,
                          .groups_per_token = 4,
                          .routing_scale = 1};
  for (const RouterSizes& sizes : {v3, small}) {
    expect_routing(sizes, random_floats(sizes.tokens * sizes.experts, 1, 19),
                   random_floats(sizes.experts, 0.01, 20));
    // All the same: of equals the lower index wins, of groups and of experts.
    expect_routing(sizes,
                   std::vector<float>(static_cast<std::size_t>(sizes.tokens * sizes.experts), 0.5F),
                   std::vector<float>(static_cast<std::size_t>(sizes.experts)));
  }
}

TEST(Emulated, RouterTakesBf16Scores) {
  const RouterSizes sizes{.tokens = 5,
                          .experts = 64,
                          .experts_per_token = 4,
                          .expert_groups = 8,
                          .groups_per_token = 4,
                          .routing_scale = 1};
  const auto scores = random_bits(5 * 64, 1, 21);
  const std::vector<float> bias(64);
  std::vector<std::int32_t> experts(20, -1);
  std::vector<float> weights(20, NAN);
  route(scores.data(), bias.data(), sizes, experts.data(), weights.data(), nullptr);
  const Routed expected = route_some(host::from_bf16(scores), bias, sizes);
  EXPECT_EQ(experts, expected.experts);
  EXPECT_EQ(weights, expected.weights);
}

/// Places by the kernels, which must be those of the processor.
struct Places {
  host::Permutation permutation{};
  std::vector<int> row_of_pair{};
  std::vector<int> pair_of_row{};

  Places(const std::vector<std::int32_t>& experts, int experts_per_token, int local_experts,
         std::int64_t room) {
    permutation = host::permutation_of(experts, experts_per_token, local_experts);
    row_of_pair.assign(experts.size(), -7);
    pair_of_row.assign(static_cast<std::size_t>(room), -7);
    std::vector<int> counts(static_cast<std::size_t>(local_experts), -7);
    permute_index(experts.data(),
                  {.pairs = static_cast<std::int64_t>(experts.size()),
                   .rows_all = room,
                   .local_experts = local_experts,
                   .counts = counts.data(),
                   .row_of_pair = row_of_pair.data(),
                   .pair_of_row = pair_of_row.data()},
                  nullptr);
    for (std::size_t g = 0; g < counts.size(); ++g) {
      EXPECT_EQ(counts[g], permutation.segments.count[g]);
    }
    EXPECT_EQ(row_of_pair, permutation.row_of_pair);
    std::vector<int> expected = permutation.pair_of_row;
    expected.resize(pair_of_row.size(), -1);
    EXPECT_EQ(pair_of_row, expected);
  }
};

std::vector<std::int32_t> random_experts(std::int64_t pairs, std::int32_t experts) {
  std::vector<std::int32_t> some(static_cast<std::size_t>(pairs));
  fill_integers(some.data(), pairs, experts, 22, nullptr);
  for (const std::int32_t expert : some) {
    EXPECT_GE(expert, 0);
    EXPECT_LT(expert, experts);
  }
  return some;
}

TEST(Emulated, PlacesAreThoseOfTheProcessor) {
  Places(random_experts(1500, 64), 4, 4, 2048 + 512);     // more pairs than threads
  Places(random_experts(40, 256), 8, 16, 16 * 128);       // most experts have few
  Places(std::vector<std::int32_t>(300, 5), 4, 4, 1024);  // one has all
}

TEST(Emulated, GatherAndCombineAreThoseOfTheProcessor) {
  constexpr std::int64_t kTokens = 30;
  constexpr std::int64_t kColumns = 256;
  const Places places(random_experts(kTokens * 4, 64), 4, 4, 1024);
  const std::int64_t rows = places.permutation.segments.rows_all;
  const auto weights = random_floats(kTokens * 4, 1, 23);
  const host::RowQuantised x =
      host::quantise(random_floats(kTokens * kColumns, 1, 24), {kTokens, kColumns});
  for (const bool is_weighted : {false, true}) {
    const std::span<const float> some = is_weighted ? std::span(weights) : std::span<float>();
    const GatherSizes sizes{.rows_all = rows,
                            .columns = kColumns,
                            .experts_per_token = 4,
                            .pair_of_row = places.pair_of_row.data(),
                            .weights = is_weighted ? weights.data() : nullptr};
    Scaled y({rows, kColumns});
    gather(RowScaled{x.values.data(), x.scales.data(), kTokens}, sizes, y.out(), nullptr);
    y.expect(host::gather(x, places.permutation, some));

    const auto plain = random_bits(kTokens * kColumns, 1, 25);
    std::vector<Bits> gathered(static_cast<std::size_t>(rows * kColumns), 0xFFFF);
    gather(plain.data(), sizes, gathered.data(), nullptr);
    EXPECT_LT(bits_difference(gathered, host::gather(host::from_bf16(plain), kColumns,
                                                     places.permutation, some)),
              kRounding);

    const auto results = random_bits(rows * kColumns, 1, 26);
    std::vector<Bits> sums(static_cast<std::size_t>(kTokens * kColumns), 0xFFFF);
    combine(results.data(),
            {.tokens = kTokens,
             .columns = kColumns,
             .experts_per_token = 4,
             .row_of_pair = places.row_of_pair.data(),
             .weights = is_weighted ? weights.data() : nullptr},
            sums.data(), nullptr);
    EXPECT_LT(bits_difference(sums, host::combine(host::from_bf16(results), kColumns,
                                                  places.permutation, some)),
              kRounding);
  }
}

// ---- Inputs and checks ----

TEST(Emulated, FilledNumbersAreNormal) {
  constexpr std::int64_t kCount = 20000;
  std::vector<float> x(kCount);
  fill_normal(x.data(), kCount, 2, 27, nullptr);
  double sum = 0;
  double squares = 0;
  for (const float value : x) {
    sum += value;
    squares += static_cast<double>(value) * value;
  }
  // Of 20,000: a mean within 4 x 2 / sqrt(20,000), a variance within 4 x 4 x sqrt(2 / 20,000).
  EXPECT_NEAR(sum / kCount, 0, 0.057);
  EXPECT_NEAR(squares / kCount, 4, 0.16);
  std::vector<float> again(kCount);
  fill_normal(again.data(), kCount, 2, 27, nullptr);
  EXPECT_EQ(x, again);
  fill_normal(again.data(), kCount, 2, 28, nullptr);
  EXPECT_NE(x, again);
}

TEST(Emulated, BlocksOfWeightsDifferInMagnitude) {
  std::vector<Bits> w(256 * 512);
  fill_weights(w.data(), 1, {256, 512}, 1, 29, nullptr);
  const host::BlockQuantised blocks = host::quantise_blocks(host::from_bf16(w), 1, {256, 512});
  const auto [least, most] = std::minmax_element(blocks.scales.begin(), blocks.scales.end());
  EXPECT_GT(*most, 1.9F * *least);
}

TEST(Emulated, TransposeAndWidenMoveEachElement) {
  const auto x = random_bits(2 * 70 * 40, 1, 30);
  std::vector<Bits> y(x.size(), 0xFFFF);
  transpose(x.data(), 2, {70, 40}, y.data(), nullptr);
  std::vector<float> wide(x.size());
  widen(y.data(), static_cast<std::int64_t>(y.size()), wide.data(), nullptr);
  const std::vector<float> before = host::from_bf16(x);
  for (std::size_t g = 0; g < 2; ++g) {
    const std::vector<float> one(before.begin() + static_cast<std::ptrdiff_t>(g * 2800),
                                 before.begin() + static_cast<std::ptrdiff_t>((g + 1) * 2800));
    const std::vector<float> expected = host::transpose(one, {70, 40});
    EXPECT_TRUE(std::equal(expected.begin(), expected.end(),
                           wide.begin() + static_cast<std::ptrdiff_t>(g * 2800)));
  }
}

TEST(Emulated, DifferencesAreThoseOfTheProcessor) {
  const auto x = random_bits(5000, 1, 31);
  auto y = random_floats(5000, 1, 32);
  const auto value = [&] {
    std::vector<double> parts(2 * kDifferenceBlocks, NAN);
    difference_parts(x.data(), y.data(), 5000, parts.data(), nullptr);
    double product = 0;
    double squares = 0;
    for (std::size_t i = 0; i < parts.size(); i += 2) {
      product += parts[i];
      squares += parts[i + 1];
    }
    return 1 - 2 * product / squares;
  };
  EXPECT_NEAR(value(), host::difference(host::from_bf16(x), y), 1e-12);
  y[4321] = NAN;
  EXPECT_TRUE(std::isnan(value()));
}

}  // namespace
}  // namespace planewise::calibration
