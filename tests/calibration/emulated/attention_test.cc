// Softmax, decode, MXFP8 and the regrouping of scales, run by the emulator.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "calibration/cuda/attention_softmax.h"
#include "calibration/cuda/cublaslt_groups.h"
#include "calibration/cuda/decode_kernel.h"
#include "calibration/cuda/mxfp8.h"
#include "calibration/host/e4m3.h"
#include "calibration/host/host_bench.h"

namespace planewise::calibration {
namespace {

using host::random_bits;
using host::random_floats;
using Bits = std::uint16_t;

// ---- Softmax: with q = scores and k = 1 the processor's attention has these probabilities ----

struct Scores {
  static constexpr std::int64_t kSequence = 270;  // more keys than threads
  static constexpr int kHeads = 2;                // the second is looked at
  std::vector<float> scores = random_floats(kHeads * kSequence * kSequence, 1, 1);
  std::vector<Bits> probabilities =
      std::vector<Bits>(static_cast<std::size_t>(kHeads * kSequence * kSequence), 0xFFFF);
  std::vector<float> log_sums = std::vector<float>(kHeads * kSequence, NAN);

  double score(int head, std::int64_t query, std::int64_t key) const {
    return scores[static_cast<std::size_t>((head * kSequence + query) * kSequence + key)];
  }
  double log_sum(int head, std::int64_t query) const {
    double sum = 0;
    for (std::int64_t key = 0; key <= query; ++key) sum += std::exp(score(head, query, key));
    return std::log(sum);
  }
  double probability(int head, std::int64_t query, std::int64_t key) const {
    return key > query ? 0 : std::exp(score(head, query, key) - log_sum(head, query));
  }
};

constexpr double kRelative = 0x1p-8;  // of BF16: half a unit in the last of 8 digits, and some

TEST(Emulated, CausalSoftmaxIsThatOfTheFormula) {
  Scores s;
  launch_causal_softmax(s.scores.data(), s.probabilities.data(), s.log_sums.data(),
                        {.heads = Scores::kHeads, .sequence = Scores::kSequence}, nullptr);
  for (const std::int64_t query : {0, 1, 31, 255, 256, 269}) {
    EXPECT_NEAR(s.log_sums[static_cast<std::size_t>(Scores::kSequence + query)],
                s.log_sum(1, query), 1e-5);
    for (std::int64_t key = 0; key < Scores::kSequence; ++key) {
      const std::size_t at =
          static_cast<std::size_t>((Scores::kSequence + query) * Scores::kSequence + key);
      const double expected = s.probability(1, query, key);
      EXPECT_NEAR(host::from_bf16(s.probabilities[at]), expected, kRelative * expected);
    }
  }
}

TEST(Emulated, CausalSoftmaxBackwardIsThatOfTheFormula) {
  Scores s;
  constexpr int kColumns = 40;
  const auto values = [](std::uint64_t seed) {
    return random_bits(Scores::kSequence * Scores::kHeads * kColumns, 1, seed);
  };
  const auto o = values(2);
  const auto d_o = values(3);
  const auto d_p = random_floats(Scores::kHeads * Scores::kSequence * Scores::kSequence, 1, 4);
  launch_causal_softmax(s.scores.data(), s.probabilities.data(), s.log_sums.data(),
                        {.heads = Scores::kHeads, .sequence = Scores::kSequence}, nullptr);
  std::vector<Bits> again(s.probabilities.size(), 0xFFFF);
  std::vector<Bits> d_scores(s.probabilities.size(), 0xFFFF);
  launch_causal_softmax_backward({.scores = s.scores.data(),
                                  .d_probabilities = d_p.data(),
                                  .log_sums = s.log_sums.data(),
                                  .o = o.data(),
                                  .d_o = d_o.data(),
                                  .row = Scores::kHeads * kColumns,
                                  .v_dim = kColumns,
                                  .probabilities = again.data(),
                                  .d_scores = d_scores.data()},
                                 {.heads = Scores::kHeads, .sequence = Scores::kSequence}, nullptr);
  EXPECT_LT(host::difference(host::from_bf16(again), host::from_bf16(s.probabilities)), 1e-9);
  for (const std::int64_t query : {0, 33, 269}) {
    double own = 0;
    for (int i = 0; i < kColumns; ++i) {
      const auto at = static_cast<std::size_t>((query * Scores::kHeads + 1) * kColumns + i);
      own += double{host::from_bf16(o[at])} * host::from_bf16(d_o[at]);
    }
    for (std::int64_t key = 0; key < Scores::kSequence; ++key) {
      const auto at =
          static_cast<std::size_t>((Scores::kSequence + query) * Scores::kSequence + key);
      const double expected = s.probability(1, query, key) * (d_p[at] - own);
      EXPECT_NEAR(host::from_bf16(d_scores[at]), expected, kRelative * std::abs(expected) + 1e-6);
    }
  }
}

// ---- Decode ----

/// `splits` parts of the cache of `tiles` x 32 tokens each.
void expect_decode(std::int64_t sequence, int heads, int splits, int tiles) {
  constexpr std::int64_t kBatch = 2;
  constexpr std::int64_t kWidth = kDecodeLatent + kDecodeRope;
  const auto queries = random_bits(kBatch * heads * kWidth, 1, 5);
  const auto cache = random_bits(kBatch * sequence * kWidth, 1, 6);
  const std::int64_t rows = kBatch * heads;
  std::vector<Bits> results(static_cast<std::size_t>(rows * kDecodeLatent), 0xFFFF);
  std::vector<float> parts(static_cast<std::size_t>(splits * rows * kDecodeLatent), NAN);
  std::vector<float> log_sums(static_cast<std::size_t>(splits * rows), NAN);
  launch_decode_kernel({.queries = queries.data(),
                        .cache = cache.data(),
                        .results = results.data(),
                        .parts = splits > 1 ? parts.data() : nullptr,
                        .log_sums = splits > 1 ? log_sums.data() : nullptr,
                        .batch = kBatch,
                        .sequence = sequence,
                        .heads = heads,
                        .qk_dim = 192},
                       {.head_tiles = (heads + kDecodeHeadTile - 1) / kDecodeHeadTile,
                        .splits = splits,
                        .tiles_per_split = tiles},
                       nullptr);
  const std::vector<float> expected =
      host::attention_decode(host::from_bf16(queries), host::from_bf16(cache),
                             {.batch = kBatch,
                              .sequence = sequence,
                              .heads = heads,
                              .latent = kDecodeLatent,
                              .rope = kDecodeRope,
                              .qk_columns = 192});
  // Probabilities are rounded to BF16 on the way.
  EXPECT_LT(host::difference(host::from_bf16(results), expected), 5e-5);
}

TEST(Emulated, DecodeIsThatOfTheProcessor) { expect_decode(64, 64, 1, 2); }

TEST(Emulated, DecodeTakesABrokenTileAndHeadsThatFillNone) { expect_decode(45, 40, 1, 2); }

TEST(Emulated, DecodeJoinsItsParts) { expect_decode(75, 16, 3, 1); }

// ---- MXFP8 ----

TEST(Emulated, Mxfp8ScalesAreWhereTheyBelong) {
  constexpr std::int64_t kRows = 130;  // the last tile has two rows of 128
  constexpr std::int64_t kColumns = 256;
  const auto x = random_bits(kRows * kColumns, 1, 7);
  const std::vector<float> wide = host::from_bf16(x);
  std::vector<std::uint8_t> values(x.size(), 0xFF);
  std::vector<std::uint8_t> scales(static_cast<std::size_t>(mxfp8_scale_bytes(kRows, kColumns)),
                                   0xEE);
  quantise_mxfp8(x.data(), kRows, kColumns, values.data(), scales.data(), nullptr);
  for (std::int64_t row = 0; row < kRows; ++row) {
    for (std::int64_t block = 0; block < kColumns / 32; ++block) {
      const auto first = static_cast<std::size_t>(row * kColumns + block * 32);
      float amax = 0;
      for (std::size_t i = first; i < first + 32; ++i) amax = std::max(amax, std::abs(wide[i]));
      const std::uint8_t scale =
          scales[static_cast<std::size_t>(mxfp8_scale_offset(row, block, kColumns))];
      ASSERT_EQ(scale, mxfp8_scale(amax));
      for (std::size_t i = first; i < first + 32; ++i) {
        EXPECT_EQ(values[i], host::to_e4m3(std::ldexp(wide[i], 127 - scale)));
      }
    }
  }
  // Nothing is left as it was: rows that fill the last tile have scales of 0.
  EXPECT_EQ(std::count(scales.begin(), scales.end(), 0xEE), 0);
}

// ---- Scales, group after group ----

TEST(Emulated, ScalesAreRegrouped) {
  constexpr std::int64_t kColumns = 384;
  constexpr std::int64_t kLeading = 640;
  const GroupRows rows{.first = {0, 128, 128, 384}, .count = {5, 0, 200, 130}, .rows_all = 640};
  const auto scales = random_floats(3 * kLeading, 1, 8);
  std::vector<float> to(static_cast<std::size_t>(3 * kLeading), -1);
  const std::vector<GroupCall> calls = group_calls(rows, 16);
  regroup_scales({.scales = scales.data(), .leading = kLeading}, calls, kColumns, to.data(),
                 nullptr);
  for (const GroupCall& call : calls) {
    for (std::int64_t block = 0; block < 3; ++block) {
      for (std::int64_t row = 0; row < call.rows; ++row) {
        const auto at =
            static_cast<std::size_t>(regrouped_offset(call, kColumns) + block * call.rows + row);
        const auto from = static_cast<std::size_t>(block * kLeading + call.first + row);
        EXPECT_EQ(to[at], row < call.count ? scales[from] : 0);
      }
    }
  }
}

}  // namespace
}  // namespace planewise::calibration
