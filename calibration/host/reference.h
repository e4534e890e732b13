// What every kernel has to compute, written for reading and not for speed: the values that benches
// of the processor and of GPUs are held against. All matrices are row-major. Sums are FP64 unless a
// line says otherwise; a result is rounded once, to FP32.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace planewise::calibration::host {

/// Elements that share a scale, along a row or a column.
inline constexpr std::int64_t kScaleBlock = 128;

/// `count` rounded up to a multiple of `unit`.
constexpr std::int64_t padded(std::int64_t count, std::int64_t unit = kScaleBlock) {
  return (count + unit - 1) / unit * unit;
}

struct MatrixSize {
  std::int64_t rows = 0;
  std::int64_t columns = 0;

  std::int64_t count() const { return rows * columns; }
  bool operator==(const MatrixSize&) const = default;
};

/// How far apart results are: 1 - 2 sum xy / sum (x^2 + y^2), DeepGEMM's calc_diff; 0 if both are
/// zeros, NaN if either holds a NaN. Requires: equal sizes.
double difference(std::span<const float> x, std::span<const float> y);
double difference(std::span<const double> x, std::span<const double> y);

/// x [rows, columns] to [columns, rows].
std::vector<float> transpose(std::span<const float> x, MatrixSize size);

// --- quantisation -------------------------------------------------------------------------------
// Of 128 elements the scale is amax / 448 and an element's code is to_e4m3(x * (448 / amax)), both
// in FP32; amax is at least 1e-30, so that zeros stay zeros. An element is code x scale.

/// A matrix in e4m3 with a scale for 1 x 128 elements: values [rows, columns], scales [columns/128]
/// [rows] (stride 1 along rows). Columns are a multiple of 128.
struct RowQuantised {
  MatrixSize size{};
  std::vector<std::uint8_t> values{};
  std::vector<float> scales{};
};

/// Weights in e4m3 with a scale for 128 x 128 elements: values [groups, rows, columns], scales
/// [groups][rows/128, up][columns/128, rounded up to a multiple of 4] (the padding is 0). Columns
/// are a multiple of 128.
struct BlockQuantised {
  std::int64_t groups = 1;
  MatrixSize size{};  ///< Of a group.
  std::vector<std::uint8_t> values{};
  std::vector<float> scales{};
};

RowQuantised quantise(std::span<const float> x, MatrixSize size);

/// x [rows, columns] quantised along its columns, a scale for 128 x 1, and stored transposed:
/// values [columns, padded(rows)], scales [padded(rows)/128][columns]. Rows that pad are zeros.
RowQuantised quantise_transposed(std::span<const float> x, MatrixSize size);

/// w [groups, rows, columns].
BlockQuantised quantise_blocks(std::span<const float> w, std::int64_t groups, MatrixSize size);

std::vector<float> dequantise(const RowQuantised& x);
std::vector<float> dequantise(const BlockQuantised& w);

/// quantise_transposed() of the dequantised rows.
RowQuantised requantise_transposed(const RowQuantised& x);

/// Each group transposed; exact, since the blocks are square. Requires: rows and columns are
/// multiples of 128.
BlockQuantised transpose(const BlockQuantised& w);

// --- routing ------------------------------------------------------------------------------------

struct RouterOptions {
  int experts_per_token = 8;
  int expert_groups = 8;  ///< Divide the experts evenly, in order.
  int groups_per_token = 4;
  double routing_scale = 2.5;
};

/// [tokens, experts per token], in the order in which they were chosen: best biased score first.
struct Routing {
  std::vector<std::int32_t> experts{};
  std::vector<float> weights{};
};

/// scores [tokens, experts], before the sigmoid, and bias [experts]. Biased scores are sigmoid +
/// bias in FP32. A group's score is the sum of its two best; the best groups stay, and of their
/// experts the best are chosen. Weights are sigmoids without bias, normalised to sum 1, times
/// routing_scale. Of equals the lower index wins. Source: arXiv 2412.19437, section 2.1.2, and
/// DeepSeek-V3's model.py.
Routing route(std::span<const float> scores, std::span<const float> bias, MatrixSize size,
              const RouterOptions& options);

/// Where groups' rows lie: group g has count[g] rows from first[g] on.
struct Segments {
  std::vector<std::int64_t> first{};
  std::vector<std::int64_t> count{};
  std::int64_t rows_all = 0;  ///< With padding.

  std::size_t groups() const { return first.size(); }
};

/// Group after group, each padded to a multiple of 128 rows.
Segments contiguous_segments(std::span<const std::int64_t> counts);

/// Room for `room` rows in each group.
Segments masked_segments(std::span<const std::int64_t> counts, std::int64_t room);

/// Where (token, expert) pairs go. Pair p is token p / experts per token.
struct Permutation {
  int experts_per_token = 0;
  Segments segments{};                      ///< A group a local expert, contiguous.
  std::vector<std::int32_t> row_of_pair{};  ///< [tokens x experts per token].
  std::vector<std::int32_t> pair_of_row{};  ///< [rows_all]; -1 where a row pads.
};

/// Expert e is folded onto local expert e mod local_experts. Within a segment pairs are in order.
Permutation permutation_of(std::span<const std::int32_t> experts, int experts_per_token,
                           int local_experts);

/// x [tokens, columns] to [rows_all, columns], each row times its pair's weight if there are
/// weights (of pairs). Rows that pad are zeros.
std::vector<float> gather(std::span<const float> x, std::int64_t columns,
                          const Permutation& permutation, std::span<const float> weights = {});

/// Values and scales of rows; a weight multiplies the row's scales. Rows that pad are zeros, their
/// scales too.
RowQuantised gather(const RowQuantised& x, const Permutation& permutation,
                    std::span<const float> weights = {});

/// y [rows_all, columns] to [tokens, columns]: the sum of each token's rows, weighted if there are
/// weights (of pairs).
std::vector<float> combine(std::span<const float> y, std::int64_t columns,
                           const Permutation& permutation, std::span<const float> weights = {});

// --- products -----------------------------------------------------------------------------------

/// Y [rows_all, n] = X [rows_all, k] W[g]^T, W [groups, n, k]; `size` is {n, k}. Rows that pad are
/// zeros.
std::vector<float> product(std::span<const float> x, std::span<const float> w,
                           const Segments& segments, MatrixSize size);

/// The same of quantised operands: FP32 sums of 128 products of codes, each times both scales,
/// added in FP32, as a tensor core with promotion does (arXiv 2412.19437, section 3.3.2).
std::vector<float> product(const RowQuantised& x, const BlockQuantised& w,
                           const Segments& segments);

/// Rows `rows` of the first product() in FP64: [rows.size(), n]. A row that pads is zeros.
std::vector<double> product_rows(std::span<const float> x, std::span<const float> w,
                                 const Segments& segments, MatrixSize size,
                                 std::span<const std::int64_t> rows);

/// dW [groups, n, k] = sum over a group's rows of dY [rows_all, n] x X [rows_all, k]; `size` is {n,
/// k}.
std::vector<float> weight_gradient(std::span<const float> d_y, std::span<const float> x,
                                   const Segments& segments, MatrixSize size);

/// The same of operands quantised along rows and stored transposed, dY^T [n, rows] and X^T [k,
/// rows]: FP32 sums of 128 rows, each times both scales, added in FP32. Groups start at multiples
/// of 128, and rows that pad are zeros.
std::vector<float> weight_gradient(const RowQuantised& d_y_transposed,
                                   const RowQuantised& x_transposed, const Segments& segments);

// --- element by element -------------------------------------------------------------------------

/// x [rows, 2 x columns], gate then up, to silu(gate) x up; `size` is the result's.
std::vector<float> swiglu(std::span<const float> x, MatrixSize size);

/// Gradient of x [rows, 2 x columns] from that of the result; `size` is the result's.
std::vector<float> swiglu_backward(std::span<const float> x, std::span<const float> d_result,
                                   MatrixSize size);

/// The approximation by tanh (arXiv 1606.08415).
std::vector<float> gelu(std::span<const float> x);

/// RMSNorm: x / sqrt(mean of x^2 + 1e-6) x weight [columns].
std::vector<float> norm(std::span<const float> x, std::span<const float> weight, MatrixSize size);

/// Row r is at position r; heads of `head_columns` divide it. Elements 2i and 2i + 1 of a head turn
/// by r x 10000^(-2i / head_columns) (arXiv 2104.09864).
std::vector<float> rope(std::span<const float> x, MatrixSize size, std::int64_t head_columns);

/// table [vocabulary, columns], rows ids.
std::vector<float> embedding(std::span<const float> table, std::int64_t columns,
                             std::span<const std::int32_t> ids);

struct CrossEntropy {
  std::vector<float> log_sums{};  ///< [rows]: log of the sum of exp.
  std::vector<float> losses{};    ///< [rows]: log_sum - logit of the target.
};

/// logits [rows, vocabulary], targets [rows].
CrossEntropy cross_entropy(std::span<const float> logits, std::span<const std::int32_t> targets,
                           MatrixSize size);

struct AdamWOptions {
  float rate = 1e-3F;
  float first_decay = 0.9F;
  float second_decay = 0.95F;
  float epsilon = 1e-8F;
  float weight_decay = 0.1F;
  int step = 1;  ///< From 1.
};

/// Moments and the parameter are BF16.
struct AdamWState {
  std::vector<float> master{};
  std::vector<std::uint16_t> first{};
  std::vector<std::uint16_t> second{};
  std::vector<std::uint16_t> parameter{};
};

/// One step in FP32 on moments as they are stored; the update uses new moments before they are
/// rounded. master -= rate x (m' / (sqrt(v') + epsilon) + weight_decay x master), m' and v' divided
/// by 1 - decay^step (arXiv 1711.05101).
AdamWState adamw(const AdamWState& state, std::span<const float> gradient,
                 const AdamWOptions& options);

// --- attention ----------------------------------------------------------------------------------

/// q, k [batch, sequence, heads, qk_columns]; v, o [batch, sequence, heads, v_columns].
struct AttentionSizes {
  std::int64_t batch = 1;
  std::int64_t sequence = 0;
  std::int64_t heads = 1;
  std::int64_t qk_columns = 192;  ///< Scores are divided by its root.
  std::int64_t v_columns = 128;
};

struct AttentionResult {
  std::vector<float> o{};
  std::vector<float> log_sums{};  ///< [batch, heads, sequence], of scaled scores; natural.
};

/// Causal: a token attends to itself and those before it.
AttentionResult attention(std::span<const float> q, std::span<const float> k,
                          std::span<const float> v, const AttentionSizes& sizes);

struct AttentionGradients {
  std::vector<float> d_q{};
  std::vector<float> d_k{};
  std::vector<float> d_v{};
};

AttentionGradients attention_backward(std::span<const float> q, std::span<const float> k,
                                      std::span<const float> v, std::span<const float> d_o,
                                      const AttentionSizes& sizes);

/// Of MLA with absorbed up-projections (arXiv 2405.04434, section 2.1).
struct DecodeSizes {
  std::int64_t batch = 1;
  std::int64_t sequence = 0;  ///< Tokens in each cache.
  std::int64_t heads = 1;
  std::int64_t latent = 512;      ///< Width of values, and of the first part of keys and queries.
  std::int64_t rope = 64;         ///< Width of the rest.
  std::int64_t qk_columns = 192;  ///< Scores are divided by its root.
};

/// queries [batch, heads, latent + rope], cache [batch, sequence, latent + rope] to [batch, heads,
/// latent].
std::vector<float> attention_decode(std::span<const float> queries, std::span<const float> cache,
                                    const DecodeSizes& sizes);

}  // namespace planewise::calibration::host
