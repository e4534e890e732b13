#include "calibration/measure/row_spread.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/check.h"
#include "base/random.h"

namespace planewise::calibration {
namespace {

/// `total` in parts that are as `shares`, whole numbers; what rounding leaves goes to the largest
/// remainders, of equals to the first.
std::vector<std::int64_t> whole_parts(const std::vector<double>& shares, std::int64_t total) {
  const double sum = std::accumulate(shares.begin(), shares.end(), 0.0);
  std::vector<std::int64_t> parts;
  std::vector<double> remainders;
  for (const double share : shares) {
    const double part = share / sum * static_cast<double>(total);
    parts.push_back(static_cast<std::int64_t>(std::floor(part)));
    remainders.push_back(part - std::floor(part));
  }
  std::vector<std::size_t> order(parts.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return remainders[a] > remainders[b]; });
  const std::int64_t left = total - std::accumulate(parts.begin(), parts.end(), std::int64_t{0});
  for (std::size_t i = 0; i < static_cast<std::size_t>(left); ++i) ++parts[order[i]];
  return parts;
}

}  // namespace

std::vector<std::int64_t> rows_of_groups(const Measurement& m) {
  PW_CHECK(m.shape.groups > 0);
  const auto groups = static_cast<std::size_t>(m.shape.groups);
  std::vector<double> shares(groups, 1.0);
  if (m.spread == RowSpread::uneven) {
    Random random(static_cast<std::uint64_t>(m.shape.m));
    for (double& share : shares) share = 0.7 + 0.6 * random.uniform();
  } else if (m.spread == RowSpread::zipf) {
    for (std::size_t g = 0; g < groups; ++g) shares[g] = 1 / static_cast<double>(g + 1);
  }
  return whole_parts(shares, m.shape.groups * m.shape.m);
}

}  // namespace planewise::calibration
