// What surrounds the layers: embedding, head, the MTP module's input, the optimizer.
#include "workload/operator_parts.h"

namespace planewise::workload {
namespace {

/// Each rank looks up the rows that it holds and writes all tokens' (zeros for the others').
double lookup_bytes(const OperatorInput& in) {
  const double hidden = in.model.hidden;
  return kBf16 * hidden * (own_tokens(in) + static_cast<double>(in.tokens));
}

/// Reads every token's gradient, adds those of its own rows in FP32.
double added_bytes(const OperatorInput& in) {
  const double hidden = in.model.hidden;
  return hidden * (kBf16 * static_cast<double>(in.tokens) + 2 * kFp32 * own_tokens(in));
}

}  // namespace

Passes embedding(const OperatorInput& in) {
  Passes p{.forward = {.name = "embedding forward"},
           .backward = {.name = "embedding backward"},
           .weight = {.name = "embedding weight gradient"}};
  add(p.forward, byte_operator("embedding", "rows looked up", lookup_bytes(in)));
  add(p.weight, byte_operator("embedding", "rows added", added_bytes(in)));
  return p;
}

Passes head(const OperatorInput& in) {
  const Formats f = formats_of(spec::Precision::bf16);
  const Matrix matrix{"head", in.tokens, share(in.model.vocabulary, in.tensor), in.model.hidden};
  const double hidden = own_tokens(in) * in.model.hidden;
  const double logits = static_cast<double>(in.tokens * matrix.outputs);
  Passes p{.forward = {.name = "head forward"},
           .backward = {.name = "head backward"},
           .weight = {.name = "head weight gradient"}};
  add(p.forward, byte_operator("norm", "final norm", 2 * kBf16 * hidden));
  add(p.forward, forward_product(matrix, f));
  add(p.forward, byte_operator("cross_entropy", "loss: logits read twice", 2 * kBf16 * logits));
  add(p.backward, byte_operator("cross_entropy", "gradient of the logits", 2 * kBf16 * logits));
  add(p.backward, input_gradient(matrix, f));
  add(p.backward, byte_operator("norm", "final norm, backward", 3 * kBf16 * hidden));
  add(p.weight, weight_gradient(matrix, f));
  return p;
}

Passes mtp_input(const OperatorInput& in) {
  const Formats f = formats_of(in.precision);
  const std::int64_t hidden = in.model.hidden;
  const Matrix matrix{"projection", in.tokens, share(hidden, in.tensor), 2 * hidden};
  const double own = own_tokens(in) * static_cast<double>(hidden);
  const double gradients = static_cast<double>(in.tokens * matrix.outputs);
  Passes p{.forward = {.name = "MTP input forward"},
           .backward = {.name = "MTP input backward"},
           .weight = {.name = "MTP input weight gradients"}};
  add(p.forward, byte_operator("embedding", "rows looked up", lookup_bytes(in)));
  add(p.forward, byte_operator("norm", "norms of both inputs", 2 * 2 * kBf16 * own));
  add(p.forward, byte_operator("quantise", "joined input", f.quantise.input * 2 * own));
  add(p.forward, forward_product(matrix, f));
  add(p.backward, byte_operator("quantise.backward", "gradient and transposed input",
                                f.quantise.gradient * gradients + f.quantise.transposed * 2 * own));
  add(p.backward, input_gradient(matrix, f));
  add(p.backward, byte_operator("norm", "norms, backward and recomputed",
                                2 * (is_selective(in) ? 2 + 3 : 3) * kBf16 * own));
  add(p.weight, weight_gradient(matrix, f));
  add(p.weight, byte_operator("embedding", "rows added", added_bytes(in)));
  return p;
}

Block optimizer_update(double parameters, const spec::OptimizerSpec& o) {
  const double bytes_each =
      o.gradient_bytes + 2.0 * o.master_bytes + 2 * 2.0 * o.moment_bytes + o.parameter_bytes;
  Block block{.name = "optimizer update"};
  add(block, byte_operator("optimizer", "AdamW", parameters * bytes_each));
  return block;
}

}  // namespace planewise::workload
