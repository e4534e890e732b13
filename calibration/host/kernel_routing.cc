// Timed router, gather and combine.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <vector>

#include "base/check.h"
#include "calibration/host/kernel_loops.h"
#include "calibration/host/kernels.h"

namespace planewise::calibration::host {
namespace {

/// The sum of a group's two best.
float group_score(const float* biased, std::int64_t count) {
  float best = -INFINITY;
  float second = -INFINITY;
  for (std::int64_t i = 0; i < count; ++i) {
    second = std::max(second, std::min(best, biased[i]));
    best = std::max(best, biased[i]);
  }
  return best + second;
}

/// Marks with -infinity all groups but the best; of equals the first stays.
void close_groups(std::vector<float>& biased, const RouterOptions& options) {
  const auto groups = static_cast<std::size_t>(options.expert_groups);
  const std::size_t size = biased.size() / groups;
  std::vector<float> scores;
  for (std::size_t g = 0; g < groups; ++g) {
    scores.push_back(group_score(biased.data() + g * size, static_cast<std::int64_t>(size)));
  }
  for (std::size_t g = 0; g < groups; ++g) {
    int before = 0;
    for (std::size_t other = 0; other < groups; ++other) {
      before += scores[other] > scores[g] || (scores[other] == scores[g] && other < g);
    }
    if (before < options.groups_per_token) continue;
    std::fill_n(biased.begin() + static_cast<std::ptrdiff_t>(g * size), size, -INFINITY);
  }
}

}  // namespace

void fast_route(std::span<const float> scores, std::span<const float> bias, MatrixSize size,
                const RouterOptions& options, Routing& routing) {
  const auto k = static_cast<std::size_t>(options.experts_per_token);
  std::vector<float> sigmoids(at(size.columns));
  std::vector<float> biased(at(size.columns));
  for (std::int64_t token = 0; token < size.rows; ++token) {
    for (std::int64_t e = 0; e < size.columns; ++e) {
      sigmoids[at(e)] = 1 / (1 + std::exp(-scores[at(token * size.columns + e)]));
      biased[at(e)] = sigmoids[at(e)] + bias[at(e)];
    }
    close_groups(biased, options);
    float sum = 0;
    const std::size_t first = at(token) * k;
    for (std::size_t i = 0; i < k; ++i) {
      const auto best = std::max_element(biased.begin(), biased.end());
      const auto expert = static_cast<std::size_t>(best - biased.begin());
      *best = -INFINITY;
      routing.experts[first + i] = static_cast<std::int32_t>(expert);
      routing.weights[first + i] = sigmoids[expert];
      sum += sigmoids[expert];
    }
    const float factor = static_cast<float>(options.routing_scale) / sum;
    for (std::size_t i = 0; i < k; ++i) routing.weights[first + i] *= factor;
  }
}

void fast_gather(const RowQuantised& x, const Permutation& p, std::span<const float> weights,
                 RowQuantised& y) {
  const std::int64_t columns = x.size.columns;
  for (std::int64_t row = 0; row < y.size.rows; ++row) {
    const std::int32_t pair = p.pair_of_row[at(row)];
    std::uint8_t* to = y.values.data() + row * columns;
    const std::int64_t token = pair < 0 ? 0 : pair / p.experts_per_token;
    const float weight = pair < 0 ? 0.0F : (weights.empty() ? 1.0F : weights[at(pair)]);
    if (pair < 0) {
      std::memset(to, 0, at(columns));
    } else {
      std::memcpy(to, x.values.data() + token * columns, at(columns));
    }
    for (std::int64_t b = 0; b < columns / kScaleBlock; ++b) {
      y.scales[at(b * y.size.rows + row)] = weight * x.scales[at(b * x.size.rows + token)];
    }
  }
}

void fast_gather(std::span<const Bits> x, std::int64_t columns, const Permutation& p,
                 std::span<const float> weights, std::span<Bits> y) {
  for (std::size_t row = 0; row < p.pair_of_row.size(); ++row) {
    const std::int32_t pair = p.pair_of_row[row];
    Bits* to = y.data() + row * at(columns);
    if (pair < 0) {
      std::memset(to, 0, at(columns) * sizeof(Bits));
      continue;
    }
    const Bits* from = x.data() + pair / p.experts_per_token * columns;
    if (weights.empty()) {
      std::memcpy(to, from, at(columns) * sizeof(Bits));
      continue;
    }
    for (std::int64_t i = 0; i < columns; ++i) to[i] = narrow(weights[at(pair)] * widen(from[i]));
  }
}

void fast_combine(std::span<const Bits> y, std::int64_t columns, const Permutation& p,
                  std::span<const float> weights, std::span<Bits> out) {
  const auto k = static_cast<std::size_t>(p.experts_per_token);
  std::vector<float> sum(at(columns));
  for (std::size_t token = 0; token < p.row_of_pair.size() / k; ++token) {
    std::fill(sum.begin(), sum.end(), 0.0F);
    for (std::size_t pair = token * k; pair < token * k + k; ++pair) {
      const Bits* from = y.data() + p.row_of_pair[pair] * columns;
      const float weight = weights.empty() ? 1.0F : weights[pair];
      for (std::int64_t i = 0; i < columns; ++i) sum[at(i)] += weight * widen(from[i]);
    }
    for (std::int64_t i = 0; i < columns; ++i) {
      out[token * at(columns) + at(i)] = narrow(sum[at(i)]);
    }
  }
}

}  // namespace planewise::calibration::host
