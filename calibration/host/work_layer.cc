// The whole layer on the processor, held against the layer without rounding.
#include <memory>

#include "base/random.h"
#include "calibration/host/e4m3.h"
#include "calibration/host/host_bench.h"
#include "calibration/host/moe_layer.h"

namespace planewise::calibration::host {
namespace {

/// Three roundings in a row (input, activation, weights) forward, of which one product has
/// DeepGEMM's limit of 1e-3; twice as many backward. BF16 rounds a hundred times finer.
constexpr double kForwardLimit = 4e-3;
constexpr double kBackwardLimit = 8e-3;
constexpr double kBf16Share = 1e-2;

struct LayerSet {
  LayerInputs inputs{};
  std::unique_ptr<Layer> layer{};
};

struct Layers {
  LayerSizes sizes{};
  std::int64_t tokens = 0;
  bool is_fp8 = true;
  bool is_backward = false;
  std::vector<LayerSet> sets = std::vector<LayerSet>(2);
};

void fill(Layers& all, std::uint64_t seed) {
  for (std::size_t i = 0; i < all.sets.size(); ++i) {
    LayerSet& set = all.sets[i];
    set.inputs = random_layer(all.sizes, all.tokens, fold_bits(seed, i));
    set.layer = std::make_unique<Layer>(set.inputs, all.is_fp8);
    set.layer->prepare();
    if (all.is_backward) set.layer->forward();
  }
}

std::vector<CheckResult> compare(const Layers& all) {
  const LayerSet& set = all.sets.front();
  const Layer& ours = *set.layer;
  const double share = all.is_fp8 ? 1 : kBf16Share;
  const LayerResult exact = exact_forward(set.inputs);
  if (!all.is_backward) {
    double wrong = 0;
    for (std::size_t i = 0; i < exact.routing.experts.size(); ++i) {
      wrong += exact.routing.experts[i] != ours.routing().experts[i] ? 1 : 0;
    }
    return {
        difference_check("unquantised", from_bf16(ours.out()), exact.out, share * kForwardLimit),
        {.reference = "exact", .metric = "mismatches", .value = wrong, .limit = 0}};
  }
  const LayerGradients gradients = exact_backward(set.inputs, exact);
  const double limit = share * kBackwardLimit;
  return {difference_check("unquantised, dx", from_bf16(ours.d_x()), gradients.d_x, limit),
          difference_check("unquantised, dw of gate and up", ours.d_gate_up(), gradients.d_gate_up,
                           limit),
          difference_check("unquantised, dw of down", ours.d_down(), gradients.d_down, limit)};
}

}  // namespace

HostWork layer_work(const Measurement& m, const LayerSizes& sizes) {
  const auto all =
      std::make_shared<Layers>(Layers{.sizes = sizes,
                                      .tokens = m.rows,
                                      .is_fp8 = m.precision == spec::Precision::fp8_blockwise,
                                      .is_backward = m.kernel == Kernel::moe_layer_backward});
  return {.fill = [all](std::uint64_t seed) { fill(*all, seed); },
          .poison =
              [all] {
                for (LayerSet& set : all->sets) set.layer->poison();
              },
          .launch =
              [all](int set) {
                Layer& layer = *all->sets.at(static_cast<std::size_t>(set)).layer;
                all->is_backward ? layer.backward() : layer.forward();
              },
          .compare = [all](std::uint64_t) { return compare(*all); },
          .kernels = all->is_backward ? 12 : 7};
}

}  // namespace planewise::calibration::host
