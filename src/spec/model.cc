#include "spec/model.h"

#include <fmt/format.h>

#include <algorithm>

#include "spec/read.h"
#include "spec/read_file.h"

namespace planewise::spec {
namespace {

// Each about a hundred times what any published model has. Products of them are bounded by the two
// below.
constexpr IntegerRange kWidth{.min = 1, .max = 10'000'000};
constexpr IntegerRange kCount{.min = 1, .max = 100'000};
// Sums of parameters must stay exact in a double, and attention x tokens (up to 1e8) within 63
// bits.
constexpr double kMostParameters = 1e15;
constexpr double kMostAttention = 1e10;

AttentionSpec read_attention(MapReader& map) {
  AttentionSpec attention;
  attention.kind = map.choice<AttentionKind>(
      "kind",
      {{"mha", AttentionKind::mha}, {"gqa", AttentionKind::gqa}, {"mla", AttentionKind::mla}});
  attention.heads = map.small_integer("heads", kCount);
  attention.source = map.text("source");
  if (!map.read_well({"kind"})) {
    map.allow({"q_lora_rank", "kv_lora_rank", "qk_nope_head_dim", "qk_rope_head_dim", "v_head_dim",
               "kv_heads", "head_dim", "qkv_bias", "qk_norm"});
    return attention;
  }
  if (attention.kind == AttentionKind::mla) {
    attention.q_lora_rank = map.small_integer("q_lora_rank", {.min = 0, .max = kWidth.max});
    attention.kv_lora_rank = map.small_integer("kv_lora_rank", kWidth);
    attention.qk_nope_head_dim = map.small_integer("qk_nope_head_dim", kWidth);
    attention.qk_rope_head_dim = map.small_integer("qk_rope_head_dim", kWidth);
    attention.v_head_dim = map.small_integer("v_head_dim", kWidth);
    map.not_used({"kv_heads", "head_dim", "qkv_bias", "qk_norm"}, "kind 'mla' has no such thing");
    return attention;
  }
  attention.kv_heads = map.small_integer("kv_heads", kCount);
  attention.head_dim = map.small_integer("head_dim", kWidth);
  if (map.has("qkv_bias")) attention.qkv_bias = map.boolean("qkv_bias");
  if (map.has("qk_norm")) attention.qk_norm = map.boolean("qk_norm");
  map.not_used(
      {"q_lora_rank", "kv_lora_rank", "qk_nope_head_dim", "qk_rope_head_dim", "v_head_dim"},
      "only kind 'mla' has this");
  if (!map.read_well({"heads", "kv_heads"})) return attention;
  if (attention.kind == AttentionKind::mha && attention.kv_heads != attention.heads) {
    map.error("kv_heads",
              fmt::format("{} key/value heads for {} query heads; kind 'mha' has one each",
                          attention.kv_heads, attention.heads),
              fmt::format("write {}, or kind: gqa", attention.heads));
  } else if (attention.heads % attention.kv_heads != 0) {
    map.error("kv_heads", fmt::format("{} query heads do not divide over {} key/value heads",
                                      attention.heads, attention.kv_heads));
  }
  return attention;
}

void check_moe(const MoeSpec& moe, MapReader& map) {
  if (map.read_well({"routed_experts", "experts_per_token"}) &&
      moe.experts_per_token > moe.routed_experts) {
    map.error("experts_per_token", fmt::format("{} experts a token, but there are {}",
                                               moe.experts_per_token, moe.routed_experts));
  }
  if (map.read_well({"routed_experts", "groups"}) && moe.routed_experts % moe.groups != 0) {
    map.error("groups", fmt::format("{} experts do not divide into {} groups", moe.routed_experts,
                                    moe.groups));
  }
  if (map.read_well({"groups", "groups_per_token"}) && moe.groups_per_token > moe.groups) {
    map.error("groups_per_token",
              fmt::format("{} groups a token, but there are {}", moe.groups_per_token, moe.groups));
  }
  const bool all_known =
      map.read_well({"routed_experts", "experts_per_token", "groups", "groups_per_token"});
  if (!all_known) return;
  const std::int64_t in_reach =
      std::int64_t{moe.groups_per_token} * moe.routed_experts / moe.groups;
  if (moe.experts_per_token > in_reach) {
    map.error("experts_per_token",
              fmt::format("{} experts a token, but the {} of {} groups that it may choose hold {}",
                          moe.experts_per_token, moe.groups_per_token, moe.groups, in_reach));
  }
}

MoeSpec read_moe(MapReader& map) {
  MoeSpec moe;
  moe.first_dense_layers = map.small_integer("first_dense_layers", {.min = 0, .max = kCount.max});
  moe.routed_experts = map.small_integer("routed_experts", kCount);
  moe.shared_experts = map.small_integer("shared_experts", {.min = 0, .max = kCount.max});
  moe.experts_per_token = map.small_integer("experts_per_token", kCount);
  moe.expert_intermediate = map.small_integer("expert_intermediate", kWidth);
  moe.groups = map.small_integer("groups", kCount);
  moe.groups_per_token = map.small_integer("groups_per_token", kCount);
  moe.source = map.text("source");
  check_moe(moe, map);
  return moe;
}

/// The widths of a head's query-key and value products, together.
double head_widths(const AttentionSpec& a) {
  if (a.kind != AttentionKind::mla) return 2.0 * a.head_dim;
  return static_cast<double>(a.qk_nope_head_dim) + a.qk_rope_head_dim + a.v_head_dim;
}

/// At least the parameters of `model` (model/model_size.h counts them): no part is left out, and
/// some are counted where they are not.
double parameters_at_most(const ModelSpec& model) {
  const AttentionSpec& a = model.attention;
  const double hidden = model.hidden;
  const double latents = static_cast<double>(a.q_lora_rank) + a.kv_lora_rank;
  const double attention =
      2 * (hidden + latents) *
      (a.heads * head_widths(a) + latents + a.qk_rope_head_dim + 2.0 * a.heads);
  double feed_forward = 3 * hidden * model.intermediate;
  if (model.moe) {
    const double experts =
        static_cast<double>(model.moe->routed_experts) + model.moe->shared_experts;
    feed_forward += hidden * experts * (3.0 * model.moe->expert_intermediate + 2);
  }
  const double modules = model.mtp_depth * 2 * hidden * hidden;
  const double norms = 8 * hidden + 2.0 * a.head_dim;
  return (model.layers + model.mtp_depth) * (attention + feed_forward + norms) + modules +
         2 * hidden * (static_cast<double>(model.vocabulary) + 1);
}

/// Sizes whose products are beyond what planewise counts with.
void check_size(const ModelSpec& model, MapReader& root, MapReader& attention) {
  const double parameters = parameters_at_most(model);
  if (parameters > kMostParameters) {
    root.error("hidden",
               fmt::format("layers, widths and experts make {:.1e} parameters; the most is "
                           "{:.0e}",
                           parameters, kMostParameters));
  }
  const double widths =
      static_cast<double>(model.layers) * model.attention.heads * head_widths(model.attention);
  if (widths > kMostAttention) {
    attention.error("heads", fmt::format("layers x heads x widths of a head = {:.1e}; the most is "
                                         "{:.0e}",
                                         widths, kMostAttention));
  }
}

}  // namespace

ModelSpec read_model(Document document, Diagnostics& diagnostics) {
  return read_document<ModelSpec>(
      std::move(document), kModelFile, diagnostics, [](ModelSpec& model, MapReader& root) {
        model.name = root.text("name");
        model.source = root.text("source");
        model.layers = root.small_integer("layers", kCount);
        model.hidden = root.small_integer("hidden", kWidth);
        model.intermediate = root.small_integer("intermediate", kWidth);
        if (root.has("feed_forward")) {
          model.feed_forward = root.choice<FeedForward>(
              "feed_forward", {{"swiglu", FeedForward::swiglu}, {"gelu", FeedForward::gelu}});
        }
        model.vocabulary = root.integer("vocabulary", kWidth);
        model.tied_embedding = root.boolean("tied_embedding");
        model.mtp_depth = root.small_integer("mtp_depth", {.min = 0, .max = 16});
        MapReader attention = root.map("attention");
        model.attention = read_attention(attention);
        if (root.has("moe")) {
          MapReader moe = root.map("moe");
          model.moe = read_moe(moe);
          const bool layers_known =
              root.read_well({"layers"}) && moe.read_well({"first_dense_layers"});
          if (layers_known && model.moe->first_dense_layers >= model.layers) {
            moe.error("first_dense_layers",
                      fmt::format("{} dense layers of {} leave none for the experts",
                                  model.moe->first_dense_layers, model.layers),
                      "leave out 'moe' if the model is dense");
          }
        }
        check_size(model, root, attention);
      });
}

ModelSpec read_model(const std::string& path, Diagnostics& diagnostics) {
  return read_model(load_document(path, diagnostics), diagnostics);
}

}  // namespace planewise::spec
