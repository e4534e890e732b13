// The routed half of a MoE layer on one GPU, forward and backward: router to combine, its dispatch
// looped back onto the experts that are here.
//
// Tokens' (token, expert) pairs are folded onto the local experts (expert mod local experts), so
// that as many rows arrive as under balanced expert parallelism. Backward are the gradients of the
// input through the experts and of the experts' weights; routing is held as it was. Recipe of FP8:
// arXiv 2412.19437, section 3.3.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <memory>
#include <variant>
#include <vector>

#include "calibration/cuda/gpu_check.h"
#include "calibration/cuda/handles.h"
#include "calibration/cuda/kernels.h"
#include "calibration/cuda/products.h"
#include "calibration/cuda/routing.h"

namespace planewise::calibration {

/// FP8 with its scales.
struct ScaledBuffer {
  Buffer values;
  Buffer scales;
  std::int64_t leading = 0;

  ScaledBuffer() = default;
  explicit ScaledBuffer(MatrixShape shape);
  RowScaledOut out() const { return {values.as<std::uint8_t>(), scales.as<float>(), leading}; }
  RowScaled in() const { return out().in(); }
};

/// What both precisions share: the router, its products, and where rows go.
struct LayerInputs {
  std::int64_t tokens = 0;
  LayerSizes sizes{};
  Buffer x;              ///< [tokens, hidden].
  Buffer d_out;          ///< The same; gradient of the output.
  Buffer router_weight;  ///< [experts, hidden].
  Buffer bias;           ///< [experts].
  Buffer gate_up;        ///< [local experts, 2 x width, hidden].
  Buffer down;           ///< [local experts, hidden, width].
  Buffer scores, experts, weights, counts, row_of_pair, pair_of_row;
  GroupRows rows{};  ///< As routed, with counts on the processor, since products need them.

  LayerInputs(const LayerSizes& sizes, std::int64_t tokens);
  /// New inputs and weights, routed; waits for the stream.
  void fill(std::uint64_t seed, cudaStream_t stream);

  std::int64_t room() const { return room_for_rows(sizes, tokens); }
  MatrixShape token_shape() const { return {tokens, sizes.hidden}; }
  GatherSizes gather_sizes(const float* pair_weights) const;
  CombineSizes combine_sizes(const float* pair_weights) const;
  /// Scores, choice, and places: launched in every forward, with the same result.
  void route(Bf16Products& router, cudaStream_t stream) const;
};

/// Which kernels compute the experts' products.
enum class ExpertProducts : std::uint8_t { cublaslt, grouped };

class MoeLayer {
 public:
  virtual ~MoeLayer() = default;
  /// Quantises what a step would have quantised before; the inputs were filled.
  virtual void prepare(cudaStream_t stream) = 0;
  virtual void forward(cudaStream_t stream) = 0;
  virtual void backward(cudaStream_t stream) = 0;  ///< After a forward.
  virtual void poison(cudaStream_t stream) = 0;    ///< Results; padding of rows becomes zeros.

  virtual const Buffer& out() const = 0;  ///< [tokens, hidden], BF16.
  virtual const Buffer& d_x() const = 0;  ///< The same.
  /// FP32: [local experts, 2 x width, hidden] and [local experts, hidden, width].
  virtual const Buffer& d_gate_up() const = 0;
  virtual const Buffer& d_down() const = 0;

  virtual std::string implementation() const = 0;
  virtual int forward_kernels() const = 0;
  virtual int backward_kernels() const = 0;
};

/// In FP8 with 1 x 128 scales; on Hopper. `inputs` outlives it.
std::variant<std::unique_ptr<MoeLayer>, NotMeasured> make_fp8_layer(const LayerInputs& inputs,
                                                                    ExpertProducts products,
                                                                    int sms);

/// In BF16: what FP8 is checked with, and what stands for it elsewhere. Its weight gradients are
/// BF16 widened to FP32.
std::variant<std::unique_ptr<MoeLayer>, NotMeasured> make_bf16_layer(const LayerInputs& inputs,
                                                                     int sms);

}  // namespace planewise::calibration
