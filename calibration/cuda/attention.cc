#include "calibration/cuda/attention.h"

#include <utility>

namespace planewise::calibration {

std::variant<std::unique_ptr<Attention>, NotMeasured> make_attention(
    const AttentionOptions& options) {
  auto fused = make_cudnn_attention(options);
  if (std::holds_alternative<std::unique_ptr<Attention>>(fused)) return fused;
  auto unfused = make_unfused_attention(options);
  if (auto* refused = std::get_if<NotMeasured>(&unfused)) {
    return NotMeasured{std::get<NotMeasured>(fused).reason + "; " + refused->reason};
  }
  return unfused;
}

}  // namespace planewise::calibration
