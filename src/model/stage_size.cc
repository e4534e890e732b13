#include "model/stage_size.h"

#include <algorithm>

#include "base/check.h"

namespace planewise::model {
namespace {

/// Counts of a whole stage.
struct Held {
  std::int64_t products = 0;
  std::int64_t other_split = 0;  ///< Biases, embedding, head.
  std::int64_t replicated = 0;
  std::int64_t experts = 0;

  void add(const LayerSize& layer, std::int64_t times) {
    products += times * (layer.attention + layer.feed_forward + layer.shared_experts);
    other_split += times * layer.attention_bias;
    replicated += times * (layer.non_expert() - layer.attention - layer.feed_forward -
                           layer.shared_experts - layer.attention_bias);
    experts += times * layer.routed_experts;
  }
};

Held held(const StageContent& stage, const ModelSize& size) {
  const bool tied = size.head == 0;
  Held sum;
  sum.add(size.dense_layer, stage.dense_layers);
  sum.add(size.moe_layer, stage.moe_layers);
  if (stage.embedding) sum.other_split += size.input_embedding;
  if (stage.head) {
    sum.replicated += size.final_norm;
    if (!tied) sum.other_split += size.head;
    if (tied && !stage.embedding) sum.other_split += size.input_embedding;
  }
  if (stage.mtp) {
    const MtpSize& mtp = size.mtp_module;
    sum.add(mtp.layer, 1);
    sum.products += mtp.projection;
    sum.replicated += mtp.norms;
    if (!stage.embedding && !tied) sum.other_split += size.input_embedding;
  }
  return sum;
}

}  // namespace

std::vector<StageContent> stage_contents(const spec::ModelSpec& model,
                                         const std::vector<std::int64_t>& layers_per_stage) {
  PW_CHECK(!layers_per_stage.empty());
  const std::int64_t all_dense = model.moe ? model.moe->first_dense_layers : model.layers;
  std::vector<StageContent> stages;
  std::int64_t first_layer = 0;
  for (const std::int64_t layers : layers_per_stage) {
    const std::int64_t dense = std::clamp<std::int64_t>(all_dense - first_layer, 0, layers);
    stages.push_back({.dense_layers = dense, .moe_layers = layers - dense});
    first_layer += layers;
  }
  stages.front().embedding = true;
  stages.back().head = true;
  stages.back().mtp = model.mtp_depth > 0;
  return stages;
}

RankParameters rank_parameters(const StageContent& stage, const ModelSize& size,
                               const ParameterSplit& split) {
  const Held sum = held(stage, size);
  const double tensor = split.tensor;
  const auto replicated = static_cast<double>(sum.replicated);
  const double products = static_cast<double>(sum.products) / tensor;
  return {.shared = products + static_cast<double>(sum.other_split) / tensor + replicated,
          .expert = static_cast<double>(sum.experts) /
                    (static_cast<double>(split.expert) * split.expert_tensor),
          .replicated = replicated,
          .products = products};
}

}  // namespace planewise::model
