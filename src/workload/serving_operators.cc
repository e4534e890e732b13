#include "workload/serving_operators.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "base/check.h"
#include "workload/operator_parts.h"

namespace planewise::workload {
namespace {

constexpr const char* kDecode = ".decode";
constexpr const char* kHost = ".host";

bool is_low_latency(const spec::ServingUnit& unit) {
  return unit.exchange == spec::ExchangeMode::low_latency;
}

std::size_t at(ServedPiece piece) { return static_cast<std::size_t>(piece); }

/// Bytes of a matrix's left operand where it has to be made of BF16.
double quantised(const Formats& f) { return f.quantise.input > 0 ? f.rows : 0; }

/// Of one rank, for decode.
struct DecodeSizes {
  const ServedInput& in;
  const spec::AttentionSpec& a;
  Formats f;
  double t;  // tokens
  double h;  // hidden
  std::int64_t heads;
  double cache;  // bytes an element

  explicit DecodeSizes(const ServedInput& input)
      : in(input),
        a(input.model.attention),
        f(formats_of(input.spec.precision)),
        t(static_cast<double>(input.tokens)),
        h(input.model.hidden),
        heads(share(input.model.attention.heads, input.unit.parallel.tensor)),
        cache(input.spec.cache == spec::CacheElement::fp8 ? 1 : kBf16) {}

  Operator product(const char* what, std::int64_t outputs, std::int64_t inputs) const {
    return forward_product({what, in.tokens, outputs, inputs}, f);
  }
  /// A product a head.
  Operator by_head(const char* what, std::int64_t outputs, std::int64_t inputs) const {
    return forward_product({what, in.tokens, outputs, inputs, heads}, kept());
  }
  /// Of what FP8 recipes leave in BF16; with 4 bits a weight every matrix has them.
  Formats kept() const {
    return in.spec.precision == spec::Precision::int4 ? f : formats_of(spec::Precision::bf16);
  }
  /// Residual and input read, residual and the products' input written.
  Operator norm(const char* what) const {
    return byte_operator("norm", what, t * h * (3 * kBf16 + std::max(kBf16, quantised(f))));
  }
  bool is_latent() const { return a.kind == spec::AttentionKind::mla; }
};

Block latent_in(const DecodeSizes& s) {
  const std::int64_t latent = s.a.kv_lora_rank + s.a.qk_rope_head_dim;
  const std::int64_t queries = s.heads * (s.a.qk_nope_head_dim + s.a.qk_rope_head_dim);
  const double rope = s.a.qk_rope_head_dim;
  Block block{.name = "attention input"};
  add(block, s.norm("residual and input norm"));
  if (s.a.q_lora_rank > 0) {
    add(block, s.product("q_a and kv_a", s.a.q_lora_rank + latent, s.in.model.hidden));
  } else {
    add(block, s.product("kv_a", latent, s.in.model.hidden));
  }
  const double latents = static_cast<double>(s.a.q_lora_rank) + s.a.kv_lora_rank;
  add(block, byte_operator("norm", "norms of latents", s.t * latents * (kBf16 + s.f.rows)));
  const std::int64_t inputs = s.a.q_lora_rank > 0 ? s.a.q_lora_rank : s.in.model.hidden;
  add(block, s.product("q_b", queries, inputs));
  add(block, s.by_head("queries into the latent", s.a.kv_lora_rank, s.a.qk_nope_head_dim));
  add(block, byte_operator("rope", "rotary embedding, latent to the cache",
                           2 * kBf16 * s.t * static_cast<double>(s.heads) * rope +
                               (kBf16 + s.cache) * s.t * static_cast<double>(latent)));
  return block;
}

Block grouped_in(const DecodeSizes& s) {
  const int all = s.a.kind == spec::AttentionKind::mha ? s.a.heads : s.a.kv_heads;
  const std::int64_t kv = share(all, s.in.unit.parallel.tensor);
  const double turned = static_cast<double>((s.heads + kv) * s.a.head_dim);
  Block block{.name = "attention input"};
  add(block, s.norm("residual and input norm"));
  add(block, s.product("q, k and v", (s.heads + 2 * kv) * s.a.head_dim, s.in.model.hidden));
  if (s.a.qk_norm) add(block, byte_operator("norm", "norms of heads", 2 * kBf16 * s.t * turned));
  add(block, byte_operator("rope", "rotary embedding, keys and values to the cache",
                           2 * kBf16 * s.t * turned +
                               s.cache * s.t * 2 * static_cast<double>(kv * s.a.head_dim)));
  return block;
}

/// Each sequence's cache is read once for all its tokens.
Block decode_core(const DecodeSizes& s) {
  const double cached = static_cast<double>(s.in.sequences) * s.in.attended;
  const double attended = s.t * s.in.attended;
  const auto heads = static_cast<double>(s.heads);
  Block block{.name = "core attention and output"};
  Operator core{.id = s.is_latent() ? "attention_mla" : "attention",
                .what = "core attention over the cache",
                .sequence = static_cast<std::int64_t>(std::llround(s.in.attended))};
  std::int64_t output = 0;
  if (s.is_latent()) {
    const double latent = s.a.kv_lora_rank + s.a.qk_rope_head_dim;
    core.work = flop(2 * heads * (latent + s.a.kv_lora_rank) * attended);
    core.traffic = bytes(latent * s.cache * cached);
    output = s.heads * s.a.v_head_dim;
  } else {
    const int all = s.a.kind == spec::AttentionKind::mha ? s.a.heads : s.a.kv_heads;
    const auto kv = static_cast<double>(share(all, s.in.unit.parallel.tensor));
    core.work = flop(4 * heads * s.a.head_dim * attended);
    core.traffic = bytes(2 * kv * s.a.head_dim * s.cache * cached);
    output = s.heads * s.a.head_dim;
  }
  add(block, core);
  if (s.is_latent()) {
    add(block, s.by_head("values out of the latent", s.a.v_head_dim, s.a.kv_lora_rank));
  }
  add(block, byte_operator("quantise", "input of the output projection",
                           s.f.quantise.input * s.t * static_cast<double>(output)));
  add(block, s.product("o", s.in.model.hidden, output));
  return block;
}

std::int64_t first_width(const ServedInput& in, std::int64_t width) {
  return in.model.feed_forward == spec::FeedForward::swiglu ? 2 * width : width;
}

/// Activation, quantised where the second product wants it.
Operator activation(const ServedInput& in, const Formats& f, double elements) {
  const bool gated = in.model.feed_forward == spec::FeedForward::swiglu;
  return byte_operator(gated ? "swiglu" : "gelu", gated ? "SwiGLU" : "GELU",
                       elements * ((gated ? 2 : 1) * kBf16 + std::max(f.rows, quantised(f))));
}

/// Rows of a rank's experts that any token chose.
struct ActiveExperts {
  std::int64_t groups = 1;
  std::int64_t rows = 1;  ///< A group, balanced.
};

ActiveExperts active_experts(const ServedInput& in) {
  const spec::MoeSpec& moe = *in.model.moe;
  const spec::ParallelSpec& p = in.unit.parallel;
  const double chosen = exchanged_experts(moe, in.unit);
  const auto slots = static_cast<double>(spec::expert_slots(in.unit, moe.routed_experts));
  const double tokens = static_cast<double>(in.tokens) * p.expert / p.tensor;  // of the group
  const double active = slots * (1 - std::pow(1 - std::min(1.0, chosen / slots), tokens));
  const auto round = [](double value) {
    return std::max<std::int64_t>(1, std::llround(std::ceil(value - 1e-9)));
  };
  ActiveExperts experts{.groups = round(active / p.expert)};
  experts.rows =
      round(in.busiest * tokens * chosen / p.expert / static_cast<double>(experts.groups));
  return experts;
}

/// On the host, the rows go there and come back.
Block decode_experts(const DecodeSizes& s) {
  const spec::MoeSpec& moe = *s.in.model.moe;
  const ActiveExperts active = active_experts(s.in);
  const std::int64_t width = moe.expert_intermediate;
  const auto rows = static_cast<double>(active.groups * active.rows);
  const bool on_host = s.in.spec.expert_memory == spec::ExpertMemory::host;
  Block block{.name = "experts"};
  Operator first = forward_product({"routed gate and up", active.rows, first_width(s.in, width),
                                    s.in.model.hidden, active.groups},
                                   s.f);
  Operator second =
      forward_product({"routed down", active.rows, s.in.model.hidden, width, active.groups}, s.f);
  if (on_host) {
    add(block, byte_operator("host_copy", "rows to the host and back", 2 * kBf16 * s.t * s.h));
    first.id += kHost;
    second.id += kHost;
  }
  add(block, routed(first));
  if (!on_host) add(block, routed(activation(s.in, s.f, rows * static_cast<double>(width))));
  add(block, routed(second));
  return block;
}

/// The four kernels of low-latency exchanges.
void add_exchange_blocks(std::vector<Block>& blocks, const DecodeSizes& s) {
  const double own = s.t / s.in.unit.parallel.tensor;
  const double pairs = own * exchanged_experts(*s.in.model.moe, s.in.unit);
  const double sent = pairs * s.h * s.f.rows;
  const double returned = pairs * s.h * kBf16;
  const auto set = [&](ServedPiece piece, const char* name, double traffic) {
    blocks[at(piece)].name = name;
    add(blocks[at(piece)], byte_operator("exchange", name, traffic));
  };
  set(ServedPiece::dispatch_send, "dispatch, sending", kBf16 * own * s.h + sent);
  set(ServedPiece::dispatch_receive, "dispatch, receiving", 2 * sent * s.in.busiest);
  set(ServedPiece::combine_send, "combine, sending", 2 * returned * s.in.busiest);
  set(ServedPiece::combine_receive, "combine, receiving", returned + kBf16 * own * s.h);
}

/// A feed-forward of `width` columns on all tokens.
void add_feed_forward(Block& block, const DecodeSizes& s, std::int64_t width, const char* first,
                      const char* second) {
  add(block, s.product(first, first_width(s.in, width), s.in.model.hidden));
  add(block, activation(s.in, s.f, s.t * static_cast<double>(width)));
  add(block, s.product(second, s.in.model.hidden, width));
}

Block decode_router(const DecodeSizes& s) {
  const std::int64_t experts = s.in.model.moe->routed_experts;
  Block block{.name = "router"};
  add(block, s.norm("residual and feed-forward norm"));
  add(block, forward_product({"router", s.in.tokens, experts, s.in.model.hidden}, s.kept()));
  add(block,
      byte_operator("router", "top-k of the scores", s.t * static_cast<double>(experts) * kFp32));
  return block;
}

/// Of the tokens that are sampled: all of decode, one a prompt.
Block head_block(const DecodeSizes& s) {
  const std::int64_t sampled = s.in.is_decode ? s.in.tokens : s.in.sequences;
  const auto rows = static_cast<double>(sampled);
  const std::int64_t vocabulary = share(s.in.model.vocabulary, s.in.unit.parallel.tensor);
  Block block{.name = "head"};
  add(block, byte_operator("norm", "final norm", 2 * kBf16 * rows * s.h));
  add(block, forward_product({"head", sampled, vocabulary, s.in.model.hidden}, s.kept()));
  add(block, byte_operator("sample", "logits read and sampled",
                           (kBf16 + kFp32) * rows * static_cast<double>(vocabulary)));
  return block;
}

Block embedding_block(const DecodeSizes& s) {
  Block block{.name = "embedding"};
  add(block, byte_operator("embedding", "rows looked up", 2 * kBf16 * s.t * s.h));
  return block;
}

Block mtp_block(const DecodeSizes& s) {
  Block block{.name = "MTP input"};
  add(block, byte_operator("embedding", "rows looked up", 2 * kBf16 * s.t * s.h));
  add(block, byte_operator("norm", "norms of both inputs", 4 * kBf16 * s.t * s.h));
  add(block, s.product("projection", share(s.in.model.hidden, s.in.unit.parallel.tensor),
                       2 * s.in.model.hidden));
  return block;
}

std::int64_t shared_width(const ServedInput& in) {
  const spec::MoeSpec& moe = *in.model.moe;
  if (in.unit.shared_experts == spec::SharedExperts::routed) return 0;
  return share(std::int64_t{moe.expert_intermediate} * moe.shared_experts, in.unit.parallel.tensor);
}

bool has_dense(const spec::ModelSpec& model) {
  return !model.moe || model.moe->first_dense_layers > 0;
}

std::vector<Block> decode_blocks(const ServedInput& in) {
  const DecodeSizes s(in);
  std::vector<Block> blocks(kServedPieceCount);
  blocks[at(ServedPiece::attention_in)] = s.is_latent() ? latent_in(s) : grouped_in(s);
  blocks[at(ServedPiece::attention_core)] = decode_core(s);
  if (in.model.moe) {
    blocks[at(ServedPiece::router)] = decode_router(s);
    blocks[at(ServedPiece::experts)] = decode_experts(s);
    Block& shared = blocks[at(ServedPiece::shared)];
    shared.name = "shared experts";
    const std::int64_t width = shared_width(in);
    if (width > 0) add_feed_forward(shared, s, width, "shared gate and up", "shared down");
    if (is_low_latency(in.unit) && in.unit.parallel.expert > 1) add_exchange_blocks(blocks, s);
  }
  if (has_dense(in.model)) {
    Block& dense = blocks[at(ServedPiece::dense)];
    dense.name = "dense feed-forward";
    add(dense, s.norm("residual and feed-forward norm"));
    add_feed_forward(dense, s, share(in.model.intermediate, in.unit.parallel.tensor), "gate and up",
                     "down");
  }
  blocks[at(ServedPiece::embedding)] = embedding_block(s);
  blocks[at(ServedPiece::head)] = head_block(s);
  if (in.model.mtp_depth > 0) blocks[at(ServedPiece::mtp_input)] = mtp_block(s);
  for (Block& block : blocks) {
    for (Operator& op : block.operators) op.id += kDecode;
  }
  return blocks;
}

/// The training forward's input; experts as they are placed, with copies.
OperatorInput forward_input(const ServedInput& in, const spec::ModelSpec& placed) {
  return {.model = placed,
          .tokens = in.tokens,
          .sequence_length = std::max<std::int64_t>(1, std::llround(2 * in.attended)),
          .tensor = in.unit.parallel.tensor,
          .expert_ranks = in.unit.parallel.expert,
          .precision = in.spec.precision,
          .recomputation = spec::Recomputation::none};
}

/// Core attention over `attended` tokens on average, which training's causal half comes to, and
/// keys and values of cached latents once more.
Block prefill_core(const ServedInput& in, const OperatorInput& forward) {
  Block block = attention_core(forward).forward;
  block.name = "core attention and output";
  const spec::AttentionSpec& a = in.model.attention;
  if (a.kind == spec::AttentionKind::mla && in.cached_per_token > 0) {
    const auto rows = static_cast<std::int64_t>(
        std::llround(static_cast<double>(in.tokens) * in.cached_per_token));
    const std::int64_t heads = share(a.heads, in.unit.parallel.tensor);
    add(block, forward_product({"kv_b of cached latents", std::max<std::int64_t>(1, rows),
                                heads * (a.qk_nope_head_dim + a.v_head_dim), a.kv_lora_rank},
                               formats_of(in.spec.precision)));
  }
  const Block out = attention_out(forward).forward;
  block.operators.insert(block.operators.end(), out.operators.begin(), out.operators.end());
  return block;
}

std::vector<Block> prefill_blocks(const ServedInput& in) {
  spec::ModelSpec placed = in.model;
  if (placed.moe) {
    placed.moe->routed_experts =
        static_cast<int>(spec::expert_slots(in.unit, in.model.moe->routed_experts));
    placed.moe->experts_per_token = exchanged_experts(*in.model.moe, in.unit);
    if (in.unit.shared_experts == spec::SharedExperts::routed) placed.moe->shared_experts = 0;
  }
  OperatorInput forward = forward_input(in, placed);
  const DecodeSizes s(in);
  std::vector<Block> blocks(kServedPieceCount);
  blocks[at(ServedPiece::attention_in)] = attention_in(forward).forward;
  blocks[at(ServedPiece::attention_core)] = prefill_core(in, forward);
  if (in.model.moe) {
    const OperatorInput chosen{.model = in.model,
                               .tokens = in.tokens,
                               .tensor = in.unit.parallel.tensor,
                               .precision = in.spec.precision};
    blocks[at(ServedPiece::router)] = router(chosen).forward;
    blocks[at(ServedPiece::shared)].name = "shared experts";
    blocks[at(ServedPiece::experts)].name = "experts";
    const bool on_host = in.spec.expert_memory == spec::ExpertMemory::host;
    if (on_host) {
      add(blocks[at(ServedPiece::experts)],
          byte_operator("host_copy", "rows to the host and back", 2 * kBf16 * s.t * s.h));
    }
    for (const Operator& op : experts(forward).forward.operators) {
      if (!op.routed) add(blocks[at(ServedPiece::shared)], op);
    }
    forward.tokens = std::llround(in.busiest * static_cast<double>(in.tokens));
    for (Operator op : experts(forward).forward.operators) {
      if (!op.routed) continue;
      if (on_host && op.shape.m > 0) op.id += kHost;
      add(blocks[at(ServedPiece::experts)], op);
    }
    forward.tokens = in.tokens;
  }
  if (has_dense(in.model)) {
    Block& dense = blocks[at(ServedPiece::dense)] = dense_in(forward).forward;
    const Block out = dense_out(forward).forward;
    dense.operators.insert(dense.operators.end(), out.operators.begin(), out.operators.end());
    dense.name = "dense feed-forward";
  }
  blocks[at(ServedPiece::embedding)] = embedding(forward).forward;
  blocks[at(ServedPiece::head)] = head_block(s);
  for (Operator& op : blocks[at(ServedPiece::head)].operators) op.id += kDecode;
  return blocks;
}

}  // namespace

int exchanged_experts(const spec::MoeSpec& moe, const spec::ServingUnit& unit) {
  const bool routed = unit.shared_experts == spec::SharedExperts::routed;
  return moe.experts_per_token + (routed ? moe.shared_experts : 0);
}

std::vector<Block> served_blocks(const ServedInput& in) {
  return in.is_decode ? decode_blocks(in) : prefill_blocks(in);
}

void name_as_profiled(std::vector<Block>& blocks, const spec::ProfileSpec& profile) {
  for (Block& block : blocks) {
    for (Operator& op : block.operators) {
      if (spec::find_operator(profile, op.id) != nullptr || !op.id.ends_with(kDecode)) continue;
      const std::string bare = op.id.substr(0, op.id.size() - std::string_view(kDecode).size());
      if (spec::find_operator(profile, bare) != nullptr) op.id = bare;
    }
  }
}

}  // namespace planewise::workload
