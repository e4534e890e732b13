// How large a model is: parameters by part, KV cache a token, training FLOPs a token; closed forms.
//
// Sources: DeepSeek-V3 report, arXiv 2412.19437, section 2; "Insights into DeepSeek-V3", arXiv
// 2505.09343, tables 1 and 2. All values are counts of the whole model, before any parallelism.
#pragma once

#include <cstdint>

#include "base/units.h"
#include "spec/model.h"

namespace planewise::model {

/// Parameters of one transformer layer, by part. A dense layer has no router and no experts.
struct LayerSize {
  std::int64_t attention = 0;       ///< Projection matrices.
  std::int64_t attention_bias = 0;  ///< Of q, k and v.
  /// Two of the hidden width; under mla those of the latents, with qk_norm one of a query and one
  /// of a key head.
  std::int64_t norms = 0;
  std::int64_t feed_forward = 0;    ///< Dense feed-forward; 0 in a MoE layer.
  std::int64_t router = 0;          ///< One row of the hidden width a routed expert.
  std::int64_t router_bias = 0;     ///< One a routed expert.
  std::int64_t shared_experts = 0;  ///< All of them.
  std::int64_t routed_experts = 0;  ///< All of them.

  /// What expert parallelism does not split: all but the routed experts.
  std::int64_t non_expert() const;
  std::int64_t total() const { return non_expert() + routed_experts; }
};

/// Parameters of one multi-token-prediction module. Its embedding and head are the main model's.
struct MtpSize {
  std::int64_t projection = 0;  ///< From two hidden states, joined, to one.
  std::int64_t norms = 0;       ///< Of its two inputs and of its output.
  LayerSize layer{};            ///< A MoE layer if the model has any, else a dense one.

  std::int64_t total() const { return projection + norms + layer.total(); }
};

/// Parameters that one token uses in the main model: of the routed experts only its top-k.
struct ActiveSize {
  std::int64_t layers = 0;                   ///< All layers and the final norm.
  std::int64_t with_head = 0;                ///< `layers` and the head, tied or not.
  std::int64_t with_head_and_embedding = 0;  ///< Of both; once if tied.
  std::int64_t matrices = 0;         ///< `with_head` without norms and biases: what costs FLOPs.
  std::int64_t router_matrices = 0;  ///< The routers' part of `matrices`.
};

/// Parameters of a model. All dense layers are equal, and all MoE layers; what a model lacks is 0.
struct ModelSize {
  std::int64_t dense_layers = 0;  ///< How many.
  std::int64_t moe_layers = 0;
  std::int64_t mtp_modules = 0;
  std::int64_t input_embedding = 0;
  std::int64_t head = 0;  ///< 0 if tied: it is the input embedding.
  std::int64_t final_norm = 0;
  std::int64_t expert = 0;  ///< One routed or shared expert; 0 in a dense model.
  LayerSize dense_layer{};  ///< Each.
  LayerSize moe_layer{};
  MtpSize mtp_module{};
  std::int64_t main = 0;      ///< All but the MTP modules.
  std::int64_t with_mtp = 0;  ///< `main` and all MTP modules.
  ActiveSize active{};
};

/// Counts the parameters of `model`.
///
/// Feed-forwards and experts are matrices of hidden x intermediate: three under swiglu (gated), two
/// under gelu. Every router is given a bias an expert, as DeepSeek-V3 has it for load balancing; a
/// model without one (DeepSeek-V2) is counted that much too large, under one part in ten million.
ModelSize model_size(const spec::ModelSpec& model);

/// Returns what one token adds to the KV cache in all layers of the main model, at 2 B (BF16) an
/// element.
///
/// mla: (kv_lora_rank + qk_rope_head_dim) * 2 B * layers. gqa, mha: 2 * kv_heads * head_dim * 2 B *
/// layers. Source: arXiv 2505.09343, table 1.
Bytes kv_cache_per_token(const spec::ModelSpec& model);

struct TrainingFlopOptions {
  std::int64_t sequence_length = 0;
  bool causal = true;  ///< Counts only the half of the attention matrix that a causal mask leaves.
};

/// FLOPs of forward and backward for one token, recomputation not counted.
struct TrainingFlop {
  Flop matrices{};   ///< Of parameters; routers included.
  Flop router{};     ///< The routers' part of `matrices`.
  Flop attention{};  ///< Of the products of queries with keys and of weights with values.

  Flop total() const { return matrices + attention; }
};

/// Returns 6 * N_active for the matrices, and for the attention
/// 3 * layers * 2 * heads * (qk_dim + v_dim) * sequence_length, halved if causal.
///
/// N_active is ActiveSize::matrices: the matrices that a token is multiplied with, the head and the
/// routers included; the input embedding (a lookup), norms, biases and MTP modules are not in it.
/// Source: arXiv 2505.09343, table 2 (155 and 250 GFLOP at 4,096 for DeepSeek-V2 and V3).
/// The TFLOPS and MFU of its table 4 leave TrainingFlop::router out
/// (tests/paper/table1_and_2_test.cc).
TrainingFlop training_flop_per_token(const spec::ModelSpec& model,
                                     const TrainingFlopOptions& options);

}  // namespace planewise::model
