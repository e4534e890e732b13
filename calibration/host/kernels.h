// What the benches of the processor time: the operators of reference.h once more, in FP32 and in
// loops that a compiler can turn into vectors, on BF16 bits and on e4m3 codes. Results go where
// they are told to; nothing is allocated beyond a block. All matrices are row-major.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "calibration/host/reference.h"

namespace planewise::calibration::host {

using Bits = std::uint16_t;  ///< Of a BF16 value.

/// Y [rows_all, n] in BF16; rows that pad are left alone. As product().
void fast_product(const RowQuantised& x, const BlockQuantised& w, const Segments& segments,
                  std::span<Bits> y);

/// The same of BF16 operands: x [rows_all, k], w [groups, n, k]; `size` is {n, k}.
void fast_product(std::span<const Bits> x, std::span<const Bits> w, const Segments& segments,
                  MatrixSize size, std::span<Bits> y);

/// dW [groups, n, k] from dY^T [n, rows_all] and X^T [k, rows_all], quantised along rows. As
/// weight_gradient().
void fast_weight_gradient(const RowQuantised& d_y_transposed, const RowQuantised& x_transposed,
                          const Segments& segments, std::span<float> d_w);

/// Of dY [rows_all, n] and X [rows_all, k] in BF16; `size` is {n, k}.
void fast_weight_gradient(std::span<const Bits> d_y, std::span<const Bits> x,
                          const Segments& segments, MatrixSize size, std::span<float> d_w);

/// Sizes of y must be those of the result.
void fast_quantise(std::span<const Bits> x, RowQuantised& y);
void fast_quantise_transposed(std::span<const Bits> x, MatrixSize size, RowQuantised& y);
void fast_requantise_transposed(const RowQuantised& x, RowQuantised& y);

/// `size` is the result's; x has gate and up.
void fast_swiglu(std::span<const Bits> x, MatrixSize size, std::span<Bits> y);
void fast_swiglu_quantise(std::span<const Bits> x, RowQuantised& y);
void fast_swiglu_backward(std::span<const Bits> x, std::span<const Bits> d_y, MatrixSize size,
                          std::span<Bits> y, std::span<Bits> d_x);
void fast_gelu(std::span<const Bits> x, std::span<Bits> y);
void fast_add(std::span<const Bits> x, std::span<const Bits> y, std::span<Bits> z);
void fast_norm(std::span<const Bits> x, std::span<const Bits> weight, MatrixSize size,
               std::span<Bits> y);
/// In place; cosines and sines [rows][head_columns / 2] of each pair.
void fast_rope(std::span<Bits> x, MatrixSize size, std::int64_t head_columns,
               std::span<const float> cosines, std::span<const float> sines);
void fast_cross_entropy(std::span<const Bits> logits, std::span<const std::int32_t> targets,
                        MatrixSize size, std::span<float> log_sums, std::span<float> losses);
void fast_adamw(AdamWState& state, std::span<const float> gradient, const AdamWOptions& options);

/// Experts and weights [tokens, experts per token].
void fast_route(std::span<const float> scores, std::span<const float> bias, MatrixSize size,
                const RouterOptions& options, Routing& routing);
/// Rows of FP8 with their scales, times a weight if there are any; rows that pad are zeros.
void fast_gather(const RowQuantised& x, const Permutation& permutation,
                 std::span<const float> weights, RowQuantised& y);
void fast_gather(std::span<const Bits> x, std::int64_t columns, const Permutation& permutation,
                 std::span<const float> weights, std::span<Bits> y);
void fast_combine(std::span<const Bits> y, std::int64_t columns, const Permutation& permutation,
                  std::span<const float> weights, std::span<Bits> out);

/// Causal, in one pass over the keys with a running maximum.
void fast_attention(std::span<const Bits> q, std::span<const Bits> k, std::span<const Bits> v,
                    const AttentionSizes& sizes, std::span<Bits> o, std::span<float> log_sums);
/// From o and the log-sums of the forward.
struct AttentionGradientSpans {
  std::span<float> d_q{}, d_k{}, d_v{};
};
void fast_attention_backward(std::span<const Bits> q, std::span<const Bits> k,
                             std::span<const Bits> v, std::span<const Bits> o,
                             std::span<const Bits> d_o, std::span<const float> log_sums,
                             const AttentionSizes& sizes, const AttentionGradientSpans& gradients);
void fast_decode(std::span<const Bits> queries, std::span<const Bits> cache,
                 const DecodeSizes& sizes, std::span<Bits> results);

}  // namespace planewise::calibration::host
