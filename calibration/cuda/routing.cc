#include "calibration/cuda/routing.h"

#include "calibration/cuda/cublaslt_groups.h"

namespace planewise::calibration {

RouterSizes router_sizes(const LayerSizes& layer, std::int64_t tokens) {
  return {.tokens = tokens,
          .experts = layer.experts,
          .experts_per_token = layer.experts_per_token,
          .expert_groups = layer.expert_groups,
          .groups_per_token = layer.groups_per_token,
          .routing_scale = static_cast<float>(layer.routing_scale)};
}

std::int64_t room_for_rows(const LayerSizes& layer, std::int64_t tokens) {
  // Each segment has less than 128 rows of padding.
  return round_up(tokens * layer.experts_per_token + std::int64_t{layer.local_experts} * 127, 128);
}

}  // namespace planewise::calibration
