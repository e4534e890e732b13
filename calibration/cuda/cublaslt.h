// Owners of cuBLASLt's handles, and one matrix product of it. Names are row-major, as everywhere
// here; cuBLASLt thinks in columns, and the turn is made in cublaslt.cc alone.
#pragma once

#include <cublasLt.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <variant>

#include "calibration/cuda/handles.h"
#include "calibration/measure/backend.h"

namespace planewise::calibration {

/// Throws std::runtime_error with the call, the status, `about` (a shape, or empty), the place and
/// the device if `status` is an error.
void check_cublaslt(cublasStatus_t status, const char* call, const std::string& about,
                    const char* file, int line);

#define PW_CUBLASLT(call, about) \
  ::planewise::calibration::check_cublaslt((call), #call, (about), __FILE__, __LINE__)

/// `13.1.0`: of the library that is loaded, not of the headers.
std::string cublaslt_version();

/// A handle and its workspace of 32 MB, what NVIDIA advises for Hopper (cuBLAS documentation,
/// cublasSetWorkspace). Products that share one must run one after the other.
class CublasLt {
 public:
  CublasLt();
  ~CublasLt();
  CublasLt(const CublasLt&) = delete;
  CublasLt& operator=(const CublasLt&) = delete;

  cublasLtHandle_t get() const { return handle_; }
  const Buffer& workspace() const { return workspace_; }

 private:
  cublasLtHandle_t handle_ = nullptr;
  Buffer workspace_;
};

/// How an operand lies in memory.
enum class Stored : std::uint8_t {
  k_major,   ///< X [m, k], W [n, k].
  mn_major,  ///< X [k, m], W [k, n].
};

/// Y [m, n] = alpha X W^T + beta Y, `batch` times, FP32 inside.
struct MatrixProduct {
  std::int64_t m = 0;
  std::int64_t n = 0;
  std::int64_t k = 0;
  cudaDataType_t operand_type = CUDA_R_16BF;  ///< Of X and W.
  cudaDataType_t result_type = CUDA_R_16BF;
  Stored x_stored = Stored::k_major;
  Stored w_stored = Stored::k_major;
  std::int64_t x_leading = 0;  ///< Elements from a row as stored to the next.
  std::int64_t w_leading = 0;
  std::int64_t y_leading = 0;
  std::int64_t batch = 1;
  std::int64_t x_stride = 0;  ///< Elements from a product to the next; not read if batch is 1.
  std::int64_t w_stride = 0;
  std::int64_t y_stride = 0;
  /// Scales, if operands are FP8; CUBLASLT_MATMUL_MATRIX_SCALE_SCALAR_32F without pointers is none.
  cublasLtMatmulMatrixScale_t x_scale = CUBLASLT_MATMUL_MATRIX_SCALE_SCALAR_32F;
  cublasLtMatmulMatrixScale_t w_scale = CUBLASLT_MATMUL_MATRIX_SCALE_SCALAR_32F;
  /// Bytes that divide the addresses of X, W and Y in every launch; cuBLASLt's own default is 256.
  int alignment = 256;
  int sms = 0;  ///< That the heuristic may count on; 0: all.
};

/// `m 512 n 4096 k 7168`, with the batch if there is one.
std::string to_string(const MatrixProduct& product);

/// Where the operands of a call are. Scales are not read if the product has none.
struct MatrixPointers {
  const void* x = nullptr;
  const void* w = nullptr;
  void* y = nullptr;
  const void* x_scales = nullptr;  ///< On 16 bytes, as cuBLASLt demands.
  const void* w_scales = nullptr;
  float alpha = 1;
  float beta = 0;
};

/// A product for which the heuristic has found an algorithm, ready to be launched.
class Matmul {
 public:
  /// Asks the heuristic, once. NotMeasured, with status and shape, if the library has no algorithm
  /// for it on this GPU. `library` must outlive what is returned.
  static std::variant<std::unique_ptr<Matmul>, NotMeasured> make(const CublasLt& library,
                                                                 const MatrixProduct& product);
  ~Matmul();
  Matmul(const Matmul&) = delete;
  Matmul& operator=(const Matmul&) = delete;

  /// No allocation and no synchronisation, so that it can be captured in a graph.
  void launch(const MatrixPointers& at, cudaStream_t stream);

  const MatrixProduct& product() const { return product_; }

 private:
  Matmul(const CublasLt& library, const MatrixProduct& product);
  void describe();
  cublasLtMatrixLayout_t layout(cudaDataType_t type, std::array<std::int64_t, 2> rows_columns,
                                std::int64_t leading, std::int64_t stride) const;
  void point_to_scales(const void* x_scales, const void* w_scales);

  const CublasLt& library_;
  MatrixProduct product_;
  cublasLtMatmulDesc_t description_ = nullptr;
  cublasLtMatrixLayout_t w_layout_ = nullptr;  ///< cuBLASLt's A.
  cublasLtMatrixLayout_t x_layout_ = nullptr;  ///< Its B.
  cublasLtMatrixLayout_t y_layout_ = nullptr;  ///< Its C and D.
  cublasLtMatmulAlgo_t algorithm_{};
};

}  // namespace planewise::calibration
