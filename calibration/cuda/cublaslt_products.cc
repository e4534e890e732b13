// FP8 products with 1 x 128 and 128 x 128 scales, and their weight gradients, by cuBLASLt.
//
// Source: cuBLAS 13 documentation, "128-element 1D and 128x128 2D Block Scaling For FP8 Data
// Types": compute capability 9.0, TN, m and n multiples of 4, scales of 1 x 128 M-major with stride
// m.
#include "calibration/cuda/cublaslt_products.h"

#include <utility>

#include "base/check.h"
#include "calibration/cuda/cublaslt_groups.h"
#include "calibration/cuda/cublaslt_loop.h"

namespace planewise::calibration {
namespace {

MatrixProduct fp8_pattern(const ProductOptions& options) {
  const spec::GemmShape& shape = options.shape;
  return {.n = shape.n,
          .k = shape.k,
          .operand_type = CUDA_R_8F_E4M3,
          .x_leading = shape.k,
          .w_leading = shape.k,
          .y_leading = shape.n,
          .x_scale = CUBLASLT_MATMUL_MATRIX_SCALE_VEC128_32F,
          .w_scale = CUBLASLT_MATMUL_MATRIX_SCALE_BLK128x128_32F,
          // Groups begin at multiples of 128 rows, and k and n are multiples of 64.
          .alignment = 256,
          .sms = options.sms};
}

class CublasltProducts : public Products {
 public:
  explicit CublasltProducts(const ProductOptions& options)
      : options_(options), matmuls_(fp8_pattern(options)) {}

  /// The documentation asks for multiples of 4. Should the library want more, then a group's rows
  /// are rounded up to what it takes.
  std::optional<NotMeasured> settle_row_multiple() {
    std::optional<NotMeasured> refused;
    for (const std::int64_t multiple : {4, 16, 128}) {
      const std::int64_t rows = round_up(options_.shape.m, multiple);
      refused = matmuls_.refusal_of_rows(rows);
      // One of the two is not a multiple of twice as much.
      if (!refused) refused = matmuls_.refusal_of_rows(rows + multiple);
      row_multiple_ = multiple;
      if (!refused) return {};
    }
    return refused;
  }

  void launch(const RowScaled& x, const BlockScaled& w, std::uint16_t* y, const GroupRows& rows,
              cudaStream_t stream) override {
    const spec::GemmShape& shape = options_.shape;
    const std::vector<GroupCall> calls = group_calls(rows, row_multiple_);
    const float* scales = x.scales;
    // With one group the stride may be what cuBLASLt expects: its rows.
    const bool as_they_are =
        x.leading == 0 || (calls.size() == 1 && x.leading == calls[0].rows && calls[0].first == 0);
    if (!as_they_are) scales = regrouped(x, calls, rows.rows_all, stream);
    regroups_ = !as_they_are;
    for (const GroupCall& call : calls) {
      matmuls_.with_rows(call.rows).launch(
          {.x = x.values + call.first * shape.k,
           .w = w.values + call.group * shape.n * shape.k,
           .y = y + call.first * shape.n,
           .x_scales = scales + regrouped_offset(call, shape.k),
           .w_scales = w.scales + call.group * block_scale_count(shape.n, shape.k)},
          stream);
    }
  }

  std::string implementation() const override { return loop_name(options_); }
  int kernels() const override {
    return static_cast<int>(options_.shape.groups) + (regroups_ ? 1 : 0);
  }
  std::int64_t row_multiple() const override { return row_multiple_; }

 private:
  const float* regrouped(const RowScaled& x, const std::vector<GroupCall>& calls,
                         std::int64_t rows_all, cudaStream_t stream) {
    const auto size = static_cast<std::size_t>(rows_all * ((options_.shape.k + 127) / 128)) * 4;
    if (scales_.size() < size) scales_ = Buffer(size);
    regroup_scales(x, calls, options_.shape.k, scales_.as<float>(), stream);
    return scales_.as<float>();
  }

  ProductOptions options_;
  MatmulCache matmuls_;
  std::int64_t row_multiple_ = 4;
  Buffer scales_;
  bool regroups_ = false;
};

MatrixProduct gradient_pattern(const ProductOptions& options) {
  const spec::GemmShape& shape = options.shape;
  return {.m = shape.n,
          .n = shape.k,
          .operand_type = CUDA_R_8F_E4M3,
          .result_type = CUDA_R_32F,
          .y_leading = shape.k,
          .x_scale = CUBLASLT_MATMUL_MATRIX_SCALE_VEC128_32F,
          .w_scale = CUBLASLT_MATMUL_MATRIX_SCALE_VEC128_32F,
          // A group begins 128 x i bytes into a row.
          .alignment = 128,
          .sms = options.sms};
}

class CublasltWeightGradients : public WeightGradients {
 public:
  explicit CublasltWeightGradients(const ProductOptions& options)
      : options_(options), matmuls_(gradient_pattern(options)) {}

  std::optional<NotMeasured> refusal() {
    const std::int64_t rows = round_up(options_.shape.m, 128);
    return matmuls_.refusal_of_inner_rows(rows, rows * options_.shape.groups);
  }

  void launch(const RowScaled& dy_transposed, const RowScaled& x_transposed, float* dw,
              const GroupRows& rows, cudaStream_t stream) override {
    const spec::GemmShape& shape = options_.shape;
    PW_CHECK(dy_transposed.leading == shape.n);
    PW_CHECK(x_transposed.leading == shape.k);
    zero_of_empty_groups(dw, rows, stream);
    for (const GroupCall& call : group_calls(rows, 128)) {
      matmuls_.with_inner_rows(call.rows, rows.rows_all)
          .launch({.x = dy_transposed.values + call.first,
                   .w = x_transposed.values + call.first,
                   .y = dw + call.group * shape.n * shape.k,
                   .x_scales = dy_transposed.scales + call.first / 128 * shape.n,
                   .w_scales = x_transposed.scales + call.first / 128 * shape.k},
                  stream);
    }
  }

  std::string implementation() const override { return loop_name(options_); }
  int kernels() const override { return static_cast<int>(options_.shape.groups); }

 private:
  void zero_of_empty_groups(float* dw, const GroupRows& rows, cudaStream_t stream) const {
    const std::int64_t size = options_.shape.n * options_.shape.k;
    for (std::size_t group = 0; group < rows.count.size(); ++group) {
      if (rows.count[group] > 0) continue;
      PW_CUDA(cudaMemsetAsync(dw + static_cast<std::int64_t>(group) * size, 0,
                              static_cast<std::size_t>(size) * sizeof(float), stream));
    }
  }

  ProductOptions options_;
  MatmulCache matmuls_;
};

}  // namespace

std::variant<std::unique_ptr<Products>, NotMeasured> make_cublaslt_products(
    const ProductOptions& options) {
  PW_CHECK(options.shape.k % 128 == 0);
  PW_CHECK(options.shape.n % 64 == 0);
  if (auto refused = refuse_layout(options)) return std::move(*refused);
  auto made = std::make_unique<CublasltProducts>(options);
  if (auto refused = made->settle_row_multiple()) return std::move(*refused);
  return made;
}

std::variant<std::unique_ptr<WeightGradients>, NotMeasured> make_cublaslt_weight_gradients(
    const ProductOptions& options) {
  PW_CHECK(options.shape.k % 64 == 0);
  PW_CHECK(options.shape.n % 64 == 0);
  if (auto refused = refuse_layout(options)) return std::move(*refused);
  auto made = std::make_unique<CublasltWeightGradients>(options);
  if (auto refused = made->refusal()) return std::move(*refused);
  return made;
}

}  // namespace planewise::calibration
