// Where the rows and scales of each group are that a loop of cuBLASLt calls goes over. No GPU is
// needed for anything but regroup_scales().
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <vector>

#include "calibration/cuda/products.h"

namespace planewise::calibration {

/// The least multiple of `multiple` that is not below `value`.
constexpr std::int64_t round_up(std::int64_t value, std::int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

/// A call for one group.
struct GroupCall {
  std::int64_t group = 0;
  std::int64_t first = 0;  ///< Row of X and Y.
  std::int64_t count = 0;  ///< Rows that matter.
  std::int64_t rows = 0;   ///< Rows of the call: `count` rounded up.

  bool operator==(const GroupCall&) const = default;
};

/// One call for each group that has rows, in order. `multiple`: what the rows of a call must be a
/// multiple of; it divides 128, so that a call stays in the rows that its group has room for.
std::vector<GroupCall> group_calls(const GroupRows& rows, std::int64_t multiple);

/// FP32 scales of 128 x 128 blocks that a group of W [n, k] has in memory: n/128 up times
/// roundup(k/128, 4).
///
/// Source: cuBLAS documentation, "128-element 1D and 128x128 2D Block Scaling": K-major, with
/// columns of L4 scales.
std::int64_t block_scale_count(std::int64_t n, std::int64_t k);

/// Of what scales of 1 x 128 is cuBLASLt able to read, if they are of one group alone: row-major
/// [k/128][rows], with no gap. So they must be laid group after group for a loop of calls.
///
/// Returns the index of the first scale of a group: first x k/128.
std::int64_t regrouped_offset(const GroupCall& call, std::int64_t k);

/// Copies scales [k/128][leading] of all rows to `to`, [k/128][rows] group after group, group g
/// from regrouped_offset() on; rows that were added by rounding get 0. `to` holds rows_all x k/128.
/// One kernel for every 256 groups.
void regroup_scales(const RowScaled& from, const std::vector<GroupCall>& calls, std::int64_t k,
                    float* to, cudaStream_t stream);

}  // namespace planewise::calibration
