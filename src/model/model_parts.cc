#include "model/model_parts.h"

namespace planewise::model {
namespace {

constexpr double kFlopPerElement = 6;  // A multiplication and an addition; forward, and twice back.

std::int64_t in_all_layers(const ModelSize& size, std::int64_t LayerSize::*part) {
  return size.dense_layers * size.dense_layer.*part + size.moe_layers * size.moe_layer.*part;
}

Flop of_elements(std::int64_t elements) {
  return flop(kFlopPerElement * static_cast<double>(elements));
}

}  // namespace

std::int64_t ParameterParts::total() const {
  return attention + dense_feed_forward + routed_experts + shared_experts + routers +
         norms_and_biases + input_embedding + head;
}

ParameterParts parameters_by_part(const ModelSize& size) {
  return {.attention = in_all_layers(size, &LayerSize::attention),
          .dense_feed_forward = in_all_layers(size, &LayerSize::feed_forward),
          .routed_experts = in_all_layers(size, &LayerSize::routed_experts),
          .shared_experts = in_all_layers(size, &LayerSize::shared_experts),
          .routers = in_all_layers(size, &LayerSize::router),
          .norms_and_biases = in_all_layers(size, &LayerSize::norms) +
                              in_all_layers(size, &LayerSize::attention_bias) +
                              in_all_layers(size, &LayerSize::router_bias) + size.final_norm,
          .input_embedding = size.input_embedding,
          .head = size.head};
}

Flop TrainingFlopParts::total() const {
  return attention_projections + attention_scores + dense_feed_forward + routed_experts +
         shared_experts + routers + head;
}

TrainingFlopParts training_flop_by_part(const spec::ModelSpec& model,
                                        const TrainingFlopOptions& options) {
  const ModelSize size = model_size(model);
  const ParameterParts parts = parameters_by_part(size);
  const std::int64_t chosen =
      model.moe ? size.moe_layers * model.moe->experts_per_token * size.expert : 0;
  return {.attention_projections = of_elements(parts.attention),
          .attention_scores = training_flop_per_token(model, options).attention,
          .dense_feed_forward = of_elements(parts.dense_feed_forward),
          .routed_experts = of_elements(chosen),
          .shared_experts = of_elements(parts.shared_experts),
          .routers = of_elements(parts.routers),
          .head = of_elements(size.input_embedding)};  // As large as the embedding.
}

}  // namespace planewise::model
