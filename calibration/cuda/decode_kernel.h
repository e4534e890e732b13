// The kernels behind Decode, and their fixed sizes.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "calibration/cuda/decode.h"

namespace planewise::calibration {

inline constexpr int kDecodeLatent = 512;
inline constexpr int kDecodeRope = 64;
inline constexpr int kDecodeHeadTile = 64;
inline constexpr int kDecodeKeyTile = 32;

struct DecodeArguments {
  const std::uint16_t* queries = nullptr;
  const std::uint16_t* cache = nullptr;
  std::uint16_t* results = nullptr;
  float* parts = nullptr;     ///< None if the cache is not split.
  float* log_sums = nullptr;  ///< To the base 2.
  std::int64_t batch = 0;
  std::int64_t sequence = 0;
  int heads = 0;
  int qk_dim = 0;
};

/// Shared memory of a block.
int decode_shared_bytes();

/// Allows it that much; once a device.
void prepare_decode_kernel();

void launch_decode_kernel(const DecodeArguments& arguments, const DecodePlan& plan,
                          cudaStream_t stream);

}  // namespace planewise::calibration
