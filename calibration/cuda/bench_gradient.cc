// Weight gradients on Hopper: cuBLASLt on operands that are quantised along their rows.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <utility>

#include "base/random.h"
#include "calibration/cuda/bench_product.h"
#include "calibration/cuda/cublaslt_products.h"
#include "calibration/cuda/gpu_bench.h"
#include "calibration/cuda/gpu_check.h"
#include "calibration/cuda/kernels.h"

namespace planewise::calibration {
namespace {

std::size_t size_of(std::int64_t count, std::size_t each) {
  return static_cast<std::size_t>(count) * each;
}

/// FP8 with its scales, [rows, columns].
struct Scaled {
  Buffer values;
  Buffer scales;

  explicit Scaled(MatrixShape shape)
      : values(size_of(shape.count(), 1)), scales(size_of(shape.count() / 128, sizeof(float))) {}
  RowScaledOut out(std::int64_t leading) const {
    return {values.as<std::uint8_t>(), scales.as<float>(), leading};
  }
};

/// What arrives: gradients as columns, inputs as rows.
struct Set {
  Scaled d_y_transposed;  ///< [n, rows_all].
  Scaled x;               ///< [rows_all, k].
  Buffer d_w;             ///< [groups, n, k].
};

class Gradients {
 public:
  Gradients(const Measurement& m, std::unique_ptr<WeightGradients> products, int sets)
      : shape_(m.shape),
        layout_(layout_of(m)),
        products_(std::move(products)),
        x_transposed_(MatrixShape{shape_.k, layout_.rows.rows_all}) {
    for (int i = 0; i < sets; ++i) {
      sets_.push_back({.d_y_transposed = Scaled(MatrixShape{shape_.n, rows_all()}),
                       .x = Scaled(MatrixShape{rows_all(), shape_.k}),
                       .d_w = Buffer(size_of(weights(), sizeof(float)))});
    }
  }

  static std::int64_t bytes_of(const Measurement& m) {
    const std::int64_t rows = m.shape.groups * (m.shape.m + 127);
    return rows * (m.shape.n + m.shape.k) * 33 / 32 + 4 * m.shape.groups * m.shape.n * m.shape.k;
  }

  void fill(std::uint64_t seed, cudaStream_t stream) {
    d_y_before_ = Buffer(size_of(rows_all() * shape_.n, 2));
    x_before_ = Buffer(size_of(rows_all() * shape_.k, 2));
    for (std::size_t i = sets_.size(); i-- > 0;) fill_set(sets_[i], fold_bits(seed, i), stream);
    PW_CUDA(cudaStreamSynchronize(stream));
  }

  void poison(cudaStream_t stream) {
    for (const Set& set : sets_)
      PW_CUDA(cudaMemsetAsync(set.d_w.as<void>(), 0xFF, set.d_w.size(), stream));
    PW_CUDA(cudaMemsetAsync(x_transposed_.values.as<void>(), 0xFF, x_transposed_.values.size(),
                            stream));
  }

  void launch(int set, cudaStream_t stream) {
    const Set& s = sets_.at(static_cast<std::size_t>(set));
    const RowScaledOut x_transposed = x_transposed_.out(shape_.k);
    requantise_transposed(s.x.out(rows_all()).in(), {rows_all(), shape_.k}, x_transposed, stream);
    products_->launch(s.d_y_transposed.out(shape_.n).in(), x_transposed.in(), s.d_w.as<float>(),
                      layout_.rows, stream);
  }

  std::vector<CheckResult> compare(cudaStream_t stream) {
    const Set& s = sets_.front();
    Buffer d_y(size_of(shape_.n * rows_all(), sizeof(float)));
    Buffer x(size_of(shape_.k * rows_all(), sizeof(float)));
    dequantise(s.d_y_transposed.out(shape_.n).in(), {shape_.n, rows_all()}, d_y.as<float>(),
               stream);
    dequantise(x_transposed_.out(shape_.k).in(), {shape_.k, rows_all()}, x.as<float>(), stream);
    std::vector<CheckResult> checks = {
        compare_with("dequantised", d_y, x, kDequantisedLimit, stream)};
    Buffer turned(size_of(std::max(shape_.n, shape_.k) * rows_all(), 2));
    transpose(d_y_before_.as<std::uint16_t>(), 1, {rows_all(), shape_.n},
              turned.as<std::uint16_t>(), stream);
    widen(turned.as<std::uint16_t>(), shape_.n * rows_all(), d_y.as<float>(), stream);
    transpose(x_before_.as<std::uint16_t>(), 1, {rows_all(), shape_.k}, turned.as<std::uint16_t>(),
              stream);
    widen(turned.as<std::uint16_t>(), shape_.k * rows_all(), x.as<float>(), stream);
    // X was rounded twice: along its rows, and along its columns.
    checks.push_back(compare_with("unquantised", d_y, x, 2 * kUnquantisedLimit, stream));
    return checks;
  }

  const WeightGradients& products() const { return *products_; }

 private:
  std::int64_t rows_all() const { return layout_.rows.rows_all; }
  std::int64_t weights() const { return shape_.groups * shape_.n * shape_.k; }

  void fill_set(Set& set, std::uint64_t seed, cudaStream_t stream) {
    auto* d_y = d_y_before_.as<std::uint16_t>();
    auto* x = x_before_.as<std::uint16_t>();
    fill_normal(d_y, rows_all() * shape_.n, 1, fold_bits(seed, 1), stream);
    fill_normal(x, rows_all() * shape_.k, 1, fold_bits(seed, 2), stream);
    zero_padding(d_y, 2 * shape_.n, layout_.rows, stream);
    zero_padding(x, 2 * shape_.k, layout_.rows, stream);
    quantise(x, {rows_all(), shape_.k}, set.x.out(rows_all()), stream);
    // Along columns: as rows of the transposed matrix.
    Buffer turned(size_of(rows_all() * shape_.n, 2));
    transpose(d_y, 1, {rows_all(), shape_.n}, turned.as<std::uint16_t>(), stream);
    quantise(turned.as<std::uint16_t>(), {shape_.n, rows_all()}, set.d_y_transposed.out(shape_.n),
             stream);
    PW_CUDA(cudaStreamSynchronize(stream));
  }

  /// dW = dY^T X of a group: Y of the product [n, rows] by [k, rows]^T.
  CheckResult compare_with(const char* reference, const Buffer& d_y, const Buffer& x, double limit,
                           cudaStream_t stream) const;

  spec::GemmShape shape_;
  GroupLayout layout_;
  std::unique_ptr<WeightGradients> products_;
  Scaled x_transposed_;  ///< [k, rows_all].
  std::vector<Set> sets_;
  Buffer d_y_before_, x_before_;  ///< Set 0's, before they were rounded.
};

/// Columns `first` to `first` + `count` of a matrix [rows, leading].
Buffer columns_of(const Buffer& from, MatrixShape shape, std::int64_t first, std::int64_t leading,
                  cudaStream_t stream) {
  Buffer part(size_of(shape.count(), sizeof(float)));
  const std::size_t width = size_of(shape.columns, sizeof(float));
  PW_CUDA(cudaMemcpy2DAsync(
      part.as<void>(), width, from.as<float>() + first, size_of(leading, sizeof(float)), width,
      static_cast<std::size_t>(shape.rows), cudaMemcpyDeviceToDevice, stream));
  return part;
}

CheckResult Gradients::compare_with(const char* reference, const Buffer& d_y, const Buffer& x,
                                    double limit, cudaStream_t stream) const {
  const GroupRows& rows = layout_.rows;
  DifferenceSum difference;
  for (std::size_t g = 0; g < rows.count.size(); ++g) {
    if (rows.count[g] == 0) continue;
    const std::int64_t count = (rows.count[g] + 127) / 128 * 128;
    const Buffer left = columns_of(d_y, {shape_.n, count}, rows.first[g], rows.rows_all, stream);
    const Buffer right = columns_of(x, {shape_.k, count}, rows.first[g], rows.rows_all, stream);
    auto made = make_cublaslt_fp32_products(
        {.shape = {.groups = 1, .m = shape_.n, .n = shape_.k, .k = count}});
    if (const auto* refusal = std::get_if<NotMeasured>(&made)) {
      throw std::runtime_error("no FP32 product to check with: " + refusal->reason);
    }
    Buffer expected(size_of(shape_.n * shape_.k, sizeof(float)));
    std::get<std::unique_ptr<Fp32Products>>(made)->launch(
        left.as<float>(), right.as<float>(), expected.as<float>(),
        {.first = {0}, .count = {shape_.n}, .rows_all = shape_.n}, stream);
    const std::int64_t first = static_cast<std::int64_t>(g) * shape_.n * shape_.k;
    difference.add(sets_.front().d_w.as<float>() + first, expected.as<float>(), shape_.n * shape_.k,
                   stream);
  }
  return {
      .reference = reference, .metric = "difference", .value = difference.value(), .limit = limit};
}

/// On other GPUs than Hopper: the product that it is, in the format that they have.
Measurement as_product(Measurement m) {
  m.kernel = Kernel::product;
  m.shape = {.groups = m.shape.groups, .m = m.shape.n, .n = m.shape.k, .k = m.shape.m};
  m.spread = RowSpread::balanced;
  return m;
}

}  // namespace

std::variant<std::unique_ptr<Bench>, NotMeasured> make_gradient_bench(const Measurement& m,
                                                                      const Device& device) {
  const bool is_hopper = device.capability() >= 90 && device.capability() < 100;
  if (!is_hopper || m.precision == spec::Precision::bf16) {
    return make_product_bench(as_product(m), device);
  }
  auto made = make_cublaslt_weight_gradients({.shape = m.shape, .sms = m.sms});
  if (const auto* refusal = std::get_if<NotMeasured>(&made)) return *refusal;
  const std::int64_t bytes = Gradients::bytes_of(m);
  const int sets = input_sets(bytes, device.l2_bytes(), device.free_bytes());
  if (sets == 0) {
    return NotMeasured{fmt::format("needs {:.1f} GB, more than half of the memory that is free",
                                   static_cast<double>(bytes) * 1e-9)};
  }
  auto all = std::make_shared<Gradients>(m, std::move(std::get<0>(made)), sets);
  GpuWork work{.sets = sets,
               .implementation = all->products().implementation() + " + pw_requantise",
               .kernels = all->products().kernels() + 1};
  work.fill = [all](std::uint64_t seed, cudaStream_t stream) { all->fill(seed, stream); };
  work.poison = [all](cudaStream_t stream) { all->poison(stream); };
  work.launch = [all](int set, cudaStream_t stream) { all->launch(set, stream); };
  work.compare = [all](std::uint64_t, cudaStream_t stream) { return all->compare(stream); };
  return make_gpu_bench(std::move(work), m, device);
}

}  // namespace planewise::calibration
