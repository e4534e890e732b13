#include "calibration/fit/held_out.h"

#include <cmath>

#include "calibration/measure/statistics.h"

namespace planewise::calibration {

std::vector<Split> held_out_splits(std::size_t count) {
  constexpr std::size_t kEnough = 9;
  constexpr std::size_t kLeast = 3;
  std::vector<Split> splits;
  if (count < kLeast) return splits;
  if (count >= kEnough) {
    Split split;
    for (std::size_t i = 0; i < count; ++i) {
      const bool is_held_out = i % 3 == 1 && i + 1 < count;
      (is_held_out ? split.held_out : split.fitted).push_back(i);
    }
    return {split};
  }
  for (std::size_t out = 0; out < count; ++out) {
    Split split{.held_out = {out}};
    for (std::size_t i = 0; i < count; ++i) {
      if (i != out) split.fitted.push_back(i);
    }
    splits.push_back(std::move(split));
  }
  return splits;
}

spec::HeldOutError summarise_errors(std::vector<double> errors) {
  if (errors.empty()) return {};
  for (double& error : errors) error = std::abs(error);
  const int points = static_cast<int>(errors.size());
  return {.points = points,
          .median = quantile(errors, 0.5),
          .p90 = quantile(errors, 0.9),
          .most = quantile(errors, 1)};
}

}  // namespace planewise::calibration
