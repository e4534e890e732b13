// Router and permutation on the processor.
#include <memory>

#include "base/check.h"
#include "base/random.h"
#include "calibration/host/e4m3.h"
#include "calibration/host/host_bench.h"
#include "calibration/host/kernel_loops.h"
#include "calibration/host/moe_layer.h"

namespace planewise::calibration::host {
namespace {

// ---- Router ----

struct RouterSet {
  std::vector<float> scores{}, bias{};
  Routing routing{};
};

struct Router {
  MatrixSize size{};
  RouterOptions options{};
  std::vector<RouterSet> sets = std::vector<RouterSet>(2);
};

void fill(Router& r, std::uint64_t seed) {
  const std::int64_t pairs = r.size.rows * r.options.experts_per_token;
  for (std::size_t i = 0; i < r.sets.size(); ++i) {
    RouterSet& set = r.sets[i];
    set.scores = random_floats(r.size.count(), 1, fold_bits(seed, 2 * i));
    set.bias = random_floats(r.size.columns, 0.01, fold_bits(seed, 2 * i + 1));
    set.routing.experts.resize(at(pairs));
    set.routing.weights.resize(at(pairs));
  }
}

std::vector<CheckResult> compare(const Router& r) {
  const RouterSet& set = r.sets.front();
  const Routing expected = route(set.scores, set.bias, r.size, r.options);
  double wrong = 0;
  for (std::size_t i = 0; i < expected.experts.size(); ++i) {
    wrong += set.routing.experts[i] != expected.experts[i] ? 1 : 0;
  }
  return {{.reference = "exact", .metric = "mismatches", .value = wrong, .limit = 0},
          difference_check("dequantised", set.routing.weights, expected.weights, 1e-9)};
}

HostWork router_work(const Measurement& m, const LayerSizes& sizes) {
  const auto r =
      std::make_shared<Router>(Router{.size = {m.rows, m.width}, .options = router_options(sizes)});
  return {.fill = [r](std::uint64_t seed) { fill(*r, seed); },
          .poison =
              [r] {
                for (RouterSet& set : r->sets) {
                  std::fill(set.routing.experts.begin(), set.routing.experts.end(), -1);
                  poison(std::span(set.routing.weights));
                }
              },
          .launch =
              [r](int index) {
                RouterSet& set = r->sets.at(static_cast<std::size_t>(index));
                fast_route(set.scores, set.bias, r->size, r->options, set.routing);
              },
          .compare = [r](std::uint64_t) { return compare(*r); }};
}

// ---- Permutation: FP8 rows to their experts, and BF16 results back ----

struct PermuteSet {
  Routing routing{};
  Permutation permutation{};
  RowQuantised tokens{}, rows{};
  std::vector<Bits> results{}, sums{};
};

struct Permute {
  MatrixSize size{};  ///< Tokens x hidden.
  LayerSizes sizes{};
  std::vector<PermuteSet> sets = std::vector<PermuteSet>(2);
};

void fill(Permute& p, std::uint64_t seed) {
  for (std::size_t i = 0; i < p.sets.size(); ++i) {
    PermuteSet& set = p.sets[i];
    const std::uint64_t own = fold_bits(seed, i);
    const MatrixSize scores{p.size.rows, p.sizes.experts};
    set.routing = route(random_floats(scores.count(), 1, fold_bits(own, 1)),
                        random_floats(scores.columns, 0.01, fold_bits(own, 2)), scores,
                        router_options(p.sizes));
    set.permutation =
        permutation_of(set.routing.experts, p.sizes.experts_per_token, p.sizes.local_experts);
    const std::int64_t rows = set.permutation.segments.rows_all;
    set.tokens = quantise(random_floats(p.size.count(), 1, fold_bits(own, 3)), p.size);
    set.rows = empty_rows({rows, p.size.columns});
    set.results = random_bits(rows * p.size.columns, 1, fold_bits(own, 4));
    set.sums.resize(at(p.size.count()));
  }
}

std::vector<CheckResult> compare(const Permute& p) {
  const PermuteSet& set = p.sets.front();
  return {exact_check(set.rows, gather(set.tokens, set.permutation)),
          difference_check(
              "dequantised", from_bf16(set.sums),
              combine(from_bf16(set.results), p.size.columns, set.permutation, set.routing.weights),
              kDequantisedLimit)};
}

HostWork permute_work(const Measurement& m, const LayerSizes& sizes) {
  const auto p = std::make_shared<Permute>(Permute{.size = {m.rows, m.width}, .sizes = sizes});
  return {.fill = [p](std::uint64_t seed) { fill(*p, seed); },
          .poison =
              [p] {
                for (PermuteSet& set : p->sets) {
                  poison(set.rows);
                  poison(std::span(set.sums));
                }
              },
          .launch =
              [p](int index) {
                PermuteSet& set = p->sets.at(static_cast<std::size_t>(index));
                fast_gather(set.tokens, set.permutation, {}, set.rows);
                fast_combine(set.results, p->size.columns, set.permutation, set.routing.weights,
                             set.sums);
              },
          .compare = [p](std::uint64_t) { return compare(*p); },
          .kernels = 2};
}

}  // namespace

HostWork routing_work(const Measurement& m, const LayerSizes& sizes) {
  PW_CHECK(m.kernel == Kernel::router || m.kernel == Kernel::permute);
  return m.kernel == Kernel::router ? router_work(m, sizes) : permute_work(m, sizes);
}

}  // namespace planewise::calibration::host
