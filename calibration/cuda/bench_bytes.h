// Benches of memory-bound operators on a GPU.
#pragma once

#include <memory>
#include <variant>

#include "calibration/cuda/device.h"
#include "calibration/measure/backend.h"

namespace planewise::calibration {

/// Operators of rows x width elements, and the empty kernel. NotMeasured if the kernel does not
/// take the size.
std::variant<std::unique_ptr<Bench>, NotMeasured> make_byte_bench(const Measurement& measurement,
                                                                  const LayerSizes& sizes,
                                                                  const Device& device);

}  // namespace planewise::calibration
