// The work of each memory-bound operator on a GPU: inputs, launch, and the check of sampled rows by
// the processor.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "calibration/cuda/gpu_bench.h"
#include "calibration/cuda/gpu_check.h"
#include "calibration/cuda/handles.h"
#include "calibration/cuda/kernels.h"

namespace planewise::calibration {

/// Buffers of several sets, [set][buffer].
class BufferSets {
 public:
  BufferSets(int sets, const std::vector<std::int64_t>& bytes);

  int count() const { return static_cast<int>(sets_.size()); }
  template <class T>
  T* at(int set, int buffer) const {
    return sets_.at(static_cast<std::size_t>(set)).at(static_cast<std::size_t>(buffer)).as<T>();
  }
  /// NaN into one buffer of every set.
  void poison(int buffer, cudaStream_t stream) const;

 private:
  std::vector<std::vector<Buffer>> sets_;
};

/// What a work is made for.
struct ByteSizes {
  MatrixShape shape{};
  LayerSizes layer{};
  int sets = 1;
};

/// Bytes of a set's buffers of `kernel`.
std::vector<std::int64_t> byte_buffers(Kernel kernel, MatrixShape shape, const LayerSizes& layer);

/// norm, gelu, copy, elementwise, rope, embedding, cross_entropy, optimizer.
GpuWork plain_work(Kernel kernel, const ByteSizes& sizes);
/// swiglu, swiglu_backward, swiglu_quantise, quantise, quantise_backward, requantise_transposed.
GpuWork quantise_work(Kernel kernel, const ByteSizes& sizes);
/// router, permute.
GpuWork routing_work(Kernel kernel, const ByteSizes& sizes);

/// `difference` of sampled rows to those of the processor.
CheckResult row_check(const std::vector<float>& ours, const std::vector<float>& expected,
                      double limit);

/// Up to 64 rows of `rows`, the first and the last among them.
std::vector<std::int64_t> some_rows(std::int64_t rows, std::uint64_t seed);

}  // namespace planewise::calibration
