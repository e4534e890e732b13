// Kernels that look at a row or an element at a time.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/check.h"
#include "calibration/host/e4m3.h"
#include "calibration/host/reference.h"

namespace planewise::calibration::host {
namespace {

constexpr double kNormEpsilon = 1e-6;
constexpr double kRopeBase = 10000;
constexpr double kGeluCubic = 0.044715;  // arXiv 1606.08415

std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

}  // namespace

std::vector<float> swiglu(std::span<const float> x, MatrixSize size) {
  PW_CHECK(x.size() == at(2 * size.count()));
  std::vector<float> result;
  for (std::int64_t row = 0; row < size.rows; ++row) {
    for (std::int64_t column = 0; column < size.columns; ++column) {
      const double gate = x[at(2 * row * size.columns + column)];
      const double up = x[at((2 * row + 1) * size.columns + column)];
      result.push_back(static_cast<float>(gate * sigmoid(gate) * up));
    }
  }
  return result;
}

std::vector<float> swiglu_backward(std::span<const float> x, std::span<const float> d_result,
                                   MatrixSize size) {
  PW_CHECK(x.size() == at(2 * size.count()));
  PW_CHECK(d_result.size() == at(size.count()));
  std::vector<float> d_x(x.size());
  for (std::int64_t row = 0; row < size.rows; ++row) {
    for (std::int64_t column = 0; column < size.columns; ++column) {
      const std::size_t gate_at = at(2 * row * size.columns + column);
      const std::size_t up_at = gate_at + at(size.columns);
      const double gate = x[gate_at];
      const double s = sigmoid(gate);
      const double d = d_result[at(row * size.columns + column)];
      // silu' = s + gate s (1 - s)
      d_x[gate_at] = static_cast<float>(d * x[up_at] * (s + gate * s * (1 - s)));
      d_x[up_at] = static_cast<float>(d * gate * s);
    }
  }
  return d_x;
}

std::vector<float> gelu(std::span<const float> x) {
  std::vector<float> result(x.size());
  std::transform(x.begin(), x.end(), result.begin(), [](double v) {
    const double inner = std::sqrt(2 / std::numbers::pi) * (v + kGeluCubic * v * v * v);
    return static_cast<float>(0.5 * v * (1 + std::tanh(inner)));
  });
  return result;
}

std::vector<float> norm(std::span<const float> x, std::span<const float> weight, MatrixSize size) {
  PW_CHECK(x.size() == at(size.count()));
  PW_CHECK(weight.size() == at(size.columns));
  std::vector<float> result(x.size());
  for (std::int64_t row = 0; row < size.rows; ++row) {
    const auto values = x.subspan(at(row * size.columns), at(size.columns));
    double squares = 0;
    for (const double value : values) squares += value * value;
    const double factor = 1 / std::sqrt(squares / static_cast<double>(size.columns) + kNormEpsilon);
    for (std::size_t column = 0; column < values.size(); ++column) {
      result[at(row * size.columns) + column] =
          static_cast<float>(values[column] * factor * weight[column]);
    }
  }
  return result;
}

std::vector<float> rope(std::span<const float> x, MatrixSize size, std::int64_t head_columns) {
  PW_CHECK(x.size() == at(size.count()));
  PW_CHECK(size.columns % head_columns == 0);
  PW_CHECK(head_columns % 2 == 0);
  std::vector<float> result(x.size());
  for (std::int64_t row = 0; row < size.rows; ++row) {
    for (std::int64_t column = 0; column < size.columns; column += 2) {
      const double exponent =
          -static_cast<double>(column % head_columns) / static_cast<double>(head_columns);
      const double angle = static_cast<double>(row) * std::pow(kRopeBase, exponent);
      const std::size_t i = at(row * size.columns + column);
      const double real = x[i];
      const double imaginary = x[i + 1];
      result[i] = static_cast<float>(real * std::cos(angle) - imaginary * std::sin(angle));
      result[i + 1] = static_cast<float>(real * std::sin(angle) + imaginary * std::cos(angle));
    }
  }
  return result;
}

std::vector<float> embedding(std::span<const float> table, std::int64_t columns,
                             std::span<const std::int32_t> ids) {
  std::vector<float> result;
  for (const std::int32_t id : ids) {
    const auto row = table.subspan(at(id * columns), at(columns));
    result.insert(result.end(), row.begin(), row.end());
  }
  return result;
}

CrossEntropy cross_entropy(std::span<const float> logits, std::span<const std::int32_t> targets,
                           MatrixSize size) {
  PW_CHECK(logits.size() == at(size.count()));
  PW_CHECK(targets.size() == at(size.rows));
  CrossEntropy result;
  for (std::int64_t row = 0; row < size.rows; ++row) {
    const auto values = logits.subspan(at(row * size.columns), at(size.columns));
    const double most = *std::max_element(values.begin(), values.end());
    double sum = 0;
    for (const double value : values) sum += std::exp(value - most);
    const double log_sum = most + std::log(sum);
    result.log_sums.push_back(static_cast<float>(log_sum));
    result.losses.push_back(static_cast<float>(log_sum - values[at(targets[at(row)])]));
  }
  return result;
}

AdamWState adamw(const AdamWState& state, std::span<const float> gradient,
                 const AdamWOptions& options) {
  const auto corrected = [&](float decay) {
    return static_cast<float>(1 - std::pow(static_cast<double>(decay), options.step));
  };
  const float first_share = corrected(options.first_decay);
  const float second_share = corrected(options.second_decay);
  AdamWState result;
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    const float g = gradient[i];
    const float first =
        options.first_decay * from_bf16(state.first[i]) + (1 - options.first_decay) * g;
    const float second =
        options.second_decay * from_bf16(state.second[i]) + (1 - options.second_decay) * g * g;
    const float direction =
        first / first_share / (std::sqrt(second / second_share) + options.epsilon);
    const float master =
        state.master[i] - options.rate * (direction + options.weight_decay * state.master[i]);
    result.master.push_back(master);
    result.first.push_back(to_bf16(first));
    result.second.push_back(to_bf16(second));
    result.parameter.push_back(to_bf16(master));
  }
  return result;
}

}  // namespace planewise::calibration::host
