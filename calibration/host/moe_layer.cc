#include "calibration/host/moe_layer.h"

#include <cmath>

#include "base/check.h"
#include "base/random.h"
#include "calibration/host/e4m3.h"
#include "calibration/host/host_bench.h"
#include "calibration/host/kernel_loops.h"

namespace planewise::calibration::host {
namespace {

/// Each group's matrix [rows, columns] transposed.
std::vector<float> transposed_groups(const std::vector<float>& w, std::int64_t groups,
                                     MatrixSize size) {
  std::vector<float> turned;
  for (std::int64_t g = 0; g < groups; ++g) {
    const auto first = w.begin() + g * size.count();
    const std::vector<float> one(first, first + size.count());
    const std::vector<float> part = transpose(one, size);
    turned.insert(turned.end(), part.begin(), part.end());
  }
  return turned;
}

}  // namespace

RouterOptions router_options(const LayerSizes& sizes) {
  return {.experts_per_token = sizes.experts_per_token,
          .expert_groups = sizes.expert_groups,
          .groups_per_token = sizes.groups_per_token,
          .routing_scale = sizes.routing_scale};
}

LayerInputs random_layer(const LayerSizes& s, std::int64_t tokens, std::uint64_t seed) {
  const auto values = [seed](std::int64_t count, double deviation, std::uint64_t what) {
    return rounded_to_bf16(random_floats(count, deviation, fold_bits(seed, what)));
  };
  const double of_hidden = 1 / std::sqrt(static_cast<double>(s.hidden));
  const double of_width = 1 / std::sqrt(static_cast<double>(s.expert_width));
  return {.sizes = s,
          .tokens = tokens,
          .x = values(tokens * s.hidden, 1, 1),
          .d_out = values(tokens * s.hidden, 1, 2),
          .router_weight = values(s.experts * s.hidden, of_hidden, 3),
          .bias = values(s.experts, 0.01, 4),
          .gate_up = from_bf16(random_weights(s.local_experts, {2 * s.expert_width, s.hidden},
                                              of_hidden, fold_bits(seed, 5))),
          .down = from_bf16(random_weights(s.local_experts, {s.hidden, s.expert_width}, of_width,
                                           fold_bits(seed, 6)))};
}

// ---- Without rounding ----

namespace {

/// Gate and up of every row.
std::vector<float> exact_inner(const LayerInputs& in, const Permutation& p) {
  const LayerSizes& s = in.sizes;
  return product(gather(in.x, s.hidden, p), in.gate_up, p.segments, {2 * s.expert_width, s.hidden});
}

}  // namespace

std::vector<float> exact_output(const LayerInputs& in, const Routing& routing,
                                const Permutation& p) {
  const LayerSizes& s = in.sizes;
  const std::vector<float> act = swiglu(exact_inner(in, p), {p.segments.rows_all, s.expert_width});
  const std::vector<float> y = product(act, in.down, p.segments, {s.hidden, s.expert_width});
  return combine(y, s.hidden, p, routing.weights);
}

LayerResult exact_forward(const LayerInputs& in) {
  const LayerSizes& s = in.sizes;
  const std::vector<std::int64_t> all = {in.tokens};
  // The router reads scores as BF16 leaves them, so that both layers choose the same experts.
  Segments one{.first = {0}, .count = all, .rows_all = in.tokens};
  const std::vector<float> scores =
      rounded_to_bf16(product(in.x, in.router_weight, one, {s.experts, s.hidden}));
  LayerResult result{.routing = route(scores, in.bias, {in.tokens, s.experts}, router_options(s))};
  result.permutation = permutation_of(result.routing.experts, s.experts_per_token, s.local_experts);
  result.out = exact_output(in, result.routing, result.permutation);
  return result;
}

LayerGradients exact_backward(const LayerInputs& in, const LayerResult& forward) {
  const LayerSizes& s = in.sizes;
  const Permutation& p = forward.permutation;
  const MatrixSize act_size{p.segments.rows_all, s.expert_width};
  const std::vector<float> x = gather(in.x, s.hidden, p);
  const std::vector<float> inner = exact_inner(in, p);
  const std::vector<float> d_y = gather(in.d_out, s.hidden, p, forward.routing.weights);
  const auto down_turned = transposed_groups(in.down, s.local_experts, {s.hidden, s.expert_width});
  const auto gate_up_turned =
      transposed_groups(in.gate_up, s.local_experts, {2 * s.expert_width, s.hidden});
  const std::vector<float> d_act =
      product(d_y, down_turned, p.segments, {s.expert_width, s.hidden});
  const std::vector<float> d_inner = swiglu_backward(inner, d_act, act_size);
  const std::vector<float> d_rows =
      product(d_inner, gate_up_turned, p.segments, {s.hidden, 2 * s.expert_width});
  return {.d_x = combine(d_rows, s.hidden, p),
          .d_gate_up = weight_gradient(d_inner, x, p.segments, {2 * s.expert_width, s.hidden}),
          .d_down = weight_gradient(d_y, swiglu(inner, act_size), p.segments,
                                    {s.hidden, s.expert_width})};
}

// ---- As a GPU computes it ----

Layer::Layer(const LayerInputs& in, bool is_fp8)
    : in_(in),
      is_fp8_(is_fp8),
      hidden_(in.sizes.hidden),
      width_(in.sizes.expert_width),
      x_(to_bf16(in.x)),
      d_out_(to_bf16(in.d_out)),
      router_weight_(to_bf16(in.router_weight)) {}

void Layer::route_tokens() {
  const LayerSizes& s = in_.sizes;
  const Segments all{.first = {0}, .count = {in_.tokens}, .rows_all = in_.tokens};
  fast_product(x_, router_weight_, all, {s.experts, s.hidden}, scores_);
  fast_route(from_bf16(scores_), in_.bias, {in_.tokens, s.experts}, router_options(s), routing_);
  permutation_ = permutation_of(routing_.experts, s.experts_per_token, s.local_experts);
}

void Layer::prepare() {
  const LayerSizes& s = in_.sizes;
  const std::int64_t pairs = in_.tokens * s.experts_per_token;
  scores_.resize(at(in_.tokens * s.experts));
  routing_ = {.experts = std::vector<std::int32_t>(at(pairs)),
              .weights = std::vector<float>(at(pairs))};
  route_tokens();
  rows_ = permutation_.segments.rows_all;
  const auto down_turned = transposed_groups(in_.down, s.local_experts, {hidden_, width_});
  const auto gate_up_turned =
      transposed_groups(in_.gate_up, s.local_experts, {2 * width_, hidden_});
  if (is_fp8_) {
    gate_up_ = quantise_blocks(in_.gate_up, s.local_experts, {2 * width_, hidden_});
    down_ = quantise_blocks(in_.down, s.local_experts, {hidden_, width_});
    gate_up_turned_ = transpose(gate_up_);
    down_turned_ = transpose(down_);
  } else {
    gate_up_plain_ = to_bf16(in_.gate_up);
    down_plain_ = to_bf16(in_.down);
    gate_up_turned_plain_ = to_bf16(gate_up_turned);
    down_turned_plain_ = to_bf16(down_turned);
  }
  x_tokens_ = d_out_tokens_ = empty_rows({in_.tokens, hidden_});
  x_rows_ = d_rows_ = empty_rows({rows_, hidden_});
  act_rows_ = empty_rows({rows_, width_});
  d_rows_turned_ = x_turned_ = empty_rows({hidden_, rows_});
  d_gate_up_rows_ = empty_rows({rows_, 2 * width_});
  d_gate_up_turned_ = empty_rows({2 * width_, rows_});
  act_turned_ = empty_rows({width_, rows_});
  x_rows_plain_.resize(at(rows_ * hidden_));
  d_rows_plain_.resize(at(rows_ * hidden_));
  gate_up_out_.resize(at(rows_ * 2 * width_));
  d_gate_up_.resize(at(rows_ * 2 * width_));
  act_.resize(at(rows_ * width_));
  d_act_.resize(at(rows_ * width_));
  rows_out_.resize(at(rows_ * hidden_));
  d_x_rows_.resize(at(rows_ * hidden_));
  out_.resize(at(in_.tokens * hidden_));
  d_x_.resize(at(in_.tokens * hidden_));
  d_gate_up_weights_.resize(in_.gate_up.size());
  d_down_weights_.resize(in_.down.size());
}

/// Rows that pad are zeros wherever products leave them alone.
void Layer::poison() {
  host::poison(std::span(out_));
  host::poison(std::span(d_x_));
  host::poison(std::span(d_gate_up_weights_));
  host::poison(std::span(d_down_weights_));
}

void Layer::forward() { is_fp8_ ? forward_fp8() : forward_bf16(); }
void Layer::backward() { is_fp8_ ? backward_fp8() : backward_bf16(); }

void Layer::forward_fp8() {
  route_tokens();
  fast_quantise(x_, x_tokens_);
  fast_gather(x_tokens_, permutation_, {}, x_rows_);
  fast_product(x_rows_, gate_up_, permutation_.segments, gate_up_out_);
  fast_swiglu_quantise(gate_up_out_, act_rows_);
  fast_product(act_rows_, down_, permutation_.segments, rows_out_);
  fast_combine(rows_out_, hidden_, permutation_, routing_.weights, out_);
}

void Layer::forward_bf16() {
  route_tokens();
  fast_gather(x_, hidden_, permutation_, {}, x_rows_plain_);
  fast_product(x_rows_plain_, gate_up_plain_, permutation_.segments, {2 * width_, hidden_},
               gate_up_out_);
  fast_swiglu(gate_up_out_, {rows_, width_}, act_);
  fast_product(act_, down_plain_, permutation_.segments, {hidden_, width_}, rows_out_);
  fast_combine(rows_out_, hidden_, permutation_, routing_.weights, out_);
}

void Layer::backward_fp8() {
  const Segments& segments = permutation_.segments;
  fast_quantise(d_out_, d_out_tokens_);
  fast_gather(d_out_tokens_, permutation_, routing_.weights, d_rows_);
  fast_requantise_transposed(d_rows_, d_rows_turned_);
  fast_product(d_rows_, down_turned_, segments, d_act_);
  fast_swiglu_backward(gate_up_out_, d_act_, {rows_, width_}, act_, d_gate_up_);
  fast_quantise(d_gate_up_, d_gate_up_rows_);
  fast_quantise_transposed(d_gate_up_, {rows_, 2 * width_}, d_gate_up_turned_);
  fast_product(d_gate_up_rows_, gate_up_turned_, segments, d_x_rows_);
  fast_combine(d_x_rows_, hidden_, permutation_, {}, d_x_);
  fast_requantise_transposed(act_rows_, act_turned_);
  fast_weight_gradient(d_rows_turned_, act_turned_, segments, d_down_weights_);
  fast_requantise_transposed(x_rows_, x_turned_);
  fast_weight_gradient(d_gate_up_turned_, x_turned_, segments, d_gate_up_weights_);
}

void Layer::backward_bf16() {
  const Segments& segments = permutation_.segments;
  fast_gather(d_out_, hidden_, permutation_, routing_.weights, d_rows_plain_);
  fast_product(d_rows_plain_, down_turned_plain_, segments, {width_, hidden_}, d_act_);
  fast_swiglu_backward(gate_up_out_, d_act_, {rows_, width_}, act_, d_gate_up_);
  fast_product(d_gate_up_, gate_up_turned_plain_, segments, {hidden_, 2 * width_}, d_x_rows_);
  fast_combine(d_x_rows_, hidden_, permutation_, {}, d_x_);
  fast_weight_gradient(d_rows_plain_, act_, segments, {hidden_, width_}, d_down_weights_);
  fast_weight_gradient(d_gate_up_, x_rows_plain_, segments, {2 * width_, hidden_},
                       d_gate_up_weights_);
}

}  // namespace planewise::calibration::host
