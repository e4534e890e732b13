// The launch of the grouped FP8 kernel.
#pragma once

#include <cuda.h>
#include <cuda_runtime.h>

#include <cstdint>

#include "calibration/cuda/grouped_layout.h"

namespace planewise::calibration {

struct GroupedArguments {
  CUtensorMap x{};                  ///< [rows_all, k], boxes of 128 x 128 bytes, swizzled.
  CUtensorMap w{};                  ///< [groups x n, k], the same.
  const float* x_scales = nullptr;  ///< [k/128][leading].
  const float* w_scales = nullptr;  ///< [groups][n/128 up][roundup(k/128, 4)].
  std::uint16_t* y = nullptr;       ///< [rows_all, n].
  std::int64_t leading = 0;
  int n = 0;
  int k = 0;
  GroupedRows rows{};
};

/// Shared memory of a block, with what it takes to begin at a multiple of 1,024.
int grouped_shared_bytes();

/// Allows it that much; once a device.
void prepare_grouped_kernel();

/// On `blocks` SMs.
void launch_grouped_kernel(const GroupedArguments& arguments, int blocks, cudaStream_t stream);

}  // namespace planewise::calibration
