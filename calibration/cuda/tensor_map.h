// Descriptions of matrices for bulk tensor copies.
#pragma once

#include <cuda.h>

#include <cstdint>

namespace planewise::calibration {

/// Of bytes [rows, columns], in boxes of 128 x 128 that lie swizzled by 128 bytes; what is beyond
/// the matrix is zeros. The driver's function is looked up when it is first needed, so that nothing
/// links the driver. Throws std::runtime_error if there is none or it refuses.
CUtensorMap make_tensor_map(const std::uint8_t* matrix, std::int64_t rows, std::int64_t columns);

}  // namespace planewise::calibration
