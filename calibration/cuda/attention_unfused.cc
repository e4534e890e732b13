// Attention as products and a softmax, some heads of one sequence at a time.
#include <fmt/format.h>

#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "base/check.h"
#include "calibration/cuda/attention.h"
#include "calibration/cuda/attention_softmax.h"
#include "calibration/cuda/cublaslt.h"

namespace planewise::calibration {
namespace {

constexpr std::size_t kScoreBytes = 4 + 2;  // FP32, and BF16 of what comes of it

std::size_t scratch_bytes_a_head(const AttentionOptions& options) {
  const auto sequence = static_cast<std::size_t>(options.sequence);
  return sequence * sequence * kScoreBytes * (options.backward ? 2 : 1);
}

/// The products of the heads taken at once. Rows of q and k are heads x qk_dim from token to token,
/// and a head's are qk_dim wide; of v, o the same with v_dim; scores lie head after head.
struct Shapes {
  MatrixProduct scores{};  ///< S = scale Q K^T; dP = dO V^T is like it.
  MatrixProduct d_probabilities{};
  MatrixProduct values{};     ///< O = P V.
  MatrixProduct d_values{};   ///< dV = P^T dO.
  MatrixProduct d_queries{};  ///< dQ = scale dS K.
  MatrixProduct d_keys{};     ///< dK = scale dS^T Q.
};

Shapes shapes_of(const AttentionOptions& options, int heads) {
  const std::int64_t s = options.sequence;
  const std::int64_t qk_row = static_cast<std::int64_t>(options.heads) * options.qk_dim;
  const std::int64_t v_row = static_cast<std::int64_t>(options.heads) * options.v_dim;
  const MatrixProduct to_scores{.m = s,
                                .n = s,
                                .result_type = CUDA_R_32F,
                                .y_leading = s,
                                .batch = heads,
                                .y_stride = s * s,
                                .alignment = 16};
  const MatrixProduct from_scores{.m = s,
                                  .k = s,
                                  .w_stored = Stored::mn_major,
                                  .x_leading = s,
                                  .batch = heads,
                                  .x_stride = s * s,
                                  .alignment = 16};
  Shapes shapes{to_scores, to_scores, from_scores, from_scores, from_scores, from_scores};
  const auto read_rows = [](MatrixProduct& product, std::int64_t row, int width) {
    product.k = width;
    product.x_leading = product.w_leading = row;
    product.x_stride = product.w_stride = width;
  };
  const auto write_rows = [](MatrixProduct& product, std::int64_t row, int width) {
    product.n = width;
    product.w_leading = product.y_leading = row;
    product.w_stride = product.y_stride = width;
  };
  read_rows(shapes.scores, qk_row, options.qk_dim);
  read_rows(shapes.d_probabilities, v_row, options.v_dim);
  write_rows(shapes.values, v_row, options.v_dim);
  write_rows(shapes.d_values, v_row, options.v_dim);
  write_rows(shapes.d_queries, qk_row, options.qk_dim);
  write_rows(shapes.d_keys, qk_row, options.qk_dim);
  shapes.d_values.x_stored = Stored::mn_major;
  shapes.d_keys.x_stored = Stored::mn_major;
  return shapes;
}

class UnfusedAttention : public Attention {
 public:
  UnfusedAttention(const AttentionOptions& options, int heads)
      : options_(options),
        heads_(heads),
        scale_(static_cast<float>(1 / std::sqrt(options.qk_dim))),
        scratch_(unfused_scratch_bytes(options)) {
    const std::int64_t scores = heads_ * options_.sequence * options_.sequence;
    scores_ = scratch_.as<float>();
    float* after_scores = scores_ + scores;
    if (options_.backward) {
      d_probabilities_ = after_scores;
      after_scores += scores;
    }
    probabilities_ = reinterpret_cast<std::uint16_t*>(after_scores);
    d_scores_ = probabilities_ + scores;
  }

  /// Asks for algorithms; the reason if one is missing.
  std::optional<NotMeasured> prepare() {
    const Shapes shapes = shapes_of(options_, heads_);
    std::vector<std::pair<const MatrixProduct*, std::unique_ptr<Matmul>*>> needed{
        {&shapes.scores, &scores_product_}, {&shapes.values, &values_product_}};
    if (options_.backward) {
      needed.push_back({&shapes.d_probabilities, &d_probabilities_product_});
      needed.push_back({&shapes.d_values, &d_values_product_});
      needed.push_back({&shapes.d_queries, &d_queries_product_});
      needed.push_back({&shapes.d_keys, &d_keys_product_});
    }
    for (const auto& [shape, product] : needed) {
      auto made = Matmul::make(library_, *shape);
      if (auto* refused = std::get_if<NotMeasured>(&made)) return std::move(*refused);
      *product = std::move(std::get<std::unique_ptr<Matmul>>(made));
    }
    return {};
  }

  void forward(const AttentionForward& at, cudaStream_t stream) override {
    for (const Part& part : parts()) {
      scores_product_->launch(
          {.x = at.q + part.qk, .w = at.k + part.qk, .y = scores_, .alpha = scale_}, stream);
      launch_causal_softmax(scores_, probabilities_, at.log_sums + part.rows, sizes(), stream);
      values_product_->launch({.x = probabilities_, .w = at.v + part.v, .y = at.o + part.v},
                              stream);
    }
  }

  void backward(const AttentionBackward& at, cudaStream_t stream) override {
    PW_CHECK(options_.backward);
    const std::int64_t v_row = static_cast<std::int64_t>(options_.heads) * options_.v_dim;
    for (const Part& part : parts()) {
      scores_product_->launch(
          {.x = at.q + part.qk, .w = at.k + part.qk, .y = scores_, .alpha = scale_}, stream);
      d_probabilities_product_->launch(
          {.x = at.d_o + part.v, .w = at.v + part.v, .y = d_probabilities_}, stream);
      launch_causal_softmax_backward({.scores = scores_,
                                      .d_probabilities = d_probabilities_,
                                      .log_sums = at.log_sums + part.rows,
                                      .o = at.o + part.v,
                                      .d_o = at.d_o + part.v,
                                      .row = v_row,
                                      .v_dim = options_.v_dim,
                                      .probabilities = probabilities_,
                                      .d_scores = d_scores_},
                                     sizes(), stream);
      d_values_product_->launch({.x = probabilities_, .w = at.d_o + part.v, .y = at.d_v + part.v},
                                stream);
      d_queries_product_->launch(
          {.x = d_scores_, .w = at.k + part.qk, .y = at.d_q + part.qk, .alpha = scale_}, stream);
      d_keys_product_->launch(
          {.x = d_scores_, .w = at.q + part.qk, .y = at.d_k + part.qk, .alpha = scale_}, stream);
    }
  }

  std::string implementation() const override { return "unfused_cublaslt"; }
  std::string proxy() const override { return "unfused attention for fused"; }
  int forward_kernels() const override { return 3 * static_cast<int>(parts().size()); }
  int backward_kernels() const override { return 6 * static_cast<int>(parts().size()); }

 private:
  /// Elements before the first head of a part, in q and k, in v and o, and in the log-sums.
  struct Part {
    std::int64_t qk = 0;
    std::int64_t v = 0;
    std::int64_t rows = 0;
  };

  std::vector<Part> parts() const {
    std::vector<Part> made;
    for (std::int64_t sequence = 0; sequence < options_.batch; ++sequence) {
      for (int head = 0; head < options_.heads; head += heads_) {
        const std::int64_t before = sequence * options_.sequence * options_.heads + head;
        made.push_back({.qk = before * options_.qk_dim,
                        .v = before * options_.v_dim,
                        .rows = (sequence * options_.heads + head) * options_.sequence});
      }
    }
    return made;
  }

  SoftmaxSizes sizes() const { return {.heads = heads_, .sequence = options_.sequence}; }

  AttentionOptions options_;
  int heads_ = 0;  ///< At once.
  float scale_ = 1;
  CublasLt library_;
  Buffer scratch_;
  float* scores_ = nullptr;
  float* d_probabilities_ = nullptr;
  std::uint16_t* probabilities_ = nullptr;
  std::uint16_t* d_scores_ = nullptr;
  std::unique_ptr<Matmul> scores_product_;
  std::unique_ptr<Matmul> values_product_;
  std::unique_ptr<Matmul> d_probabilities_product_;
  std::unique_ptr<Matmul> d_values_product_;
  std::unique_ptr<Matmul> d_queries_product_;
  std::unique_ptr<Matmul> d_keys_product_;
};

}  // namespace

int unfused_heads_at_once(const AttentionOptions& options) {
  for (int heads = options.heads; heads > 0; --heads) {
    if (options.heads % heads != 0) continue;
    const std::size_t size = static_cast<std::size_t>(heads) * scratch_bytes_a_head(options);
    if (size <= options.unfused_scratch_limit) return heads;
  }
  return 0;
}

std::size_t unfused_scratch_bytes(const AttentionOptions& options) {
  return static_cast<std::size_t>(unfused_heads_at_once(options)) * scratch_bytes_a_head(options);
}

std::variant<std::unique_ptr<Attention>, NotMeasured> make_unfused_attention(
    const AttentionOptions& options) {
  PW_CHECK(options.batch > 0);
  PW_CHECK(options.sequence > 0);
  if (options.sequence % 8 != 0 || options.qk_dim % 8 != 0 || options.v_dim % 8 != 0) {
    return NotMeasured{"unfused attention needs a sequence and widths that are multiples of 8"};
  }
  const int heads = unfused_heads_at_once(options);
  if (heads == 0) {
    return NotMeasured{fmt::format("the scores of one head take {} bytes, over the limit of {}",
                                   scratch_bytes_a_head(options), options.unfused_scratch_limit)};
  }
  auto made = std::make_unique<UnfusedAttention>(options, heads);
  if (auto refused = made->prepare()) return std::move(*refused);
  return made;
}

}  // namespace planewise::calibration
