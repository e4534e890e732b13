// Products of cuBLASLt beyond those of products.h: the FP32 reference of the checks, and MXFP8,
// which stands for FP8 with 1 x 128 scales on Blackwell.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <memory>
#include <string>
#include <variant>

#include "calibration/cuda/products.h"

namespace planewise::calibration {

/// Y = X W^T in FP32 without TF32, row-major, a call a group: what checks compare with.
class Fp32Products {
 public:
  virtual ~Fp32Products() = default;
  virtual void launch(const float* x, const float* w, float* y, const GroupRows& rows,
                      cudaStream_t stream) = 0;
  virtual std::string implementation() const = 0;
  virtual int kernels() const = 0;
};

/// Contiguous only; any rows. Or why not. The first launch is not to be captured in a graph.
std::variant<std::unique_ptr<Fp32Products>, NotMeasured> make_cublaslt_fp32_products(
    const ProductOptions& options);

/// e4m3 [rows, columns] with an E8M0 scale for 1 x 32, tiled as mxfp8_scale_offset() of mxfp8.h
/// says. Rows of X are all groups' with padding; W is group after group, each with its own tiles.
struct MxScaled {
  const std::uint8_t* values = nullptr;
  const std::uint8_t* scales = nullptr;
};

/// Y = X W^T in BF16 of MXFP8 operands, row-major, a call a group. Not the recipe of DeepSeek-V3:
/// who reports it marks it `mxfp8 for fp8_blockwise`.
class MxProducts {
 public:
  virtual ~MxProducts() = default;
  virtual void launch(const MxScaled& x, const MxScaled& w, std::uint16_t* y_bf16,
                      const GroupRows& rows, cudaStream_t stream) = 0;
  virtual std::string implementation() const = 0;
  virtual int kernels() const = 0;
};

/// Compute capability 10.0 and later; contiguous only; k a multiple of 128. Or why not. The first
/// launch is not to be captured in a graph.
std::variant<std::unique_ptr<MxProducts>, NotMeasured> make_cublaslt_mxfp8_products(
    const ProductOptions& options);

}  // namespace planewise::calibration
