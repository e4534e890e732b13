// Bytes an element takes in the formats that a step uses.
#pragma once

namespace planewise::workload {

inline constexpr double kBf16 = 2;
inline constexpr double kFp8 = 1 + 4.0 / 128;  ///< e4m3 and one FP32 scale for 128 elements.
inline constexpr double kFp32 = 4;

}  // namespace planewise::workload
