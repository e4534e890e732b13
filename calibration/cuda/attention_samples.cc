#include "calibration/cuda/attention_samples.h"

#include <algorithm>
#include <cmath>

namespace planewise::calibration {
namespace {

double dot(const std::vector<float>& x, std::int64_t x_row, const std::vector<float>& y,
           std::int64_t y_row, std::int64_t columns) {
  double sum = 0;
  for (std::int64_t i = 0; i < columns; ++i) {
    sum += double{x[static_cast<std::size_t>(x_row * columns + i)]} *
           y[static_cast<std::size_t>(y_row * columns + i)];
  }
  return sum;
}

void add_row(const std::vector<float>& x, std::int64_t row, double factor,
             std::vector<double>& sum) {
  const std::size_t first = static_cast<std::size_t>(row) * sum.size();
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += factor * x[first + i];
}

std::vector<float> to_floats(const std::vector<double>& x) { return {x.begin(), x.end()}; }

double root(const AttentionHead& h) { return std::sqrt(static_cast<double>(h.qk_columns)); }

double score(const AttentionHead& h, std::int64_t query, std::int64_t key) {
  return dot(h.q, query, h.k, key, h.qk_columns) / root(h);
}

double probability(const AttentionHead& h, std::int64_t query, std::int64_t key) {
  return std::exp(score(h, query, key) - h.log_sums[static_cast<std::size_t>(query)]);
}

/// Of the scaled score: p x (d_o . v - d_o . o).
double score_gradient(const AttentionHead& h, std::int64_t query, std::int64_t key) {
  return probability(h, query, key) *
         (dot(h.d_o, query, h.v, key, h.v_columns) - dot(h.d_o, query, h.o, query, h.v_columns));
}

std::vector<double> zeros(std::int64_t count) {
  return std::vector<double>(static_cast<std::size_t>(count));
}

}  // namespace

std::vector<float> attention_output(const AttentionHead& h, std::int64_t token) {
  std::vector<double> scores;
  for (std::int64_t key = 0; key <= token; ++key) scores.push_back(score(h, token, key));
  const double most = *std::max_element(scores.begin(), scores.end());
  double all = 0;
  std::vector<double> sum = zeros(h.v_columns);
  for (std::int64_t key = 0; key <= token; ++key) {
    const double weight = std::exp(scores[static_cast<std::size_t>(key)] - most);
    all += weight;
    add_row(h.v, key, weight, sum);
  }
  for (double& value : sum) value /= all;
  return to_floats(sum);
}

std::vector<float> attention_gradient_q(const AttentionHead& h, std::int64_t token) {
  std::vector<double> sum = zeros(h.qk_columns);
  for (std::int64_t key = 0; key <= token; ++key) {
    add_row(h.k, key, score_gradient(h, token, key) / root(h), sum);
  }
  return to_floats(sum);
}

std::vector<float> attention_gradient_k(const AttentionHead& h, std::int64_t token) {
  std::vector<double> sum = zeros(h.qk_columns);
  for (std::int64_t query = token; query < h.sequence; ++query) {
    add_row(h.q, query, score_gradient(h, query, token) / root(h), sum);
  }
  return to_floats(sum);
}

std::vector<float> attention_gradient_v(const AttentionHead& h, std::int64_t token) {
  std::vector<double> sum = zeros(h.v_columns);
  for (std::int64_t query = token; query < h.sequence; ++query) {
    add_row(h.d_o, query, probability(h, query, token), sum);
  }
  return to_floats(sum);
}

}  // namespace planewise::calibration
