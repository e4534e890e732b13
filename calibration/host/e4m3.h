// Numbers narrower than FP32, on the processor: BF16 and e4m3. Own code, so that the checks of
// kernels do not rest on the library whose conversions they use.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace planewise::calibration::host {

/// The largest e4m3 value.
inline constexpr float kE4m3Most = 448;

/// FP32 to e4m3fn (arXiv 2209.05433: sign, 4 bits of exponent with bias 7, 3 of mantissa, no
/// infinities, NaN is 0x7F and 0xFF): nearest, ties to even; beyond 448 and infinities become 448
/// with their sign; NaN becomes 0x7F.
std::uint8_t to_e4m3(float value);

/// Exact; NaN for 0x7F and 0xFF.
float from_e4m3(std::uint8_t code);

/// FP32 to BF16: nearest, ties to even, overflow to infinity; NaN becomes 0x7FFF.
std::uint16_t to_bf16(float value);

/// Exact.
float from_bf16(std::uint16_t bits);

/// The same of each element.
std::vector<std::uint16_t> to_bf16(std::span<const float> values);
std::vector<float> from_bf16(std::span<const std::uint16_t> bits);

/// What is left of each value after a way through BF16.
std::vector<float> rounded_to_bf16(std::span<const float> values);

}  // namespace planewise::calibration::host
