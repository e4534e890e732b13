// Index arithmetic of the routing kernels, which the processor compiles and tests too.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace planewise::calibration {

/// A place in shared memory for element `index`: a gap after every 32, so that elements 32 apart
/// lie in different banks.
__host__ __device__ constexpr int banked(int index) { return index + index / 32; }

/// A score and what it is of.
struct Ranked {
  float score = 0;
  int index = 0;
};

/// Whether `left` is chosen before `right`: a higher score, or an equal one of a lower index.
__host__ __device__ constexpr bool comes_before(const Ranked& left, const Ranked& right) {
  return left.score > right.score || (left.score == right.score && left.index < right.index);
}

__host__ __device__ constexpr std::int64_t padded_rows(std::int64_t rows) {
  return (rows + 127) / 128 * 128;
}

/// Where the segment of `group` begins: after those before it, each padded to 128 rows.
__host__ __device__ constexpr std::int64_t segment_start(const int* counts, int group) {
  std::int64_t start = 0;
  for (int g = 0; g < group; ++g) start += padded_rows(counts[g]);
  return start;
}

}  // namespace planewise::calibration
