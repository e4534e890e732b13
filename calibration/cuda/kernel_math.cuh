// What our kernels share: eight BF16 values at a time, e4m3, reductions over a warp.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp8.h>
#include <cuda_runtime.h>

#include <cstdint>

namespace planewise::calibration {

inline constexpr int kWarp = 32;
inline constexpr int kScaleColumns = 128;
inline constexpr float kLargestE4m3 = 448.0F;
inline constexpr float kLeastAmax = 1e-30F;  // so that zeros stay zeros

struct Floats8 {
  float at[8];
};

__device__ inline float from_bits(std::uint16_t bits) {
  return __uint_as_float(static_cast<unsigned>(bits) << 16);
}

__device__ inline std::uint16_t to_bits(float value) {
  return __bfloat16_as_ushort(__float2bfloat16_rn(value));
}

__device__ inline float low_half(unsigned word) { return __uint_as_float(word << 16); }
__device__ inline float high_half(unsigned word) { return __uint_as_float(word & 0xFFFF0000U); }
__device__ inline unsigned pack_halves(float low, float high) {
  return static_cast<unsigned>(to_bits(low)) | static_cast<unsigned>(to_bits(high)) << 16;
}

/// Eight BF16 values from an address that is a multiple of 16.
__device__ inline Floats8 load8(const std::uint16_t* from) {
  const uint4 words = *reinterpret_cast<const uint4*>(from);
  return {{low_half(words.x), high_half(words.x), low_half(words.y), high_half(words.y),
           low_half(words.z), high_half(words.z), low_half(words.w), high_half(words.w)}};
}

__device__ inline void store8(std::uint16_t* to, const Floats8& x) {
  *reinterpret_cast<uint4*>(to) = {pack_halves(x.at[0], x.at[1]), pack_halves(x.at[2], x.at[3]),
                                   pack_halves(x.at[4], x.at[5]), pack_halves(x.at[6], x.at[7])};
}

/// Four BF16 values from an address that is a multiple of 8.
__device__ inline float4 load4(const std::uint16_t* from) {
  const uint2 words = *reinterpret_cast<const uint2*>(from);
  return {low_half(words.x), high_half(words.x), low_half(words.y), high_half(words.y)};
}

__device__ inline void store4(std::uint16_t* to, float4 x) {
  *reinterpret_cast<uint2*>(to) = {pack_halves(x.x, x.y), pack_halves(x.z, x.w)};
}

__device__ inline unsigned to_e4m3(float value) {
  return __nv_cvt_float_to_fp8(value, __NV_SATFINITE, __NV_E4M3);
}

__device__ inline unsigned pack_e4m3(float4 x) {
  return to_e4m3(x.x) | to_e4m3(x.y) << 8 | to_e4m3(x.z) << 16 | to_e4m3(x.w) << 24;
}

__device__ inline float from_e4m3(unsigned code) {
  const __half_raw half = __nv_cvt_fp8_to_halfraw(static_cast<__nv_fp8_storage_t>(code), __NV_E4M3);
  return __half2float(__half(half));
}

__device__ inline float largest_of(float4 x) {
  return fmaxf(fmaxf(fabsf(x.x), fabsf(x.y)), fmaxf(fabsf(x.z), fabsf(x.w)));
}

__device__ inline float warp_max(float value) {
  for (int distance = kWarp / 2; distance > 0; distance /= 2) {
    value = fmaxf(value, __shfl_xor_sync(0xFFFFFFFFU, value, distance));
  }
  return value;
}

__device__ inline float warp_sum(float value) {
  for (int distance = kWarp / 2; distance > 0; distance /= 2) {
    value += __shfl_xor_sync(0xFFFFFFFFU, value, distance);
  }
  return value;
}

/// A warp quantises 128 elements, four a lane; returns the scale.
__device__ inline float quantise_warp(float4 x, unsigned* codes) {
  const float amax = fmaxf(warp_max(largest_of(x)), kLeastAmax);
  const float inverse = kLargestE4m3 / amax;
  *codes = pack_e4m3({x.x * inverse, x.y * inverse, x.z * inverse, x.w * inverse});
  return amax / kLargestE4m3;
}

__device__ inline float silu(float x) { return x / (1 + __expf(-x)); }

/// Index of a thread in a grid of one dimension.
__device__ inline std::int64_t thread_index() {
  return static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
}

__device__ inline std::int64_t thread_count() {
  return static_cast<std::int64_t>(gridDim.x) * blockDim.x;
}

}  // namespace planewise::calibration
