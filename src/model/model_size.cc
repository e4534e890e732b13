// How large a model is; the formulas stand in the header.
#include "model/model_size.h"

#include "base/check.h"

namespace planewise::model {
namespace {

constexpr double kCacheBytesPerElement = 2;  // BF16.
constexpr double kFlopPerMultiplyAdd = 2;
constexpr double kForwardAndBackward = 3;  // Backward: gradients of inputs and of weights.

/// Gate, up and down under swiglu; up and down under gelu.
std::int64_t feed_forward_matrices(const spec::ModelSpec& model) {
  return model.feed_forward == spec::FeedForward::swiglu ? 3 : 2;
}

/// Widths of one head, in elements.
struct HeadWidth {
  std::int64_t query_key = 0;
  std::int64_t value = 0;
};

HeadWidth head_width(const spec::AttentionSpec& attention) {
  if (attention.kind == spec::AttentionKind::mla) {
    return {.query_key = attention.qk_nope_head_dim + attention.qk_rope_head_dim,
            .value = attention.v_head_dim};
  }
  return {.query_key = attention.head_dim, .value = attention.head_dim};
}

std::int64_t key_value_heads(const spec::AttentionSpec& attention) {
  return attention.kind == spec::AttentionKind::mha ? attention.heads : attention.kv_heads;
}

/// The attention's matrices, biases and norms, and the layer's own two norms; no feed-forward.
LayerSize latent_attention(const spec::ModelSpec& model) {
  const spec::AttentionSpec& attention = model.attention;
  const std::int64_t hidden = model.hidden;
  const std::int64_t heads = attention.heads;
  const std::int64_t query_rank = attention.q_lora_rank;
  const std::int64_t latent = attention.kv_lora_rank;
  const HeadWidth width = head_width(attention);

  const std::int64_t query = query_rank == 0
                                 ? hidden * heads * width.query_key
                                 : hidden * query_rank + query_rank * heads * width.query_key;
  const std::int64_t latent_down = hidden * (latent + attention.qk_rope_head_dim);
  const std::int64_t latent_up = latent * heads * (attention.qk_nope_head_dim + width.value);
  const std::int64_t output = heads * width.value * hidden;
  return {.attention = query + latent_down + latent_up + output,
          .norms = 2 * hidden + query_rank + latent};
}

LayerSize grouped_attention(const spec::ModelSpec& model) {
  const spec::AttentionSpec& attention = model.attention;
  const std::int64_t hidden = model.hidden;
  const std::int64_t query_width = std::int64_t{attention.heads} * attention.head_dim;
  const std::int64_t key_value_width = 2 * key_value_heads(attention) * attention.head_dim;
  return {.attention = hidden * (query_width + key_value_width) + query_width * hidden,
          .attention_bias = attention.qkv_bias ? query_width + key_value_width : 0,
          .norms = 2 * hidden + (attention.qk_norm ? 2 * attention.head_dim : 0)};
}

LayerSize attention_part(const spec::ModelSpec& model) {
  return model.attention.kind == spec::AttentionKind::mla ? latent_attention(model)
                                                          : grouped_attention(model);
}

LayerSize dense_layer(const spec::ModelSpec& model) {
  LayerSize layer = attention_part(model);
  layer.feed_forward = feed_forward_matrices(model) * model.hidden * model.intermediate;
  return layer;
}

std::int64_t expert_size(const spec::ModelSpec& model) {
  return feed_forward_matrices(model) * model.hidden * model.moe->expert_intermediate;
}

LayerSize moe_layer(const spec::ModelSpec& model) {
  const std::int64_t expert = expert_size(model);
  LayerSize layer = attention_part(model);
  layer.router = std::int64_t{model.hidden} * model.moe->routed_experts;
  layer.router_bias = model.moe->routed_experts;
  layer.shared_experts = model.moe->shared_experts * expert;
  layer.routed_experts = model.moe->routed_experts * expert;
  return layer;
}

std::int64_t norms_and_biases(const LayerSize& layer) {
  return layer.norms + layer.attention_bias + layer.router_bias;
}

/// `head` is the head's matrix even if it is tied, `experts_per_token` 0 in a dense model.
struct ActiveInput {
  std::int64_t head = 0;
  std::int64_t experts_per_token = 0;
};

ActiveSize active_size(const ModelSize& size, const ActiveInput& input) {
  const std::int64_t active_moe_layer =
      size.moe_layer.non_expert() + input.experts_per_token * size.expert;
  const std::int64_t layers = size.dense_layers * size.dense_layer.total() +
                              size.moe_layers * active_moe_layer + size.final_norm;
  const std::int64_t vectors = size.dense_layers * norms_and_biases(size.dense_layer) +
                               size.moe_layers * norms_and_biases(size.moe_layer) + size.final_norm;
  const bool tied = size.head == 0;
  return {.layers = layers,
          .with_head = layers + input.head,
          .with_head_and_embedding = layers + input.head + (tied ? 0 : size.input_embedding),
          .matrices = layers + input.head - vectors,
          .router_matrices = size.moe_layers * size.moe_layer.router};
}

}  // namespace

std::int64_t LayerSize::non_expert() const {
  return attention + attention_bias + norms + feed_forward + router + router_bias + shared_experts;
}

ModelSize model_size(const spec::ModelSpec& model) {
  PW_CHECK(model.layers > 0);
  PW_CHECK(model.hidden > 0);
  const std::int64_t hidden = model.hidden;
  const std::int64_t vocabulary_matrix = model.vocabulary * hidden;

  ModelSize size;
  size.input_embedding = vocabulary_matrix;
  size.head = model.tied_embedding ? 0 : vocabulary_matrix;
  size.final_norm = hidden;
  size.dense_layers = model.moe ? model.moe->first_dense_layers : model.layers;
  size.moe_layers = model.layers - size.dense_layers;
  if (size.dense_layers > 0) size.dense_layer = dense_layer(model);
  if (model.moe) {
    size.expert = expert_size(model);
    size.moe_layer = moe_layer(model);
  }
  size.mtp_modules = model.mtp_depth;
  if (size.mtp_modules > 0) {
    size.mtp_module = {.projection = 2 * hidden * hidden,
                       .norms = 3 * hidden,
                       .layer = model.moe ? size.moe_layer : size.dense_layer};
  }
  size.main = size.input_embedding + size.head + size.final_norm +
              size.dense_layers * size.dense_layer.total() +
              size.moe_layers * size.moe_layer.total();
  size.with_mtp = size.main + size.mtp_modules * size.mtp_module.total();
  size.active =
      active_size(size, {.head = vocabulary_matrix,
                         .experts_per_token = model.moe ? model.moe->experts_per_token : 0});
  return size;
}

Bytes kv_cache_per_token(const spec::ModelSpec& model) {
  const spec::AttentionSpec& attention = model.attention;
  const std::int64_t elements = attention.kind == spec::AttentionKind::mla
                                    ? attention.kv_lora_rank + attention.qk_rope_head_dim
                                    : 2 * key_value_heads(attention) * attention.head_dim;
  return bytes(kCacheBytesPerElement * static_cast<double>(elements * model.layers));
}

TrainingFlop training_flop_per_token(const spec::ModelSpec& model,
                                     const TrainingFlopOptions& options) {
  PW_CHECK(options.sequence_length > 0);
  const ActiveSize active = model_size(model).active;
  const HeadWidth width = head_width(model.attention);
  const std::int64_t attended = std::int64_t{model.layers} * model.attention.heads *
                                (width.query_key + width.value) * options.sequence_length;
  const Flop per_multiply_add = flop(kForwardAndBackward * kFlopPerMultiplyAdd);
  return {
      .matrices = per_multiply_add * static_cast<double>(active.matrices),
      .router = per_multiply_add * static_cast<double>(active.router_matrices),
      .attention = per_multiply_add * static_cast<double>(attended) * (options.causal ? 0.5 : 1.0)};
}

}  // namespace planewise::model
