// Operands of products on a GPU: several sets, in the format that the kernels read, and the check
// of what they leave.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <vector>

#include "calibration/cuda/cublaslt_products.h"
#include "calibration/cuda/gpu_check.h"
#include "calibration/cuda/handles.h"
#include "calibration/cuda/products.h"

namespace planewise::calibration {

enum class OperandFormat : std::uint8_t {
  bf16,
  fp8_blockwise,  ///< X with scales for 1 x 128, W for 128 x 128.
  mxfp8,          ///< Both with scales for 1 x 32.
};

/// X [rows_all, k], W [groups, n, k] and Y [rows_all, n] of every set.
class ProductSets {
 public:
  ProductSets(const Measurement& measurement, OperandFormat format, int sets);

  /// Bytes of a set, Y included.
  static std::int64_t bytes_of(const Measurement& measurement, OperandFormat format);

  void fill(std::uint64_t seed, cudaStream_t stream);
  void poison(cudaStream_t stream);

  /// Holds Y of set 0 against FP32 products of the operands as they are, of the operands before
  /// they were rounded, and some elements against FP64 sums of the processor.
  std::vector<CheckResult> compare(std::uint64_t seed, cudaStream_t stream);

  const GroupRows& rows() const { return layout_.rows; }
  RowScaled scaled_x(int set) const;
  BlockScaled scaled_w(int set) const;
  MxScaled mx_x(int set) const;
  MxScaled mx_w(int set) const;
  const std::uint16_t* plain_x(int set) const { return sets_.at(at(set)).x.as<std::uint16_t>(); }
  const std::uint16_t* plain_w(int set) const { return sets_.at(at(set)).w.as<std::uint16_t>(); }
  std::uint16_t* y(int set) const { return sets_.at(at(set)).y.as<std::uint16_t>(); }

 private:
  struct Set {
    Buffer x, x_scales, w, w_scales, y;
  };
  static std::size_t at(int set) { return static_cast<std::size_t>(set); }
  void fill_set(Set& set, std::uint64_t seed, cudaStream_t stream);
  CheckResult compare_with(const char* reference, const Buffer& x, const Buffer& w, double limit,
                           cudaStream_t stream) const;
  CheckResult compare_samples(const Buffer& x, const Buffer& w, std::uint64_t seed,
                              cudaStream_t stream) const;

  spec::GemmShape shape_;
  OperandFormat format_;
  GroupLayout layout_;
  std::vector<Set> sets_;
  Buffer x_before_, w_before_;  ///< Set 0's, before they were rounded; BF16.
};

}  // namespace planewise::calibration
