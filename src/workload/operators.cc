#include "workload/operators.h"

#include <utility>

#include "base/check.h"
#include "workload/element_size.h"

namespace planewise::workload {
namespace {

// Core attention backward does 2.5 times the forward's products (five instead of two):
// FlashAttention-2.
constexpr double kAttentionBackwardFactor = 2.5;

Operator byte_operator(std::string id, std::string what, double traffic) {
  Operator op;
  op.id = std::move(id);
  op.what = std::move(what);
  op.traffic = bytes(traffic);
  return op;
}

Operator flop_operator(std::string id, std::string what, double work) {
  Operator op;
  op.id = std::move(id);
  op.what = std::move(what);
  op.work = flop(work);
  return op;
}

/// Operand and result bytes: e4m3 with scales in, BF16 out for FP8 products; BF16 throughout
/// otherwise.
Operator gemm(std::string id, std::string what, spec::GemmShape shape) {
  const bool is_fp8 = id != "gemm.bf16";
  const double g = static_cast<double>(shape.groups);
  const double m = static_cast<double>(shape.m);
  const double n = static_cast<double>(shape.n);
  const double k = static_cast<double>(shape.k);
  Operator op = flop_operator(std::move(id), std::move(what), 2 * g * m * n * k);
  op.shape = shape;
  op.traffic =
      bytes(g * (is_fp8 ? m * k * kFp8 + n * k + kBf16 * m * n : kBf16 * (m * k + n * k + m * n)));
  return op;
}

/// Sizes of one layer as doubles, so that formulas read as in docs/equations.md.
struct Sizes {
  double t, h;   // tokens, hidden
  double q, kv;  // q_lora_rank, kv_lora_rank
  double heads, qk, v, nope, rope;
  double q_up, kv_up, kv_down;  // widths of q_b, kv_b, kv_a
  std::int64_t ti, hi, qi, kvi, q_upi, kv_upi, downi, oi;
};

Sizes sizes_of(const OperatorInput& in) {
  const spec::AttentionSpec& a = in.model.attention;
  PW_CHECK(a.kind == spec::AttentionKind::mla);
  PW_CHECK(a.q_lora_rank > 0);
  Sizes s{};
  s.ti = in.tokens;
  s.hi = in.model.hidden;
  s.qi = a.q_lora_rank;
  s.kvi = a.kv_lora_rank;
  s.q_upi = static_cast<std::int64_t>(a.heads) * (a.qk_nope_head_dim + a.qk_rope_head_dim);
  s.kv_upi = static_cast<std::int64_t>(a.heads) * (a.qk_nope_head_dim + a.v_head_dim);
  s.downi = a.q_lora_rank + a.kv_lora_rank + a.qk_rope_head_dim;  // q_a and kv_a in one product
  s.oi = static_cast<std::int64_t>(a.heads) * a.v_head_dim;
  s.t = static_cast<double>(s.ti);
  s.h = static_cast<double>(s.hi);
  s.q = static_cast<double>(s.qi);
  s.kv = static_cast<double>(s.kvi);
  s.heads = a.heads;
  s.nope = a.qk_nope_head_dim;
  s.rope = a.qk_rope_head_dim;
  s.qk = s.nope + s.rope;
  s.v = a.v_head_dim;
  s.q_up = static_cast<double>(s.q_upi);
  s.kv_up = static_cast<double>(s.kv_upi);
  s.kv_down = s.kv + s.rope;
  return s;
}

/// 2 flop x heads x (qk + v) x tokens x sequence, half of it under the causal mask.
double attention_products(const OperatorInput& in, const Sizes& s) {
  return 2 * s.heads * (s.qk + s.v) * s.t * static_cast<double>(in.sequence_length) / 2;
}

double projection_products(const Sizes& s) {
  return 2 * s.t *
         (s.h * static_cast<double>(s.downi) + s.q * s.q_up + s.kv * s.kv_up +
          static_cast<double>(s.oi) * s.h);
}

double rope_bytes(const Sizes& s) { return s.t * (s.heads * s.rope + s.rope) * 2 * kBf16; }

/// Keys are put together from the up-projected part and the shared rotary part; values made
/// contiguous.
double copy_bytes(const Sizes& s) {
  const double keys = s.heads * s.qk + s.heads * s.nope + 2 * s.rope;
  return s.t * (keys + 2 * s.heads * s.v) * kBf16;
}

double norm_widths(const Sizes& s) { return s.h + s.q + s.kv + s.h; }

/// Experts: rows are (token, expert) pairs, the same number on every rank when routing is balanced.
struct ExpertSizes {
  double rows, shared_rows, width, shared_width;
  std::int64_t routed, local, rows_each, widthi, shared_widthi;
};

ExpertSizes experts_of(const OperatorInput& in) {
  PW_CHECK(in.model.moe.has_value());
  const spec::MoeSpec& moe = *in.model.moe;
  PW_CHECK(moe.routed_experts % in.expert_ranks == 0);
  ExpertSizes e{};
  e.routed = moe.routed_experts;
  e.local = moe.routed_experts / in.expert_ranks;
  e.rows = static_cast<double>(in.tokens * moe.experts_per_token);
  e.rows_each = in.tokens * moe.experts_per_token / e.local;
  e.widthi = moe.expert_intermediate;
  e.shared_widthi = static_cast<std::int64_t>(moe.expert_intermediate) * moe.shared_experts;
  e.width = static_cast<double>(e.widthi);
  e.shared_width = static_cast<double>(e.shared_widthi);
  e.shared_rows = static_cast<double>(in.tokens);
  return e;
}

double permute_bytes(const Sizes& s, const ExpertSizes& e) {
  return 2 * e.rows * s.h * (kFp8 + kBf16);  // FP8 rows on the way in, BF16 on the way out
}

double hidden_elements(const ExpertSizes& e) {
  return e.rows * e.width + e.shared_rows * e.shared_width;
}

double ffn_products(double rows, double hidden, double width) {
  return 2 * rows * hidden * 3 * width;
}

double quantise_bytes(double elements) { return elements * (kBf16 + kFp8); }

}  // namespace

Block attention_forward(const OperatorInput& in) {
  const Sizes s = sizes_of(in);
  return {
      .name = "attention forward",
      .operators = {
          byte_operator("norm", "input, q, kv and feed-forward norms",
                        2 * kBf16 * s.t * norm_widths(s)),
          byte_operator("quantise", "inputs of the projections and of the feed-forward",
                        quantise_bytes(s.t * (s.h + s.q + s.kv + static_cast<double>(s.oi) + s.h))),
          gemm("gemm.fp8", "q_a and kv_a", {.m = s.ti, .n = s.downi, .k = s.hi}),
          gemm("gemm.fp8", "q_b", {.m = s.ti, .n = s.q_upi, .k = s.qi}),
          gemm("gemm.fp8", "kv_b", {.m = s.ti, .n = s.kv_upi, .k = s.kvi}),
          byte_operator("rope", "rotary embedding of queries and key", rope_bytes(s)),
          byte_operator("copy", "keys and values put together", copy_bytes(s)),
          flop_operator("attention.forward", "core attention", attention_products(in, s)),
          gemm("gemm.fp8", "o", {.m = s.ti, .n = s.hi, .k = s.oi}),
          byte_operator("elementwise", "residual", 3 * kBf16 * s.t * s.h),
      }};
}

Block attention_backward(const OperatorInput& in) {
  const Sizes s = sizes_of(in);
  const double down = static_cast<double>(s.downi);
  const double out = static_cast<double>(s.oi);
  // Output gradients in 1x128 and, for the weight gradients, transposed; inputs transposed;
  // recomputed inputs.
  const double quantised =
      2 * (s.h + s.q_up + s.kv_up + down) + (s.h + s.q + s.kv + out) + s.q + s.kv;
  return {
      .name = "attention backward",
      .operators = {
          gemm("gemm.fp8", "q_b, recomputed", {.m = s.ti, .n = s.q_upi, .k = s.qi}),
          gemm("gemm.fp8", "kv_b, recomputed", {.m = s.ti, .n = s.kv_upi, .k = s.kvi}),
          gemm("gemm.fp8", "o, input gradient", {.m = s.ti, .n = s.oi, .k = s.hi}),
          flop_operator("attention.backward", "core attention",
                        kAttentionBackwardFactor * attention_products(in, s)),
          gemm("gemm.fp8", "q_b, input gradient", {.m = s.ti, .n = s.qi, .k = s.q_upi}),
          gemm("gemm.fp8", "kv_b, input gradient", {.m = s.ti, .n = s.kvi, .k = s.kv_upi}),
          gemm("gemm.fp8", "q_a and kv_a, input gradient", {.m = s.ti, .n = s.hi, .k = s.downi}),
          byte_operator("norm", "norms recomputed and backward",
                        s.t * (2 * kBf16 * (s.h + s.q + s.kv) + 3 * kBf16 * norm_widths(s))),
          byte_operator("rope", "rotary embedding, recomputed and backward", 2 * rope_bytes(s)),
          byte_operator("copy", "keys and values, recomputed and split", 2 * copy_bytes(s)),
          byte_operator("quantise.backward", "gradients and transposed inputs",
                        quantise_bytes(s.t * quantised)),
          byte_operator("elementwise", "residual gradients", 2 * 3 * kBf16 * s.t * s.h),
      }};
}

Block attention_weight(const OperatorInput& in) {
  const Sizes s = sizes_of(in);
  return {.name = "attention weight gradients",
          .weight_gradient = true,
          .operators = {flop_operator("wgrad.fp8", "projections", projection_products(s))}};
}

Block router_forward(const OperatorInput& in) {
  const Sizes s = sizes_of(in);
  const std::int64_t experts = experts_of(in).routed;
  return {.name = "router forward",
          .operators = {gemm("gemm.bf16", "router", {.m = s.ti, .n = experts, .k = s.hi}),
                        byte_operator("router", "top-k of the scores",
                                      s.t * static_cast<double>(experts) * kFp32)}};
}

Block router_backward(const OperatorInput& in) {
  const Sizes s = sizes_of(in);
  const std::int64_t experts = experts_of(in).routed;
  return {.name = "router backward",
          .operators = {
              gemm("gemm.bf16", "router, input gradient", {.m = s.ti, .n = s.hi, .k = experts}),
              gemm("gemm.bf16", "router, weight gradient", {.m = experts, .n = s.hi, .k = s.ti})}};
}

Block gradient_quantise(const OperatorInput& in) {
  const Sizes s = sizes_of(in);
  return {.name = "gradient quantised for dispatch",
          .operators = {
              byte_operator("quantise.backward", "output gradient", quantise_bytes(s.t * s.h))}};
}

Block moe_forward(const OperatorInput& in) {
  const Sizes s = sizes_of(in);
  const ExpertSizes e = experts_of(in);
  Block block{.name = "MoE forward"};
  block.operators = {
      byte_operator("permute", "rows to experts and back", permute_bytes(s, e)),
      gemm("grouped_gemm.fp8", "routed gate and up",
           {.groups = e.local, .m = e.rows_each, .n = 2 * e.widthi, .k = s.hi}),
      gemm("grouped_gemm.fp8", "routed down",
           {.groups = e.local, .m = e.rows_each, .n = s.hi, .k = e.widthi}),
      byte_operator("swiglu", "SwiGLU", 3 * kBf16 * hidden_elements(e)),
      byte_operator("quantise", "inputs of the down projections",
                    quantise_bytes(hidden_elements(e))),
      byte_operator("elementwise", "copy of the input", kBf16 * s.t * s.h),
  };
  if (e.shared_widthi > 0) {
    block.operators.push_back(
        gemm("gemm.fp8", "shared gate and up", {.m = s.ti, .n = 2 * e.shared_widthi, .k = s.hi}));
    block.operators.push_back(
        gemm("gemm.fp8", "shared down", {.m = s.ti, .n = s.hi, .k = e.shared_widthi}));
  }
  return block;
}

Block moe_backward(const OperatorInput& in) {
  const Sizes s = sizes_of(in);
  const ExpertSizes e = experts_of(in);
  // Gradients at the outputs of down and of gate/up, in 1x128 and transposed. The transposed inputs
  // are made beside the weight gradients, whose rate (taken by span) holds them.
  const auto quantised = [&](double rows, double width) { return rows * (2 * s.h + 4 * width); };
  Block block{.name = "MoE backward"};
  block.operators = {
      byte_operator("norm", "feed-forward norm, recomputed", 2 * kBf16 * s.t * s.h),
      byte_operator("permute", "gradient rows to experts and back", permute_bytes(s, e)),
      gemm("grouped_gemm.fp8", "routed down, input gradient",
           {.groups = e.local, .m = e.rows_each, .n = e.widthi, .k = s.hi}),
      gemm("grouped_gemm.fp8", "routed gate and up, input gradient",
           {.groups = e.local, .m = e.rows_each, .n = s.hi, .k = 2 * e.widthi}),
      byte_operator("swiglu", "SwiGLU, recomputed and backward", 8 * kBf16 * hidden_elements(e)),
      byte_operator(
          "quantise.backward", "gradients",
          quantise_bytes(quantised(e.rows, e.width) +
                         (e.shared_width > 0 ? quantised(e.shared_rows, e.shared_width) : 0))),
      byte_operator("elementwise", "copy of the gradient", kBf16 * s.t * s.h),
  };
  if (e.shared_widthi > 0) {
    block.operators.push_back(gemm("gemm.fp8", "shared down, input gradient",
                                   {.m = s.ti, .n = e.shared_widthi, .k = s.hi}));
    block.operators.push_back(gemm("gemm.fp8", "shared gate and up, input gradient",
                                   {.m = s.ti, .n = s.hi, .k = 2 * e.shared_widthi}));
  }
  return block;
}

Block moe_weight(const OperatorInput& in) {
  const Sizes s = sizes_of(in);
  const ExpertSizes e = experts_of(in);
  return {.name = "MoE weight gradients",
          .weight_gradient = true,
          .operators = {flop_operator("wgrad.fp8", "routed and shared experts",
                                      ffn_products(e.rows, s.h, e.width) +
                                          ffn_products(e.shared_rows, s.h, e.shared_width))}};
}

Block dense_forward(const OperatorInput& in) {
  const Sizes s = sizes_of(in);
  const std::int64_t width = in.model.intermediate;
  const double elements = s.t * static_cast<double>(width);
  return {.name = "dense feed-forward forward",
          .operators = {
              gemm("gemm.fp8", "gate and up", {.m = s.ti, .n = 2 * width, .k = s.hi}),
              gemm("gemm.fp8", "down", {.m = s.ti, .n = s.hi, .k = width}),
              byte_operator("swiglu", "SwiGLU", 3 * kBf16 * elements),
              byte_operator("quantise", "input of the down projection", quantise_bytes(elements))}};
}

Block dense_backward(const OperatorInput& in) {
  const Sizes s = sizes_of(in);
  const std::int64_t widthi = in.model.intermediate;
  const double width = static_cast<double>(widthi);
  const double quantised = s.t * (2 * s.h + 4 * width);
  return {
      .name = "dense feed-forward backward",
      .operators = {
          byte_operator("norm", "feed-forward norm, recomputed", 2 * kBf16 * s.t * s.h),
          gemm("gemm.fp8", "down, input gradient", {.m = s.ti, .n = widthi, .k = s.hi}),
          gemm("gemm.fp8", "gate and up, input gradient", {.m = s.ti, .n = s.hi, .k = 2 * widthi}),
          byte_operator("swiglu", "SwiGLU, recomputed and backward", 8 * kBf16 * s.t * width),
          byte_operator("quantise.backward", "gradients", quantise_bytes(quantised))}};
}

Block dense_weight(const OperatorInput& in) {
  const Sizes s = sizes_of(in);
  return {.name = "dense feed-forward weight gradients",
          .weight_gradient = true,
          .operators = {flop_operator("wgrad.fp8", "gate, up and down",
                                      ffn_products(s.t, s.h, in.model.intermediate))}};
}

Block embedding_forward(const OperatorInput& in) {
  const Sizes s = sizes_of(in);
  return {.name = "embedding forward",
          .operators = {byte_operator("embedding", "rows looked up", 2 * kBf16 * s.t * s.h)}};
}

Block embedding_backward(const OperatorInput& in) {
  const Sizes s = sizes_of(in);
  return {.name = "embedding weight gradient",
          .weight_gradient = true,
          .operators = {byte_operator("embedding", "rows added", (kBf16 + 2 * kFp32) * s.t * s.h)}};
}

Block head_forward(const OperatorInput& in) {
  const Sizes s = sizes_of(in);
  const std::int64_t vocabulary = in.model.vocabulary;
  return {.name = "head forward",
          .operators = {byte_operator("norm", "final norm", 2 * kBf16 * s.t * s.h),
                        gemm("gemm.bf16", "head", {.m = s.ti, .n = vocabulary, .k = s.hi}),
                        byte_operator("cross_entropy", "loss: logits read twice",
                                      2 * kBf16 * s.t * static_cast<double>(vocabulary))}};
}

Block head_backward(const OperatorInput& in) {
  const Sizes s = sizes_of(in);
  const std::int64_t vocabulary = in.model.vocabulary;
  return {.name = "head backward",
          .operators = {
              byte_operator("cross_entropy", "gradient of the logits",
                            2 * kBf16 * s.t * static_cast<double>(vocabulary)),
              gemm("gemm.bf16", "head, input gradient", {.m = s.ti, .n = s.hi, .k = vocabulary}),
              byte_operator("norm", "final norm, backward", 3 * kBf16 * s.t * s.h)}};
}

Block head_weight(const OperatorInput& in) {
  const Sizes s = sizes_of(in);
  return {.name = "head weight gradient",
          .weight_gradient = true,
          .operators = {gemm("gemm.bf16", "head, weight gradient",
                             {.m = in.model.vocabulary, .n = s.hi, .k = s.ti})}};
}

Block mtp_input_forward(const OperatorInput& in) {
  const Sizes s = sizes_of(in);
  return {.name = "MTP input forward",
          .operators = {byte_operator("embedding", "rows looked up", 2 * kBf16 * s.t * s.h),
                        byte_operator("norm", "norms of both inputs", 2 * 2 * kBf16 * s.t * s.h),
                        byte_operator("quantise", "joined input", quantise_bytes(2 * s.t * s.h)),
                        gemm("gemm.fp8", "projection", {.m = s.ti, .n = s.hi, .k = 2 * s.hi})}};
}

Block mtp_input_backward(const OperatorInput& in) {
  const Sizes s = sizes_of(in);
  return {.name = "MTP input backward",
          .operators = {
              byte_operator("quantise.backward", "gradient and transposed input",
                            quantise_bytes((2 + 2) * s.t * s.h)),
              gemm("gemm.fp8", "projection, input gradient", {.m = s.ti, .n = 2 * s.hi, .k = s.hi}),
              byte_operator("norm", "norms, recomputed and backward",
                            2 * (2 + 3) * kBf16 * s.t * s.h)}};
}

Block mtp_input_weight(const OperatorInput& in) {
  const Sizes s = sizes_of(in);
  return {.name = "MTP input weight gradients",
          .weight_gradient = true,
          .operators = {flop_operator("wgrad.fp8", "projection", 2 * s.t * 2 * s.h * s.h),
                        byte_operator("embedding", "rows added", (kBf16 + 2 * kFp32) * s.t * s.h)}};
}

Block optimizer_update(double parameters, const spec::OptimizerSpec& o) {
  const double bytes_each =
      o.gradient_bytes + 2.0 * o.master_bytes + 2 * 2.0 * o.moment_bytes + o.parameter_bytes;
  return {.name = "optimizer update",
          .operators = {byte_operator("optimizer", "AdamW", parameters * bytes_each)}};
}

}  // namespace planewise::workload
