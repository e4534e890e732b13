// Linear least squares whose solution has no negative part.
#pragma once

#include <cstddef>
#include <vector>

namespace planewise::calibration {

/// Rows of `columns` factors each, one after the other, and what each row should come to.
struct LinearSystem {
  std::size_t columns = 0;
  std::vector<double> factors{};
  std::vector<double> targets{};
};

/// The x >= 0 that minimises |A x - b|^2, by the method of Lawson and Hanson (Solving Least Squares
/// Problems, 1974, chapter 23). Shape: [columns]. Of several such x any.
std::vector<double> non_negative_least_squares(const LinearSystem& system);

}  // namespace planewise::calibration
