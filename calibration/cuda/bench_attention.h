// Benches of core attention on a GPU.
#pragma once

#include <memory>
#include <variant>

#include "calibration/cuda/device.h"
#include "calibration/measure/backend.h"

namespace planewise::calibration {

/// Causal attention, forward or backward, of rows / sequence sequences; or decode of `rows`
/// sequences with `sequence` tokens in each cache.
std::variant<std::unique_ptr<Bench>, NotMeasured> make_attention_bench(
    const Measurement& measurement, const LayerSizes& sizes, const Device& device);

}  // namespace planewise::calibration
