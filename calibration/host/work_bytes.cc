// Memory-bound operators on the processor: all of their results against reference.h.
#include <cmath>
#include <functional>
#include <memory>
#include <numbers>

#include "base/check.h"
#include "base/random.h"
#include "calibration/host/e4m3.h"
#include "calibration/host/host_bench.h"
#include "calibration/host/kernel_loops.h"

namespace planewise::calibration::host {
namespace {

/// Inputs and results of a set; which are used, and how large, is up to the operator.
struct Set {
  std::vector<Bits> x{}, y{}, z{}, more{};
  RowQuantised rows{}, turned{};
  std::vector<std::int32_t> ids{};
  std::vector<float> first{}, second{};
  AdamWState state{};
};

struct Operator {
  MatrixSize size{};
  LayerSizes sizes{};
  std::vector<Bits> table{};  ///< Embedding: [vocabulary, columns]; norm: weights.
  std::vector<float> cosines{}, sines{};
  std::vector<Set> sets = std::vector<Set>(2);
  Set before{};  ///< Set 0 as it was filled.

  std::function<void(Operator&, Set&, std::uint64_t seed)> fill{};
  std::function<void(const Operator&, Set&)> launch{};
  std::function<std::vector<CheckResult>(const Operator&)> compare{};
};

/// BF16 results: rounding alone is between them and the reference.
std::vector<CheckResult> near(std::span<const Bits> ours, const std::vector<float>& expected) {
  return {difference_check("dequantised", from_bf16(ours), expected, kDequantisedLimit)};
}

void take_x(const Operator& op, Set& set, std::uint64_t seed) {
  set.x = random_bits(op.size.count(), 1, seed);
  set.y.resize(set.x.size());
}

std::vector<std::int32_t> random_ids(std::int64_t count, std::int64_t limit, std::uint64_t seed) {
  Random random(seed);
  std::vector<std::int32_t> ids;
  for (std::int64_t i = 0; i < count; ++i) {
    ids.push_back(static_cast<std::int32_t>(random.integer(0, limit - 1)));
  }
  return ids;
}

Operator norm_operator() {
  Operator op;
  op.fill = [](Operator& o, Set& set, std::uint64_t seed) {
    take_x(o, set, seed);
    o.table = random_bits(o.size.columns, 1, fold_bits(seed, 9));
  };
  op.launch = [](const Operator& o, Set& set) { fast_norm(set.x, o.table, o.size, set.y); };
  op.compare = [](const Operator& o) {
    return near(o.sets[0].y, norm(from_bf16(o.sets[0].x), from_bf16(o.table), o.size));
  };
  return op;
}

Operator gelu_operator() {
  Operator op;
  op.fill = take_x;
  op.launch = [](const Operator&, Set& set) { fast_gelu(set.x, set.y); };
  op.compare = [](const Operator& o) { return near(o.sets[0].y, gelu(from_bf16(o.sets[0].x))); };
  return op;
}

Operator copy_operator() {
  Operator op;
  op.fill = take_x;
  op.launch = [](const Operator&, Set& set) {
    std::copy(set.x.begin(), set.x.end(), set.y.begin());
  };
  op.compare = [](const Operator& o) { return near(o.sets[0].y, from_bf16(o.sets[0].x)); };
  return op;
}

Operator add_operator() {
  Operator op;
  op.fill = [](Operator& o, Set& set, std::uint64_t seed) {
    take_x(o, set, seed);
    set.z = random_bits(o.size.count(), 1, fold_bits(seed, 3));
  };
  op.launch = [](const Operator&, Set& set) { fast_add(set.x, set.z, set.y); };
  op.compare = [](const Operator& o) {
    std::vector<float> sum = from_bf16(o.sets[0].x);
    const std::vector<float> other = from_bf16(o.sets[0].z);
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += other[i];
    return near(o.sets[0].y, sum);
  };
  return op;
}

/// In place: y is what is turned.
Operator rope_operator() {
  Operator op;
  op.fill = [](Operator& o, Set& set, std::uint64_t seed) {
    set.y = random_bits(o.size.count(), 1, seed);
    const std::int64_t pairs = o.sizes.qk_rope_head_dim / 2;
    o.cosines.clear();
    o.sines.clear();
    for (std::int64_t row = 0; row < o.size.rows; ++row) {
      for (std::int64_t i = 0; i < pairs; ++i) {
        const double share = static_cast<double>(i) / static_cast<double>(pairs);
        const double angle = static_cast<double>(row) * std::pow(1e4, -share);
        o.cosines.push_back(static_cast<float>(std::cos(angle)));
        o.sines.push_back(static_cast<float>(std::sin(angle)));
      }
    }
  };
  op.launch = [](const Operator& o, Set& set) {
    fast_rope(set.y, o.size, o.sizes.qk_rope_head_dim, o.cosines, o.sines);
  };
  op.compare = [](const Operator& o) {
    return near(o.sets[0].y, rope(from_bf16(o.before.y), o.size, o.sizes.qk_rope_head_dim));
  };
  return op;
}

Operator embedding_operator() {
  Operator op;
  op.fill = [](Operator& o, Set& set, std::uint64_t seed) {
    o.table = random_bits(o.sizes.vocabulary * o.size.columns, 1, fold_bits(7, 7));
    set.ids = random_ids(o.size.rows, o.sizes.vocabulary, seed);
    set.y.resize(at(o.size.count()));
  };
  op.launch = [](const Operator& o, Set& set) {
    for (std::int64_t row = 0; row < o.size.rows; ++row) {
      const auto from = o.table.begin() + set.ids[at(row)] * o.size.columns;
      std::copy_n(from, o.size.columns, set.y.begin() + row * o.size.columns);
    }
  };
  op.compare = [](const Operator& o) {
    return near(o.sets[0].y, embedding(from_bf16(o.table), o.size.columns, o.sets[0].ids));
  };
  return op;
}

Operator cross_entropy_operator() {
  Operator op;
  op.fill = [](Operator& o, Set& set, std::uint64_t seed) {
    set.x = random_bits(o.size.count(), 1, seed);
    set.ids = random_ids(o.size.rows, o.size.columns, fold_bits(seed, 3));
    set.first.resize(at(o.size.rows));
    set.second.resize(at(o.size.rows));
  };
  op.launch = [](const Operator& o, Set& set) {
    fast_cross_entropy(set.x, set.ids, o.size, set.first, set.second);
  };
  op.compare = [](const Operator& o) -> std::vector<CheckResult> {
    const CrossEntropy expected = cross_entropy(from_bf16(o.sets[0].x), o.sets[0].ids, o.size);
    return {difference_check("dequantised", o.sets[0].second, expected.losses, kDequantisedLimit)};
  };
  return op;
}

/// In place, on the state.
Operator optimizer_operator() {
  Operator op;
  op.fill = [](Operator& o, Set& set, std::uint64_t seed) {
    const std::int64_t count = o.size.count();
    set.first = random_floats(count, 1e-2, seed);
    set.state = {.master = random_floats(count, 1, fold_bits(seed, 1)),
                 .first = std::vector<Bits>(at(count)),
                 .second = std::vector<Bits>(at(count)),
                 .parameter = std::vector<Bits>(at(count))};
  };
  op.launch = [](const Operator&, Set& set) { fast_adamw(set.state, set.first, {}); };
  op.compare = [](const Operator& o) -> std::vector<CheckResult> {
    const AdamWState expected = adamw(o.before.state, o.before.first, {});
    return {difference_check("dequantised", o.sets[0].state.master, expected.master, 1e-9),
            difference_check("dequantised", from_bf16(o.sets[0].state.second),
                             from_bf16(expected.second), kDequantisedLimit)};
  };
  return op;
}

Operator quantise_operator() {
  Operator op;
  op.fill = [](Operator& o, Set& set, std::uint64_t seed) {
    set.x = random_bits(o.size.count(), 1, seed);
    set.rows = empty_rows(o.size);
  };
  op.launch = [](const Operator&, Set& set) { fast_quantise(set.x, set.rows); };
  op.compare = [](const Operator& o) -> std::vector<CheckResult> {
    const std::vector<float> x = from_bf16(o.sets[0].x);
    return {exact_check(o.sets[0].rows, quantise(x, o.size)),
            difference_check("unquantised", dequantise(o.sets[0].rows), x, kUnquantisedLimit)};
  };
  return op;
}

Operator quantise_backward_operator() {
  Operator op = quantise_operator();
  op.fill = [](Operator& o, Set& set, std::uint64_t seed) {
    set.x = random_bits(o.size.count(), 1, seed);
    set.rows = empty_rows(o.size);
    set.turned = empty_rows({o.size.columns, o.size.rows});
  };
  op.launch = [](const Operator& o, Set& set) {
    fast_quantise(set.x, set.rows);
    fast_quantise_transposed(set.x, o.size, set.turned);
  };
  op.compare = [](const Operator& o) -> std::vector<CheckResult> {
    const std::vector<float> x = from_bf16(o.sets[0].x);
    return {exact_check(o.sets[0].rows, quantise(x, o.size)),
            exact_check(o.sets[0].turned, quantise_transposed(x, o.size))};
  };
  return op;
}

Operator requantise_operator() {
  Operator op;
  op.fill = [](Operator& o, Set& set, std::uint64_t seed) {
    set.rows = quantise(random_floats(o.size.count(), 1, seed), o.size);
    set.turned = empty_rows({o.size.columns, o.size.rows});
  };
  op.launch = [](const Operator&, Set& set) { fast_requantise_transposed(set.rows, set.turned); };
  op.compare = [](const Operator& o) -> std::vector<CheckResult> {
    return {exact_check(o.sets[0].turned, requantise_transposed(o.sets[0].rows))};
  };
  return op;
}

void take_gate_up(const Operator& op, Set& set, std::uint64_t seed) {
  set.x = random_bits(2 * op.size.count(), 1, seed);
  set.y.resize(at(op.size.count()));
}

Operator swiglu_operator() {
  Operator op;
  op.fill = take_gate_up;
  op.launch = [](const Operator& o, Set& set) { fast_swiglu(set.x, o.size, set.y); };
  op.compare = [](const Operator& o) {
    return near(o.sets[0].y, swiglu(from_bf16(o.sets[0].x), o.size));
  };
  return op;
}

Operator swiglu_quantise_operator() {
  Operator op;
  op.fill = [](Operator& o, Set& set, std::uint64_t seed) {
    take_gate_up(o, set, seed);
    set.rows = empty_rows(o.size);
  };
  op.launch = [](const Operator&, Set& set) { fast_swiglu_quantise(set.x, set.rows); };
  op.compare = [](const Operator& o) -> std::vector<CheckResult> {
    return {difference_check("unquantised", dequantise(o.sets[0].rows),
                             swiglu(from_bf16(o.sets[0].x), o.size), kUnquantisedLimit)};
  };
  return op;
}

Operator swiglu_backward_operator() {
  Operator op;
  op.fill = [](Operator& o, Set& set, std::uint64_t seed) {
    take_gate_up(o, set, seed);
    set.z = random_bits(o.size.count(), 1, fold_bits(seed, 3));
    set.more.resize(set.x.size());
  };
  op.launch = [](const Operator& o, Set& set) {
    fast_swiglu_backward(set.x, set.z, o.size, set.y, set.more);
  };
  op.compare = [](const Operator& o) {
    const std::vector<float> x = from_bf16(o.sets[0].x);
    std::vector<CheckResult> checks = near(o.sets[0].y, swiglu(x, o.size));
    checks.push_back(
        near(o.sets[0].more, swiglu_backward(x, from_bf16(o.sets[0].z), o.size)).front());
    return checks;
  };
  return op;
}

Operator operator_of(Kernel kernel) {
  switch (kernel) {
    case Kernel::norm:
      return norm_operator();
    case Kernel::gelu:
      return gelu_operator();
    case Kernel::copy:
      return copy_operator();
    case Kernel::elementwise:
      return add_operator();
    case Kernel::rope:
      return rope_operator();
    case Kernel::embedding:
      return embedding_operator();
    case Kernel::cross_entropy:
      return cross_entropy_operator();
    case Kernel::optimizer:
      return optimizer_operator();
    case Kernel::quantise:
      return quantise_operator();
    case Kernel::quantise_backward:
      return quantise_backward_operator();
    case Kernel::requantise_transposed:
      return requantise_operator();
    case Kernel::swiglu:
      return swiglu_operator();
    case Kernel::swiglu_quantise:
      return swiglu_quantise_operator();
    case Kernel::swiglu_backward:
      return swiglu_backward_operator();
    default:
      PW_UNREACHABLE("no memory-bound operator by itself");
  }
}

/// What is turned in place, or read, stays as it is.
void poison_results(Kernel kernel, Set& set) {
  if (kernel == Kernel::optimizer) {
    poison(std::span(set.state.parameter));
    return;
  }
  if (kernel != Kernel::rope) poison(std::span(set.y));
  poison(std::span(set.more));
  poison(std::span(set.first));
  poison(std::span(set.second));
  if (kernel != Kernel::requantise_transposed) poison(set.rows);
  poison(set.turned);
}

}  // namespace

HostWork byte_work(const Measurement& m, const LayerSizes& sizes) {
  const auto op = std::make_shared<Operator>(operator_of(m.kernel));
  op->size = {m.rows, m.width};
  op->sizes = sizes;
  const Kernel kernel = m.kernel;
  return {.fill =
              [op](std::uint64_t seed) {
                for (std::size_t i = 0; i < op->sets.size(); ++i) {
                  op->fill(*op, op->sets[i], fold_bits(seed, i));
                }
                op->before = op->sets.front();
              },
          .poison =
              [op, kernel] {
                for (Set& set : op->sets) poison_results(kernel, set);
              },
          .launch = [op](int set) { op->launch(*op, op->sets.at(static_cast<std::size_t>(set))); },
          .compare = [op](std::uint64_t) { return op->compare(*op); }};
}

}  // namespace planewise::calibration::host
