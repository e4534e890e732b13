#include "calibration/host/e4m3.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace planewise::calibration::host {
namespace {

constexpr float kLeastNormal = 0x1p-6F;
constexpr float kLeast = 0x1p-9F;  // of the numbers below that, and what they are multiples of
constexpr int kDroppedBits = 20;   // 23 bits of mantissa become 3
constexpr std::uint32_t kBiases = 127 - 7;
constexpr std::uint8_t kNan = 0x7F;

}  // namespace

std::uint8_t to_e4m3(float value) {
  if (std::isnan(value)) return kNan;
  const float size = std::min(std::fabs(value), kE4m3Most);
  std::uint32_t code = 0;
  if (size < kLeastNormal) {
    // The quotient is exact; 8 of them are the least normal number, whose code is 8.
    code = static_cast<std::uint32_t>(std::nearbyint(size / kLeast));
  } else {
    const auto bits = std::bit_cast<std::uint32_t>(size);
    const std::uint32_t is_odd = bits >> kDroppedBits & 1;
    const std::uint32_t half = (1U << (kDroppedBits - 1)) - 1 + is_odd;
    code = ((bits + half) >> kDroppedBits) - (kBiases << 3);  // a carry is the next exponent
  }
  return static_cast<std::uint8_t>(code | (std::signbit(value) ? 0x80U : 0U));
}

float from_e4m3(std::uint8_t code) {
  const int exponent = code >> 3 & 15;
  const int mantissa = code & 7;
  if (exponent == 15 && mantissa == 7) return std::numeric_limits<float>::quiet_NaN();
  const float size = exponent == 0 ? static_cast<float>(mantissa) * kLeast
                                   : std::ldexp(static_cast<float>(8 + mantissa), exponent - 10);
  return (code & 0x80) != 0 ? -size : size;
}

std::uint16_t to_bf16(float value) {
  if (std::isnan(value)) return 0x7FFF;
  const auto bits = std::bit_cast<std::uint32_t>(value);
  return static_cast<std::uint16_t>((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

float from_bf16(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

std::vector<std::uint16_t> to_bf16(std::span<const float> values) {
  std::vector<std::uint16_t> result(values.size());
  std::transform(values.begin(), values.end(), result.begin(),
                 [](float value) { return to_bf16(value); });
  return result;
}

std::vector<float> from_bf16(std::span<const std::uint16_t> bits) {
  std::vector<float> result(bits.size());
  std::transform(bits.begin(), bits.end(), result.begin(),
                 [](std::uint16_t value) { return from_bf16(value); });
  return result;
}

std::vector<float> rounded_to_bf16(std::span<const float> values) {
  return from_bf16(to_bf16(values));
}

}  // namespace planewise::calibration::host
