// What benches and checks need: inputs, a queue that waits, a neighbour that copies, references.
#include <algorithm>

#include "base/check.h"
#include "calibration/cuda/handles.h"
#include "calibration/cuda/kernel_math.cuh"
#include "calibration/cuda/kernels.h"

namespace planewise::calibration {
namespace {

constexpr int kThreads = 256;
constexpr int kCopyThreads = 1024;
constexpr int kTransposeTile = 32;

unsigned blocks_for(std::int64_t threads) {
  constexpr std::int64_t kBlocksMost = 4096;
  return static_cast<unsigned>(
      std::clamp<std::int64_t>((threads + kThreads - 1) / kThreads, 1, kBlocksMost));
}

__global__ void do_nothing() {}

__global__ void spin(std::int64_t cycles) {
  const std::int64_t began = clock64();
  while (clock64() - began < cycles) {
  }
}

__global__ void __launch_bounds__(kCopyThreads) copy_on_and_on(CopyUntil copy) {
  __shared__ int is_over;
  while (true) {
    if (threadIdx.x == 0) is_over = *static_cast<const volatile int*>(copy.stop);
    __syncthreads();
    const bool stop = is_over != 0;
    __syncthreads();
    if (stop) return;
    for (std::int64_t i = thread_index(); i < copy.count; i += thread_count()) {
      copy.to[i] = copy.from[i];
    }
  }
}

/// Steele, Lea, Flood: "Fast splittable pseudorandom number generators" (splitmix64).
__device__ std::uint64_t scramble(std::uint64_t seed, std::int64_t index) {
  std::uint64_t x = seed + 0x9E3779B97F4A7C15ULL * (static_cast<std::uint64_t>(index) + 1);
  x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ x >> 27) * 0x94D049BB133111EBULL;
  return x ^ x >> 31;
}

/// Box and Muller, of two halves of the bits.
__device__ float normal_of(std::uint64_t bits) {
  const float radius = (static_cast<float>(bits >> 40) + 0.5F) * 0x1p-24F;
  const float angle = static_cast<float>(bits >> 8 & 0xFFFFFFU) * 0x1p-24F;
  return sqrtf(-2 * __logf(radius)) * __cosf(6.2831853F * angle);
}

__device__ void put(float value, float* to) { *to = value; }
__device__ void put(float value, std::uint16_t* to) { *to = to_bits(value); }
__device__ float value_at(const float* x, std::int64_t i) { return x[i]; }
__device__ float value_at(const std::uint16_t* x, std::int64_t i) { return from_bits(x[i]); }

template <class T>
__global__ void normals(T* x, std::int64_t count, float deviation, std::uint64_t seed) {
  for (std::int64_t i = thread_index(); i < count; i += thread_count()) {
    put(deviation * normal_of(scramble(seed, i)), x + i);
  }
}

__global__ void weights(std::uint16_t* w, std::int64_t groups, MatrixShape shape, float deviation,
                        std::uint64_t seed) {
  for (std::int64_t i = thread_index(); i < groups * shape.count(); i += thread_count()) {
    const std::int64_t block =
        i / shape.columns / kScaleColumns * 65536 + i % shape.columns / kScaleColumns;
    const int power = static_cast<int>(scramble(~seed, block) % 4) - 2;
    w[i] = to_bits(scalbnf(deviation, power) * normal_of(scramble(seed, i)));
  }
}

__global__ void integers(std::int32_t* x, std::int64_t count, std::int32_t limit,
                         std::uint64_t seed) {
  for (std::int64_t i = thread_index(); i < count; i += thread_count()) {
    x[i] = static_cast<std::int32_t>(scramble(seed, i) % static_cast<std::uint64_t>(limit));
  }
}

__global__ void widen_each(const std::uint16_t* x, std::int64_t count, float* y) {
  for (std::int64_t i = thread_index(); i < count; i += thread_count()) y[i] = from_bits(x[i]);
}

__global__ void dequantise_rows(RowScaled x, MatrixShape shape, float* y) {
  for (std::int64_t i = thread_index(); i < shape.count(); i += thread_count()) {
    const std::int64_t row = i / shape.columns;
    const std::int64_t block = i % shape.columns / kScaleColumns;
    y[i] = from_e4m3(x.values[i]) * x.scales[block * x.leading + row];
  }
}

__global__ void dequantise_blocks(BlockScaled w, std::int64_t groups, MatrixShape shape, float* y) {
  const std::int64_t down = (shape.rows + kScaleColumns - 1) / kScaleColumns;
  const std::int64_t across = (shape.columns / kScaleColumns + 3) / 4 * 4;
  for (std::int64_t i = thread_index(); i < groups * shape.count(); i += thread_count()) {
    const std::int64_t group = i / shape.count();
    const std::int64_t row = i % shape.count() / shape.columns;
    const std::int64_t column = i % shape.columns;
    const std::int64_t block =
        (group * down + row / kScaleColumns) * across + column / kScaleColumns;
    y[i] = from_e4m3(w.values[i]) * w.scales[block];
  }
}

__global__ void transpose_tiles(const std::uint16_t* x, MatrixShape shape, std::uint16_t* y) {
  __shared__ std::uint16_t tile[kTransposeTile][kTransposeTile + 2];
  const std::int64_t base = blockIdx.z * shape.count();
  const std::int64_t first_row = static_cast<std::int64_t>(blockIdx.y) * kTransposeTile;
  const std::int64_t first_column = static_cast<std::int64_t>(blockIdx.x) * kTransposeTile;
  for (unsigned i = threadIdx.y; i < kTransposeTile; i += blockDim.y) {
    const std::int64_t row = first_row + i;
    const std::int64_t column = first_column + threadIdx.x;
    if (row < shape.rows && column < shape.columns) {
      tile[i][threadIdx.x] = x[base + row * shape.columns + column];
    }
  }
  __syncthreads();
  for (unsigned i = threadIdx.y; i < kTransposeTile; i += blockDim.y) {
    const std::int64_t row = first_row + threadIdx.x;
    const std::int64_t column = first_column + i;
    if (row < shape.rows && column < shape.columns) {
      y[base + column * shape.rows + row] = tile[threadIdx.x][i];
    }
  }
}

template <class X>
__global__ void __launch_bounds__(kThreads)
    difference_sums(const X* x, const float* y, std::int64_t count, double* parts) {
  double product = 0;
  double squares = 0;
  for (std::int64_t i = thread_index(); i < count; i += thread_count()) {
    const double a = value_at(x, i);
    const double b = y[i];
    product += a * b;
    squares += a * a + b * b;
  }
  __shared__ double products[kThreads];
  __shared__ double all_squares[kThreads];
  products[threadIdx.x] = product;
  all_squares[threadIdx.x] = squares;
  for (int half = kThreads / 2; half > 0; half /= 2) {
    __syncthreads();
    if (static_cast<int>(threadIdx.x) < half) {
      products[threadIdx.x] += products[threadIdx.x + half];
      all_squares[threadIdx.x] += all_squares[threadIdx.x + half];
    }
  }
  if (threadIdx.x != 0) return;
  parts[2 * blockIdx.x] = products[0];
  parts[2 * blockIdx.x + 1] = all_squares[0];
}

}  // namespace

void empty(cudaStream_t stream) {
  do_nothing<<<1, 1, 0, stream>>>();
  PW_CUDA(cudaGetLastError());
}

void hold(std::int64_t cycles, cudaStream_t stream) {
  spin<<<1, 1, 0, stream>>>(cycles);
  PW_CUDA(cudaGetLastError());
}

void copy_until(const CopyUntil& copy, cudaStream_t stream) {
  int device = 0;
  int shared = 0;
  PW_CUDA(cudaGetDevice(&device));
  // With all of an SM's shared memory asked for, nothing else runs on it.
  PW_CUDA(cudaDeviceGetAttribute(&shared, cudaDevAttrMaxSharedMemoryPerBlockOptin, device));
  shared -= 1024;  // for what the block has of its own
  PW_CUDA(
      cudaFuncSetAttribute(copy_on_and_on, cudaFuncAttributeMaxDynamicSharedMemorySize, shared));
  copy_on_and_on<<<static_cast<unsigned>(copy.blocks), kCopyThreads,
                   static_cast<std::size_t>(shared), stream>>>(copy);
  PW_CUDA(cudaGetLastError());
}

void fill_normal(std::uint16_t* x, std::int64_t count, float deviation, std::uint64_t seed,
                 cudaStream_t stream) {
  normals<<<blocks_for(count), kThreads, 0, stream>>>(x, count, deviation, seed);
  PW_CUDA(cudaGetLastError());
}

void fill_normal(float* x, std::int64_t count, float deviation, std::uint64_t seed,
                 cudaStream_t stream) {
  normals<<<blocks_for(count), kThreads, 0, stream>>>(x, count, deviation, seed);
  PW_CUDA(cudaGetLastError());
}

void fill_weights(std::uint16_t* w, std::int64_t groups, MatrixShape shape, float deviation,
                  std::uint64_t seed, cudaStream_t stream) {
  weights<<<blocks_for(groups * shape.count()), kThreads, 0, stream>>>(w, groups, shape, deviation,
                                                                       seed);
  PW_CUDA(cudaGetLastError());
}

void fill_integers(std::int32_t* x, std::int64_t count, std::int32_t limit, std::uint64_t seed,
                   cudaStream_t stream) {
  PW_CHECK(limit > 0);
  integers<<<blocks_for(count), kThreads, 0, stream>>>(x, count, limit, seed);
  PW_CUDA(cudaGetLastError());
}

void widen(const std::uint16_t* x, std::int64_t count, float* y, cudaStream_t stream) {
  widen_each<<<blocks_for(count), kThreads, 0, stream>>>(x, count, y);
  PW_CUDA(cudaGetLastError());
}

void dequantise(const RowScaled& x, MatrixShape shape, float* y, cudaStream_t stream) {
  dequantise_rows<<<blocks_for(shape.count()), kThreads, 0, stream>>>(x, shape, y);
  PW_CUDA(cudaGetLastError());
}

void dequantise(const BlockScaled& w, std::int64_t groups, MatrixShape shape, float* y,
                cudaStream_t stream) {
  dequantise_blocks<<<blocks_for(groups * shape.count()), kThreads, 0, stream>>>(w, groups, shape,
                                                                                 y);
  PW_CUDA(cudaGetLastError());
}

void transpose(const std::uint16_t* x, std::int64_t groups, MatrixShape shape, std::uint16_t* y,
               cudaStream_t stream) {
  const dim3 grid(static_cast<unsigned>((shape.columns + kTransposeTile - 1) / kTransposeTile),
                  static_cast<unsigned>((shape.rows + kTransposeTile - 1) / kTransposeTile),
                  static_cast<unsigned>(groups));
  transpose_tiles<<<grid, dim3(kTransposeTile, 8), 0, stream>>>(x, shape, y);
  PW_CUDA(cudaGetLastError());
}

void difference_parts(const std::uint16_t* x, const float* y, std::int64_t count, double* parts,
                      cudaStream_t stream) {
  difference_sums<<<kDifferenceBlocks, kThreads, 0, stream>>>(x, y, count, parts);
  PW_CUDA(cudaGetLastError());
}

void difference_parts(const float* x, const float* y, std::int64_t count, double* parts,
                      cudaStream_t stream) {
  difference_sums<<<kDifferenceBlocks, kThreads, 0, stream>>>(x, y, count, parts);
  PW_CUDA(cudaGetLastError());
}

}  // namespace planewise::calibration
