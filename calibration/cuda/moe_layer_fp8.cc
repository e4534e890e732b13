// The layer in FP8, as DeepSeek-V3 computes it on Hopper.
#include <fmt/format.h>

#include <utility>

#include "calibration/cuda/cublaslt_groups.h"
#include "calibration/cuda/moe_layer.h"

namespace planewise::calibration {
namespace {

using Bits = std::uint16_t;

std::size_t size_of(std::int64_t count, std::size_t each) {
  return static_cast<std::size_t>(count) * each;
}

/// e4m3 weights with 128 x 128 scales, and the same transposed for input gradients.
struct Weights {
  ScaledBuffer plain, turned;
  BlockScaled in(const ScaledBuffer& b) const {
    return {b.values.as<std::uint8_t>(), b.scales.as<float>()};
  }
};

/// The four expert products, the two weight gradients, and the router's.
struct Kernels {
  std::unique_ptr<Bf16Products> router;
  std::unique_ptr<Products> gate_up, down, d_down, d_gate_up;
  std::unique_ptr<WeightGradients> w_down, w_gate_up;
};

class Fp8Layer : public MoeLayer {
 public:
  Fp8Layer(const LayerInputs& inputs, Kernels kernels)
      : in_(inputs),
        k_(std::move(kernels)),
        h_(inputs.sizes.hidden),
        w_(inputs.sizes.expert_width),
        local_(inputs.sizes.local_experts),
        x_({inputs.tokens, h_}),
        x_rows_({room(), h_}),
        gate_up_out_(size_of(room() * 2 * w_, 2)),
        act_({room(), w_}),
        rows_out_(size_of(room() * h_, 2)),
        out_(size_of(inputs.tokens * h_, 2)),
        d_out_({inputs.tokens, h_}),
        d_rows_({room(), h_}),
        d_rows_turned_({h_, room()}),
        d_act_(size_of(room() * w_, 2)),
        act_again_(size_of(room() * w_, 2)),
        d_gate_up_out_(size_of(room() * 2 * w_, 2)),
        d_gate_up_rows_({room(), 2 * w_}),
        d_gate_up_turned_({2 * w_, room()}),
        d_x_rows_(size_of(room() * h_, 2)),
        d_x_(size_of(inputs.tokens * h_, 2)),
        act_turned_({w_, room()}),
        x_turned_({h_, room()}),
        dw_gate_up_(size_of(local_ * 2 * w_ * h_, 4)),
        dw_down_(size_of(local_ * h_ * w_, 4)) {}

  void prepare(cudaStream_t stream) override {
    quantise_weights(in_.gate_up, {2 * w_, h_}, gate_up_, stream);
    quantise_weights(in_.down, {h_, w_}, down_, stream);
    PW_CUDA(cudaStreamSynchronize(stream));
  }

  void forward(cudaStream_t stream) override {
    in_.route(*k_.router, stream);
    quantise(in_.x.as<Bits>(), in_.token_shape(), x_.out(), stream);
    gather(x_.in(), in_.gather_sizes(nullptr), x_rows_.out(), stream);
    k_.gate_up->launch(x_rows_.in(), gate_up_.in(gate_up_.plain), gate_up_out_.as<Bits>(), in_.rows,
                       stream);
    swiglu_quantise(gate_up_out_.as<Bits>(), {rows(), w_}, act_.out(), stream);
    k_.down->launch(act_.in(), down_.in(down_.plain), rows_out_.as<Bits>(), in_.rows, stream);
    combine(rows_out_.as<Bits>(), in_.combine_sizes(in_.weights.as<float>()), out_.as<Bits>(),
            stream);
  }

  void backward(cudaStream_t stream) override {
    quantise(in_.d_out.as<Bits>(), in_.token_shape(), d_out_.out(), stream);
    gather(d_out_.in(), in_.gather_sizes(in_.weights.as<float>()), d_rows_.out(), stream);
    requantise_transposed(d_rows_.in(), {rows(), h_}, d_rows_turned_.out(), stream);
    k_.d_down->launch(d_rows_.in(), down_.in(down_.turned), d_act_.as<Bits>(), in_.rows, stream);
    swiglu_backward({.x = gate_up_out_.as<Bits>(),
                     .d_y = d_act_.as<Bits>(),
                     .y = act_again_.as<Bits>(),
                     .d_x = d_gate_up_out_.as<Bits>()},
                    {rows(), w_}, stream);
    quantise_both(d_gate_up_out_.as<Bits>(), {rows(), 2 * w_}, d_gate_up_rows_.out(),
                  d_gate_up_turned_.out(), stream);
    k_.d_gate_up->launch(d_gate_up_rows_.in(), gate_up_.in(gate_up_.turned), d_x_rows_.as<Bits>(),
                         in_.rows, stream);
    combine(d_x_rows_.as<Bits>(), in_.combine_sizes(nullptr), d_x_.as<Bits>(), stream);
    requantise_transposed(act_.in(), {rows(), w_}, act_turned_.out(), stream);
    k_.w_down->launch(d_rows_turned_.in(), act_turned_.in(), dw_down_.as<float>(), in_.rows,
                      stream);
    requantise_transposed(x_rows_.in(), {rows(), h_}, x_turned_.out(), stream);
    k_.w_gate_up->launch(d_gate_up_turned_.in(), x_turned_.in(), dw_gate_up_.as<float>(), in_.rows,
                         stream);
  }

  /// Rows that pad are zeros in X, so they stay zeros wherever products leave them alone.
  void poison(cudaStream_t stream) override {
    for (const Buffer* result : {&out_, &d_x_, &dw_gate_up_, &dw_down_}) {
      PW_CUDA(cudaMemsetAsync(result->as<void>(), 0xFF, result->size(), stream));
    }
    for (const Buffer* rows : {&gate_up_out_, &rows_out_, &d_act_, &d_x_rows_}) {
      PW_CUDA(cudaMemsetAsync(rows->as<void>(), 0, rows->size(), stream));
    }
  }

  const Buffer& out() const override { return out_; }
  const Buffer& d_x() const override { return d_x_; }
  const Buffer& d_gate_up() const override { return dw_gate_up_; }
  const Buffer& d_down() const override { return dw_down_; }
  std::string implementation() const override {
    return fmt::format("layer by {}", k_.gate_up->implementation());
  }
  int forward_kernels() const override {
    constexpr int kOwn = 6;  // router, two of places, quantise, gather, SwiGLU; and combine
    return k_.router->kernels() + kOwn + k_.gate_up->kernels() + k_.down->kernels() + 1;
  }
  int backward_kernels() const override {
    constexpr int kOwn = 8;
    return kOwn + k_.d_down->kernels() + k_.d_gate_up->kernels() + k_.w_down->kernels() +
           k_.w_gate_up->kernels();
  }

 private:
  std::int64_t room() const { return in_.room(); }
  std::int64_t rows() const { return in_.rows.rows_all; }

  void quantise_weights(const Buffer& from, MatrixShape shape, Weights& to, cudaStream_t stream) {
    const auto make = [&](MatrixShape of) {
      ScaledBuffer made;
      made.values = Buffer(size_of(local_ * of.count(), 1));
      made.scales = Buffer(size_of(local_ * block_scale_count(of.rows, of.columns), 4));
      return made;
    };
    to.plain = make(shape);
    to.turned = make({shape.columns, shape.rows});
    Buffer bits(size_of(local_ * shape.count(), 2));
    quantise_blocks(from.as<Bits>(), local_, shape, to.plain.values.as<std::uint8_t>(),
                    to.plain.scales.as<float>(), stream);
    transpose(from.as<Bits>(), local_, shape, bits.as<Bits>(), stream);
    quantise_blocks(bits.as<Bits>(), local_, {shape.columns, shape.rows},
                    to.turned.values.as<std::uint8_t>(), to.turned.scales.as<float>(), stream);
    PW_CUDA(cudaStreamSynchronize(stream));
  }

  const LayerInputs& in_;
  Kernels k_;
  std::int64_t h_, w_, local_;
  Weights gate_up_, down_;
  ScaledBuffer x_, x_rows_;
  Buffer gate_up_out_;
  ScaledBuffer act_;
  Buffer rows_out_, out_;
  ScaledBuffer d_out_, d_rows_, d_rows_turned_;
  Buffer d_act_, act_again_, d_gate_up_out_;
  ScaledBuffer d_gate_up_rows_, d_gate_up_turned_;
  Buffer d_x_rows_, d_x_;
  ScaledBuffer act_turned_, x_turned_;
  Buffer dw_gate_up_, dw_down_;
};

/// Keeps the first reason why something cannot be made.
template <class Made>
std::unique_ptr<Made> take(std::variant<std::unique_ptr<Made>, NotMeasured> made,
                           std::string& reason) {
  if (const auto* refusal = std::get_if<NotMeasured>(&made)) {
    if (reason.empty()) reason = refusal->reason;
    return nullptr;
  }
  return std::move(std::get<0>(made));
}

}  // namespace

std::variant<std::unique_ptr<MoeLayer>, NotMeasured> make_fp8_layer(const LayerInputs& inputs,
                                                                    ExpertProducts products,
                                                                    int sms) {
  const LayerSizes& s = inputs.sizes;
  const std::int64_t m = inputs.tokens * s.experts_per_token / s.local_experts;
  const auto options = [&](std::int64_t n, std::int64_t k) {
    return ProductOptions{.shape = {s.local_experts, m, n, k}, .sms = sms};
  };
  const auto expert = [&](std::int64_t n, std::int64_t k) {
    return products == ExpertProducts::cublaslt ? make_cublaslt_products(options(n, k))
                                                : make_grouped_products(options(n, k));
  };
  std::string reason;
  const std::int64_t gate_up = 2 * s.expert_width;
  Kernels kernels;
  kernels.router = take(
      make_cublaslt_bf16_products({.shape = {1, inputs.tokens, s.experts, s.hidden}, .sms = sms}),
      reason);
  kernels.gate_up = take(expert(gate_up, s.hidden), reason);
  kernels.down = take(expert(s.hidden, s.expert_width), reason);
  kernels.d_down = take(expert(s.expert_width, s.hidden), reason);
  kernels.d_gate_up = take(expert(s.hidden, gate_up), reason);
  kernels.w_down = take(make_cublaslt_weight_gradients(options(s.hidden, s.expert_width)), reason);
  kernels.w_gate_up = take(make_cublaslt_weight_gradients(options(gate_up, s.hidden)), reason);
  if (!reason.empty()) return NotMeasured{reason};
  return std::make_unique<Fp8Layer>(inputs, std::move(kernels));
}

}  // namespace planewise::calibration
