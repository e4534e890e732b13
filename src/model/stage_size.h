// What one stage of a pipeline holds, and how many parameters of it each of its ranks.
#pragma once

#include <cstdint>
#include <vector>

#include "model/model_size.h"
#include "spec/model.h"

namespace planewise::model {

/// What a stage holds. The first has the embedding; the last has the head and, with MTP, the module
/// and a copy of the embedding.
struct StageContent {
  std::int64_t dense_layers = 0;
  std::int64_t moe_layers = 0;  ///< Without the MTP module's.
  bool embedding = false;
  bool head = false;
  bool mtp = false;

  std::int64_t layers() const { return dense_layers + moe_layers; }
};

/// [stage] The layers of `model` in order, dense ones first.
///
/// Requires: layers_per_stage is not empty and adds up to the model's layers.
std::vector<StageContent> stage_contents(const spec::ModelSpec& model,
                                         const std::vector<std::int64_t>& layers_per_stage);

/// Over how many ranks a stage's parameters are split.
struct ParameterSplit {
  int tensor = 1;         ///< Of all but routed experts.
  int expert = 1;         ///< Ranks over which a layer's routed experts are spread.
  int expert_tensor = 1;  ///< Ranks that share each expert.
};

/// Parameters that one rank of a stage holds.
struct RankParameters {
  double shared = 0;      ///< All but routed experts: on every data-parallel rank of the stage.
  double expert = 0;      ///< Routed experts: on every rank with this place in its expert group.
  double replicated = 0;  ///< The part of `shared` that tensor ranks do not split.
  double products = 0;    ///< The part of `shared` in layers' matrix products, without the router.

  double total() const { return shared + expert; }
};

/// Matrices and biases of attention, feed-forward, shared experts, embedding, head and the MTP
/// module's projection are split over the tensor ranks; norms and routers are whole on each
/// (Megatron-LM; arXiv 1909.08053, section 3). It is as if key/value heads and MLA's
/// down-projections were split too, of which Megatron-LM keeps whole what does not divide.
RankParameters rank_parameters(const StageContent& stage, const ModelSize& size,
                               const ParameterSplit& split);

}  // namespace planewise::model
