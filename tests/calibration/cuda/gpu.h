// What tests on a GPU share: whether there is one, copies, random operands, and the difference of
// two results. Without a GPU such a test is skipped.
#pragma once

#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "calibration/cuda/handles.h"

namespace planewise::calibration {

inline bool has_gpu() {
  int count = 0;
  return cudaGetDeviceCount(&count) == cudaSuccess && count > 0;
}

/// 90 for compute capability 9.0.
inline int compute_capability_tens() {
  int major = 0;
  int minor = 0;
  PW_CUDA(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, 0));
  PW_CUDA(cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, 0));
  return major * 10 + minor;
}

#define PW_NEEDS_GPU() \
  if (!has_gpu()) GTEST_SKIP() << "no GPU"

template <class T>
Buffer to_gpu(const std::vector<T>& values) {
  Buffer buffer(values.size() * sizeof(T));
  PW_CUDA(cudaMemcpy(buffer.as<void>(), values.data(), buffer.size(), cudaMemcpyHostToDevice));
  return buffer;
}

template <class T>
std::vector<T> from_gpu(const Buffer& buffer) {
  std::vector<T> values(buffer.size() / sizeof(T));
  PW_CUDA(cudaMemcpy(values.data(), buffer.as<void>(), buffer.size(), cudaMemcpyDeviceToHost));
  return values;
}

inline float from_bf16(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

/// Rounds to nearest, ties to even; no NaN.
inline std::uint16_t to_bf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  return static_cast<std::uint16_t>((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

/// Sign, 4 bits of exponent (bias 7), 3 of mantissa; no NaN.
inline double from_e4m3(std::uint8_t bits) {
  const int exponent = bits >> 3 & 15;
  const int mantissa = bits & 7;
  const double size =
      exponent > 0 ? std::ldexp(8 + mantissa, exponent - 10) : std::ldexp(mantissa, -9);
  return (bits & 128) != 0 ? -size : size;
}

/// Normal numbers as BF16.
inline std::vector<std::uint16_t> random_bf16(std::size_t count, std::mt19937& random) {
  std::normal_distribution<float> normal;
  std::vector<std::uint16_t> values(count);
  for (std::uint16_t& value : values) value = to_bf16(normal(random));
  return values;
}

/// e4m3 below 2 in size: any bits but the exponent's highest, so that none is NaN.
inline std::vector<std::uint8_t> random_e4m3(std::size_t count, std::mt19937& random) {
  std::vector<std::uint8_t> values(count);
  for (std::uint8_t& value : values) value = static_cast<std::uint8_t>(random() & 0xBF);
  return values;
}

inline std::vector<float> random_scales(std::size_t count, std::mt19937& random) {
  std::uniform_real_distribution<float> uniform(0.5F, 2.0F);
  std::vector<float> values(count);
  for (float& value : values) value = uniform(random);
  return values;
}

/// 1 - 2 sum xy / sum (x^2 + y^2): DeepGEMM's; NaN if either holds one.
inline double difference(const std::vector<double>& x, const std::vector<double>& y) {
  double product = 0;
  double squares = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    product += x[i] * y[i];
    squares += x[i] * x[i] + y[i] * y[i];
  }
  return 1 - 2 * product / squares;
}

}  // namespace planewise::calibration
