// The attention half of a layer: projections, core attention, output.
#include <vector>

#include "workload/operator_parts.h"

namespace planewise::workload {
namespace {

// Core attention backward does five products instead of two: FlashAttention-2, arXiv 2307.08691.
constexpr double kAttentionBackwardFactor = 2.5;

/// Sizes of one layer on one rank; formulas read as in docs/equations.md.
struct Sizes {
  double t = 0, own = 0;        // tokens of the tensor group, and this rank's part of them
  double h = 0;                 // hidden
  double heads = 0;             // of this rank
  double qk = 0, v = 0;         // widths of a head
  double norms = 0;             // elements of norms in attention_in a token, the heads' apart
  double in_own = 0;            // widths that are quantised a token of the rank's own
  double gradient_own = 0;      // widths of output gradients, the same
  double gradient_all = 0;      // and for every token of the group
  double head_norms = 0;        // widths under qk_norm
  double rotated = 0;           // widths that the rotary embedding turns
  double copied = 0;            // widths read and written to put keys and values together
  std::int64_t output = 0;      // width of core attention
  std::vector<Matrix> down{};   // mla's, on the rank's own tokens
  std::vector<Matrix> up{};     // on all tokens; under mla recomputed
  double latents = 0;           // widths of the recomputed products' inputs
  bool recompute_rope = false;  // the recomputed products make what it turns
};

Sizes common_sizes(const OperatorInput& in) {
  const spec::AttentionSpec& a = in.model.attention;
  Sizes s;
  s.t = static_cast<double>(in.tokens);
  s.own = own_tokens(in);
  s.h = in.model.hidden;
  s.heads = static_cast<double>(share(a.heads, in.tensor));
  return s;
}

Sizes latent_sizes(const OperatorInput& in) {
  const spec::AttentionSpec& a = in.model.attention;
  Sizes s = common_sizes(in);
  const std::int64_t heads = share(a.heads, in.tensor);
  const std::int64_t own = share(in.tokens, in.tensor);
  const std::int64_t queries = heads * (a.qk_nope_head_dim + a.qk_rope_head_dim);
  const std::int64_t keys_values = heads * (a.qk_nope_head_dim + a.v_head_dim);
  const std::int64_t latent = a.kv_lora_rank + a.qk_rope_head_dim;
  const double rope = a.qk_rope_head_dim;
  const bool compressed = a.q_lora_rank > 0;
  s.qk = a.qk_nope_head_dim + rope;
  s.v = a.v_head_dim;
  s.output = heads * a.v_head_dim;
  s.latents = static_cast<double>(a.q_lora_rank) + a.kv_lora_rank;
  s.norms = s.h + s.latents;
  s.in_own = s.h + s.latents;
  s.gradient_own = static_cast<double>(a.q_lora_rank + latent);
  s.gradient_all = static_cast<double>(queries + keys_values);
  s.rotated = s.heads * rope + rope;
  // Keys from the up-projected part and the shared rotary part; values made contiguous.
  s.copied = s.heads * s.qk + s.heads * a.qk_nope_head_dim + 2 * rope + 2 * s.heads * s.v;
  s.recompute_rope = compressed;
  if (compressed) {
    s.down = {{"q_a and kv_a", own, a.q_lora_rank + latent, in.model.hidden}};
    s.up = {{"q_b", in.tokens, queries, a.q_lora_rank}};
  } else {
    s.down = {{"kv_a", own, latent, in.model.hidden}, {"q", in.tokens, queries, in.model.hidden}};
  }
  s.up.push_back({"kv_b", in.tokens, keys_values, a.kv_lora_rank});
  return s;
}

Sizes grouped_sizes(const OperatorInput& in) {
  const spec::AttentionSpec& a = in.model.attention;
  Sizes s = common_sizes(in);
  const std::int64_t kv_heads = a.kind == spec::AttentionKind::mha ? a.heads : a.kv_heads;
  const std::int64_t heads = share(a.heads, in.tensor);
  const std::int64_t kv = share(kv_heads, in.tensor);  // fewer than ranks: several hold the same
  const std::int64_t width = (heads + 2 * kv) * a.head_dim;
  s.qk = a.head_dim;
  s.v = a.head_dim;
  s.output = heads * a.head_dim;
  s.norms = s.h;
  s.in_own = s.h;
  s.gradient_all = static_cast<double>(width);
  s.rotated = static_cast<double>((heads + kv) * a.head_dim);
  s.head_norms = a.qk_norm ? s.rotated : 0;
  s.up = {{"q, k and v", in.tokens, width, in.model.hidden}};
  return s;
}

bool is_latent(const OperatorInput& in) {
  return in.model.attention.kind == spec::AttentionKind::mla;
}

Sizes sizes_of(const OperatorInput& in) {
  return is_latent(in) ? latent_sizes(in) : grouped_sizes(in);
}

/// Every projection of attention_in.
std::vector<Matrix> projections(const Sizes& s) {
  std::vector<Matrix> all = s.down;
  all.insert(all.end(), s.up.begin(), s.up.end());
  return all;
}

Matrix output_projection(const OperatorInput& in, const Sizes& s) {
  return {"o", in.tokens, in.model.hidden, s.output};
}

Operator core(const OperatorInput& in, const Sizes& s, double factor) {
  Operator op;
  op.id = is_latent(in) ? "attention_mla." : "attention.";
  op.id += factor == 1 ? "forward" : "backward";
  op.what = "core attention";
  op.sequence = in.sequence_length;
  op.work =
      flop(factor * 2 * s.heads * (s.qk + s.v) * s.t * static_cast<double>(in.sequence_length) / 2);
  return op;
}

double rope_bytes(const Sizes& s) { return 2 * kBf16 * s.t * s.rotated; }
double copy_bytes(const Sizes& s) { return kBf16 * s.t * s.copied; }

}  // namespace

Passes attention_in(const OperatorInput& in) {
  const Sizes s = sizes_of(in);
  const Formats f = formats_of(in.precision);
  const double norms = s.own * s.norms + s.t * s.head_norms;
  Passes p{.forward = {.name = "attention input forward"},
           .backward = {.name = "attention input backward"},
           .weight = {.name = "attention input weight gradients"}};
  add(p.forward, byte_operator("norm", "input norm and those of projections", 2 * kBf16 * norms));
  add(p.forward,
      byte_operator("quantise", "inputs of the projections", f.quantise.input * s.own * s.in_own));
  for (const Matrix& matrix : projections(s)) {
    add(p.forward, forward_product(matrix, f));
    add(p.backward, input_gradient(matrix, f));
    add(p.weight, weight_gradient(matrix, f));
  }
  add(p.forward, byte_operator("rope", "rotary embedding of queries and keys", rope_bytes(s)));
  add(p.forward, byte_operator("copy", "keys and values put together", copy_bytes(s)));

  // The norms before the up-projections are recomputed with those, in attention_core.
  const double recomputed = is_selective(in) ? s.own * s.h + s.t * s.head_norms : 0;
  add(p.backward, byte_operator("norm", "norms, backward and recomputed",
                                kBf16 * (2 * recomputed + 3 * norms)));
  add(p.backward, byte_operator("rope", "rotary embedding, backward", rope_bytes(s)));
  add(p.backward, byte_operator("copy", "gradients of keys and values split", copy_bytes(s)));
  add(p.backward,
      byte_operator("quantise.backward", "gradients and transposed inputs",
                    f.quantise.gradient * (s.own * s.gradient_own + s.t * s.gradient_all) +
                        f.quantise.transposed * s.own * s.in_own));
  add(p.backward, byte_operator("elementwise", "residual gradient", 3 * kBf16 * s.own * s.h));
  return p;
}

Passes attention_core(const OperatorInput& in) {
  const Sizes s = sizes_of(in);
  Passes p{.forward = {.name = "core attention forward"},
           .backward = {.name = "core attention backward"},
           .weight = {.name = "core attention weight gradients"}};
  add(p.forward, core(in, s, 1));
  if (is_latent(in) && is_selective(in)) {
    const Formats f = formats_of(in.precision);
    const double latents = s.own * s.latents;
    add(p.backward, byte_operator("norm", "q and kv norms, recomputed", 2 * kBf16 * latents));
    add(p.backward, byte_operator("quantise.backward", "inputs of recomputed projections",
                                  f.quantise.recomputed * latents));
    for (const Matrix& matrix : s.up) add(p.backward, recomputed_product(matrix, f));
    if (s.recompute_rope) {
      add(p.backward, byte_operator("rope", "rotary embedding, recomputed", rope_bytes(s)));
    }
    add(p.backward, byte_operator("copy", "keys and values, recomputed", copy_bytes(s)));
  }
  add(p.backward, core(in, s, kAttentionBackwardFactor));
  return p;
}

Passes attention_out(const OperatorInput& in) {
  const Sizes s = sizes_of(in);
  const Formats f = formats_of(in.precision);
  const Matrix matrix = output_projection(in, s);
  const double output = s.t * static_cast<double>(s.output);
  const double hidden = s.own * s.h;
  Passes p{.forward = {.name = "attention output forward"},
           .backward = {.name = "attention output backward"},
           .weight = {.name = "attention output weight gradient"}};
  add(p.forward, byte_operator("quantise", "inputs of the projection and of the feed-forward",
                               f.quantise.input * (output + hidden)));
  add(p.forward, forward_product(matrix, f));
  add(p.forward, byte_operator("elementwise", "residual", 3 * kBf16 * hidden));
  add(p.forward, byte_operator("norm", "feed-forward norm", 2 * kBf16 * hidden));

  add(p.backward, byte_operator("norm", "feed-forward norm, backward", 3 * kBf16 * hidden));
  add(p.backward, byte_operator("elementwise", "residual gradient", 3 * kBf16 * hidden));
  add(p.backward, byte_operator("quantise.backward", "gradient and transposed input",
                                f.quantise.gradient * hidden + f.quantise.transposed * output));
  add(p.backward, input_gradient(matrix, f));
  add(p.weight, weight_gradient(matrix, f));
  return p;
}

}  // namespace planewise::workload
