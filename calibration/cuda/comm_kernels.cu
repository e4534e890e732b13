// A block a row, 16 bytes a thread at a time.
#include "base/check.h"
#include "calibration/cuda/comm_kernels.h"
#include "calibration/cuda/handles.h"
#include "calibration/cuda/kernel_math.cuh"

namespace planewise::calibration {
namespace {

constexpr int kThreads = 256;

struct CopyOf {
  uint4* to;
  const uint4* from;
  const std::int32_t* index;
  std::int64_t words;  // of a row
};

__global__ void copy_each(CopyOf copy) {
  const std::int64_t row = blockIdx.x;
  const std::int64_t source = copy.index[row];
  if (source < 0) return;
  for (std::int64_t i = threadIdx.x; i < copy.words; i += kThreads) {
    copy.to[row * copy.words + i] = copy.from[source * copy.words + i];
  }
}

struct SumOf {
  std::uint16_t* to;
  const std::uint16_t* from;
  const std::int32_t* index;
  int terms;
  std::int64_t columns;
};

__global__ void sum_each(SumOf sum) {
  const std::int64_t row = blockIdx.x;
  for (std::int64_t column = 8 * threadIdx.x; column < sum.columns; column += 8 * kThreads) {
    Floats8 total{};
    for (int term = 0; term < sum.terms; ++term) {
      const std::int64_t source = sum.index[row * sum.terms + term];
      if (source < 0) continue;
      const Floats8 eight = load8(sum.from + source * sum.columns + column);
      for (int i = 0; i < 8; ++i) total.at[i] += eight.at[i];
    }
    store8(sum.to + row * sum.columns + column, total);
  }
}

}  // namespace

void copy_rows(const RowCopy& copy, cudaStream_t stream) {
  PW_CHECK(copy.row_size % sizeof(uint4) == 0);
  if (copy.rows == 0) return;
  const CopyOf what{.to = reinterpret_cast<uint4*>(copy.to),
                    .from = reinterpret_cast<const uint4*>(copy.from),
                    .index = copy.index,
                    .words = static_cast<std::int64_t>(copy.row_size / sizeof(uint4))};
  copy_each<<<static_cast<unsigned>(copy.rows), kThreads, 0, stream>>>(what);
  PW_CUDA(cudaGetLastError());
}

void sum_rows(const RowSum& sum, cudaStream_t stream) {
  PW_CHECK(sum.columns % 8 == 0);
  if (sum.rows == 0) return;
  const SumOf what{.to = reinterpret_cast<std::uint16_t*>(sum.to),
                   .from = reinterpret_cast<const std::uint16_t*>(sum.from),
                   .index = sum.index,
                   .terms = sum.terms,
                   .columns = static_cast<std::int64_t>(sum.columns)};
  sum_each<<<static_cast<unsigned>(sum.rows), kThreads, 0, stream>>>(what);
  PW_CUDA(cudaGetLastError());
}

}  // namespace planewise::calibration
