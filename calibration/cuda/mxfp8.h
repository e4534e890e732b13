// MXFP8: e4m3 with an E8M0 scale (a power of two) for 1 x 32, as Blackwell multiplies it.
//
// Source: cuBLAS 13 documentation, "1D Block Quantization" and "1D Block Scaling Factors Layout";
// OCP Microscaling Formats v1.0.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace planewise::calibration {

/// Bytes of the scales of a matrix [rows, columns]: tiles of 128 rows x 4 scales (128 columns), a
/// byte each, whole tiles only.
std::int64_t mxfp8_scale_bytes(std::int64_t rows, std::int64_t columns);

/// Where the scale of row `row` and columns 32 x `block` to 32 x `block` + 31 is, in bytes.
///
/// Tiles lie row-major, 512 B each. Within a tile row r has its four scales at
/// (r mod 32) x 16 + (r / 32) x 4.
std::int64_t mxfp8_scale_offset(std::int64_t row, std::int64_t block, std::int64_t columns);

/// The E8M0 byte that cuBLASLt gives a block with this largest absolute value: the power of two
/// that is not below amax / 448, biased by 127; 254 at most.
std::uint8_t mxfp8_scale(float largest);

/// BF16 [rows, columns] to e4m3 [rows, columns] and tiled scales. `rows` is a multiple of 128 as
/// padded groups are, or else the last tile's other rows get zero scales; `columns` is a multiple
/// of 128. One kernel.
void quantise_mxfp8(const std::uint16_t* from, std::int64_t rows, std::int64_t columns,
                    std::uint8_t* values, std::uint8_t* scales, cudaStream_t stream);

}  // namespace planewise::calibration
