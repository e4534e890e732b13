// How many rows each group of a grouped product has.
#pragma once

#include <cstdint>
#include <vector>

#include "calibration/measure/measurement.h"

namespace planewise::calibration {

/// [groups] rows that are groups x m in all, spread as the measurement says: equal; m x U(0.7, 1.3)
/// (as DeepGEMM's tests draw them), the same draws for the same measurement; or as 1 / rank.
/// Requires: a product or a weight gradient.
std::vector<std::int64_t> rows_of_groups(const Measurement& measurement);

}  // namespace planewise::calibration
