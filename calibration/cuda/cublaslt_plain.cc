// BF16, FP32 and MXFP8 products by cuBLASLt: no scales, or scales that need no regrouping.
#include <cstddef>
#include <utility>

#include "base/check.h"
#include "calibration/cuda/cublaslt_groups.h"
#include "calibration/cuda/cublaslt_loop.h"
#include "calibration/cuda/cublaslt_products.h"
#include "calibration/cuda/mxfp8.h"

namespace planewise::calibration {
namespace {

/// Bytes of an element, and its type.
struct Element {
  cudaDataType_t type = CUDA_R_16BF;
  std::int64_t size = 2;
};

/// A call a group, X, W and Y of one type.
class PlainLoop {
 public:
  PlainLoop(const ProductOptions& options, const Element& element)
      : options_(options),
        element_(element),
        matmuls_({.n = options.shape.n,
                  .k = options.shape.k,
                  .operand_type = element.type,
                  .result_type = element.type,
                  .x_leading = options.shape.k,
                  .w_leading = options.shape.k,
                  .y_leading = options.shape.n,
                  // Groups of W begin at multiples of n x k elements.
                  .alignment = 16,
                  .sms = options.sms}) {
    PW_CHECK(options.shape.n * element.size % 16 == 0);
    PW_CHECK(options.shape.k * element.size % 16 == 0);
  }

  std::optional<NotMeasured> refusal() { return matmuls_.refusal_of_rows(options_.shape.m); }

  void launch(const void* x, const void* w, void* y, const GroupRows& rows, cudaStream_t stream) {
    const std::int64_t n_bytes = options_.shape.n * element_.size;
    const std::int64_t k_bytes = options_.shape.k * element_.size;
    for (const GroupCall& call : group_calls(rows, 1)) {
      matmuls_.with_rows(call.rows).launch(
          {.x = static_cast<const std::byte*>(x) + call.first * k_bytes,
           .w = static_cast<const std::byte*>(w) + call.group * options_.shape.n * k_bytes,
           .y = static_cast<std::byte*>(y) + call.first * n_bytes},
          stream);
    }
  }

  const ProductOptions& options() const { return options_; }
  int kernels() const { return static_cast<int>(options_.shape.groups); }

 private:
  ProductOptions options_;
  Element element_;
  MatmulCache matmuls_;
};

class CublasltBf16Products : public Bf16Products {
 public:
  explicit CublasltBf16Products(const ProductOptions& options)
      : loop_(options, {.type = CUDA_R_16BF, .size = 2}) {}
  std::optional<NotMeasured> refusal() { return loop_.refusal(); }
  void launch(const std::uint16_t* x, const std::uint16_t* w, std::uint16_t* y,
              const GroupRows& rows, cudaStream_t stream) override {
    loop_.launch(x, w, y, rows, stream);
  }
  std::string implementation() const override { return loop_name(loop_.options()); }
  int kernels() const override { return loop_.kernels(); }

 private:
  PlainLoop loop_;
};

class CublasltFp32Products : public Fp32Products {
 public:
  explicit CublasltFp32Products(const ProductOptions& options)
      : loop_(options, {.type = CUDA_R_32F, .size = 4}) {}
  std::optional<NotMeasured> refusal() { return loop_.refusal(); }
  void launch(const float* x, const float* w, float* y, const GroupRows& rows,
              cudaStream_t stream) override {
    loop_.launch(x, w, y, rows, stream);
  }
  std::string implementation() const override { return loop_name(loop_.options()); }
  int kernels() const override { return loop_.kernels(); }

 private:
  PlainLoop loop_;
};

class CublasltMxProducts : public MxProducts {
 public:
  explicit CublasltMxProducts(const ProductOptions& options)
      : options_(options),
        matmuls_({.n = options.shape.n,
                  .k = options.shape.k,
                  .operand_type = CUDA_R_8F_E4M3,
                  .x_leading = options.shape.k,
                  .w_leading = options.shape.k,
                  .y_leading = options.shape.n,
                  .x_scale = CUBLASLT_MATMUL_MATRIX_SCALE_VEC32_UE8M0,
                  .w_scale = CUBLASLT_MATMUL_MATRIX_SCALE_VEC32_UE8M0,
                  .alignment = 256,
                  .sms = options.sms}) {}

  std::optional<NotMeasured> refusal() { return matmuls_.refusal_of_rows(options_.shape.m); }

  void launch(const MxScaled& x, const MxScaled& w, std::uint16_t* y, const GroupRows& rows,
              cudaStream_t stream) override {
    const spec::GemmShape& shape = options_.shape;
    const std::int64_t w_scales = mxfp8_scale_bytes(shape.n, shape.k);
    for (const GroupCall& call : group_calls(rows, 1)) {
      // Tiles of 128 rows follow each other, and a group begins with one.
      const std::int64_t x_scales = mxfp8_scale_bytes(call.first, shape.k);
      matmuls_.with_rows(call.rows).launch({.x = x.values + call.first * shape.k,
                                            .w = w.values + call.group * shape.n * shape.k,
                                            .y = y + call.first * shape.n,
                                            .x_scales = x.scales + x_scales,
                                            .w_scales = w.scales + call.group * w_scales},
                                           stream);
    }
  }

  std::string implementation() const override { return loop_name(options_); }
  int kernels() const override { return static_cast<int>(options_.shape.groups); }

 private:
  ProductOptions options_;
  MatmulCache matmuls_;
};

}  // namespace

std::variant<std::unique_ptr<Bf16Products>, NotMeasured> make_cublaslt_bf16_products(
    const ProductOptions& options) {
  if (auto refused = refuse_layout(options)) return std::move(*refused);
  auto made = std::make_unique<CublasltBf16Products>(options);
  if (auto refused = made->refusal()) return std::move(*refused);
  return made;
}

std::variant<std::unique_ptr<Fp32Products>, NotMeasured> make_cublaslt_fp32_products(
    const ProductOptions& options) {
  if (auto refused = refuse_layout(options)) return std::move(*refused);
  auto made = std::make_unique<CublasltFp32Products>(options);
  if (auto refused = made->refusal()) return std::move(*refused);
  return made;
}

std::variant<std::unique_ptr<MxProducts>, NotMeasured> make_cublaslt_mxfp8_products(
    const ProductOptions& options) {
  PW_CHECK(options.shape.k % 128 == 0);
  PW_CHECK(options.shape.n % 64 == 0);
  if (auto refused = refuse_layout(options)) return std::move(*refused);
  auto made = std::make_unique<CublasltMxProducts>(options);
  if (auto refused = made->refusal()) return std::move(*refused);
  return made;
}

}  // namespace planewise::calibration
