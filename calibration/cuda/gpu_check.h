// What the checks of benches on a GPU share.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <vector>

#include "calibration/cuda/handles.h"
#include "calibration/cuda/kernels.h"
#include "calibration/cuda/products.h"
#include "calibration/measure/backend.h"

namespace planewise::calibration {

/// Limits of `difference`, as those of host/host_bench.h.
inline constexpr double kDequantisedLimit = 5e-5;  ///< FP32 sums in another order, BF16 results.
inline constexpr double kUnquantisedLimit = 1e-3;  ///< DeepGEMM's, tests/test_core.py.

/// Adds up a difference over several ranges; waits for the stream at each.
class DifferenceSum {
 public:
  DifferenceSum();
  void add(const std::uint16_t* x, const float* y, std::int64_t count, cudaStream_t stream);
  void add(const float* x, const float* y, std::int64_t count, cudaStream_t stream);
  /// NaN if a value was NaN, or nothing but zeros were compared with zeros.
  double value() const;

 private:
  void take(cudaStream_t stream);

  Buffer parts_;
  double product_ = 0;
  double squares_ = 0;
};

/// The same of values in memory of the processor.
double difference_of(const std::vector<float>& x, const std::vector<float>& y);

/// `count` values from the GPU; waits for the stream.
std::vector<float> to_host(const float* from, std::int64_t count, cudaStream_t stream);
std::vector<std::int32_t> to_host(const std::int32_t* from, std::int64_t count,
                                  cudaStream_t stream);
/// BF16 values, widened.
std::vector<float> to_host(const std::uint16_t* from, std::int64_t count, cudaStream_t stream);

/// Where the groups of a measurement lie, with counts on the GPU if they are masked.
struct GroupLayout {
  GroupRows rows{};
  Buffer counts{};
};
GroupLayout layout_of(const Measurement& measurement);

/// Writes zeros into the rows that pad, of a matrix with rows of `row_bytes`.
void zero_padding(void* matrix, std::int64_t row_bytes, const GroupRows& rows, cudaStream_t stream);

/// Some rows that are no padding, spread over all groups; each group with rows has one at least.
std::vector<std::int64_t> sampled_rows(const GroupRows& rows, int count, std::uint64_t seed);

}  // namespace planewise::calibration
