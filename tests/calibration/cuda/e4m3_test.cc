// The host's own e4m3 and BF16 against CUDA's, which convert on the processor too: no GPU needed.
#include "calibration/host/e4m3.h"

#include <cuda_bf16.h>
#include <cuda_fp8.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

namespace planewise::calibration::host {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

void expect_same_e4m3(float value) {
  const std::uint8_t theirs = __nv_cvt_float_to_fp8(value, __NV_SATFINITE, __NV_E4M3);
  ASSERT_EQ(to_e4m3(value), theirs) << std::hexfloat << value;
}

void expect_same_bf16(float value) {
  const auto theirs = std::bit_cast<std::uint16_t>(__float2bfloat16_rn(value));
  ASSERT_EQ(to_bf16(value), theirs) << std::hexfloat << value;
}

TEST(E4m3AndCuda, EveryCodeHasTheSameValue) {
  for (int code = 0; code < 256; ++code) {
    const auto bits = static_cast<std::uint8_t>(code);
    const __half half{__nv_cvt_fp8_to_halfraw(bits, __NV_E4M3)};
    const float theirs = __half2float(half);
    if (std::isnan(theirs)) {
      EXPECT_TRUE(std::isnan(from_e4m3(bits))) << code;
    } else {
      EXPECT_EQ(std::bit_cast<std::uint32_t>(from_e4m3(bits)), std::bit_cast<std::uint32_t>(theirs))
          << code;
    }
  }
}

TEST(E4m3AndCuda, EveryBf16HasTheSameCode) {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    expect_same_e4m3(from_bf16(static_cast<std::uint16_t>(bits)));
  }
}

TEST(E4m3AndCuda, NeighboursOfEveryBoundaryHaveTheSameCode) {
  for (int code = 0; code < 0x7F; ++code) {
    const float low = from_e4m3(static_cast<std::uint8_t>(code));
    const float high = code == 0x7E ? 480 : from_e4m3(static_cast<std::uint8_t>(code + 1));
    for (const float value : {low, (low + high) / 2, high}) {
      for (const float near :
           {std::nextafter(value, -kInfinity), value, std::nextafter(value, kInfinity)}) {
        expect_same_e4m3(near);
        expect_same_e4m3(-near);
      }
    }
  }
}

TEST(Bf16AndCuda, EveryHighHalfWithALowHalfAroundTheTie) {
  for (std::uint32_t high = 0; high < 0x10000; ++high) {
    for (const std::uint32_t low : {0x0000U, 0x0001U, 0x7FFFU, 0x8000U, 0x8001U, 0xFFFFU}) {
      expect_same_bf16(std::bit_cast<float>(high << 16 | low));
    }
  }
}

}  // namespace
}  // namespace planewise::calibration::host
