// The FP8 products of a layer on Hopper: by cuBLASLt, an expert after the other, and by our own
// grouped kernel. All of Y = X W^T with row-major X [rows, k] and W [n, k], both K-major.
//
// Scales (CUDA 13 documentation of cuBLASLt; PyTorch's test_scaled_matmul_cuda.py): 1 x 128 scales
// lie M-major, [k/128][ld] with stride 1 along rows; 128 x 128 scales lie [n/128][roundup(k/128,
// 4)] per group. k and n are multiples of 128 but n of dense products, which may be any multiple
// of 64.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "calibration/measure/backend.h"
#include "calibration/measure/measurement.h"

namespace planewise::calibration {

/// Row-major e4m3 with 1 x 128 scales: values [rows, columns], scales [columns/128][leading].
struct RowScaled {
  const std::uint8_t* values = nullptr;
  const float* scales = nullptr;
  /// Stride of the scales along columns, at least the rows. 0: the scales lie group after group, as
  /// regroup_scales() of cublaslt_groups.h leaves them; for cuBLASLt alone.
  std::int64_t leading = 0;
};

/// e4m3 weights [groups, n, k] with 128 x 128 scales [groups][n/128 up][roundup(k/128, 4)].
struct BlockScaled {
  const std::uint8_t* values = nullptr;
  const float* scales = nullptr;
};

/// Where each group's rows are. Contiguous: group g has rows first[g] to first[g] + count[g], first
/// a multiple of 128. Masked: first[g] = g x room.
struct GroupRows {
  std::vector<std::int64_t> first{};
  std::vector<std::int64_t> count{};
  const int* count_on_gpu = nullptr;  ///< [groups]; what a masked kernel reads.
  std::int64_t room = 0;              ///< Masked: rows a group has space for, a multiple of 128.
  std::int64_t rows_all = 0;          ///< Rows of X and Y with padding.
};

/// Launches the products on `stream`; makes no allocation and no synchronisation, so that it can be
/// captured in a graph.
class Products {
 public:
  virtual ~Products() = default;
  virtual void launch(const RowScaled& x, const BlockScaled& w, std::uint16_t* y_bf16,
                      const GroupRows& rows, cudaStream_t stream) = 0;
  virtual std::string implementation() const = 0;
  virtual int kernels() const = 0;
  /// What the rows of a group are rounded up to in a call; regroup_scales() needs to know.
  virtual std::int64_t row_multiple() const { return 1; }
};

struct ProductOptions {
  spec::GemmShape shape{};
  RowLayout layout = RowLayout::contiguous;
  int sms = 0;  ///< 0: all.
};

/// cuBLASLt, a call a group; contiguous only. Or why not. Scales of several groups that share a
/// stride are regrouped first, by one kernel more. Launch it once before it is captured in a graph:
/// a new number of rows asks for an algorithm, and a first call loads kernels.
std::variant<std::unique_ptr<Products>, NotMeasured> make_cublaslt_products(
    const ProductOptions& options);

/// Our grouped kernel, sm_90a; contiguous and masked. Or why not.
std::variant<std::unique_ptr<Products>, NotMeasured> make_grouped_products(
    const ProductOptions& options);

/// dW [groups][n, k] = dY^T X in FP32, from transposed operands with 1 x 128
/// scales along the rows: dy_transposed [n, rows], x_transposed [k, rows], a call a group.
class WeightGradients {
 public:
  virtual ~WeightGradients() = default;
  virtual void launch(const RowScaled& dy_transposed, const RowScaled& x_transposed, float* dw,
                      const GroupRows& rows, cudaStream_t stream) = 0;
  virtual std::string implementation() const = 0;
  virtual int kernels() const = 0;
};

/// `shape`: m rows a group; n x k is a gradient's size. Or why not. The scales' strides are n and
/// k; a group's rows beyond its count, up to 128, must be zero in both operands. As with
/// make_cublaslt_products(), the first launch is not to be captured.
std::variant<std::unique_ptr<WeightGradients>, NotMeasured> make_cublaslt_weight_gradients(
    const ProductOptions& options);

/// Y = X W^T in BF16, row-major, one after the other: the dense product, the router's and the
/// fallback of sm_80.
class Bf16Products {
 public:
  virtual ~Bf16Products() = default;
  virtual void launch(const std::uint16_t* x, const std::uint16_t* w, std::uint16_t* y,
                      const GroupRows& rows, cudaStream_t stream) = 0;
  virtual std::string implementation() const = 0;
  virtual int kernels() const = 0;
};
std::variant<std::unique_ptr<Bf16Products>, NotMeasured> make_cublaslt_bf16_products(
    const ProductOptions& options);

}  // namespace planewise::calibration
