// The tables. Defaults are those of configuration_*.py of github huggingface/transformers.
#include "spec/hugging_face_families.h"

#include <algorithm>
#include <array>

namespace planewise::spec {
namespace {

using Fields = std::vector<ModelField>;

constexpr ModelField fixed(std::string_view key, std::string_view value, std::string_view why) {
  return {.key = key, .otherwise = Otherwise::value, .value = value, .why = why};
}

Fields joined(const std::vector<Fields>& parts) {
  Fields all;
  for (const Fields& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

constexpr ModelField kTied{.key = "tied_embedding",
                           .from = "tie_word_embeddings",
                           .type = FieldType::boolean,
                           .otherwise = Otherwise::value,
                           .value = "false",
                           .why = "tie_word_embeddings is false by default"};
constexpr ModelField kHeads{.key = "attention.heads", .from = "num_attention_heads"};
constexpr ModelField kNoMtp = fixed("mtp_depth", "0", "a plain decoder");
constexpr ModelField kMtp{.key = "mtp_depth",
                          .from = "num_nextn_predict_layers",
                          .otherwise = Otherwise::value,
                          .value = "0",
                          .why = "num_nextn_predict_layers is not there"};

Fields trunk(const ModelField& mtp) {
  return {{.key = "layers", .from = "num_hidden_layers"},
          {.key = "hidden", .from = "hidden_size"},
          {.key = "intermediate", .from = "intermediate_size"},
          {.key = "vocabulary", .from = "vocab_size"},
          kTied,
          mtp};
}

constexpr ModelField kKvHeads{.key = "attention.kv_heads", .from = "num_key_value_heads"};
constexpr ModelField kKvHeadsOrHeads{.key = "attention.kv_heads",
                                     .from = "num_key_value_heads",
                                     .otherwise = Otherwise::heads,
                                     .why = "one a query head by default"};
constexpr ModelField kHeadDim{.key = "attention.head_dim", .from = "head_dim"};
constexpr ModelField kHeadDimOrQuotient{.key = "attention.head_dim",
                                        .from = "head_dim",
                                        .otherwise = Otherwise::hidden_over_heads,
                                        .why = "hidden_size / num_attention_heads"};
constexpr ModelField kNoBias = fixed("attention.qkv_bias", "false", "of this architecture");
constexpr ModelField kBias = fixed("attention.qkv_bias", "true", "Qwen2Attention");
constexpr ModelField kQkNorm =
    fixed("attention.qk_norm", "true", "Qwen3Attention: q_norm and k_norm");

Fields latent() {
  return {kHeads,
          {.key = "attention.q_lora_rank",
           .from = "q_lora_rank",
           .otherwise = Otherwise::value_if_null,
           .value = "0",
           .why = "q_lora_rank is null: queries are not compressed"},
          {.key = "attention.kv_lora_rank", .from = "kv_lora_rank"},
          {.key = "attention.qk_nope_head_dim", .from = "qk_nope_head_dim"},
          {.key = "attention.qk_rope_head_dim", .from = "qk_rope_head_dim"},
          {.key = "attention.v_head_dim", .from = "v_head_dim"}};
}

constexpr ModelField kGroups{.key = "moe.groups", .from = "n_group"};
constexpr ModelField kGroupsPerToken{.key = "moe.groups_per_token", .from = "topk_group"};
constexpr ModelField kGroupsOrOne{.key = "moe.groups",
                                  .from = "n_group",
                                  .otherwise = Otherwise::value,
                                  .value = "1",
                                  .why = "no n_group: the router chooses among all experts"};
constexpr ModelField kGroupsPerTokenOrOne{.key = "moe.groups_per_token",
                                          .from = "topk_group",
                                          .otherwise = Otherwise::value,
                                          .value = "1",
                                          .why = "no topk_group"};

Fields grouped_experts(const ModelField& groups, const ModelField& groups_per_token) {
  return {{.key = "moe.first_dense_layers", .from = "first_k_dense_replace"},
          {.key = "moe.routed_experts", .from = "n_routed_experts"},
          {.key = "moe.shared_experts",
           .from = "n_shared_experts",
           .otherwise = Otherwise::value_if_null,
           .value = "0",
           .why = "n_shared_experts is null"},
          {.key = "moe.experts_per_token", .from = "num_experts_per_tok"},
          {.key = "moe.expert_intermediate", .from = "moe_intermediate_size"},
          groups,
          groups_per_token};
}

/// Experts in every layer, none of them shared, without groups.
Fields plain_experts(std::string_view routed, std::string_view intermediate) {
  return {fixed("moe.first_dense_layers", "0", "experts in every layer"),
          {.key = "moe.routed_experts", .from = routed},
          fixed("moe.shared_experts", "0", "of this architecture"),
          {.key = "moe.experts_per_token", .from = "num_experts_per_tok"},
          {.key = "moe.expert_intermediate", .from = intermediate},
          fixed("moe.groups", "1", "the router chooses among all experts"),
          fixed("moe.groups_per_token", "1", "the only one")};
}

const KeyRule kWindow{.key = "sliding_window",
                      .neutral = {},
                      .message = "attention over a window is not modelled",
                      .hint = "put null here to count full attention"};
const KeyRule kWindowByDefault{.key = "sliding_window",
                               .neutral = {},
                               .message = "attention over a window, the default, is not modelled",
                               .hint = "put null here to count full attention",
                               .required = true};
const KeyRule kWindowInUse{.key = "use_sliding_window",
                           .neutral = {"false"},
                           .message = "attention over a window is not modelled",
                           .hint = "put false here to count full attention"};
const KeyRule kAlwaysBias{.key = "qkv_bias",
                          .neutral = {"true"},
                          .message = "this architecture has biases of q, k and v",
                          .hint = "take it out"};
const KeyRule kAlwaysNorm{.key = "use_qk_norm",
                          .neutral = {"true"},
                          .message = "this architecture norms queries and keys",
                          .hint = "take it out"};
const KeyRule kBiasAll{.key = "attention_bias",
                       .neutral = {"false"},
                       .message = "biases of all projections of the attention are not modelled",
                       .hint = "a model file has qkv_bias, of q, k and v alone"};
const KeyRule kLayerFrequency{.key = "moe_layer_freq",
                              .neutral = {"1"},
                              .message = "experts in some layers only are not modelled",
                              .hint = "write 1; first_k_dense_replace says how many come before"};
const KeyRule kChoice{.key = "topk_method",
                      .neutral = {"noaux_tc", "group_limited_greedy", "greedy"},
                      .message = "an unknown way to choose experts",
                      .hint = "known are noaux_tc, group_limited_greedy and greedy"};
const KeyRule kSparseStep{.key = "decoder_sparse_step",
                          .neutral = {"1"},
                          .message = "experts in some layers only are not modelled",
                          .hint = "write 1 for experts in every layer"};
const KeyRule kDenseLayers{.key = "mlp_only_layers",
                           .neutral = {},
                           .message = "dense layers between those with experts are not modelled",
                           .hint = "write [] for experts in every layer"};

std::vector<ModelFamily> make_families() {
  const std::vector<std::string_view> kept_by_latent = {"num_key_value_heads", "head_dim",
                                                        "qk_head_dim"};
  return {
      {.architecture = "DeepseekV3ForCausalLM",
       .model_types = {"deepseek_v3", "kimi_k2"},
       .is_latent = true,
       .fields = joined({trunk(kMtp), latent(), grouped_experts(kGroups, kGroupsPerToken)}),
       .rules = {kBiasAll, kLayerFrequency, kChoice},
       .harmless = kept_by_latent},
      {.architecture = "DeepseekV2ForCausalLM",
       .model_types = {"deepseek_v2"},
       .is_latent = true,
       .fields =
           joined({trunk(kNoMtp), latent(), grouped_experts(kGroupsOrOne, kGroupsPerTokenOrOne)}),
       .rules = {kBiasAll, kLayerFrequency, kChoice},
       .harmless = kept_by_latent},
      {.architecture = "Qwen3MoeForCausalLM",
       .model_types = {"qwen3_moe"},
       .fields = joined({trunk(kNoMtp),
                         {kHeads, kKvHeads, kHeadDim, kNoBias, kQkNorm},
                         plain_experts("num_experts", "moe_intermediate_size")}),
       .rules = {kBiasAll, kWindowInUse, kAlwaysNorm, kSparseStep, kDenseLayers},
       .harmless = {"sliding_window", "max_window_layers"}},
      {.architecture = "Qwen3ForCausalLM",
       .model_types = {"qwen3"},
       .fields = joined({trunk(kNoMtp), {kHeads, kKvHeads, kHeadDim, kNoBias, kQkNorm}}),
       .rules = {kBiasAll, kWindowInUse, kAlwaysNorm},
       .harmless = {"sliding_window", "max_window_layers"}},
      {.architecture = "Qwen2ForCausalLM",
       .model_types = {"qwen2"},
       .fields = joined({trunk(kNoMtp), {kHeads, kKvHeads, kHeadDimOrQuotient, kBias}}),
       .rules = {kWindowInUse, kAlwaysBias},
       .harmless = {"sliding_window", "max_window_layers"}},
      {.architecture = "LlamaForCausalLM",
       .model_types = {"llama"},
       .fields = joined({trunk(kNoMtp), {kHeads, kKvHeadsOrHeads, kHeadDimOrQuotient, kNoBias}}),
       .rules = {kBiasAll, kWindow},
       .harmless = {}},
      {.architecture = "MistralForCausalLM",
       .model_types = {"mistral"},
       .fields = joined({trunk(kNoMtp), {kHeads, kKvHeads, kHeadDimOrQuotient, kNoBias}}),
       .rules = {kBiasAll, kWindowByDefault},
       .harmless = {}},
      {.architecture = "MixtralForCausalLM",
       .model_types = {"mixtral"},
       .fields = joined({trunk(kNoMtp),
                         {kHeads, kKvHeads, kHeadDimOrQuotient, kNoBias},
                         plain_experts("num_local_experts", "intermediate_size")}),
       .rules = {kBiasAll, kWindow},
       .harmless = {}},
  };
}

constexpr std::array kHarmless = std::to_array<std::string_view>({
    "_name_or_path",
    "architectures",
    "model_type",
    "_attn_implementation",
    "attention_dropout",
    "auto_map",
    "aux_loss_alpha",
    "bos_token_id",
    "dtype",
    "embd_pdrop",
    "eos_token_id",
    "ep_size",
    "hidden_dropout",
    "initializer_range",
    "max_position_embeddings",
    "norm_topk_prob",
    "output_router_logits",
    "pad_token_id",
    "pretraining_tp",
    "quantization_config",
    "resid_pdrop",
    "rms_norm_eps",
    "rope_interleave",
    "rope_parameters",
    "rope_scaling",
    "rope_theta",
    "routed_scaling_factor",
    "router_aux_loss_coef",
    "router_jitter_noise",
    "scoring_func",
    "seq_aux",
    "tokenizer_class",
    "torch_dtype",
    "transformers_version",
    "use_cache",
});

}  // namespace

const std::vector<ModelFamily>& hugging_face_families() {
  static const std::vector<ModelFamily> families = make_families();
  return families;
}

const std::vector<KeyRule>& hugging_face_rules() {
  static const std::vector<KeyRule> rules = {
      {.key = "hidden_act",
       .neutral = {"silu"},
       .message = "only feed-forwards gated by silu are converted",
       .hint = "write the model file by hand; feed_forward: gelu has no gate"},
      {.key = "mlp_bias",
       .neutral = {"false"},
       .message = "biases of feed-forwards are not modelled",
       .hint = "put false here to leave them out"},
      {.key = "layer_types",
       .neutral = {"full_attention"},
       .message = "layers with another kind of attention are not modelled",
       .hint = "every item has to be full_attention"},
      {.key = "qkv_bias",
       .neutral = {"false"},
       .message = "biases of q, k and v are not of this architecture",
       .hint = "convert with false here, and write qkv_bias: true into the model file"},
      {.key = "use_qk_norm",
       .neutral = {"false"},
       .message = "a norm of queries and keys is not of this architecture",
       .hint = "convert with false here, and write qk_norm: true into the model file"},
      {.key = "shared_expert_intermediate_size",
       .neutral = {"0"},
       .message = "a shared expert with a gate and a width of its own is not modelled",
       .hint = "a model file has shared_experts, each as wide as a routed one"},
      {.key = "index_topk",
       .neutral = {},
       .message = "attention to chosen tokens only is not modelled",
       .hint = "take index_topk out to count full attention"},
  };
  return rules;
}

bool is_harmless(std::string_view key) {
  return std::find(kHarmless.begin(), kHarmless.end(), key) != kHarmless.end();
}

}  // namespace planewise::spec
