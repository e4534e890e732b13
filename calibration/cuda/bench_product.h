// Benches of products and weight gradients on a GPU.
#pragma once

#include <memory>
#include <variant>

#include "calibration/cuda/device.h"
#include "calibration/measure/backend.h"

namespace planewise::calibration {

/// Y = X W^T. Under fp8_blockwise by cuBLASLt and by our own kernel where they can: both are
/// checked, and the faster one of those that are right is timed. On GPUs without FP8 products of
/// 1 x 128 scales it is BF16 or MXFP8, and proxy() says so.
std::variant<std::unique_ptr<Bench>, NotMeasured> make_product_bench(const Measurement& measurement,
                                                                     const Device& device);

/// dW = dY^T X in FP32; under fp8_blockwise with the transposing requantisation of X.
std::variant<std::unique_ptr<Bench>, NotMeasured> make_gradient_bench(
    const Measurement& measurement, const Device& device);

}  // namespace planewise::calibration
