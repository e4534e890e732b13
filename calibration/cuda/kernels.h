// Launches of our own kernels: memory-bound operators of a layer, and what checks and benches need.
//
// BF16 values are passed as their bits. Each launch is asynchronous on `stream`, allocates nothing
// and can be captured in a graph. Addresses are multiples of 16; rows and columns are those of
// row-major matrices, columns multiples of 8, where scales are involved of 128.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "calibration/cuda/products.h"

namespace planewise::calibration {

struct MatrixShape {
  std::int64_t rows = 0;
  std::int64_t columns = 0;

  constexpr std::int64_t count() const { return rows * columns; }
};

/// RowScaled to be written.
struct RowScaledOut {
  std::uint8_t* values = nullptr;
  float* scales = nullptr;
  std::int64_t leading = 0;

  RowScaled in() const { return {.values = values, .scales = scales, .leading = leading}; }
};

// ---- Quantisation: a scale is amax / 448 of its 128 elements, amax at least 1e-30 ----

void quantise(const std::uint16_t* x, MatrixShape shape, RowScaledOut y, cudaStream_t stream);

/// And once more along columns, stored transposed: values [columns, rows], a scale for 128 rows.
/// Rows are a multiple of 128.
void quantise_both(const std::uint16_t* x, MatrixShape shape, RowScaledOut y,
                   RowScaledOut transposed, cudaStream_t stream);

/// x dequantised, quantised along columns and stored transposed. Rows are a multiple of 128.
void requantise_transposed(const RowScaled& x, MatrixShape shape, RowScaledOut transposed,
                           cudaStream_t stream);

/// w [groups, rows, columns] with a scale for 128 x 128: scales [groups][rows/128 up]
/// [roundup(columns/128, 4)].
void quantise_blocks(const std::uint16_t* w, std::int64_t groups, MatrixShape shape,
                     std::uint8_t* values, float* scales, cudaStream_t stream);

// ---- Routing ----

struct RouterSizes {
  std::int64_t tokens = 0;
  int experts = 0;            ///< A multiple of 32 and of expert_groups, 512 at most.
  int experts_per_token = 0;  ///< 32 at most.
  int expert_groups = 1;      ///< 32 at most.
  int groups_per_token = 1;
  float routing_scale = 1;
};

/// scores [tokens, experts] in FP32 and bias [experts] to experts and weights [tokens, experts per
/// token], best biased score first; of equals the lower index wins. As host::route().
void route(const float* scores, const float* bias, const RouterSizes& sizes, std::int32_t* experts,
           float* weights, cudaStream_t stream);
/// Of BF16 scores.
void route(const std::uint16_t* scores, const float* bias, const RouterSizes& sizes,
           std::int32_t* experts, float* weights, cudaStream_t stream);

/// Where (token, expert) pairs go; pair p is token p / experts_per_token, and expert e is folded
/// onto local expert e mod local_experts.
struct PermutationOut {
  std::int64_t pairs = 0;
  std::int64_t rows_all = 0;  ///< Room: segments are padded to 128 rows each.
  int local_experts = 0;
  int* counts = nullptr;       ///< [local_experts] rows of each.
  int* row_of_pair = nullptr;  ///< [pairs].
  int* pair_of_row = nullptr;  ///< [rows_all]; -1 where a row pads.
};

/// As host::permutation_of(): segments in order, pairs in order within them. Two kernels.
void permute_index(const std::int32_t* experts, const PermutationOut& out, cudaStream_t stream);

/// Rows of tokens, at their pairs' places.
struct GatherSizes {
  std::int64_t rows_all = 0;
  std::int64_t columns = 0;
  int experts_per_token = 0;
  const int* pair_of_row = nullptr;
  const float* weights = nullptr;  ///< Of pairs, that rows are multiplied by; none if null.
};

/// A weight multiplies the row's scales. Rows that pad are zeros, their scales too.
void gather(const RowScaled& x, const GatherSizes& sizes, RowScaledOut y, cudaStream_t stream);
/// Rows that pad are zeros.
void gather(const std::uint16_t* x, const GatherSizes& sizes, std::uint16_t* y,
            cudaStream_t stream);

struct CombineSizes {
  std::int64_t tokens = 0;
  std::int64_t columns = 0;
  int experts_per_token = 0;
  const int* row_of_pair = nullptr;
  const float* weights = nullptr;  ///< Of pairs; all 1 if null.
};

/// The (weighted) sum of each token's rows of y, added in FP32, to [tokens, columns].
void combine(const std::uint16_t* y, const CombineSizes& sizes, std::uint16_t* out,
             cudaStream_t stream);

// ---- Element by element; `shape` is the result's ----

/// x [rows, 2 x columns], gate then up, to silu(gate) x up.
void swiglu(const std::uint16_t* x, MatrixShape shape, std::uint16_t* y, cudaStream_t stream);
void swiglu_quantise(const std::uint16_t* x, MatrixShape shape, RowScaledOut y,
                     cudaStream_t stream);

struct SwigluBackward {
  const std::uint16_t* x = nullptr;    ///< [rows, 2 x columns].
  const std::uint16_t* d_y = nullptr;  ///< [rows, columns].
  std::uint16_t* y = nullptr;          ///< The result again.
  std::uint16_t* d_x = nullptr;
};
void swiglu_backward(const SwigluBackward& at, MatrixShape shape, cudaStream_t stream);

/// The approximation by tanh.
void gelu(const std::uint16_t* x, std::int64_t count, std::uint16_t* y, cudaStream_t stream);
void add(const std::uint16_t* x, const std::uint16_t* y, std::int64_t count, std::uint16_t* z,
         cudaStream_t stream);
void copy(const std::uint16_t* from, std::int64_t count, std::uint16_t* to, cudaStream_t stream);

/// [rows][head_columns / 2] cosines and sines of r x 10000^(-2i / head_columns).
void fill_rope_table(MatrixShape shape, float2* table, cudaStream_t stream);
/// x [rows, columns] turned in place, heads of head_columns (a multiple of 8).
void rope(std::uint16_t* x, MatrixShape shape, std::int64_t head_columns, const float2* table,
          cudaStream_t stream);

struct AdamwState {
  const float* gradient = nullptr;
  float* master = nullptr;
  std::uint16_t* first = nullptr;
  std::uint16_t* second = nullptr;
  std::uint16_t* parameter = nullptr;
};
struct AdamwRates {
  float rate = 1e-3F;
  float first_decay = 0.9F;
  float second_decay = 0.95F;
  float epsilon = 1e-8F;
  float weight_decay = 0.1F;
  int step = 1;
};
/// As host::adamw(). `count` is a multiple of 4.
void adamw(const AdamwState& state, std::int64_t count, const AdamwRates& rates,
           cudaStream_t stream);

// ---- A block a row ----

/// RMSNorm with epsilon 1e-6. Columns are 16,384 at most.
void norm(const std::uint16_t* x, const std::uint16_t* weight, MatrixShape shape, std::uint16_t* y,
          cudaStream_t stream);
/// Rows `ids` of table [vocabulary, columns].
void embedding(const std::uint16_t* table, const std::int32_t* ids, MatrixShape shape,
               std::uint16_t* y, cudaStream_t stream);
/// log_sums and losses [rows] of logits [rows, columns]; two passes over each row.
void cross_entropy(const std::uint16_t* logits, const std::int32_t* targets, MatrixShape shape,
                   float* log_sums, float* losses, cudaStream_t stream);

// ---- For benches and checks ----

void empty(cudaStream_t stream);

/// Keeps the stream busy for about so many cycles of the SM's clock.
void hold(std::int64_t cycles, cudaStream_t stream);

/// Copies `count` times 16 B again and again on `blocks` SMs, which it fills, until *stop is not 0.
/// `stop` is host memory that the device can read.
struct CopyUntil {
  const uint4* from = nullptr;
  uint4* to = nullptr;
  std::int64_t count = 0;
  int blocks = 0;
  const int* stop = nullptr;
};
void copy_until(const CopyUntil& copy, cudaStream_t stream);

/// Normal numbers times `deviation`; the same of the same seed.
void fill_normal(std::uint16_t* x, std::int64_t count, float deviation, std::uint64_t seed,
                 cudaStream_t stream);
void fill_normal(float* x, std::int64_t count, float deviation, std::uint64_t seed,
                 cudaStream_t stream);
/// Weights [groups, rows, columns]: blocks of 128 x 128 differ in magnitude by powers of two, 1/4
/// to 2 times `deviation`, as a wrong scale of a block would otherwise hardly show.
void fill_weights(std::uint16_t* w, std::int64_t groups, MatrixShape shape, float deviation,
                  std::uint64_t seed, cudaStream_t stream);
/// Integers from 0 to limit - 1.
void fill_integers(std::int32_t* x, std::int64_t count, std::int32_t limit, std::uint64_t seed,
                   cudaStream_t stream);

void widen(const std::uint16_t* x, std::int64_t count, float* y, cudaStream_t stream);
void dequantise(const RowScaled& x, MatrixShape shape, float* y, cudaStream_t stream);
void dequantise(const BlockScaled& w, std::int64_t groups, MatrixShape shape, float* y,
                cudaStream_t stream);
/// Each of `groups` matrices [rows, columns] to [columns, rows].
void transpose(const std::uint16_t* x, std::int64_t groups, MatrixShape shape, std::uint16_t* y,
               cudaStream_t stream);

/// Parts of the sums that a difference is made of.
inline constexpr int kDifferenceBlocks = 128;

/// parts [kDifferenceBlocks][2]: sums of xy and of x^2 + y^2 in FP64. NaN where x or y has one.
void difference_parts(const std::uint16_t* x, const float* y, std::int64_t count, double* parts,
                      cudaStream_t stream);
void difference_parts(const float* x, const float* y, std::int64_t count, double* parts,
                      cudaStream_t stream);

}  // namespace planewise::calibration
