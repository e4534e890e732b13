// The routed half of a MoE layer on the processor, its dispatch looped back onto the experts that
// are here: forward, and gradients of the input through the experts and of their weights, with the
// routing held as it was. In FP8 (arXiv 2412.19437, section 3.3) as a GPU computes it, and without
// any rounding.
#pragma once

#include <cstdint>
#include <vector>

#include "calibration/host/kernels.h"
#include "calibration/host/reference.h"
#include "calibration/measure/measurement.h"

namespace planewise::calibration::host {

RouterOptions router_options(const LayerSizes& sizes);

/// All values are BF16's, held in FP32 as well where the exact layer needs them.
struct LayerInputs {
  LayerSizes sizes{};
  std::int64_t tokens = 0;
  std::vector<float> x{};              ///< [tokens, hidden].
  std::vector<float> d_out{};          ///< The same: gradient of the output.
  std::vector<float> router_weight{};  ///< [experts, hidden].
  std::vector<float> bias{};           ///< [experts].
  std::vector<float> gate_up{};        ///< [local experts, 2 x width, hidden].
  std::vector<float> down{};           ///< [local experts, hidden, width].
};

LayerInputs random_layer(const LayerSizes& sizes, std::int64_t tokens, std::uint64_t seed);

struct LayerResult {
  Routing routing{};
  Permutation permutation{};
  std::vector<float> out{};  ///< [tokens, hidden].
};

struct LayerGradients {
  std::vector<float> d_x{};        ///< [tokens, hidden].
  std::vector<float> d_gate_up{};  ///< [local experts, 2 x width, hidden].
  std::vector<float> d_down{};     ///< [local experts, hidden, width].
};

/// Without rounding, in the sums of reference.h.
LayerResult exact_forward(const LayerInputs& in);
/// The output under a routing that is given: what finite differences are taken of.
std::vector<float> exact_output(const LayerInputs& in, const Routing& routing,
                                const Permutation& permutation);
LayerGradients exact_backward(const LayerInputs& in, const LayerResult& forward);

/// The layer in FP8 (or BF16), made of the timed kernels. Its buffers are made once.
class Layer {
 public:
  Layer(const LayerInputs& in, bool is_fp8);

  /// Quantises the weights, and routes once, so that all buffers have their sizes.
  void prepare();
  void forward();
  void backward();  ///< After a forward.
  void poison();    ///< Results.

  const Routing& routing() const { return routing_; }
  const std::vector<Bits>& out() const { return out_; }
  const std::vector<Bits>& d_x() const { return d_x_; }
  const std::vector<float>& d_gate_up() const { return d_gate_up_weights_; }
  const std::vector<float>& d_down() const { return d_down_weights_; }

 private:
  void route_tokens();
  void forward_fp8();
  void forward_bf16();
  void backward_fp8();
  void backward_bf16();

  const LayerInputs& in_;
  bool is_fp8_ = true;
  std::int64_t hidden_ = 0;
  std::int64_t width_ = 0;
  std::int64_t rows_ = 0;
  std::vector<Bits> x_{}, d_out_{}, router_weight_{}, scores_{};
  std::vector<Bits> gate_up_plain_{}, down_plain_{}, gate_up_turned_plain_{}, down_turned_plain_{};
  BlockQuantised gate_up_{}, down_{}, gate_up_turned_{}, down_turned_{};
  Routing routing_{};
  Permutation permutation_{};
  RowQuantised x_tokens_{}, x_rows_{}, act_rows_{};
  std::vector<Bits> x_rows_plain_{}, gate_up_out_{}, act_{}, rows_out_{}, out_{};
  RowQuantised d_out_tokens_{}, d_rows_{}, d_rows_turned_{}, d_gate_up_rows_{}, d_gate_up_turned_{};
  RowQuantised act_turned_{}, x_turned_{};
  std::vector<Bits> d_rows_plain_{}, d_act_{}, d_gate_up_{}, d_x_rows_{}, d_x_{};
  std::vector<float> d_gate_up_weights_{}, d_down_weights_{};
};

}  // namespace planewise::calibration::host
