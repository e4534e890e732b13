// Operators whose blocks take a row each.
#include "base/check.h"
#include "calibration/cuda/handles.h"
#include "calibration/cuda/kernel_math.cuh"
#include "calibration/cuda/kernels.h"

namespace planewise::calibration {
namespace {

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / kWarp;
constexpr int kEightsMost = 8;  // of a thread of norm, kept in registers
constexpr float kEpsilon = 1e-6F;

/// Over the block; every thread has it.
__device__ float block_sum(float value) {
  __shared__ float parts[kWarps];
  value = warp_sum(value);
  __syncthreads();  // parts may still be read from the call before
  if (threadIdx.x % kWarp == 0) parts[threadIdx.x / kWarp] = value;
  __syncthreads();
  const unsigned lane = threadIdx.x % kWarp;
  return warp_sum(lane < kWarps ? parts[lane] : 0);
}

__device__ float block_max(float value) {
  __shared__ float parts[kWarps];
  value = warp_max(value);
  __syncthreads();
  if (threadIdx.x % kWarp == 0) parts[threadIdx.x / kWarp] = value;
  __syncthreads();
  const unsigned lane = threadIdx.x % kWarp;
  return warp_max(lane < kWarps ? parts[lane] : -INFINITY);
}

__global__ void __launch_bounds__(kThreads)
    norm_rows(const std::uint16_t* x, const std::uint16_t* weight, std::int64_t columns,
              std::uint16_t* y) {
  const std::int64_t base = static_cast<std::int64_t>(blockIdx.x) * columns;
  const int eights = static_cast<int>(columns / 8);
  Floats8 values[kEightsMost];
  float squares = 0;
#pragma unroll
  for (int i = 0; i < kEightsMost; ++i) {
    const int at = static_cast<int>(threadIdx.x) + i * kThreads;
    if (at >= eights) continue;
    values[i] = load8(x + base + 8 * at);
#pragma unroll
    for (int j = 0; j < 8; ++j) squares += values[i].at[j] * values[i].at[j];
  }
  const float factor = rsqrtf(block_sum(squares) / static_cast<float>(columns) + kEpsilon);
#pragma unroll
  for (int i = 0; i < kEightsMost; ++i) {
    const int at = static_cast<int>(threadIdx.x) + i * kThreads;
    if (at >= eights) continue;
    const Floats8 weights = load8(weight + 8 * at);
#pragma unroll
    for (int j = 0; j < 8; ++j) values[i].at[j] *= factor * weights.at[j];
    store8(y + base + 8 * at, values[i]);
  }
}

__global__ void __launch_bounds__(kThreads)
    embedding_rows(const uint4* table, const std::int32_t* ids, std::int64_t eights, uint4* y) {
  const uint4* from = table + ids[blockIdx.x] * eights;
  uint4* to = y + static_cast<std::int64_t>(blockIdx.x) * eights;
  for (std::int64_t i = threadIdx.x; i < eights; i += kThreads) to[i] = from[i];
}

__global__ void __launch_bounds__(kThreads)
    cross_entropy_rows(const std::uint16_t* logits, const std::int32_t* targets,
                       std::int64_t columns, float* log_sums, float* losses) {
  const std::uint16_t* row = logits + static_cast<std::int64_t>(blockIdx.x) * columns;
  float largest = -INFINITY;
  for (std::int64_t i = threadIdx.x; i < columns / 8; i += kThreads) {
    const Floats8 values = load8(row + 8 * i);
#pragma unroll
    for (int j = 0; j < 8; ++j) largest = fmaxf(largest, values.at[j]);
  }
  largest = block_max(largest);
  float sum = 0;
  for (std::int64_t i = threadIdx.x; i < columns / 8; i += kThreads) {
    const Floats8 values = load8(row + 8 * i);
#pragma unroll
    for (int j = 0; j < 8; ++j) sum += __expf(values.at[j] - largest);
  }
  sum = block_sum(sum);
  if (threadIdx.x != 0) return;
  const float log_sum = largest + logf(sum);
  log_sums[blockIdx.x] = log_sum;
  losses[blockIdx.x] = log_sum - from_bits(row[targets[blockIdx.x]]);
}

unsigned rows_of(MatrixShape shape) {
  PW_CHECK(shape.columns % 8 == 0);
  PW_CHECK(shape.rows > 0);
  return static_cast<unsigned>(shape.rows);
}

}  // namespace

void norm(const std::uint16_t* x, const std::uint16_t* weight, MatrixShape shape, std::uint16_t* y,
          cudaStream_t stream) {
  PW_CHECK(shape.columns <= 8 * kEightsMost * kThreads);
  norm_rows<<<rows_of(shape), kThreads, 0, stream>>>(x, weight, shape.columns, y);
  PW_CUDA(cudaGetLastError());
}

void embedding(const std::uint16_t* table, const std::int32_t* ids, MatrixShape shape,
               std::uint16_t* y, cudaStream_t stream) {
  embedding_rows<<<rows_of(shape), kThreads, 0, stream>>>(
      reinterpret_cast<const uint4*>(table), ids, shape.columns / 8, reinterpret_cast<uint4*>(y));
  PW_CUDA(cudaGetLastError());
}

void cross_entropy(const std::uint16_t* logits, const std::int32_t* targets, MatrixShape shape,
                   float* log_sums, float* losses, cudaStream_t stream) {
  cross_entropy_rows<<<rows_of(shape), kThreads, 0, stream>>>(logits, targets, shape.columns,
                                                              log_sums, losses);
  PW_CUDA(cudaGetLastError());
}

}  // namespace planewise::calibration
