// e4m3 and BF16 of the host against a search over all their values.
#include "calibration/host/e4m3.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "base/random.h"

namespace planewise::calibration::host {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// The finite code whose value is nearest; of two the even one. The sign is the value's own.
std::uint8_t nearest_code(float value) {
  int best = 0;
  double best_distance = std::numeric_limits<double>::infinity();
  for (int code = 0; code < 0x7F; ++code) {
    const double distance = std::fabs(std::fabs(static_cast<double>(value)) -
                                      from_e4m3(static_cast<std::uint8_t>(code)));
    const bool is_tie_to_even = distance == best_distance && code % 2 == 0;
    if (distance < best_distance || is_tie_to_even) {
      best = code;
      best_distance = distance;
    }
  }
  return static_cast<std::uint8_t>(best | (std::signbit(value) ? 0x80 : 0));
}

void expect_nearest(float value) {
  ASSERT_EQ(to_e4m3(value), nearest_code(value)) << std::hexfloat << value;
}

TEST(E4m3, ValuesAreThoseOfTheFormat) {
  // arXiv 2209.05433, Table 1: largest normal 448, least normal 2^-6, subnormals 2^-9 to 7 x 2^-9.
  EXPECT_EQ(from_e4m3(0x7E), 448);
  EXPECT_EQ(from_e4m3(0x08), 0x1p-6F);
  EXPECT_EQ(from_e4m3(0x07), 7 * 0x1p-9F);
  EXPECT_EQ(from_e4m3(0x01), 0x1p-9F);
  EXPECT_EQ(from_e4m3(0x38), 1);
  EXPECT_EQ(from_e4m3(0xB8), -1);
  EXPECT_TRUE(std::signbit(from_e4m3(0x80)));
  EXPECT_TRUE(std::isnan(from_e4m3(0x7F)));
  EXPECT_TRUE(std::isnan(from_e4m3(0xFF)));
}

TEST(E4m3, EveryCodeComesBack) {
  for (int code = 0; code < 256; ++code) {
    if ((code & 0x7F) == 0x7F) continue;
    EXPECT_EQ(to_e4m3(from_e4m3(static_cast<std::uint8_t>(code))), code);
  }
}

TEST(E4m3, IsTheNearestOfEveryBf16) {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const float value = from_bf16(static_cast<std::uint16_t>(bits));
    if (std::isfinite(value)) expect_nearest(value);
  }
}

TEST(E4m3, IsTheNearestAroundEveryBoundary) {
  for (int code = 0; code < 0x7E; ++code) {
    const float low = from_e4m3(static_cast<std::uint8_t>(code));
    const float high = from_e4m3(static_cast<std::uint8_t>(code + 1));
    for (const float value : {low, (low + high) / 2, high}) {
      for (const float near :
           {std::nextafter(value, 0.0F), value, std::nextafter(value, kInfinity)}) {
        expect_nearest(near);
        expect_nearest(-near);
      }
    }
  }
}

TEST(E4m3, IsTheNearestOfAnyFloat) {
  Random random(1);
  for (int i = 0; i < 100'000; ++i) {
    const float value = std::bit_cast<float>(static_cast<std::uint32_t>(random.bits()));
    if (std::isfinite(value)) expect_nearest(value);
  }
}

TEST(E4m3, SaturatesAndKeepsNan) {
  EXPECT_EQ(to_e4m3(464), 0x7E);  // half way to 480, which is no value
  EXPECT_EQ(to_e4m3(1e30F), 0x7E);
  EXPECT_EQ(to_e4m3(kInfinity), 0x7E);
  EXPECT_EQ(to_e4m3(-kInfinity), 0xFE);
  EXPECT_EQ(to_e4m3(std::numeric_limits<float>::quiet_NaN()), 0x7F);
}

TEST(Bf16, EveryValueComesBack) {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const float value = from_bf16(static_cast<std::uint16_t>(bits));
    if (std::isnan(value)) continue;
    ASSERT_EQ(to_bf16(value), bits);
  }
}

TEST(Bf16, RoundsToNearestAndTiesToEven) {
  // Between 1 and 1 + 2^-7 lies 1 + 2^-8: a tie, down to the even 0x3F80; from 0x3F81 up to 0x3F82.
  EXPECT_EQ(to_bf16(1 + 0x1p-8F), 0x3F80);
  EXPECT_EQ(to_bf16(std::nextafter(1 + 0x1p-8F, 2.0F)), 0x3F81);
  EXPECT_EQ(to_bf16(1 + 3 * 0x1p-8F), 0x3F82);
  EXPECT_EQ(to_bf16(std::nextafter(1 + 3 * 0x1p-8F, 1.0F)), 0x3F81);
  EXPECT_EQ(to_bf16(std::numeric_limits<float>::max()), 0x7F80);  // nearer to 2^128
  EXPECT_EQ(to_bf16(std::numeric_limits<float>::quiet_NaN()), 0x7FFF);
}

}  // namespace
}  // namespace planewise::calibration::host
