// The other half of a layer: router and experts, or the dense feed-forward.
#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "workload/operator_parts.h"

namespace planewise::workload {
namespace {

/// Matrices that read the input: gate and up, or one.
std::int64_t input_matrices(const OperatorInput& in) {
  return in.model.feed_forward == spec::FeedForward::swiglu ? 2 : 1;
}

Matrix first_matrix(const OperatorInput& in, std::int64_t rows, std::int64_t width) {
  return {in.model.feed_forward == spec::FeedForward::swiglu ? "gate and up" : "up", rows,
          input_matrices(in) * width, in.model.hidden};
}

Matrix second_matrix(const OperatorInput& in, std::int64_t rows, std::int64_t width) {
  return {"down", rows, in.model.hidden, width};
}

/// Reads the results of the first matrices and writes one of the width.
Operator activation(const OperatorInput& in, double elements) {
  const bool gated = in.model.feed_forward == spec::FeedForward::swiglu;
  return byte_operator(gated ? "swiglu" : "gelu", gated ? "SwiGLU" : "GELU",
                       (gated ? 3 : 2) * kBf16 * elements);
}

/// Reads those and a gradient, writes their gradients; under `selective` after doing it again.
Operator activation_backward(const OperatorInput& in, double elements) {
  const bool gated = in.model.feed_forward == spec::FeedForward::swiglu;
  const double backward = (gated ? 5 : 3) * kBf16 * elements;
  Operator op = activation(in, elements);
  op.what += is_selective(in) ? ", recomputed and backward" : ", backward";
  op.traffic = is_selective(in) ? op.traffic + bytes(backward) : bytes(backward);
  return op;
}

/// The norm before the feed-forward, which belongs to attention_out, runs again here, as in the
/// trace.
Operator recomputed_norm(const OperatorInput& in) {
  const double hidden = own_tokens(in) * in.model.hidden;
  return byte_operator("norm", "feed-forward norm, recomputed",
                       is_selective(in) ? 2 * kBf16 * hidden : 0);
}

/// Bytes of FP8 values made in the backward of `rows` rows through a feed-forward of `width`:
/// gradients of both outputs, and the recomputed activation.
double gradient_bytes(const OperatorInput& in, const Formats& f, double rows, double width) {
  const double gradients = in.model.hidden + static_cast<double>(input_matrices(in)) * width;
  const double activation = is_selective(in) ? f.quantise.activation * width : 0;
  return rows * (f.quantise.gradient * gradients + activation);
}

/// Bytes a row that arrived in FP8, to have it transposed. Blockwise makes transposed inputs beside
/// the weight gradients, whose rate (taken by span) holds them.
double received_bytes(const OperatorInput& in, const Formats& f) {
  const bool at_once = f.quantise.input > 0 && f.quantise.transposed == 0;
  return at_once ? 2 * f.rows * in.model.hidden : 0;
}

Matrix named(const char* prefix, Matrix matrix) {
  matrix.what = prefix + matrix.what;
  return matrix;
}

/// Experts of this rank: rows are (token, expert) pairs.
struct ExpertSizes {
  double rows = 0;
  double width = 0;
  double shared_rows = 0;
  double shared_width = 0;
  Matrix first{}, second{};                // routed
  Matrix shared_first{}, shared_second{};  // no outputs if there are none
};

ExpertSizes experts_of(const OperatorInput& in) {
  PW_CHECK(in.model.moe.has_value());
  const spec::MoeSpec& moe = *in.model.moe;
  PW_CHECK(moe.routed_experts % in.expert_ranks == 0);
  const std::int64_t local = moe.routed_experts / in.expert_ranks;
  const std::int64_t width = share(moe.expert_intermediate, in.expert_tensor);
  const std::int64_t all_shared = std::int64_t{moe.expert_intermediate} * moe.shared_experts;
  const std::int64_t shared_width = share(all_shared, in.tensor);
  ExpertSizes e;
  e.rows = own_tokens(in) * moe.experts_per_token * in.expert_tensor;
  e.width = static_cast<double>(width);
  e.shared_rows = static_cast<double>(in.tokens);
  e.shared_width = static_cast<double>(shared_width);
  const std::int64_t rows =
      std::max<std::int64_t>(1, std::llround(e.rows / static_cast<double>(local)));
  e.first = named("routed ", first_matrix(in, rows, width));
  e.second = named("routed ", second_matrix(in, rows, width));
  e.first.groups = local;
  e.second.groups = local;
  if (shared_width > 0) {
    e.shared_first = named("shared ", first_matrix(in, in.tokens, shared_width));
    e.shared_second = named("shared ", second_matrix(in, in.tokens, shared_width));
  }
  return e;
}

/// Rows arrive in the products' input format and leave in BF16; each is read and written.
double permute_bytes(const OperatorInput& in, const ExpertSizes& e, const Formats& f) {
  return 2 * e.rows * in.model.hidden * (f.rows + kBf16);
}

Block experts_forward(const OperatorInput& in, const ExpertSizes& e, const Formats& f) {
  const double elements = e.rows * e.width;
  const double shared_elements = e.shared_rows * e.shared_width;
  Block block{.name = "experts forward"};
  add(block, routed(byte_operator("permute", "rows to experts and back", permute_bytes(in, e, f))));
  add(block, routed(forward_product(e.first, f)));
  add(block, routed(activation(in, elements)));
  add(block, routed(byte_operator("quantise", "input of the routed down projection",
                                  f.quantise.input * elements)));
  add(block, routed(forward_product(e.second, f)));
  add(block,
      byte_operator("elementwise", "copy of the input", kBf16 * own_tokens(in) * in.model.hidden));
  add(block, forward_product(e.shared_first, f));
  add(block, activation(in, shared_elements));
  add(block, byte_operator("quantise", "input of the shared down projection",
                           f.quantise.input * shared_elements));
  add(block, forward_product(e.shared_second, f));
  return block;
}

Block experts_backward(const OperatorInput& in, const ExpertSizes& e, const Formats& f) {
  const double elements = e.rows * e.width;
  const double shared_elements = e.shared_rows * e.shared_width;
  Block block{.name = "experts backward"};
  add(block, recomputed_norm(in));
  add(block, routed(byte_operator("permute", "gradient rows to experts and back",
                                  permute_bytes(in, e, f))));
  add(block, routed(input_gradient(e.second, f)));
  add(block, routed(activation_backward(in, elements)));
  add(block, routed(byte_operator("quantise.backward", "gradients of routed experts",
                                  gradient_bytes(in, f, e.rows, e.width))));
  add(block, routed(byte_operator("quantise.backward", "received rows transposed",
                                  received_bytes(in, f) * e.rows)));
  add(block, routed(input_gradient(e.first, f)));
  add(block, byte_operator("elementwise", "copy of the gradient",
                           kBf16 * own_tokens(in) * in.model.hidden));
  if (shared_elements == 0) return block;
  add(block, input_gradient(e.shared_second, f));
  add(block, activation_backward(in, shared_elements));
  add(block, byte_operator("quantise.backward", "gradients of shared experts",
                           gradient_bytes(in, f, e.shared_rows, e.shared_width)));
  add(block, input_gradient(e.shared_first, f));
  return block;
}

}  // namespace

Passes router(const OperatorInput& in) {
  PW_CHECK(in.model.moe.has_value());
  const std::int64_t experts = in.model.moe->routed_experts;
  const Formats f = formats_of(spec::Precision::bf16);
  const Matrix matrix{"router", share(in.tokens, in.tensor), experts, in.model.hidden};
  Passes p{.forward = {.name = "router forward"},
           .backward = {.name = "router backward"},
           .weight = {.name = "router weight gradient"}};
  add(p.forward, forward_product(matrix, f));
  add(p.forward, byte_operator("router", "top-k of the scores",
                               own_tokens(in) * static_cast<double>(experts) * kFp32));
  add(p.backward, input_gradient(matrix, f));
  add(p.backward, weight_gradient(matrix, f));
  return p;
}

Block gradient_quantise(const OperatorInput& in) {
  const Formats f = formats_of(in.precision);
  const bool is_quantised = f.quantise.input > 0;
  Block block{.name = "gradient quantised for dispatch"};
  add(block, byte_operator("quantise.backward", "output gradient",
                           is_quantised ? (kBf16 + f.rows) * own_tokens(in) * in.model.hidden : 0));
  return block;
}

Passes experts(const OperatorInput& in) {
  const ExpertSizes e = experts_of(in);
  const Formats f = formats_of(in.precision);
  Passes p{.forward = experts_forward(in, e, f),
           .backward = experts_backward(in, e, f),
           .weight = {.name = "experts weight gradients"}};
  add(p.weight, routed(weight_gradient(e.first, f)));
  add(p.weight, routed(weight_gradient(e.second, f)));
  add(p.weight, weight_gradient(e.shared_first, f));
  add(p.weight, weight_gradient(e.shared_second, f));
  return p;
}

Passes dense_in(const OperatorInput& in) {
  const Formats f = formats_of(in.precision);
  const std::int64_t width = share(in.model.intermediate, in.tensor);
  const Matrix matrix = first_matrix(in, in.tokens, width);
  const double gradients = static_cast<double>(in.tokens * matrix.outputs);
  Passes p{.forward = {.name = "feed-forward input forward"},
           .backward = {.name = "feed-forward input backward"},
           .weight = {.name = "feed-forward input weight gradient"}};
  add(p.forward, forward_product(matrix, f));
  add(p.backward, byte_operator("quantise.backward", "gradient", f.quantise.gradient * gradients));
  add(p.backward, input_gradient(matrix, f));
  add(p.backward, recomputed_norm(in));
  add(p.weight, weight_gradient(matrix, f));
  return p;
}

Passes dense_out(const OperatorInput& in) {
  const Formats f = formats_of(in.precision);
  const std::int64_t width = share(in.model.intermediate, in.tensor);
  const Matrix matrix = second_matrix(in, in.tokens, width);
  const double elements = static_cast<double>(in.tokens * width);
  const double recomputed = is_selective(in) ? f.quantise.activation * elements : 0;
  Passes p{.forward = {.name = "feed-forward output forward"},
           .backward = {.name = "feed-forward output backward"},
           .weight = {.name = "feed-forward output weight gradient"}};
  add(p.forward, activation(in, elements));
  add(p.forward,
      byte_operator("quantise", "input of the down projection", f.quantise.input * elements));
  add(p.forward, forward_product(matrix, f));
  add(p.backward,
      byte_operator("quantise.backward", "gradient",
                    f.quantise.gradient * own_tokens(in) * in.model.hidden + recomputed));
  add(p.backward, input_gradient(matrix, f));
  add(p.backward, activation_backward(in, elements));
  add(p.weight, weight_gradient(matrix, f));
  return p;
}

}  // namespace planewise::workload
