#include "calibration/cuda/moe_layer.h"

#include <cmath>

#include "base/random.h"

namespace planewise::calibration {
namespace {

std::size_t size_of(std::int64_t count, std::size_t each) {
  return static_cast<std::size_t>(count) * each;
}

}  // namespace

ScaledBuffer::ScaledBuffer(MatrixShape shape)
    : values(size_of(shape.count(), 1)),
      scales(size_of(shape.count() / 128, sizeof(float))),
      leading(shape.rows) {}

LayerInputs::LayerInputs(const LayerSizes& of, std::int64_t token_count)
    : tokens(token_count),
      sizes(of),
      x(size_of(tokens * of.hidden, 2)),
      d_out(size_of(tokens * of.hidden, 2)),
      router_weight(size_of(of.experts * of.hidden, 2)),
      bias(size_of(of.experts, 4)),
      gate_up(size_of(of.local_experts * 2 * of.expert_width * of.hidden, 2)),
      down(size_of(of.local_experts * of.hidden * of.expert_width, 2)),
      scores(size_of(tokens * of.experts, 2)),
      experts(size_of(tokens * of.experts_per_token, 4)),
      weights(size_of(tokens * of.experts_per_token, 4)),
      counts(size_of(of.local_experts, 4)),
      row_of_pair(size_of(tokens * of.experts_per_token, 4)),
      pair_of_row(size_of(room(), 4)) {}

void LayerInputs::fill(std::uint64_t seed, cudaStream_t stream) {
  const auto deviation = [](std::int64_t inputs) {
    return 1.0F / std::sqrt(static_cast<float>(inputs));
  };
  const auto own = [seed](std::uint64_t i) { return fold_bits(seed, i); };
  const std::int64_t h = sizes.hidden;
  const std::int64_t w = sizes.expert_width;
  fill_normal(x.as<std::uint16_t>(), tokens * h, 1, own(1), stream);
  fill_normal(d_out.as<std::uint16_t>(), tokens * h, 1, own(2), stream);
  fill_normal(router_weight.as<std::uint16_t>(), sizes.experts * h, deviation(h), own(3), stream);
  fill_normal(bias.as<float>(), sizes.experts, 0.01F, own(4), stream);
  fill_weights(gate_up.as<std::uint16_t>(), sizes.local_experts, {2 * w, h}, deviation(h), own(5),
               stream);
  fill_weights(down.as<std::uint16_t>(), sizes.local_experts, {h, w}, deviation(w), own(6), stream);
  auto made = make_cublaslt_bf16_products({.shape = {1, tokens, sizes.experts, h}});
  if (const auto* refusal = std::get_if<NotMeasured>(&made)) {
    throw std::runtime_error("no BF16 product for the router: " + refusal->reason);
  }
  route(*std::get<0>(made), stream);
  rows = {};
  for (const std::int32_t count : to_host(counts.as<std::int32_t>(), sizes.local_experts, stream)) {
    rows.first.push_back(rows.rows_all);
    rows.count.push_back(count);
    rows.rows_all += (count + 127) / 128 * 128;
  }
}

GatherSizes LayerInputs::gather_sizes(const float* pair_weights) const {
  return {.rows_all = rows.rows_all,
          .columns = sizes.hidden,
          .experts_per_token = sizes.experts_per_token,
          .pair_of_row = pair_of_row.as<int>(),
          .weights = pair_weights};
}

CombineSizes LayerInputs::combine_sizes(const float* pair_weights) const {
  return {.tokens = tokens,
          .columns = sizes.hidden,
          .experts_per_token = sizes.experts_per_token,
          .row_of_pair = row_of_pair.as<int>(),
          .weights = pair_weights};
}

void LayerInputs::route(Bf16Products& router, cudaStream_t stream) const {
  router.launch(x.as<std::uint16_t>(), router_weight.as<std::uint16_t>(),
                scores.as<std::uint16_t>(), {.first = {0}, .count = {tokens}, .rows_all = tokens},
                stream);
  calibration::route(scores.as<std::uint16_t>(), bias.as<float>(), router_sizes(sizes, tokens),
                     experts.as<std::int32_t>(), weights.as<float>(), stream);
  permute_index(experts.as<std::int32_t>(),
                {.pairs = tokens * sizes.experts_per_token,
                 .rows_all = room(),
                 .local_experts = sizes.local_experts,
                 .counts = counts.as<int>(),
                 .row_of_pair = row_of_pair.as<int>(),
                 .pair_of_row = pair_of_row.as<int>()},
                stream);
}

}  // namespace planewise::calibration
