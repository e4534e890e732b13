// Kernels that pack rows for an exchange, and sum what came back.
#pragma once

#include <cuda_runtime.h>

#include "calibration/comm/transport.h"

namespace planewise::calibration {

/// Rows of a multiple of 16 bytes.
void copy_rows(const RowCopy& copy, cudaStream_t stream);
/// Columns are a multiple of 8.
void sum_rows(const RowSum& sum, cudaStream_t stream);

}  // namespace planewise::calibration
