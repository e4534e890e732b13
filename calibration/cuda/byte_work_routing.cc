// Router, and permutation with its way back: against the processor's.
#include <cmath>

#include "base/check.h"
#include "base/random.h"
#include "calibration/cuda/byte_work.h"
#include "calibration/cuda/routing.h"
#include "calibration/host/reference.h"

namespace planewise::calibration {
namespace {

using Bits = std::uint16_t;
using Checks = std::vector<CheckResult>;
using Shared = std::shared_ptr<BufferSets>;

host::RouterOptions host_options(const LayerSizes& layer) {
  return {.experts_per_token = layer.experts_per_token,
          .expert_groups = layer.expert_groups,
          .groups_per_token = layer.groups_per_token,
          .routing_scale = layer.routing_scale};
}

/// Whether choosing `theirs` instead of `ours` is a matter of the last digits of exp().
bool is_tie(const std::vector<float>& scores, const std::vector<float>& bias, std::int32_t ours,
            std::int32_t theirs) {
  const auto biased = [&](std::int32_t e) {
    const auto at = static_cast<std::size_t>(e);
    return 1 / (1 + std::exp(-double{scores[at]})) + bias[at];
  };
  const auto count = static_cast<std::int32_t>(scores.size());
  if (ours < 0 || ours >= count) return false;
  return std::abs(biased(ours) - biased(theirs)) < 1e-6;
}

// ---- Router: buffers are scores, bias, experts, weights ----

Checks check_routing(const BufferSets& b, MatrixShape shape, const LayerSizes& layer,
                     std::uint64_t seed, cudaStream_t stream) {
  const std::int64_t k = layer.experts_per_token;
  const auto bias = to_host(b.at<float>(0, 1), shape.columns, stream);
  double wrong = 0;
  std::vector<float> ours;
  std::vector<float> expected;
  for (const std::int64_t token : some_rows(shape.rows, seed)) {
    const auto scores = to_host(b.at<float>(0, 0) + token * shape.columns, shape.columns, stream);
    const host::Routing theirs = host::route(scores, bias, {1, shape.columns}, host_options(layer));
    const auto experts = to_host(b.at<std::int32_t>(0, 2) + token * k, k, stream);
    const auto weights = to_host(b.at<float>(0, 3) + token * k, k, stream);
    for (std::size_t i = 0; i < experts.size(); ++i) {
      const bool is_same = experts[i] == theirs.experts[i];
      if (!is_same && !is_tie(scores, bias, experts[i], theirs.experts[i])) ++wrong;
      if (!is_same) continue;
      ours.push_back(weights[i]);
      expected.push_back(theirs.weights[i]);
    }
  }
  return {{.reference = "exact", .metric = "mismatches", .value = wrong, .limit = 0},
          row_check(ours, expected, 1e-9)};
}

GpuWork router_work(const Shared& b, const ByteSizes& sizes) {
  GpuWork work{.implementation = "pw_router"};
  const MatrixShape shape = sizes.shape;
  const RouterSizes router = router_sizes(sizes.layer, shape.rows);
  work.fill = [b, shape](std::uint64_t seed, cudaStream_t stream) {
    for (int set = 0; set < b->count(); ++set) {
      const std::uint64_t own = fold_bits(seed, static_cast<std::uint64_t>(set));
      fill_normal(b->at<float>(set, 0), shape.count(), 1, own, stream);
      fill_normal(b->at<float>(set, 1), shape.columns, 0.01F, fold_bits(own, 1), stream);
    }
  };
  work.poison = [b](cudaStream_t stream) {
    b->poison(2, stream);
    b->poison(3, stream);
  };
  work.launch = [b, router](int set, cudaStream_t stream) {
    route(b->at<float>(set, 0), b->at<float>(set, 1), router, b->at<std::int32_t>(set, 2),
          b->at<float>(set, 3), stream);
  };
  work.compare = [b, sizes](std::uint64_t seed, cudaStream_t stream) {
    return check_routing(*b, sizes.shape, sizes.layer, seed, stream);
  };
  return work;
}

// ---- Permutation ----

/// What a dispatch knows before it moves anything: rows and places of a set.
struct Places {
  Buffer experts, weights, counts, row_of_pair, pair_of_row;
  std::int64_t rows_all = 0;
};

/// Buffers: tokens in FP8 and their scales, rows in FP8 and their scales, results, sums.
enum At : int { kTokens = 0, kTokenScales, kRows, kRowScales, kResults, kSums };

struct Permute {
  ByteSizes sizes;
  BufferSets buffers;
  std::vector<Places> places{};
  Buffer input{};  ///< Tokens in BF16, from which FP8 ones are made.

  RowScaledOut tokens(int set) const {
    return {buffers.at<std::uint8_t>(set, kTokens), buffers.at<float>(set, kTokenScales),
            sizes.shape.rows};
  }
  RowScaledOut rows(int set) const {
    return {buffers.at<std::uint8_t>(set, kRows), buffers.at<float>(set, kRowScales),
            room_for_rows(sizes.layer, sizes.shape.rows)};
  }
};

/// Real routing of random scores decides where rows go.
Places make_places(const Permute& p, std::uint64_t seed, cudaStream_t stream) {
  const LayerSizes& layer = p.sizes.layer;
  const std::int64_t tokens = p.sizes.shape.rows;
  const std::int64_t pairs = tokens * layer.experts_per_token;
  const auto bytes = [](std::int64_t count) { return static_cast<std::size_t>(4 * count); };
  Places places{.experts = Buffer(bytes(pairs)),
                .weights = Buffer(bytes(pairs)),
                .counts = Buffer(bytes(layer.local_experts)),
                .row_of_pair = Buffer(bytes(pairs)),
                .pair_of_row = Buffer(bytes(room_for_rows(layer, tokens)))};
  Buffer scores(bytes(tokens * layer.experts));
  Buffer bias(bytes(layer.experts));
  fill_normal(scores.as<float>(), tokens * layer.experts, 1, seed, stream);
  fill_normal(bias.as<float>(), layer.experts, 0.01F, fold_bits(seed, 1), stream);
  route(scores.as<float>(), bias.as<float>(), router_sizes(layer, tokens),
        places.experts.as<std::int32_t>(), places.weights.as<float>(), stream);
  permute_index(places.experts.as<std::int32_t>(),
                {.pairs = pairs,
                 .rows_all = room_for_rows(layer, tokens),
                 .local_experts = layer.local_experts,
                 .counts = places.counts.as<int>(),
                 .row_of_pair = places.row_of_pair.as<int>(),
                 .pair_of_row = places.pair_of_row.as<int>()},
                stream);
  for (const std::int32_t count : to_host(places.counts.as<int>(), layer.local_experts, stream)) {
    places.rows_all += (count + 127) / 128 * 128;
  }
  return places;
}

/// Places are the processor's, and so are some gathered rows and sums.
Checks check_permute(const Permute& p, std::uint64_t seed, cudaStream_t stream) {
  const LayerSizes& layer = p.sizes.layer;
  const MatrixShape shape = p.sizes.shape;
  const Places& places = p.places.front();
  const std::int64_t k = layer.experts_per_token;
  const auto experts = to_host(places.experts.as<std::int32_t>(), shape.rows * k, stream);
  const host::Permutation expected =
      host::permutation_of(experts, layer.experts_per_token, layer.local_experts);
  const auto rows = to_host(places.row_of_pair.as<int>(), shape.rows * k, stream);
  double wrong = expected.segments.rows_all == places.rows_all ? 0 : 1;
  for (std::size_t i = 0; i < rows.size(); ++i) wrong += rows[i] != expected.row_of_pair[i];
  if (wrong > 0) {
    return {{.reference = "exact", .metric = "mismatches", .value = wrong, .limit = 0}};
  }
  const auto weights = to_host(places.weights.as<float>(), shape.rows * k, stream);
  std::vector<float> ours;
  std::vector<float> sums;
  for (const std::int64_t token : some_rows(shape.rows, seed)) {
    std::vector<float> sum(static_cast<std::size_t>(shape.columns));
    for (std::int64_t pair = token * k; pair < token * k + k; ++pair) {
      const auto at = static_cast<std::size_t>(pair);
      const auto moved = to_host(
          reinterpret_cast<const std::int32_t*>(p.rows(0).values + rows[at] * shape.columns),
          shape.columns / 4, stream);
      const auto token_row =
          to_host(reinterpret_cast<const std::int32_t*>(p.tokens(0).values + token * shape.columns),
                  shape.columns / 4, stream);
      wrong += moved != token_row;
      const auto result = to_host(p.buffers.at<Bits>(0, kResults) + rows[at] * shape.columns,
                                  shape.columns, stream);
      for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += weights[at] * result[i];
    }
    const auto mine =
        to_host(p.buffers.at<Bits>(0, kSums) + token * shape.columns, shape.columns, stream);
    ours.insert(ours.end(), mine.begin(), mine.end());
    sums.insert(sums.end(), sum.begin(), sum.end());
  }
  return {{.reference = "exact", .metric = "mismatches", .value = wrong, .limit = 0},
          row_check(ours, sums, kDequantisedLimit)};
}

GpuWork permute_work(const ByteSizes& sizes) {
  const auto p = std::make_shared<Permute>(Permute{
      .sizes = sizes,
      .buffers = BufferSets(sizes.sets, byte_buffers(Kernel::permute, sizes.shape, sizes.layer))});
  const MatrixShape shape = sizes.shape;
  GpuWork work{.implementation = "pw_gather + pw_combine", .kernels = 2};
  work.fill = [p, shape](std::uint64_t seed, cudaStream_t stream) {
    p->places.clear();
    p->input = Buffer(static_cast<std::size_t>(2 * shape.count()));
    const std::int64_t room = room_for_rows(p->sizes.layer, shape.rows);
    for (int set = 0; set < p->buffers.count(); ++set) {
      const std::uint64_t own = fold_bits(seed, static_cast<std::uint64_t>(set));
      p->places.push_back(make_places(*p, own, stream));
      fill_normal(p->input.as<Bits>(), shape.count(), 1, fold_bits(own, 2), stream);
      quantise(p->input.as<Bits>(), shape, p->tokens(set), stream);
      fill_normal(p->buffers.at<Bits>(set, kResults), room * shape.columns, 1, fold_bits(own, 3),
                  stream);
    }
    PW_CUDA(cudaStreamSynchronize(stream));
    p->input = {};
  };
  work.poison = [p](cudaStream_t stream) {
    for (const int buffer : {kRows, kRowScales, kSums}) p->buffers.poison(buffer, stream);
  };
  work.launch = [p, shape](int set, cudaStream_t stream) {
    const Places& places = p->places.at(static_cast<std::size_t>(set));
    gather(p->tokens(set).in(),
           {.rows_all = places.rows_all,
            .columns = shape.columns,
            .experts_per_token = p->sizes.layer.experts_per_token,
            .pair_of_row = places.pair_of_row.as<int>()},
           p->rows(set), stream);
    combine(p->buffers.at<Bits>(set, kResults),
            {.tokens = shape.rows,
             .columns = shape.columns,
             .experts_per_token = p->sizes.layer.experts_per_token,
             .row_of_pair = places.row_of_pair.as<int>(),
             .weights = places.weights.as<float>()},
            p->buffers.at<Bits>(set, kSums), stream);
  };
  work.compare = [p](std::uint64_t seed, cudaStream_t stream) {
    return check_permute(*p, seed, stream);
  };
  return work;
}

}  // namespace

GpuWork routing_work(Kernel kernel, const ByteSizes& sizes) {
  if (kernel == Kernel::permute) return permute_work(sizes);
  PW_CHECK(kernel == Kernel::router);
  const auto b =
      std::make_shared<BufferSets>(sizes.sets, byte_buffers(kernel, sizes.shape, sizes.layer));
  return router_work(b, sizes);
}

}  // namespace planewise::calibration
