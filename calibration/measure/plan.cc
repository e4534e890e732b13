#include "calibration/measure/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "base/check.h"
#include "calibration/measure/plan_operators.h"
#include "calibration/measure/plan_time.h"

namespace planewise::calibration {
namespace {

using Counts = std::vector<std::int64_t>;

constexpr double kBf16 = 2;

/// A plan being made.
struct Draft {
  const spec::ModelSpec& model;
  const PlanOptions& options;
  RankSizes rank{};  ///< Of a micro-batch; of one token of every sequence in decode.
  LayerSizes sizes{};
  std::vector<Measurement> measurements{};
  std::set<std::string> keys{};
};

bool is_train(const Draft& draft) { return draft.options.phase == Phase::train; }
bool is_decode(const Draft& draft) { return draft.options.phase == Phase::decode; }

/// Appends `m` unless it is there already; returns its key.
std::string add(Draft& draft, Measurement m) {
  std::string key = key_of(m);
  if (draft.keys.insert(key).second) draft.measurements.push_back(std::move(m));
  return key;
}

/// Under `quick` every second of them, and the ends.
Counts thinned(const Counts& all, const Draft& draft) {
  if (!draft.options.is_quick || all.size() < 4) return all;
  Counts some;
  for (std::size_t i = 0; i + 1 < all.size(); i += 2) some.push_back(all[i]);
  some.push_back(all.back());
  return some;
}

/// Rows a group of a product: the design's list, no more than the base calls for twice over.
Counts rows_swept(const Draft& draft, std::int64_t base) {
  Counts rows;
  for (const std::int64_t count : {16, 32, 64, 128, 192, 256, 512, 1024, 2048, 4096, 8192, 16384}) {
    if (count <= 2 * base) rows.push_back(count);
  }
  return thinned(rows, draft);
}

// ---- Products ----

Measurement with_layout(Measurement m, RowLayout layout) {
  m.layout = layout;
  return m;
}

void sweep_rows(Draft& draft, const Measurement& product) {
  const bool is_masked = is_decode(draft) && product.id.starts_with("grouped");
  for (const std::int64_t rows : rows_swept(draft, product.shape.m)) {
    add(draft, with_rows(product, rows));
    if (is_masked) add(draft, with_layout(with_rows(product, rows), RowLayout::masked));
  }
}

/// More groups of fewer rows, the same rows in all; then rows that are not the same in each.
void sweep_groups(Draft& draft, const Measurement& product) {
  const std::int64_t rows = product.shape.groups * product.shape.m;
  for (const std::int64_t groups : thinned({1, 2, 4, 8, 16, 32}, draft)) {
    if (rows / groups < 16) continue;
    add(draft, with_rows(with_groups(product, groups), rows / groups));
  }
  for (const RowSpread spread : {RowSpread::uneven, RowSpread::zipf}) {
    Measurement spread_out = product;
    spread_out.spread = spread;
    if (is_decode(draft)) spread_out.layout = RowLayout::masked;
    add(draft, spread_out);
  }
}

/// The product on what others leave of the SMs, and beside a copy on the others.
void sweep_sms(Draft& draft, const Measurement& product) {
  if (draft.options.is_host) return;  // there is nothing to take away
  for (const std::int64_t taken : thinned({4, 8, 16, 20, 32}, draft)) {
    if (taken >= draft.options.sms) continue;
    Measurement fewer = product;
    fewer.sms = draft.options.sms - static_cast<int>(taken);
    add(draft, fewer);
    if (taken != 20) continue;  // DeepSeek-V3's communication: arXiv 2412.19437, section 3.2.2
    fewer.beside = spec::Beside::communication;
    add(draft, fewer);
  }
}

/// A forward product of the routed experts.
bool is_of_experts(const Measurement& m, const LayerSizes& sizes) {
  const bool is_first = m.shape.n == 2 * sizes.expert_width && m.shape.k == sizes.hidden;
  const bool is_second = m.shape.n == sizes.hidden && m.shape.k == sizes.expert_width;
  return m.id.starts_with("grouped") && (is_first || is_second);
}

/// Dense products of few rows, which tell where rates fall off.
void add_small_products(Draft& draft) {
  RankSizes few = draft.rank;
  few.tokens = draft.options.is_host ? 32 : 128;
  if (few.tokens >= draft.rank.tokens) return;
  for (const Measurement& product : products_of(draft.model, few, spec::Precision::fp8_blockwise)) {
    if (product.id == "gemm.fp8") add(draft, product);
  }
}

/// Products of a step at the rank's size; those of the experts over rows, groups and SMs, and a
/// dense one over rows.
void add_products(Draft& draft) {
  const std::vector<Measurement> products =
      products_of(draft.model, draft.rank, spec::Precision::fp8_blockwise);
  for (const Measurement& product : products) add(draft, product);
  if (!draft.options.is_quick) add_small_products(draft);
  for (const Measurement& product : products) {
    if (product.kernel == Kernel::weight_gradient) continue;
    const bool is_shared = product.id == "gemm.fp8" &&
                           product.shape.n == 2 * draft.sizes.expert_width &&
                           product.shape.k == draft.sizes.hidden;
    if (is_shared) sweep_rows(draft, product);
    if (!is_of_experts(product, draft.sizes)) continue;
    sweep_rows(draft, product);
    if (product.shape.k == draft.sizes.hidden) sweep_groups(draft, product);
    sweep_sms(draft, product);
  }
}

/// The same in BF16, for jobs that compute in it: at the rank's size, and the experts' over rows.
void add_bf16_products(Draft& draft) {
  if (draft.options.is_quick) return;
  for (const Measurement& product : products_of(draft.model, draft.rank, spec::Precision::bf16)) {
    add(draft, product);
    if (!is_of_experts(product, draft.sizes)) continue;
    for (std::int64_t rows = product.shape.m / 4; rows >= 128; rows /= 4) {
      add(draft, with_rows(product, rows));
    }
  }
}

/// What a GPU does at its best: CALIBRATION section 4.
void add_ceilings(Draft& draft) {
  const std::int64_t side = draft.options.is_host ? 256 : 8192;
  for (const spec::Precision precision : {spec::Precision::fp8_blockwise, spec::Precision::bf16}) {
    Measurement square{.id = precision == spec::Precision::bf16 ? "gemm.bf16" : "gemm.fp8",
                       .precision = precision,
                       .shape = {.groups = 1, .m = side, .n = side, .k = side}};
    set_product_work(square);
    add(draft, square);
    square.regime = Regime::cool;
    add(draft, square);
  }
}

// ---- Memory-bound operators ----

Measurement byte_measurement(const Draft& draft, const std::string& id, Kernel kernel,
                             std::int64_t rows, std::int64_t width) {
  const double elements = static_cast<double>(rows * width);
  return {.id = id,
          .kernel = kernel,
          .precision = spec::Precision::bf16,
          .rows = rows,
          .width = width,
          .traffic = bytes_each(kernel, draft.sizes) * elements};
}

/// An operator of bytes, and which of a rank's sizes it is taken at.
struct ByteOperator {
  std::string id{};
  Kernel kernel = Kernel::copy;
  std::int64_t width = 0;
};

std::vector<ByteOperator> byte_operators(const Draft& draft) {
  const LayerSizes& s = draft.sizes;
  const std::int64_t rotated = std::int64_t{s.heads + 1} * s.qk_rope_head_dim;
  const std::int64_t gate_up = 2 * s.expert_width;
  std::vector<ByteOperator> all = {{"norm", Kernel::norm, s.hidden},
                                   {"quantise", Kernel::quantise, s.hidden},
                                   {"swiglu_quantise", Kernel::swiglu_quantise, s.expert_width},
                                   {"permute", Kernel::permute, s.hidden},
                                   {"router", Kernel::router, s.experts},
                                   {"rope", Kernel::rope, rotated},
                                   {"copy", Kernel::copy, s.hidden},
                                   {"elementwise", Kernel::elementwise, s.hidden},
                                   {"embedding", Kernel::embedding, s.hidden}};
  // A processor is bound by the sigmoid and not by bytes: one rate for the forward and for the
  // backward, which moves 2.7 times as many, would hold for neither.
  if (!draft.options.is_host || !is_train(draft)) {
    all.push_back({"swiglu", Kernel::swiglu, s.expert_width});
  }
  if (draft.model.feed_forward == spec::FeedForward::gelu) {
    all.push_back({"gelu", Kernel::gelu, s.expert_width});
  }
  if (!is_train(draft)) return all;
  all.push_back({"quantise.backward", Kernel::quantise_backward, gate_up});
  all.push_back({"requantise.transposed", Kernel::requantise_transposed, s.hidden});
  all.push_back({"swiglu", Kernel::swiglu_backward, s.expert_width});
  all.push_back({"cross_entropy", Kernel::cross_entropy, s.vocabulary});
  return all;
}

/// Rows from few to as many as move what the largest such operator of a step moves.
Counts rows_of(const Draft& draft, const ByteOperator& op,
               const std::map<std::string, Bytes>& largest) {
  const Bytes each = bytes_each(op.kernel, draft.sizes) * static_cast<double>(op.width);
  const auto most = largest.find(op.id);
  const std::int64_t needed =
      most == largest.end() ? 0 : static_cast<std::int64_t>(std::ceil(most->second.in(each)));
  const std::int64_t end = (std::max(needed, draft.rank.tokens) + 127) / 128 * 128;
  Counts rows;
  for (std::int64_t count = is_decode(draft) ? 16 : 128; 2 * count <= end; count *= 4) {
    rows.push_back(count);
  }
  rows.push_back(end);
  return thinned(rows, draft);
}

void add_byte_operators(Draft& draft) {
  const std::map<std::string, Bytes> largest = largest_traffic(draft.model, draft.rank);
  for (const ByteOperator& op : byte_operators(draft)) {
    for (const std::int64_t rows : rows_of(draft, op, largest)) {
      add(draft, byte_measurement(draft, op.id, op.kernel, rows, op.width));
    }
  }
  if (!is_train(draft)) return;
  const std::int64_t step = draft.options.is_host ? 16 : 16384;
  for (const std::int64_t parameters : thinned({64 * step, 1024 * step, 16384 * step}, draft)) {
    add(draft, byte_measurement(draft, "optimizer", Kernel::optimizer, parameters, 1));
  }
}

// ---- Attention ----

/// Causal: half of the products of all pairs; 2.5 times as many backward, as src/workload counts.
Measurement attention(const Draft& draft, std::int64_t sequence, bool is_backward) {
  const LayerSizes& s = draft.sizes;
  const double widths = s.qk_nope_head_dim + s.qk_rope_head_dim + s.v_head_dim;
  const double pairs = static_cast<double>(sequence) * static_cast<double>(sequence) / 2;
  const double tensors = static_cast<double>(sequence) * s.heads * (2 * widths + s.v_head_dim);
  return {.id = is_backward ? "attention_mla.backward" : "attention_mla.forward",
          .kernel = is_backward ? Kernel::attention_backward : Kernel::attention_forward,
          .precision = spec::Precision::bf16,
          .rows = sequence,
          .width = s.heads,
          .sequence = sequence,
          .work = flop((is_backward ? 2.5 : 1) * 2 * s.heads * widths * pairs),
          .traffic = bytes((is_backward ? 2 : 1) * kBf16 * tensors)};
}

void add_attention(Draft& draft) {
  const Counts lengths =
      draft.options.is_host ? Counts{64, 128, 256} : Counts{1024, 2048, 4096, 8192};
  for (const std::int64_t sequence : lengths) {
    add(draft, attention(draft, sequence, false));
    if (is_train(draft)) add(draft, attention(draft, sequence, true));
  }
}

/// Every head's scores over the latent and the rotary part, and its sum over the latent.
Measurement decode_attention(const Draft& draft, std::int64_t sequences, std::int64_t cached) {
  const LayerSizes& s = draft.sizes;
  const std::int64_t key = s.kv_lora_rank + s.qk_rope_head_dim;
  const double pairs = static_cast<double>(sequences * cached);
  return {.id = "attention_mla.decode",
          .kernel = Kernel::attention_decode,
          .precision = spec::Precision::bf16,
          .rows = sequences,
          .width = s.heads,
          .sequence = cached,
          .work = flop(pairs * 2 * s.heads * static_cast<double>(key + s.kv_lora_rank)),
          .traffic = bytes(pairs * kBf16 * static_cast<double>(key))};
}

void add_decode_attention(Draft& draft) {
  const bool is_host = draft.options.is_host;
  for (const std::int64_t sequences :
       thinned(is_host ? Counts{2, 8} : Counts{32, 64, 128, 256}, draft)) {
    for (const std::int64_t cached :
         thinned(is_host ? Counts{64, 256} : Counts{1024, 2048, 4096, 8192, 16384}, draft)) {
      add(draft, decode_attention(draft, sequences, cached));
    }
  }
}

// ---- The whole layer ----

/// A layer's measurement, after its parts; the layer's work is theirs.
Measurement layer_of(Draft& draft, const std::string& id, Kernel kernel, std::int64_t tokens,
                     const std::vector<Measurement>& parts) {
  Measurement layer{.id = id,
                    .kernel = kernel,
                    .precision = spec::Precision::fp8_blockwise,
                    .rows = tokens,
                    .width = draft.sizes.hidden};
  for (const Measurement& part : parts) {
    layer.parts.push_back(add(draft, part));
    layer.work += part.work;
    layer.traffic += part.traffic;
  }
  return layer;
}

/// A product of the routed experts of a rank whose micro-batch has `tokens`.
Measurement grouped_of(const Draft& draft, std::int64_t tokens, Kernel kernel, std::int64_t n,
                       std::int64_t k) {
  const LayerSizes& s = draft.sizes;
  Measurement m{.id = kernel == Kernel::weight_gradient ? "wgrad.fp8" : "grouped_gemm.fp8",
                .kernel = kernel,
                .precision = spec::Precision::fp8_blockwise,
                .shape = {.groups = s.local_experts,
                          .m = tokens * s.experts_per_token / s.local_experts,
                          .n = n,
                          .k = k}};
  set_product_work(m);
  return m;
}

/// Adds what the layer is made of and returns its measurement with their keys.
Measurement forward_layer(Draft& draft, std::int64_t tokens) {
  const LayerSizes& s = draft.sizes;
  const std::int64_t pairs = tokens * s.experts_per_token;
  Measurement scores{.id = "gemm.bf16",
                     .precision = spec::Precision::bf16,
                     .shape = {.groups = 1, .m = tokens, .n = s.experts, .k = s.hidden}};
  set_product_work(scores);
  const std::vector<Measurement> parts = {
      scores,
      byte_measurement(draft, "router", Kernel::router, tokens, s.experts),
      byte_measurement(draft, "quantise", Kernel::quantise, tokens, s.hidden),
      byte_measurement(draft, "permute", Kernel::permute, tokens, s.hidden),
      grouped_of(draft, tokens, Kernel::product, 2 * s.expert_width, s.hidden),
      byte_measurement(draft, "swiglu_quantise", Kernel::swiglu_quantise, pairs, s.expert_width),
      grouped_of(draft, tokens, Kernel::product, s.hidden, s.expert_width)};
  return layer_of(draft, "layer.forward", Kernel::moe_layer_forward, tokens, parts);
}

Measurement backward_layer(Draft& draft, std::int64_t tokens) {
  const LayerSizes& s = draft.sizes;
  const std::int64_t pairs = tokens * s.experts_per_token;
  const std::int64_t gate_up = 2 * s.expert_width;
  const std::vector<Measurement> parts = {
      byte_measurement(draft, "quantise", Kernel::quantise, tokens, s.hidden),
      byte_measurement(draft, "permute", Kernel::permute, tokens, s.hidden),
      byte_measurement(draft, "requantise.transposed", Kernel::requantise_transposed, pairs,
                       s.hidden),
      grouped_of(draft, tokens, Kernel::product, s.expert_width, s.hidden),
      byte_measurement(draft, "swiglu", Kernel::swiglu_backward, pairs, s.expert_width),
      byte_measurement(draft, "quantise.backward", Kernel::quantise_backward, pairs, gate_up),
      grouped_of(draft, tokens, Kernel::product, s.hidden, gate_up),
      grouped_of(draft, tokens, Kernel::weight_gradient, s.hidden, s.expert_width),
      grouped_of(draft, tokens, Kernel::weight_gradient, gate_up, s.hidden)};
  return layer_of(draft, "layer.backward", Kernel::moe_layer_backward, tokens, parts);
}

void add_layers(Draft& draft) {
  for (const std::int64_t tokens : {draft.rank.tokens / 4, draft.rank.tokens}) {
    add(draft, forward_layer(draft, tokens));
    if (is_train(draft)) add(draft, backward_layer(draft, tokens));
  }
}

// ---- Sizes ----

LayerSizes sizes_of(const spec::ModelSpec& model, int expert_ranks) {
  const spec::MoeSpec& moe = *model.moe;
  const spec::AttentionSpec& a = model.attention;
  return {.hidden = model.hidden,
          .expert_width = moe.expert_intermediate,
          .vocabulary = model.vocabulary,
          .experts = moe.routed_experts,
          .experts_per_token = moe.experts_per_token,
          .expert_groups = moe.groups,
          .groups_per_token = moe.groups_per_token,
          .local_experts = moe.routed_experts / expert_ranks,
          .heads = a.heads,
          .qk_nope_head_dim = a.qk_nope_head_dim,
          .qk_rope_head_dim = a.qk_rope_head_dim,
          .v_head_dim = a.v_head_dim,
          .kv_lora_rank = a.kv_lora_rank};
}

constexpr int kSmallExperts = 64;

/// The model in small, the same in kind: what a processor computes in milliseconds.
spec::ModelSpec small_model(spec::ModelSpec model) {
  model.hidden = 256;
  model.intermediate = 512;
  model.vocabulary = 1024;
  spec::AttentionSpec& a = model.attention;
  a.heads = 2;
  a.q_lora_rank = a.q_lora_rank > 0 ? 128 : 0;
  a.kv_lora_rank = 128;
  a.qk_nope_head_dim = 64;
  a.qk_rope_head_dim = 64;
  a.v_head_dim = 64;
  spec::MoeSpec& moe = *model.moe;
  moe.expert_intermediate = 128;
  moe.routed_experts = kSmallExperts;
  moe.groups = 8;
  moe.groups_per_token = 4;
  moe.experts_per_token = 4;
  return model;
}

/// Ranks of the small model, so that a rank has as many experts as in the large one where it can.
int small_ranks(const spec::ModelSpec& model, int expert_ranks) {
  return kSmallExperts / std::gcd(kSmallExperts, model.moe->routed_experts / expert_ranks);
}

RankSizes rank_of(const PlanOptions& options, int expert_ranks) {
  const bool is_decode = options.phase == Phase::decode;
  RankSizes rank{.expert_ranks = expert_ranks, .has_backward = options.phase == Phase::train};
  rank.tokens = options.is_host ? (is_decode ? 64 : 256) : (is_decode ? 128 : 4096);
  rank.sequence = rank.tokens;
  return rank;
}

}  // namespace

std::string plan_problem(const spec::ModelSpec& model, const PlanOptions& options) {
  if (!model.moe)
    return fmt::format("model '{}' has no routed experts; there is no layer to measure",
                       model.name);
  if (model.attention.kind != spec::AttentionKind::mla) {
    return fmt::format(
        "model '{}' has attention of another kind than mla; its operators cannot be measured",
        model.name);
  }
  const int experts = model.moe->routed_experts;
  if (experts % options.expert_ranks != 0) {
    return fmt::format("{} routed experts cannot be shared out evenly among --ep {} ranks", experts,
                       options.expert_ranks);
  }
  for (const auto& [what, size] :
       {std::pair{"hidden", model.hidden},
        std::pair{"moe.expert_intermediate", model.moe->expert_intermediate}}) {
    if (size % 128 == 0) continue;
    return fmt::format("{} of {} is no multiple of 128, the width of a scale", what, size);
  }
  return "";
}

Plan make_plan(const spec::ModelSpec& model, const PlanOptions& options) {
  PW_CHECK(plan_problem(model, options).empty());
  const spec::ModelSpec measured = options.is_host ? small_model(model) : model;
  const int ranks =
      options.is_host ? small_ranks(model, options.expert_ranks) : options.expert_ranks;
  Draft draft{.model = measured,
              .options = options,
              .rank = rank_of(options, ranks),
              .sizes = sizes_of(measured, ranks)};
  if (options.part != Part::comm) add(draft, {.id = "gap.kernel", .kernel = Kernel::empty});
  const bool has_compute = options.part == Part::compute || options.part == Part::all;
  if (has_compute) {
    add_ceilings(draft);
    add_products(draft);
    add_bf16_products(draft);
    add_byte_operators(draft);
    add_attention(draft);
    if (is_decode(draft)) add_decode_attention(draft);
  }
  // Beside the exchange of tokens a layer is run as well.
  if (options.part == Part::layer || options.part == Part::all) add_layers(draft);
  std::vector<Measurement> measurements = std::move(draft.measurements);
  draft.measurements.clear();
  if (options.part == Part::comm || options.part == Part::all) {
    add(draft, forward_layer(draft, draft.rank.tokens));
    if (is_train(draft)) add(draft, backward_layer(draft, draft.rank.tokens));
    // Whole layers alone, without the parts that their sums are made of.
    std::erase_if(draft.measurements, [](const Measurement& m) {
      return m.kernel != Kernel::moe_layer_forward && m.kernel != Kernel::moe_layer_backward;
    });
  }
  Plan plan{.model = model.name,
            .options = options,
            .sizes = draft.sizes,
            .measurements = std::move(measurements),
            .beside = std::move(draft.measurements),
            // Of three rounds one may be disturbed; rounds on a GPU are dear and disturbed less.
            .repetitions = options.is_quick && !options.is_host ? 2 : 3};
  plan.estimated = estimated_time(plan);
  return plan;
}

}  // namespace planewise::calibration
