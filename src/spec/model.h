// What a model file says: the architecture of a transformer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "spec/input_error.h"

namespace planewise::spec {

enum class AttentionKind : std::uint8_t {
  mha,  ///< One key/value head a query head.
  gqa,  ///< Key/value heads shared by groups of query heads.
  mla,  ///< Multi-head latent attention: one compressed latent a token.
};

/// The dense feed-forward's and the experts' form, spelled as in YAML.
enum class FeedForward : std::uint8_t {
  swiglu,  ///< Gated: three matrices.
  gelu,    ///< Two matrices.
};

/// Head sizes are in elements. Which fields are set depends on `kind`.
struct AttentionSpec {
  AttentionKind kind = AttentionKind::mha;
  int heads = 0;
  int kv_heads = 0;       ///< gqa, mha.
  int head_dim = 0;       ///< gqa, mha.
  bool qkv_bias = false;  ///< gqa, mha.
  bool qk_norm = false;   ///< gqa, mha: a norm of each query and key head.
  int q_lora_rank = 0;    ///< mla: width of the compressed query; 0 if queries are not compressed.
  int kv_lora_rank = 0;   ///< mla: width of the cached latent.
  int qk_nope_head_dim = 0;  ///< mla.
  int qk_rope_head_dim = 0;  ///< mla: width of the cached rotary key.
  int v_head_dim = 0;        ///< mla.
  std::string source{};
};

/// Routed experts; absent in a dense model.
struct MoeSpec {
  int first_dense_layers =
      0;  ///< Layers before the first MoE layer; they have a dense feed-forward.
  int routed_experts = 0;
  int shared_experts = 0;
  int experts_per_token = 0;  ///< top-k.
  int expert_intermediate = 0;
  int groups = 1;            ///< Expert groups of the router.
  int groups_per_token = 1;  ///< At most so many groups a token; in V3 a group is a node.
  std::string source{};
};

struct ModelSpec {
  Origin origin{};
  std::string name{};
  std::string source{};
  int layers = 0;
  int hidden = 0;
  int intermediate = 0;  ///< Of the dense feed-forward.
  FeedForward feed_forward = FeedForward::swiglu;
  std::int64_t vocabulary = 0;
  bool tied_embedding = false;  ///< The head shares the input embedding's weights.
  int mtp_depth = 0;            ///< Multi-token-prediction modules.
  AttentionSpec attention{};
  std::optional<MoeSpec> moe{};
};

}  // namespace planewise::spec
