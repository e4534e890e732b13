// The bound of arXiv 2505.09343, section 2.3.2, as printed there.
#include "model/decode_limit.h"

#include <gtest/gtest.h>

namespace planewise {
namespace {

// 3 B x 32 tokens x 9 experts x 7,000 = 6.048 MB. Over 50 GB/s 120.96 us, twice 241.92 us, 61 times
// 14.757 ms, which the paper cuts to 14.76 ms and 67 tokens a second.
TEST(DecodeLimit, OfAnInfiniBandNic) {
  const model::DecodeLimit limit = model::decode_limit({.tokens = 32,
                                                        .experts_per_token = 9,
                                                        .hidden = 7000,
                                                        .layers = 61,
                                                        .rate = gigabytes_per_second(50)});
  // 1e-9: a few roundings of doubles.
  EXPECT_NEAR(limit.exchange.in(microseconds(120.96)), 1, 1e-9);
  EXPECT_NEAR(limit.layer.in(microseconds(241.92)), 1, 1e-9);
  EXPECT_NEAR(limit.tpot.in(microseconds(14757.12)), 1, 1e-9);
  EXPECT_NEAR(limit.tokens_per_s, 1e6 / 14757.12, 1e-7);
}

// 6.048 MB over 900 GB/s: 6.72 us, 61 x 13.44 us = 0.81984 ms.
TEST(DecodeLimit, OfNvlinkAcrossARack) {
  const model::DecodeLimit limit = model::decode_limit({.tokens = 32,
                                                        .experts_per_token = 9,
                                                        .hidden = 7000,
                                                        .layers = 61,
                                                        .rate = gigabytes_per_second(900)});
  EXPECT_NEAR(limit.exchange.in(microseconds(6.72)), 1, 1e-9);
  EXPECT_NEAR(limit.tpot.in(microseconds(819.84)), 1, 1e-9);
  EXPECT_NEAR(limit.tokens_per_s, 1e6 / 819.84, 1e-7);
}

// Each factor doubles the time, a faster link halves it.
TEST(DecodeLimit, GrowsWithEachFactor) {
  const model::DecodeLimitInputs base{.tokens = 32,
                                      .experts_per_token = 8,
                                      .hidden = 7168,
                                      .layers = 60,
                                      .rate = gigabytes_per_second(40)};
  const Seconds tpot = model::decode_limit(base).tpot;
  const auto ratio = [&](auto change) {
    model::DecodeLimitInputs changed = base;
    change(changed);
    return model::decode_limit(changed).tpot.in(tpot);
  };
  EXPECT_DOUBLE_EQ(ratio([](auto& i) { i.tokens *= 2; }), 2);
  EXPECT_DOUBLE_EQ(ratio([](auto& i) { i.experts_per_token *= 2; }), 2);
  EXPECT_DOUBLE_EQ(ratio([](auto& i) { i.hidden *= 2; }), 2);
  EXPECT_DOUBLE_EQ(ratio([](auto& i) { i.layers *= 2; }), 2);
  EXPECT_DOUBLE_EQ(ratio([](auto& i) { i.rate = i.rate * 2; }), 0.5);
  // 1 + 1 B an element in place of 1 + 2.
  EXPECT_DOUBLE_EQ(ratio([](auto& i) { i.combine_bytes = 1; }), 2.0 / 3);
}

}  // namespace
}  // namespace planewise
