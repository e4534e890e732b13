// Where the parameters and the training FLOPs of a model are: the sums of model_size.h, by part.
#pragma once

#include <cstdint>

#include "base/units.h"
#include "model/model_size.h"
#include "spec/model.h"

namespace planewise::model {

/// Parameters of all layers of the main model, and of its embedding and head.
struct ParameterParts {
  std::int64_t attention = 0;  ///< Projection matrices.
  std::int64_t dense_feed_forward = 0;
  std::int64_t routed_experts = 0;
  std::int64_t shared_experts = 0;
  std::int64_t routers = 0;           ///< Matrices.
  std::int64_t norms_and_biases = 0;  ///< Router biases and the final norm included.
  std::int64_t input_embedding = 0;
  std::int64_t head = 0;  ///< 0 if tied: it is the input embedding.

  std::int64_t total() const;
};

/// Sums to ModelSize::main.
ParameterParts parameters_by_part(const ModelSize& size);

/// FLOPs of forward and backward for one token, recomputation not counted.
struct TrainingFlopParts {
  Flop attention_projections{};
  Flop attention_scores{};  ///< Queries with keys and weights with values.
  Flop dense_feed_forward{};
  Flop routed_experts{};  ///< A token's top-k.
  Flop shared_experts{};
  Flop routers{};
  Flop head{};  ///< Tied or not.

  Flop total() const;
};

/// 6 FLOPs for each matrix element that a token is multiplied with, and the attention's products.
/// Sums to training_flop_per_token().
TrainingFlopParts training_flop_by_part(const spec::ModelSpec& model,
                                        const TrainingFlopOptions& options);

}  // namespace planewise::model
