// The causal softmax between the products of unfused attention, and its gradient.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace planewise::calibration {

/// Of `heads` heads of one sequence. Query i attends to keys 0 to i.
struct SoftmaxSizes {
  int heads = 0;
  std::int64_t sequence = 0;
};

/// scores [heads, sequence, sequence] in FP32, scaled, to probabilities of the same shape in BF16,
/// 0 beyond the diagonal, and log_sums [heads, sequence].
void launch_causal_softmax(const float* scores, std::uint16_t* probabilities, float* log_sums,
                           const SoftmaxSizes& sizes, cudaStream_t stream);

/// Where the backward softmax reads and writes. o and d_o are rows of `row` elements from a token
/// to the next, `v_dim` of them a head.
struct SoftmaxBackward {
  const float* scores = nullptr;           ///< [heads, sequence, sequence], scaled.
  const float* d_probabilities = nullptr;  ///< Of the same shape.
  const float* log_sums = nullptr;         ///< [heads, sequence].
  const std::uint16_t* o = nullptr;
  const std::uint16_t* d_o = nullptr;
  std::int64_t row = 0;
  int v_dim = 0;
  std::uint16_t* probabilities = nullptr;  ///< [heads, sequence, sequence] in BF16.
  std::uint16_t* d_scores = nullptr;       ///< The same: p (dp - sum of o do), of scaled scores.
};

void launch_causal_softmax_backward(const SoftmaxBackward& at, const SoftmaxSizes& sizes,
                                    cudaStream_t stream);

}  // namespace planewise::calibration
