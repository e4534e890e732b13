#include "calibration/cuda/bench_layer.h"

#include <fmt/format.h>

#include <utility>

#include "base/random.h"
#include "calibration/cuda/byte_work.h"
#include "calibration/cuda/gpu_bench.h"
#include "calibration/cuda/moe_layer.h"
#include "calibration/host/reference.h"

namespace planewise::calibration {
namespace {

using Bits = std::uint16_t;
using Checks = std::vector<CheckResult>;

/// Three roundings in a row (input, activation, weights) forward, of which one product has
/// DeepGEMM's limit of 1e-3; twice as many backward.
constexpr double kForwardLimit = 4e-3;
constexpr double kBackwardLimit = 8e-3;

/// A set: its inputs, and a layer for each way to compute the experts.
struct Set {
  std::unique_ptr<LayerInputs> inputs;
  std::vector<std::unique_ptr<MoeLayer>> ways;
};

struct Layers {
  std::vector<Set> sets;
  std::unique_ptr<MoeLayer> reference;  ///< Of set 0, in BF16.
  bool is_backward = false;
};

double difference_to(const Buffer& ours, const Buffer& reference, cudaStream_t stream) {
  const auto count = static_cast<std::int64_t>(ours.size() / sizeof(Bits));
  Buffer wide(static_cast<std::size_t>(count) * sizeof(float));
  widen(reference.as<Bits>(), count, wide.as<float>(), stream);
  DifferenceSum sum;
  sum.add(ours.as<Bits>(), wide.as<float>(), count, stream);
  return sum.value();
}

double fp32_difference(const Buffer& ours, const Buffer& reference, cudaStream_t stream) {
  DifferenceSum sum;
  sum.add(ours.as<float>(), reference.as<float>(),
          static_cast<std::int64_t>(ours.size() / sizeof(float)), stream);
  return sum.value();
}

CheckResult unquantised(const char* what, double value, double limit) {
  return {.reference = fmt::format("unquantised, {}", what),
          .metric = "difference",
          .value = value,
          .limit = limit};
}

/// One (token, expert) pair as the processor computes it.
struct Pair {
  std::vector<float> gate_up{};  ///< Weights [2 x width, hidden].
  std::vector<float> down{};     ///< [hidden, width].
  std::vector<float> inner{};    ///< Gate and up of the token.
  float weight = 0;
};

constexpr int kOneRow = 1;

std::vector<float> row_product(const std::vector<float>& x, const std::vector<float>& w,
                               host::MatrixSize size) {
  const host::Segments one{.first = {0}, .count = {kOneRow}, .rows_all = kOneRow};
  return host::product(x, w, one, size);
}

/// Of one token, from the routing that the GPU chose.
std::vector<Pair> pairs_of(const LayerInputs& in, std::int64_t token, cudaStream_t stream) {
  const LayerSizes& s = in.sizes;
  const std::int64_t k = s.experts_per_token;
  const auto x = to_host(in.x.as<Bits>() + token * s.hidden, s.hidden, stream);
  const auto experts = to_host(in.experts.as<std::int32_t>() + token * k, k, stream);
  const auto weights = to_host(in.weights.as<float>() + token * k, k, stream);
  std::vector<Pair> pairs;
  for (std::size_t i = 0; i < experts.size(); ++i) {
    const std::int64_t local = experts[i] % s.local_experts;
    const std::int64_t size = s.expert_width * s.hidden;
    Pair pair{.gate_up = to_host(in.gate_up.as<Bits>() + local * 2 * size, 2 * size, stream),
              .down = to_host(in.down.as<Bits>() + local * size, size, stream),
              .weight = weights[i]};
    pair.inner = row_product(x, pair.gate_up, {2 * s.expert_width, s.hidden});
    pairs.push_back(std::move(pair));
  }
  return pairs;
}

CheckResult check_output(const LayerInputs& in, const MoeLayer& layer, std::uint64_t seed,
                         cudaStream_t stream) {
  const LayerSizes& s = in.sizes;
  const std::int64_t token = Random(seed).integer(0, in.tokens - 1);
  std::vector<float> expected(static_cast<std::size_t>(s.hidden));
  for (const Pair& pair : pairs_of(in, token, stream)) {
    const auto act = host::swiglu(pair.inner, {kOneRow, s.expert_width});
    const auto y = row_product(act, pair.down, {s.hidden, s.expert_width});
    for (std::size_t j = 0; j < y.size(); ++j) expected[j] += pair.weight * y[j];
  }
  const auto ours = to_host(layer.out().as<Bits>() + token * s.hidden, s.hidden, stream);
  return row_check(ours, expected, kForwardLimit);
}

/// w [rows, columns] to [columns, rows].
std::vector<float> turned(const std::vector<float>& w, host::MatrixSize size) {
  return host::transpose(w, size);
}

CheckResult check_input_gradient(const LayerInputs& in, const MoeLayer& layer, std::uint64_t seed,
                                 cudaStream_t stream) {
  const LayerSizes& s = in.sizes;
  const std::int64_t token = Random(seed).integer(0, in.tokens - 1);
  const auto d_out = to_host(in.d_out.as<Bits>() + token * s.hidden, s.hidden, stream);
  std::vector<float> expected(static_cast<std::size_t>(s.hidden));
  for (const Pair& pair : pairs_of(in, token, stream)) {
    std::vector<float> d_y = d_out;
    for (float& value : d_y) value *= pair.weight;
    const auto d_act =
        row_product(d_y, turned(pair.down, {s.hidden, s.expert_width}), {s.expert_width, s.hidden});
    const auto d_inner = host::swiglu_backward(pair.inner, d_act, {kOneRow, s.expert_width});
    const auto d_x = row_product(d_inner, turned(pair.gate_up, {2 * s.expert_width, s.hidden}),
                                 {s.hidden, 2 * s.expert_width});
    for (std::size_t j = 0; j < d_x.size(); ++j) expected[j] += d_x[j];
  }
  const auto ours = to_host(layer.d_x().as<Bits>() + token * s.hidden, s.hidden, stream);
  return row_check(ours, expected, kBackwardLimit);
}

Checks check_layer(const Layers& all, std::size_t way, std::uint64_t seed, cudaStream_t stream) {
  const Set& set = all.sets.front();
  const MoeLayer& ours = *set.ways.at(way);
  Checks checks;
  if (!all.is_backward) {
    if (all.reference) {
      checks.push_back(unquantised(
          "output", difference_to(ours.out(), all.reference->out(), stream), kForwardLimit));
    }
    checks.push_back(check_output(*set.inputs, ours, seed, stream));
    return checks;
  }
  checks.push_back(check_input_gradient(*set.inputs, ours, seed, stream));
  if (!all.reference) return checks;  // weight gradients in BF16 are products, checked as such
  checks.push_back(
      unquantised("dx", difference_to(ours.d_x(), all.reference->d_x(), stream), kBackwardLimit));
  checks.push_back(unquantised(
      "dw of gate and up", fp32_difference(ours.d_gate_up(), all.reference->d_gate_up(), stream),
      kBackwardLimit));
  checks.push_back(unquantised("dw of down",
                               fp32_difference(ours.d_down(), all.reference->d_down(), stream),
                               kBackwardLimit));
  return checks;
}

void fill_layers(const Layers& all, std::uint64_t seed, cudaStream_t stream) {
  for (std::size_t i = 0; i < all.sets.size(); ++i) {
    const Set& set = all.sets[i];
    set.inputs->fill(fold_bits(seed, i), stream);
    for (const std::unique_ptr<MoeLayer>& way : set.ways) {
      way->poison(stream);
      way->prepare(stream);
      way->forward(stream);  // what a backward starts from
    }
  }
  if (!all.reference) return;
  all.reference->poison(stream);
  all.reference->prepare(stream);
  all.reference->forward(stream);
  if (all.is_backward) all.reference->backward(stream);
}

std::vector<GpuWork> works_of(const std::shared_ptr<Layers>& all, const std::string& proxy) {
  std::vector<GpuWork> works;
  for (std::size_t way = 0; way < all->sets.front().ways.size(); ++way) {
    const MoeLayer& layer = *all->sets.front().ways[way];
    GpuWork work{.sets = static_cast<int>(all->sets.size()),
                 .implementation = layer.implementation(),
                 .proxy = proxy,
                 .kernels = all->is_backward ? layer.backward_kernels() : layer.forward_kernels()};
    work.fill = [all](std::uint64_t seed, cudaStream_t stream) { fill_layers(*all, seed, stream); };
    work.poison = [all, way](cudaStream_t stream) {
      MoeLayer& first = *all->sets.front().ways[way];
      first.poison(stream);
      if (all->is_backward) first.forward(stream);
    };
    work.launch = [all, way](int set, cudaStream_t stream) {
      MoeLayer& each = *all->sets.at(static_cast<std::size_t>(set)).ways[way];
      all->is_backward ? each.backward(stream) : each.forward(stream);
    };
    work.compare = [all, way](std::uint64_t seed, cudaStream_t stream) {
      return check_layer(*all, way, seed, stream);
    };
    works.push_back(std::move(work));
  }
  return works;
}

/// Adds a layer of every way that there is; returns the first reason if there is none.
std::optional<NotMeasured> add_ways(Set& set, bool is_hopper, int sms) {
  std::optional<NotMeasured> refused;
  const auto take = [&](std::variant<std::unique_ptr<MoeLayer>, NotMeasured> made) {
    if (auto* layer = std::get_if<std::unique_ptr<MoeLayer>>(&made)) {
      set.ways.push_back(std::move(*layer));
    } else if (!refused) {
      refused = std::get<NotMeasured>(made);
    }
  };
  if (is_hopper) {
    take(make_fp8_layer(*set.inputs, ExpertProducts::cublaslt, sms));
    take(make_fp8_layer(*set.inputs, ExpertProducts::grouped, sms));
  } else {
    take(make_bf16_layer(*set.inputs, sms));
  }
  return set.ways.empty() ? refused : std::nullopt;
}

/// About what a set with two layers takes, and a reference.
std::int64_t layer_bytes(const LayerSizes& s, std::int64_t tokens) {
  const std::int64_t rows = room_for_rows(s, tokens);
  const std::int64_t weights = 3 * s.local_experts * s.expert_width * s.hidden;
  const std::int64_t activations = rows * (12 * s.hidden + 26 * s.expert_width);
  return 2 * (weights * 6 + activations) + weights * 2 + tokens * s.hidden * 16;
}

}  // namespace

std::variant<std::unique_ptr<Bench>, NotMeasured> make_layer_bench(const Measurement& m,
                                                                   const LayerSizes& sizes,
                                                                   const Device& device) {
  const bool is_hopper = device.capability() >= 90 && device.capability() < 100 &&
                         m.precision == spec::Precision::fp8_blockwise;
  const std::int64_t bytes = layer_bytes(sizes, m.rows);
  const std::int64_t free = device.free_bytes();
  const int fitting = input_sets(bytes, device.l2_bytes(), free);
  if (fitting == 0) {
    return NotMeasured{fmt::format("needs {:.1f} GB, more than half of the memory that is free",
                                   static_cast<double>(bytes) * 1e-9)};
  }
  const auto all = std::make_shared<Layers>();
  all->is_backward = m.kernel == Kernel::moe_layer_backward;
  constexpr int kSetsMost = 4;  // weights alone exceed caches
  for (int i = 0; i < std::min(fitting, kSetsMost); ++i) {
    Set& set = all->sets.emplace_back();
    set.inputs = std::make_unique<LayerInputs>(sizes, m.rows);
    if (auto refused = add_ways(set, is_hopper, m.sms)) return std::move(*refused);
  }
  if (is_hopper) {
    auto made = make_bf16_layer(*all->sets.front().inputs, 0);
    if (const auto* refusal = std::get_if<NotMeasured>(&made)) return *refusal;
    all->reference = std::move(std::get<0>(made));
  }
  const bool is_proxy = !is_hopper && m.precision != spec::Precision::bf16;
  return make_best_bench(works_of(all, is_proxy ? "bf16 for fp8" : ""), m, device);
}

}  // namespace planewise::calibration
