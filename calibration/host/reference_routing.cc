// Which experts a token goes to, and the way there and back.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/check.h"
#include "calibration/host/reference.h"

namespace planewise::calibration::host {
namespace {

std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }

/// Indices of the `count` largest, the largest first; of equals the lower index.
std::vector<std::size_t> largest(std::span<const float> values, int count) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return values[a] > values[b]; });
  order.resize(std::min(order.size(), at(count)));
  return order;
}

float group_score(std::span<const float> biased) {
  float sum = 0;
  for (const std::size_t index : largest(biased, 2)) sum += biased[index];
  return sum;
}

/// The experts of one token.
std::vector<std::size_t> chosen(std::span<const float> biased, const RouterOptions& options) {
  const std::size_t in_group = biased.size() / at(options.expert_groups);
  std::vector<float> groups;
  for (std::size_t first = 0; first < biased.size(); first += in_group) {
    groups.push_back(group_score(biased.subspan(first, in_group)));
  }
  std::vector<float> left(biased.size(), -std::numeric_limits<float>::infinity());
  for (const std::size_t group : largest(groups, options.groups_per_token)) {
    const auto first = static_cast<std::ptrdiff_t>(group * in_group);
    std::copy_n(biased.begin() + first, in_group, left.begin() + first);
  }
  return largest(left, options.experts_per_token);
}

}  // namespace

Routing route(std::span<const float> scores, std::span<const float> bias, MatrixSize size,
              const RouterOptions& options) {
  PW_CHECK(scores.size() == at(size.count()));
  PW_CHECK(bias.size() == at(size.columns));
  PW_CHECK(size.columns % options.expert_groups == 0);
  PW_CHECK(options.experts_per_token <=
           size.columns / options.expert_groups * options.groups_per_token);
  Routing routing;
  for (std::int64_t token = 0; token < size.rows; ++token) {
    std::vector<float> sigmoids(at(size.columns));
    std::vector<float> biased(at(size.columns));
    for (std::size_t expert = 0; expert < biased.size(); ++expert) {
      sigmoids[expert] = 1 / (1 + std::exp(-scores[at(token * size.columns) + expert]));
      biased[expert] = sigmoids[expert] + bias[expert];
    }
    double sum = 0;
    const std::vector<std::size_t> experts = chosen(biased, options);
    for (const std::size_t expert : experts) sum += sigmoids[expert];
    for (const std::size_t expert : experts) {
      routing.experts.push_back(static_cast<std::int32_t>(expert));
      routing.weights.push_back(static_cast<float>(sigmoids[expert] / sum * options.routing_scale));
    }
  }
  return routing;
}

Segments contiguous_segments(std::span<const std::int64_t> counts) {
  Segments segments;
  for (const std::int64_t count : counts) {
    segments.first.push_back(segments.rows_all);
    segments.count.push_back(count);
    segments.rows_all += padded(count);
  }
  return segments;
}

Segments masked_segments(std::span<const std::int64_t> counts, std::int64_t room) {
  Segments segments;
  for (const std::int64_t count : counts) {
    PW_CHECK(count <= room);
    segments.first.push_back(segments.rows_all);
    segments.count.push_back(count);
    segments.rows_all += room;
  }
  return segments;
}

Permutation permutation_of(std::span<const std::int32_t> experts, int experts_per_token,
                           int local_experts) {
  std::vector<std::int64_t> counts(at(local_experts));
  for (const std::int32_t expert : experts) ++counts[at(expert % local_experts)];
  Permutation permutation{.experts_per_token = experts_per_token,
                          .segments = contiguous_segments(counts)};
  permutation.pair_of_row.assign(at(permutation.segments.rows_all), -1);
  std::vector<std::int64_t> next = permutation.segments.first;
  for (std::size_t pair = 0; pair < experts.size(); ++pair) {
    const std::int64_t row = next[at(experts[pair] % local_experts)]++;
    permutation.row_of_pair.push_back(static_cast<std::int32_t>(row));
    permutation.pair_of_row[at(row)] = static_cast<std::int32_t>(pair);
  }
  return permutation;
}

std::vector<float> gather(std::span<const float> x, std::int64_t columns,
                          const Permutation& permutation, std::span<const float> weights) {
  std::vector<float> result(at(permutation.segments.rows_all * columns));
  for (std::size_t row = 0; row < permutation.pair_of_row.size(); ++row) {
    const std::int32_t pair = permutation.pair_of_row[row];
    if (pair < 0) continue;
    const float weight = weights.empty() ? 1 : weights[at(pair)];
    for (std::size_t column = 0; column < at(columns); ++column) {
      result[row * at(columns) + column] =
          x[at(pair / permutation.experts_per_token * columns) + column] * weight;
    }
  }
  return result;
}

RowQuantised gather(const RowQuantised& x, const Permutation& permutation,
                    std::span<const float> weights) {
  const std::size_t rows = permutation.pair_of_row.size();
  const std::size_t columns = at(x.size.columns);
  const std::size_t blocks = columns / at(kScaleBlock);
  RowQuantised result{.size = {permutation.segments.rows_all, x.size.columns}};
  result.values.resize(rows * columns);
  result.scales.resize(rows * blocks);
  for (std::size_t row = 0; row < rows; ++row) {
    const std::int32_t pair = permutation.pair_of_row[row];
    if (pair < 0) continue;
    const std::size_t token = at(pair / permutation.experts_per_token);
    const float weight = weights.empty() ? 1 : weights[at(pair)];
    std::copy_n(x.values.begin() + static_cast<std::ptrdiff_t>(token * columns), columns,
                result.values.begin() + static_cast<std::ptrdiff_t>(row * columns));
    for (std::size_t block = 0; block < blocks; ++block) {
      result.scales[block * rows + row] = x.scales[block * at(x.size.rows) + token] * weight;
    }
  }
  return result;
}

std::vector<float> combine(std::span<const float> y, std::int64_t columns,
                           const Permutation& permutation, std::span<const float> weights) {
  const std::size_t pairs = permutation.row_of_pair.size();
  const std::size_t tokens = pairs / at(permutation.experts_per_token);
  std::vector<double> sums(tokens * at(columns));
  for (std::size_t pair = 0; pair < pairs; ++pair) {
    const std::size_t token = pair / at(permutation.experts_per_token);
    const double weight = weights.empty() ? 1 : weights[pair];
    for (std::size_t column = 0; column < at(columns); ++column) {
      sums[token * at(columns) + column] +=
          weight * y[at(permutation.row_of_pair[pair] * columns) + column];
    }
  }
  return {sums.begin(), sums.end()};
}

}  // namespace planewise::calibration::host
