// Benches of the whole MoE layer on a GPU.
#pragma once

#include <memory>
#include <variant>

#include "calibration/cuda/device.h"
#include "calibration/measure/backend.h"

namespace planewise::calibration {

/// The layer forward or backward. On Hopper in FP8, with its experts' products by cuBLASLt or by
/// our own kernel, whichever is faster; elsewhere in BF16, and proxy() says so.
std::variant<std::unique_ptr<Bench>, NotMeasured> make_layer_bench(const Measurement& measurement,
                                                                   const LayerSizes& sizes,
                                                                   const Device& device);

}  // namespace planewise::calibration
