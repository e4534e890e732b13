// e4m3 with scales for 1 x 128, 128 x 1 and 128 x 128 elements (arXiv 2412.19437, section 3.3.2).
#include "base/check.h"
#include "calibration/cuda/handles.h"
#include "calibration/cuda/kernel_math.cuh"
#include "calibration/cuda/kernels.h"

namespace planewise::calibration {
namespace {

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / kWarp;
constexpr int kTileRows = 32;             // of quantise: a block's, so that 32 scales lie together
constexpr int kSquare = kScaleColumns;    // rows and columns of a tile that is transposed
constexpr int kStride = kSquare + 8;      // of its rows in shared memory, in BF16 values
constexpr int kCodeStride = kSquare + 4;  // the same in codes

__device__ float4 load_gated(const std::uint16_t* gate, std::int64_t columns) {
  const float4 g = load4(gate);
  const float4 u = load4(gate + columns);
  return {silu(g.x) * u.x, silu(g.y) * u.y, silu(g.z) * u.z, silu(g.w) * u.w};
}

/// A block takes 32 rows x 128 columns of the result, a warp four rows. Gated: x has gate and up.
template <bool kGated>
__global__ void __launch_bounds__(kThreads)
    quantise_rows(const std::uint16_t* x, std::int64_t rows, std::int64_t columns, RowScaledOut y) {
  __shared__ float scales[kTileRows];
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const std::int64_t first_row = static_cast<std::int64_t>(blockIdx.x) * kTileRows;
  const std::int64_t column = static_cast<std::int64_t>(blockIdx.y) * kScaleColumns + 4 * lane;
  float4 values[kTileRows / kWarps];
#pragma unroll
  for (int i = 0; i < kTileRows / kWarps; ++i) {
    const std::int64_t row = first_row + warp + i * kWarps;
    if (row >= rows) {
      values[i] = {};
    } else if (kGated) {
      values[i] = load_gated(x + row * 2 * columns + column, columns);
    } else {
      values[i] = load4(x + row * columns + column);
    }
  }
#pragma unroll
  for (int i = 0; i < kTileRows / kWarps; ++i) {
    const std::int64_t row = first_row + warp + i * kWarps;
    unsigned codes = 0;
    const float scale = quantise_warp(values[i], &codes);
    if (lane == 0) scales[warp + i * kWarps] = scale;
    if (row < rows) *reinterpret_cast<unsigned*>(y.values + row * columns + column) = codes;
  }
  __syncthreads();
  const std::int64_t row = first_row + threadIdx.x;
  if (threadIdx.x < kTileRows && row < rows) {
    y.scales[blockIdx.y * y.leading + row] = scales[threadIdx.x];
  }
}

/// Columns of a tile of 128 x 128 as rows of the transposed matrix. `value(row, column)` reads the
/// tile; each half of the block takes 64 rows of every column.
template <class Value>
__device__ void write_transposed(const Value& value, std::int64_t rows, RowScaledOut out) {
  __shared__ float largest[2][kSquare];
  const int column = static_cast<int>(threadIdx.x) % kSquare;
  const int half = static_cast<int>(threadIdx.x) / kSquare;
  constexpr int kRows = kSquare / 2;
  float amax = 0;
#pragma unroll 8
  for (int row = 0; row < kRows; ++row)
    amax = fmaxf(amax, fabsf(value(half * kRows + row, column)));
  largest[half][column] = amax;
  __syncthreads();
  amax = fmaxf(fmaxf(largest[0][column], largest[1][column]), kLeastAmax);
  const float inverse = kLargestE4m3 / amax;
  const std::int64_t to_row = static_cast<std::int64_t>(blockIdx.y) * kSquare + column;
  const std::int64_t to_column = static_cast<std::int64_t>(blockIdx.x) * kSquare + half * kRows;
  if (half == 0) out.scales[blockIdx.x * out.leading + to_row] = amax / kLargestE4m3;
  auto* to = reinterpret_cast<uint4*>(out.values + to_row * rows + to_column);
#pragma unroll
  for (int part = 0; part < kRows / 16; ++part) {
    unsigned words[4];
#pragma unroll
    for (int word = 0; word < 4; ++word) {
      const int row = half * kRows + part * 16 + word * 4;
      words[word] = pack_e4m3({value(row, column) * inverse, value(row + 1, column) * inverse,
                               value(row + 2, column) * inverse, value(row + 3, column) * inverse});
    }
    to[part] = {words[0], words[1], words[2], words[3]};
  }
}

/// A block takes 128 x 128 elements: rows as they pass, columns from shared memory.
__global__ void __launch_bounds__(kThreads)
    quantise_tile(const std::uint16_t* x, std::int64_t rows, std::int64_t columns, RowScaledOut y,
                  RowScaledOut transposed) {
  __shared__ __align__(16) std::uint16_t tile[kSquare * kStride];
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const std::int64_t first_row = static_cast<std::int64_t>(blockIdx.x) * kSquare;
  const std::int64_t column = static_cast<std::int64_t>(blockIdx.y) * kSquare + 4 * lane;
#pragma unroll 4
  for (int row = warp; row < kSquare; row += kWarps) {
    const std::int64_t index = (first_row + row) * columns + column;
    const uint2 words = *reinterpret_cast<const uint2*>(x + index);
    *reinterpret_cast<uint2*>(tile + row * kStride + 4 * lane) = words;
    unsigned codes = 0;
    const float scale = quantise_warp(
        {low_half(words.x), high_half(words.x), low_half(words.y), high_half(words.y)}, &codes);
    *reinterpret_cast<unsigned*>(y.values + index) = codes;
    if (lane == 0) y.scales[blockIdx.y * y.leading + first_row + row] = scale;
  }
  __syncthreads();
  write_transposed([](int row, int at) { return from_bits(tile[row * kStride + at]); }, rows,
                   transposed);
}

__global__ void __launch_bounds__(kThreads)
    requantise_tile(RowScaled x, std::int64_t rows, std::int64_t columns, RowScaledOut transposed) {
  __shared__ __align__(16) std::uint8_t tile[kSquare * kCodeStride];
  __shared__ float scales[kSquare];
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const std::int64_t first_row = static_cast<std::int64_t>(blockIdx.x) * kSquare;
  const std::int64_t column = static_cast<std::int64_t>(blockIdx.y) * kSquare + 4 * lane;
#pragma unroll 4
  for (int row = warp; row < kSquare; row += kWarps) {
    *reinterpret_cast<unsigned*>(tile + row * kCodeStride + 4 * lane) =
        *reinterpret_cast<const unsigned*>(x.values + (first_row + row) * columns + column);
  }
  if (threadIdx.x < kSquare) {
    scales[threadIdx.x] = x.scales[blockIdx.y * x.leading + first_row + threadIdx.x];
  }
  __syncthreads();
  write_transposed(
      [](int row, int at) { return from_e4m3(tile[row * kCodeStride + at]) * scales[row]; }, rows,
      transposed);
}

/// A block takes 128 x 128 weights; rows beyond the end count as zeros.
__global__ void __launch_bounds__(kThreads)
    quantise_weights(const std::uint16_t* w, std::int64_t rows, std::int64_t columns,
                     std::uint8_t* values, float* scales, std::int64_t scale_columns) {
  __shared__ float largest[kWarps];
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const std::int64_t group = blockIdx.z;
  const std::int64_t first_row = static_cast<std::int64_t>(blockIdx.y) * kSquare;
  const std::int64_t column = static_cast<std::int64_t>(blockIdx.x) * kSquare + 4 * lane;
  const std::int64_t base = group * rows * columns + column;
  float4 x[kSquare / kWarps];
  float amax = 0;
#pragma unroll
  for (int i = 0; i < kSquare / kWarps; ++i) {
    const std::int64_t row = first_row + warp + i * kWarps;
    x[i] = row < rows ? load4(w + base + row * columns) : float4{};
    amax = fmaxf(amax, largest_of(x[i]));
  }
  amax = warp_max(amax);
  if (lane == 0) largest[warp] = amax;
  __syncthreads();
  amax = fmaxf(warp_max(lane < kWarps ? largest[lane] : 0), kLeastAmax);
  const float inverse = kLargestE4m3 / amax;
#pragma unroll
  for (int i = 0; i < kSquare / kWarps; ++i) {
    const std::int64_t row = first_row + warp + i * kWarps;
    if (row >= rows) continue;
    *reinterpret_cast<unsigned*>(values + base + row * columns) =
        pack_e4m3({x[i].x * inverse, x[i].y * inverse, x[i].z * inverse, x[i].w * inverse});
  }
  if (threadIdx.x == 0) {
    scales[(group * gridDim.y + blockIdx.y) * scale_columns + blockIdx.x] = amax / kLargestE4m3;
  }
}

dim3 row_grid(MatrixShape shape) {
  PW_CHECK(shape.columns % kScaleColumns == 0);
  return {static_cast<unsigned>((shape.rows + kTileRows - 1) / kTileRows),
          static_cast<unsigned>(shape.columns / kScaleColumns)};
}

dim3 square_grid(MatrixShape shape) {
  PW_CHECK(shape.columns % kSquare == 0);
  PW_CHECK(shape.rows % kSquare == 0);
  return {static_cast<unsigned>(shape.rows / kSquare),
          static_cast<unsigned>(shape.columns / kSquare)};
}

}  // namespace

void quantise(const std::uint16_t* x, MatrixShape shape, RowScaledOut y, cudaStream_t stream) {
  if (shape.rows == 0) return;
  quantise_rows<false><<<row_grid(shape), kThreads, 0, stream>>>(x, shape.rows, shape.columns, y);
  PW_CUDA(cudaGetLastError());
}

void swiglu_quantise(const std::uint16_t* x, MatrixShape shape, RowScaledOut y,
                     cudaStream_t stream) {
  if (shape.rows == 0) return;
  quantise_rows<true><<<row_grid(shape), kThreads, 0, stream>>>(x, shape.rows, shape.columns, y);
  PW_CUDA(cudaGetLastError());
}

void quantise_both(const std::uint16_t* x, MatrixShape shape, RowScaledOut y,
                   RowScaledOut transposed, cudaStream_t stream) {
  quantise_tile<<<square_grid(shape), kThreads, 0, stream>>>(x, shape.rows, shape.columns, y,
                                                             transposed);
  PW_CUDA(cudaGetLastError());
}

void requantise_transposed(const RowScaled& x, MatrixShape shape, RowScaledOut transposed,
                           cudaStream_t stream) {
  requantise_tile<<<square_grid(shape), kThreads, 0, stream>>>(x, shape.rows, shape.columns,
                                                               transposed);
  PW_CUDA(cudaGetLastError());
}

void quantise_blocks(const std::uint16_t* w, std::int64_t groups, MatrixShape shape,
                     std::uint8_t* values, float* scales, cudaStream_t stream) {
  PW_CHECK(shape.columns % kSquare == 0);
  const std::int64_t blocks = shape.columns / kSquare;
  const dim3 grid(static_cast<unsigned>(blocks),
                  static_cast<unsigned>((shape.rows + kSquare - 1) / kSquare),
                  static_cast<unsigned>(groups));
  quantise_weights<<<grid, kThreads, 0, stream>>>(w, shape.rows, shape.columns, values, scales,
                                                  (blocks + 3) / 4 * 4);
  PW_CUDA(cudaGetLastError());
}

}  // namespace planewise::calibration
