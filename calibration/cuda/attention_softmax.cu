// A block a row of scores: query blockIdx.x of head blockIdx.y.
#include "calibration/cuda/attention_softmax.h"

#include <cuda_bf16.h>

#include <limits>

#include "calibration/cuda/handles.h"

namespace planewise::calibration {
namespace {

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / 32;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// The largest of all threads, and the sum; every thread gets it. `scratch` may be used again after
/// the next barrier.
__device__ float largest_of_block(float value, float (&scratch)[kWarps]) {
  for (int distance = 16; distance > 0; distance /= 2) {
    value = fmaxf(value, __shfl_xor_sync(0xFFFFFFFFU, value, distance));
  }
  if (threadIdx.x % 32 == 0) scratch[threadIdx.x / 32] = value;
  __syncthreads();
  for (int warp = 0; warp < kWarps; ++warp) value = fmaxf(value, scratch[warp]);
  return value;
}

__device__ float sum_of_block(float value, float (&scratch)[kWarps]) {
  for (int distance = 16; distance > 0; distance /= 2) {
    value += __shfl_xor_sync(0xFFFFFFFFU, value, distance);
  }
  if (threadIdx.x % 32 == 0) scratch[threadIdx.x / 32] = value;
  __syncthreads();
  float sum = 0;
  for (int warp = 0; warp < kWarps; ++warp) sum += scratch[warp];
  return sum;
}

__global__ void __launch_bounds__(kThreads)
    causal_softmax(const float* scores, __nv_bfloat16* probabilities, float* log_sums,
                   std::int64_t sequence) {
  __shared__ float maxima[kWarps];
  __shared__ float sums[kWarps];
  const std::int64_t query = blockIdx.x;
  const std::int64_t row = blockIdx.y * sequence + query;
  const float* from = scores + row * sequence;
  __nv_bfloat16* to = probabilities + row * sequence;
  float largest = -kInfinity;
  float sum = 0;
  for (std::int64_t key = threadIdx.x; key <= query; key += kThreads) {
    const float score = from[key];
    const float before = largest;
    largest = fmaxf(largest, score);
    sum = sum * expf(before - largest) + expf(score - largest);
  }
  const float largest_of_row = largest_of_block(largest, maxima);
  // A thread without a key has a sum of 0 and the factor of -infinity, 0.
  sum = sum_of_block(sum * expf(largest - largest_of_row), sums);
  for (std::int64_t key = threadIdx.x; key < sequence; key += kThreads) {
    to[key] = __float2bfloat16(key <= query ? expf(from[key] - largest_of_row) / sum : 0.0F);
  }
  if (threadIdx.x == 0) log_sums[row] = largest_of_row + logf(sum);
}

__global__ void __launch_bounds__(kThreads)
    causal_softmax_backward(SoftmaxBackward at, std::int64_t sequence) {
  __shared__ float sums[kWarps];
  const std::int64_t query = blockIdx.x;
  const std::int64_t row = blockIdx.y * sequence + query;
  const std::int64_t value_row = query * at.row + static_cast<std::int64_t>(blockIdx.y) * at.v_dim;
  const auto* o = reinterpret_cast<const __nv_bfloat16*>(at.o) + value_row;
  const auto* d_o = reinterpret_cast<const __nv_bfloat16*>(at.d_o) + value_row;
  float sum = 0;
  for (int i = static_cast<int>(threadIdx.x); i < at.v_dim; i += kThreads) {
    sum += __bfloat162float(o[i]) * __bfloat162float(d_o[i]);
  }
  sum = sum_of_block(sum, sums);
  const float log_sum = at.log_sums[row];
  auto* probabilities = reinterpret_cast<__nv_bfloat16*>(at.probabilities) + row * sequence;
  auto* d_scores = reinterpret_cast<__nv_bfloat16*>(at.d_scores) + row * sequence;
  for (std::int64_t key = threadIdx.x; key < sequence; key += kThreads) {
    const std::int64_t index = row * sequence + key;
    const float probability = key <= query ? expf(at.scores[index] - log_sum) : 0.0F;
    const float gradient = key <= query ? probability * (at.d_probabilities[index] - sum) : 0.0F;
    probabilities[key] = __float2bfloat16(probability);
    d_scores[key] = __float2bfloat16(gradient);
  }
}

dim3 grid_of(const SoftmaxSizes& sizes) {
  return {static_cast<unsigned>(sizes.sequence), static_cast<unsigned>(sizes.heads), 1};
}

}  // namespace

void launch_causal_softmax(const float* scores, std::uint16_t* probabilities, float* log_sums,
                           const SoftmaxSizes& sizes, cudaStream_t stream) {
  causal_softmax<<<grid_of(sizes), kThreads, 0, stream>>>(
      scores, reinterpret_cast<__nv_bfloat16*>(probabilities), log_sums, sizes.sequence);
  PW_CUDA(cudaGetLastError());
}

void launch_causal_softmax_backward(const SoftmaxBackward& at, const SoftmaxSizes& sizes,
                                    cudaStream_t stream) {
  causal_softmax_backward<<<grid_of(sizes), kThreads, 0, stream>>>(at, sizes.sequence);
  PW_CUDA(cudaGetLastError());
}

}  // namespace planewise::calibration
