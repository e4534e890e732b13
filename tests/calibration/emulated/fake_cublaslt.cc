// Products of the emulated GPU: plain loops with the scales where cuBLAS's documentation has them
// ("1D Block Scaling", "128x128 2D Block Scaling"). In the place of calibration/cuda/cublaslt.cc.
#include <fmt/format.h>

#include "calibration/cuda/cublaslt.h"
#include "calibration/cuda/products.h"
#include "calibration/host/e4m3.h"
#include "emulator.h"

std::size_t cublasLtGetVersion() { return CUBLAS_VERSION; }

namespace planewise::calibration {
namespace {

float element(const void* at, cudaDataType_t type, std::int64_t index) {
  switch (type) {
    case CUDA_R_8F_E4M3:
      return host::from_e4m3(static_cast<const std::uint8_t*>(at)[index]);
    case CUDA_R_16BF:
      return host::from_bf16(static_cast<const std::uint16_t*>(at)[index]);
    default:
      return static_cast<const float*>(at)[index];
  }
}

/// Of an operand with `rows` rows in all.
float scale(const void* scales, cublasLtMatmulMatrixScale_t mode, std::int64_t row,
            std::int64_t rows, std::int64_t k, std::int64_t all_k) {
  const auto* from = static_cast<const float*>(scales);
  switch (mode) {
    case CUBLASLT_MATMUL_MATRIX_SCALE_VEC128_32F:
      return from[k / 128 * rows + row];
    case CUBLASLT_MATMUL_MATRIX_SCALE_BLK128x128_32F:
      return from[row / 128 * ((all_k / 128 + 3) / 4 * 4) + k / 128];
    default:
      return 1;
  }
}

void multiply(const MatrixProduct& p, const MatrixPointers& at, std::int64_t batch) {
  const auto index = [](Stored stored, std::int64_t row, std::int64_t k, std::int64_t leading) {
    return stored == Stored::k_major ? row * leading + k : k * leading + row;
  };
  for (std::int64_t i = 0; i < p.m; ++i) {
    for (std::int64_t j = 0; j < p.n; ++j) {
      float sum = 0;
      for (std::int64_t first = 0; first < p.k; first += 128) {
        float part = 0;
        for (std::int64_t k = first; k < std::min(first + 128, p.k); ++k) {
          part += element(at.x, p.operand_type,
                          batch * p.x_stride + index(p.x_stored, i, k, p.x_leading)) *
                  element(at.w, p.operand_type,
                          batch * p.w_stride + index(p.w_stored, j, k, p.w_leading));
        }
        sum += part * scale(at.x_scales, p.x_scale, i, p.m, first, p.k) *
               scale(at.w_scales, p.w_scale, j, p.n, first, p.k);
      }
      const std::int64_t to = batch * p.y_stride + i * p.y_leading + j;
      sum *= at.alpha;
      if (at.beta != 0) sum += at.beta * element(at.y, p.result_type, to);
      if (p.result_type == CUDA_R_16BF) {
        static_cast<std::uint16_t*>(at.y)[to] = host::to_bf16(sum);
      } else {
        static_cast<float*>(at.y)[to] = sum;
      }
    }
  }
}

/// In the place of our grouped kernel: one that is wrong, so that it has to be found out.
class WrongProducts : public Products {
 public:
  explicit WrongProducts(const ProductOptions& options) : options_(options) {}
  void launch(const RowScaled&, const BlockScaled&, std::uint16_t* y, const GroupRows& rows,
              cudaStream_t stream) override {
    const auto size = static_cast<std::size_t>(rows.rows_all * options_.shape.n) * sizeof *y;
    cudaMemsetAsync(y, 0x3F, size, stream);
  }
  std::string implementation() const override { return "wrong"; }
  int kernels() const override { return 1; }

 private:
  ProductOptions options_;
};

}  // namespace

std::variant<std::unique_ptr<Products>, NotMeasured> make_grouped_products(
    const ProductOptions& options) {
  return std::make_unique<WrongProducts>(options);
}

std::string cublaslt_version() { return "emulated"; }
std::string to_string(const MatrixProduct& p) {
  return fmt::format("m {} n {} k {}", p.m, p.n, p.k);
}

CublasLt::CublasLt() = default;
CublasLt::~CublasLt() = default;

Matmul::Matmul(const CublasLt& library, const MatrixProduct& product)
    : library_(library), product_(product) {}
Matmul::~Matmul() = default;

std::variant<std::unique_ptr<Matmul>, NotMeasured> Matmul::make(const CublasLt& library,
                                                                const MatrixProduct& product) {
  if (product.x_scale == CUBLASLT_MATMUL_MATRIX_SCALE_VEC32_UE8M0) {
    return NotMeasured{"no MXFP8 on an emulated Hopper"};
  }
  return std::unique_ptr<Matmul>(new Matmul(library, product));
}

void Matmul::launch(const MatrixPointers& at, cudaStream_t) {
  emulated::submit([product = product_, at] {
    for (std::int64_t batch = 0; batch < product.batch; ++batch) multiply(product, at, batch);
  });
}

}  // namespace planewise::calibration
