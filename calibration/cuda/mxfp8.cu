#include <cuda_bf16.h>
#include <cuda_fp8.h>

#include <cstring>

#include "base/check.h"
#include "calibration/cuda/handles.h"
#include "calibration/cuda/mxfp8.h"

namespace planewise::calibration {
namespace {

constexpr int kTileRows = 128;
constexpr int kTileScales = 4;
constexpr int kBlock = 32;  // elements a scale
constexpr float kLargestE4m3 = 448.0F;

__host__ __device__ std::int64_t offset_of(std::int64_t row, std::int64_t block,
                                           std::int64_t columns) {
  const std::int64_t tiles_across = (columns + kBlock * kTileScales - 1) / (kBlock * kTileScales);
  const std::int64_t tile = row / kTileRows * tiles_across + block / kTileScales;
  const std::int64_t in_tile = row % kTileRows;
  return tile * (kTileRows * kTileScales) + in_tile % 32 * 16 + in_tile / 32 * kTileScales +
         block % kTileScales;
}

/// From the bits of amax / 448 in FP32, as the documentation has it.
__host__ __device__ unsigned scale_of(unsigned bits) {
  const unsigned exponent = bits >> 23 & 0xFFU;
  const unsigned mantissa = bits & 0x7FFFFFU;
  const bool is_up = exponent > 0 ? mantissa > 0 && exponent < 254 : mantissa > 0x400000U;
  return exponent + (is_up ? 1U : 0U);
}

/// The factor for values: 1 / 2^(scale - 127). 2^127 for scale 0, since 2^-127 is denormal.
__device__ float inverse_of(unsigned scale) {
  return scale == 254 ? 0x1p-127F : __uint_as_float((254U - scale) << 23);
}

/// A warp a block of 32; a thread block takes 8 blocks of one row. Rows from `rows` to the end of
/// their tile get zero scales.
__global__ void quantise(const __nv_bfloat16* from, std::int64_t rows, std::int64_t columns,
                         std::uint8_t* values, std::uint8_t* scales) {
  const std::int64_t row = blockIdx.x;
  const unsigned lane = threadIdx.x % 32;
  const std::int64_t block = static_cast<std::int64_t>(blockIdx.y) * 8 + threadIdx.x / 32;
  if (block * kBlock >= columns) return;
  if (row >= rows) {
    if (lane == 0) scales[offset_of(row, block, columns)] = 0;
    return;
  }
  const std::int64_t index = row * columns + block * kBlock + lane;
  const float value = __bfloat162float(from[index]);
  float largest = fabsf(value);
  for (int distance = 16; distance > 0; distance /= 2) {
    largest = fmaxf(largest, __shfl_xor_sync(0xFFFFFFFFU, largest, distance));
  }
  const unsigned scale = scale_of(__float_as_uint(largest / kLargestE4m3));
  values[index] = __nv_cvt_float_to_fp8(value * inverse_of(scale), __NV_SATFINITE, __NV_E4M3);
  if (lane == 0) scales[offset_of(row, block, columns)] = static_cast<std::uint8_t>(scale);
}

}  // namespace

std::int64_t mxfp8_scale_bytes(std::int64_t rows, std::int64_t columns) {
  const std::int64_t tiles_down = (rows + kTileRows - 1) / kTileRows;
  return offset_of(tiles_down * kTileRows, 0, columns);
}

std::int64_t mxfp8_scale_offset(std::int64_t row, std::int64_t block, std::int64_t columns) {
  return offset_of(row, block, columns);
}

std::uint8_t mxfp8_scale(float largest) {
  const float factor = largest / kLargestE4m3;
  unsigned bits = 0;
  std::memcpy(&bits, &factor, sizeof bits);
  return static_cast<std::uint8_t>(scale_of(bits));
}

void quantise_mxfp8(const std::uint16_t* from, std::int64_t rows, std::int64_t columns,
                    std::uint8_t* values, std::uint8_t* scales, cudaStream_t stream) {
  PW_CHECK(columns % (kBlock * kTileScales) == 0);
  const std::int64_t rows_of_tiles = (rows + kTileRows - 1) / kTileRows * kTileRows;
  const dim3 grid(static_cast<unsigned>(rows_of_tiles),
                  static_cast<unsigned>((columns / kBlock + 7) / 8));
  quantise<<<grid, 256, 0, stream>>>(reinterpret_cast<const __nv_bfloat16*>(from), rows, columns,
                                     values, scales);
  PW_CUDA(cudaGetLastError());
}

}  // namespace planewise::calibration
