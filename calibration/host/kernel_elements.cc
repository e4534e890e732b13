// Timed operators that take elements, or rows, by themselves.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "calibration/host/kernel_loops.h"
#include "calibration/host/kernels.h"

namespace planewise::calibration::host {

void fast_gelu(std::span<const Bits> x, std::span<Bits> y) {
  const float root = std::sqrt(2 / std::numbers::pi_v<float>);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const float value = widen(x[i]);
    const float inner = root * (value + 0.044715F * value * value * value);
    y[i] = narrow(0.5F * value * (1 + std::tanh(inner)));
  }
}

void fast_add(std::span<const Bits> x, std::span<const Bits> y, std::span<Bits> z) {
  for (std::size_t i = 0; i < x.size(); ++i) z[i] = narrow(widen(x[i]) + widen(y[i]));
}

void fast_norm(std::span<const Bits> x, std::span<const Bits> weight, MatrixSize size,
               std::span<Bits> y) {
  for (std::int64_t row = 0; row < size.rows; ++row) {
    const std::int64_t first = row * size.columns;
    float squares = 0;
    for (std::int64_t i = 0; i < size.columns; ++i) {
      const float value = widen(x[at(first + i)]);
      squares += value * value;
    }
    const float factor = 1 / std::sqrt(squares / static_cast<float>(size.columns) + 1e-6F);
    for (std::int64_t i = 0; i < size.columns; ++i) {
      y[at(first + i)] = narrow(widen(x[at(first + i)]) * factor * widen(weight[at(i)]));
    }
  }
}

void fast_rope(std::span<Bits> x, MatrixSize size, std::int64_t head_columns,
               std::span<const float> cosines, std::span<const float> sines) {
  const std::int64_t pairs = head_columns / 2;
  for (std::int64_t row = 0; row < size.rows; ++row) {
    for (std::int64_t i = 0; i < size.columns / 2; ++i) {
      const std::size_t turn = at(row * pairs + i % pairs);
      Bits* pair = x.data() + row * size.columns + 2 * i;
      const float even = widen(pair[0]);
      const float odd = widen(pair[1]);
      pair[0] = narrow(even * cosines[turn] - odd * sines[turn]);
      pair[1] = narrow(even * sines[turn] + odd * cosines[turn]);
    }
  }
}

void fast_cross_entropy(std::span<const Bits> logits, std::span<const std::int32_t> targets,
                        MatrixSize size, std::span<float> log_sums, std::span<float> losses) {
  for (std::int64_t row = 0; row < size.rows; ++row) {
    const Bits* from = logits.data() + row * size.columns;
    float most = -INFINITY;
    for (std::int64_t i = 0; i < size.columns; ++i) most = std::max(most, widen(from[i]));
    float sum = 0;
    for (std::int64_t i = 0; i < size.columns; ++i) sum += std::exp(widen(from[i]) - most);
    log_sums[at(row)] = most + std::log(sum);
    losses[at(row)] = log_sums[at(row)] - widen(from[targets[at(row)]]);
  }
}

void fast_adamw(AdamWState& state, std::span<const float> gradient, const AdamWOptions& options) {
  const auto step = static_cast<float>(options.step);
  const float first_share = 1 - std::pow(options.first_decay, step);
  const float second_share = 1 - std::pow(options.second_decay, step);
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    const float first =
        options.first_decay * widen(state.first[i]) + (1 - options.first_decay) * gradient[i];
    const float second = options.second_decay * widen(state.second[i]) +
                         (1 - options.second_decay) * gradient[i] * gradient[i];
    const float update = first / first_share / (std::sqrt(second / second_share) + options.epsilon);
    state.master[i] -= options.rate * (update + options.weight_decay * state.master[i]);
    state.first[i] = narrow(first);
    state.second[i] = narrow(second);
    state.parameter[i] = narrow(state.master[i]);
  }
}

}  // namespace planewise::calibration::host
