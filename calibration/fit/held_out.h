// Which points a fit is not shown, and what it misses them by.
#pragma once

#include <cstddef>
#include <vector>

#include "spec/profile.h"

namespace planewise::calibration {

/// Indices of points that are fitted and of those that are predicted.
struct Split {
  std::vector<std::size_t> fitted{};
  std::vector<std::size_t> held_out{};
};

/// Of `count` points in ascending order of size: from nine on every third is held out, never the
/// first or the last. With fewer each is held out in turn. With fewer than three none.
std::vector<Split> held_out_splits(std::size_t count);

/// Median, 90th percentile and largest of `errors`, which are taken absolutely.
spec::HeldOutError summarise_errors(std::vector<double> errors);

}  // namespace planewise::calibration
