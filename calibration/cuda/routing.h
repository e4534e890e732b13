// Sizes of a layer as the routing kernels take them.
#pragma once

#include <cstdint>

#include "calibration/cuda/kernels.h"
#include "calibration/measure/measurement.h"

namespace planewise::calibration {

RouterSizes router_sizes(const LayerSizes& layer, std::int64_t tokens);

/// The most rows that (token, expert) pairs take when each local expert's are padded to 128: a
/// multiple of 128.
std::int64_t room_for_rows(const LayerSizes& layer, std::int64_t tokens);

}  // namespace planewise::calibration
