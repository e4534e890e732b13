// Decode of latent attention: how the work is cut, without a GPU; its values, with one.
#include "calibration/cuda/decode.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "gpu.h"

namespace planewise::calibration {
namespace {

TEST(PlanDecode, SplitsNotWhereSequencesFillTheGpu) {
  // 128 x 2 blocks are two waves of 132, 2 x (128 + 3) tiles; halves are four, 4 x (64 + 6).
  EXPECT_EQ(plan_decode({.batch = 128, .sequence = 4096}, 132),
            (DecodePlan{.head_tiles = 2, .splits = 1, .tiles_per_split = 128}));
}

TEST(PlanDecode, SplitsOneSequenceOverTheGpu) {
  // 2 x 64 blocks of two tiles are one wave; more parts are not tried.
  EXPECT_EQ(plan_decode({.batch = 1, .sequence = 4096}, 132),
            (DecodePlan{.head_tiles = 2, .splits = 64, .tiles_per_split = 2}));
}

TEST(PlanDecode, NoPartIsEmptyAndNoneIsMissing) {
  for (std::int64_t batch = 1; batch < 300; batch += 7) {
    for (std::int64_t sequence = 1; sequence < 20000; sequence = sequence * 3 + 1) {
      const DecodePlan plan = plan_decode({.heads = 16, .batch = batch, .sequence = sequence}, 132);
      const std::int64_t tiles = (sequence + 31) / 32;
      EXPECT_EQ(plan.head_tiles, 1);
      EXPECT_GE(plan.splits * plan.tiles_per_split, tiles);
      EXPECT_LT((plan.splits - 1) * plan.tiles_per_split, tiles);
    }
  }
}

TEST(PlanDecode, PartsNeedMemory) {
  const DecodeOptions options{.heads = 128, .batch = 2, .sequence = 4096};
  EXPECT_EQ(decode_scratch_bytes(options, {.head_tiles = 2, .splits = 1, .tiles_per_split = 128}),
            0U);
  // 512 results and a logarithm for each part, sequence and head.
  EXPECT_EQ(decode_scratch_bytes(options, {.head_tiles = 2, .splits = 4, .tiles_per_split = 32}),
            4U * 2 * 128 * 513 * 4);
}

TEST(Decode, OtherWidthsAreRefused) {
  const auto made = Decode::make({.latent = 256, .batch = 1, .sequence = 32});
  ASSERT_TRUE(std::holds_alternative<NotMeasured>(made));
  EXPECT_EQ(std::get<NotMeasured>(made).reason,
            "pw_mla_decode has widths of 512 and 64, not 256 and 64");
}

/// Of one head: softmax(q K^T / sqrt(192)) V, V the first 512 columns of K.
std::vector<double> reference_of_head(const std::uint16_t* query, const std::uint16_t* cache,
                                      std::int64_t sequence) {
  std::vector<double> scores(static_cast<std::size_t>(sequence));
  for (std::int64_t token = 0; token < sequence; ++token) {
    double score = 0;
    for (int i = 0; i < 576; ++i) score += from_bf16(query[i]) * from_bf16(cache[token * 576 + i]);
    scores[static_cast<std::size_t>(token)] = score / std::sqrt(192.0);
  }
  const double largest = *std::max_element(scores.begin(), scores.end());
  double sum = 0;
  for (double& score : scores) sum += score = std::exp(score - largest);
  std::vector<double> result(512);
  for (std::int64_t token = 0; token < sequence; ++token) {
    const double weight = scores[static_cast<std::size_t>(token)] / sum;
    for (std::size_t i = 0; i < 512; ++i) {
      result[i] += weight * from_bf16(cache[token * 576 + static_cast<std::int64_t>(i)]);
    }
  }
  return result;
}

struct DecodeCase {
  int heads = 128;
  std::int64_t batch = 2;
  std::int64_t sequence = 0;
  int sms = 0;
};

double decode_difference(const DecodeCase& of) {
  std::mt19937 random(static_cast<unsigned>(of.sequence));
  const auto queries = random_bf16(static_cast<std::size_t>(of.batch * of.heads * 576), random);
  const auto cache = random_bf16(static_cast<std::size_t>(of.batch * of.sequence * 576), random);
  auto made =
      Decode::make({.heads = of.heads, .batch = of.batch, .sequence = of.sequence, .sms = of.sms});
  if (const auto* refused = std::get_if<NotMeasured>(&made)) {
    ADD_FAILURE() << refused->reason;
    return 1;
  }
  const Buffer queries_there = to_gpu(queries);
  const Buffer cache_there = to_gpu(cache);
  const Buffer results(static_cast<std::size_t>(of.batch * of.heads * 512) * 2);
  const Stream stream;
  results.poison(stream);
  std::get<std::unique_ptr<Decode>>(made)->launch(queries_there.as<std::uint16_t>(),
                                                  cache_there.as<std::uint16_t>(),
                                                  results.as<std::uint16_t>(), stream.get());
  stream.synchronise();
  std::vector<double> found;
  for (const std::uint16_t value : from_gpu<std::uint16_t>(results))
    found.push_back(from_bf16(value));
  std::vector<double> expected;
  for (std::int64_t sequence = 0; sequence < of.batch; ++sequence) {
    for (int head = 0; head < of.heads; ++head) {
      const auto result =
          reference_of_head(queries.data() + (sequence * of.heads + head) * 576,
                            cache.data() + sequence * of.sequence * 576, of.sequence);
      expected.insert(expected.end(), result.begin(), result.end());
    }
  }
  return difference(expected, found);
}

// Probabilities and results are rounded to BF16: 4e-6 each in the squares.
constexpr double kLimit = 5e-5;

TEST(DecodeGpu, IsThatOfTheProcessorWithoutASplit) {
  PW_NEEDS_GPU();
  EXPECT_LT(decode_difference({.sequence = 96, .sms = 1}), kLimit);
}

TEST(DecodeGpu, IsThatOfTheProcessorWithASplitAndABrokenTile) {
  PW_NEEDS_GPU();
  EXPECT_LT(decode_difference({.sequence = 301, .sms = 132}), kLimit);
}

TEST(DecodeGpu, TakesHeadsThatFillNoTile) {
  PW_NEEDS_GPU();
  EXPECT_LT(decode_difference({.heads = 80, .batch = 3, .sequence = 33, .sms = 132}), kLimit);
}

}  // namespace
}  // namespace planewise::calibration
