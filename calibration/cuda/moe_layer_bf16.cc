// The layer in BF16: every operator is checked by itself elsewhere, so that it may check FP8.
#include <algorithm>
#include <array>
#include <map>
#include <stdexcept>
#include <utility>

#include "calibration/cuda/moe_layer.h"

namespace planewise::calibration {
namespace {

using Bits = std::uint16_t;

std::size_t size_of(std::int64_t count, std::size_t each) {
  return static_cast<std::size_t>(count) * each;
}

struct Kernels {
  std::unique_ptr<Bf16Products> router, gate_up, down, d_down, d_gate_up;
};

class Bf16Layer : public MoeLayer {
 public:
  Bf16Layer(const LayerInputs& inputs, Kernels kernels)
      : in_(inputs),
        k_(std::move(kernels)),
        h_(inputs.sizes.hidden),
        w_(inputs.sizes.expert_width),
        local_(inputs.sizes.local_experts),
        x_rows_(size_of(room() * h_, 2)),
        gate_up_out_(size_of(room() * 2 * w_, 2)),
        act_(size_of(room() * w_, 2)),
        rows_out_(size_of(room() * h_, 2)),
        out_(size_of(inputs.tokens * h_, 2)),
        d_rows_(size_of(room() * h_, 2)),
        d_act_(size_of(room() * w_, 2)),
        d_gate_up_out_(size_of(room() * 2 * w_, 2)),
        d_x_rows_(size_of(room() * h_, 2)),
        d_x_(size_of(inputs.tokens * h_, 2)),
        left_(size_of(room() * std::max(2 * w_, h_), 2)),
        right_(size_of(room() * std::max(w_, h_), 2)),
        dw_(size_of(2 * w_ * h_, 2)),
        dw_gate_up_(size_of(local_ * 2 * w_ * h_, 4)),
        dw_down_(size_of(local_ * h_ * w_, 4)),
        gate_up_turned_(size_of(local_ * 2 * w_ * h_, 2)),
        down_turned_(size_of(local_ * h_ * w_, 2)) {}

  void prepare(cudaStream_t stream) override {
    transpose(in_.gate_up.as<Bits>(), local_, {2 * w_, h_}, gate_up_turned_.as<Bits>(), stream);
    transpose(in_.down.as<Bits>(), local_, {h_, w_}, down_turned_.as<Bits>(), stream);
    gradients_.clear();  // of the numbers of rows that were
    for (std::size_t g = 0; g < in_.rows.count.size(); ++g) {
      const std::int64_t count = padded(g);
      if (count == 0) continue;
      add_gradient(h_, w_, count);
      add_gradient(2 * w_, h_, count);
    }
  }

  void forward(cudaStream_t stream) override {
    in_.route(*k_.router, stream);
    gather(in_.x.as<Bits>(), in_.gather_sizes(nullptr), x_rows_.as<Bits>(), stream);
    k_.gate_up->launch(x_rows_.as<Bits>(), in_.gate_up.as<Bits>(), gate_up_out_.as<Bits>(),
                       in_.rows, stream);
    swiglu(gate_up_out_.as<Bits>(), {rows(), w_}, act_.as<Bits>(), stream);
    k_.down->launch(act_.as<Bits>(), in_.down.as<Bits>(), rows_out_.as<Bits>(), in_.rows, stream);
    combine(rows_out_.as<Bits>(), in_.combine_sizes(in_.weights.as<float>()), out_.as<Bits>(),
            stream);
  }

  void backward(cudaStream_t stream) override {
    gather(in_.d_out.as<Bits>(), in_.gather_sizes(in_.weights.as<float>()), d_rows_.as<Bits>(),
           stream);
    k_.d_down->launch(d_rows_.as<Bits>(), down_turned_.as<Bits>(), d_act_.as<Bits>(), in_.rows,
                      stream);
    swiglu_backward({.x = gate_up_out_.as<Bits>(),
                     .d_y = d_act_.as<Bits>(),
                     .y = act_.as<Bits>(),
                     .d_x = d_gate_up_out_.as<Bits>()},
                    {rows(), w_}, stream);
    k_.d_gate_up->launch(d_gate_up_out_.as<Bits>(), gate_up_turned_.as<Bits>(),
                         d_x_rows_.as<Bits>(), in_.rows, stream);
    combine(d_x_rows_.as<Bits>(), in_.combine_sizes(nullptr), d_x_.as<Bits>(), stream);
    weight_gradient(d_rows_, act_, {h_, w_}, dw_down_, stream);
    weight_gradient(d_gate_up_out_, x_rows_, {2 * w_, h_}, dw_gate_up_, stream);
  }

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
  std::string implementation() const override { return "layer in bf16"; }
  int forward_kernels() const override {
    constexpr int kOwn = 6;
    return k_.router->kernels() + kOwn + k_.gate_up->kernels() + k_.down->kernels();
  }
  int backward_kernels() const override {
    constexpr int kOwn = 3;
    constexpr int kEachGradient = 4;  // two transpositions, the product, and its result widened
    return kOwn + k_.d_down->kernels() + k_.d_gate_up->kernels() +
           2 * kEachGradient * static_cast<int>(local_);
  }

 private:
  using GradientKey = std::array<std::int64_t, 3>;  // n, k and rows

  std::int64_t room() const { return in_.room(); }
  std::int64_t rows() const { return in_.rows.rows_all; }
  std::int64_t padded(std::size_t group) const { return (in_.rows.count[group] + 127) / 128 * 128; }

  void add_gradient(std::int64_t n, std::int64_t k, std::int64_t rows_summed) {
    std::unique_ptr<Bf16Products>& product = gradients_[{n, k, rows_summed}];
    if (product) return;
    auto made = make_cublaslt_bf16_products({.shape = {1, n, k, rows_summed}});
    if (const auto* refusal = std::get_if<NotMeasured>(&made)) {
      throw std::runtime_error("no BF16 product for a weight gradient: " + refusal->reason);
    }
    product = std::move(std::get<0>(made));
  }

  /// dW = dY^T X of each group; `shape` is a group's dW. Results pass through BF16.
  void weight_gradient(const Buffer& d_y, const Buffer& x, MatrixShape shape, const Buffer& d_w,
                       cudaStream_t stream) {
    for (std::size_t g = 0; g < in_.rows.count.size(); ++g) {
      const std::int64_t count = padded(g);
      float* to = d_w.as<float>() + static_cast<std::int64_t>(g) * shape.count();
      if (count == 0) {
        PW_CUDA(cudaMemsetAsync(to, 0, size_of(shape.count(), 4), stream));
        continue;
      }
      const std::int64_t first = in_.rows.first[g];
      transpose(d_y.as<Bits>() + first * shape.rows, 1, {count, shape.rows}, left_.as<Bits>(),
                stream);
      transpose(x.as<Bits>() + first * shape.columns, 1, {count, shape.columns}, right_.as<Bits>(),
                stream);
      gradients_.at({shape.rows, shape.columns, count})
          ->launch(left_.as<Bits>(), right_.as<Bits>(), dw_.as<Bits>(),
                   {.first = {0}, .count = {shape.rows}, .rows_all = shape.rows}, stream);
      widen(dw_.as<Bits>(), shape.count(), to, stream);
    }
  }

  const LayerInputs& in_;
  Kernels k_;
  std::int64_t h_, w_, local_;
  Buffer x_rows_, gate_up_out_, act_, rows_out_, out_;
  Buffer d_rows_, d_act_, d_gate_up_out_, d_x_rows_, d_x_;
  Buffer left_, right_, dw_;
  Buffer dw_gate_up_, dw_down_;
  Buffer gate_up_turned_, down_turned_;
  std::map<GradientKey, std::unique_ptr<Bf16Products>> gradients_;
};

}  // namespace

std::variant<std::unique_ptr<MoeLayer>, NotMeasured> make_bf16_layer(const LayerInputs& inputs,
                                                                     int sms) {
  const LayerSizes& s = inputs.sizes;
  const std::int64_t m = inputs.tokens * s.experts_per_token / s.local_experts;
  const std::int64_t gate_up = 2 * s.expert_width;
  std::string reason;
  const auto take = [&](const spec::GemmShape& shape) -> std::unique_ptr<Bf16Products> {
    auto made = make_cublaslt_bf16_products({.shape = shape, .sms = sms});
    if (auto* product = std::get_if<std::unique_ptr<Bf16Products>>(&made)) {
      return std::move(*product);
    }
    if (reason.empty()) reason = std::get<NotMeasured>(made).reason;
    return nullptr;
  };
  Kernels kernels{.router = take({1, inputs.tokens, s.experts, s.hidden}),
                  .gate_up = take({s.local_experts, m, gate_up, s.hidden}),
                  .down = take({s.local_experts, m, s.hidden, s.expert_width}),
                  .d_down = take({s.local_experts, m, s.expert_width, s.hidden}),
                  .d_gate_up = take({s.local_experts, m, s.hidden, gate_up})};
  if (!reason.empty()) return NotMeasured{reason};
  return std::make_unique<Bf16Layer>(inputs, std::move(kernels));
}

}  // namespace planewise::calibration
