// Loops that the timed kernels of the processor share.
#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "calibration/host/e4m3.h"

namespace planewise::calibration::host {

inline std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }

inline float widen(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

/// Finite values only, as kernels assume.
inline std::uint16_t narrow(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  return static_cast<std::uint16_t>((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

/// Values of all 256 codes.
struct CodeTable {
  float values[256];
  CodeTable() {
    for (int code = 0; code < 256; ++code) {
      values[code] = from_e4m3(static_cast<std::uint8_t>(code));
    }
  }
};

inline const CodeTable& code_table() {
  static const CodeTable table;
  return table;
}

/// 1 / (1 + exp(-x)) of every BF16 value.
struct SigmoidTable {
  std::vector<float> values = std::vector<float>(1 << 16);
  SigmoidTable() {
    for (std::uint32_t bits = 0; bits < values.size(); ++bits) {
      values[bits] = 1 / (1 + std::exp(-widen(static_cast<std::uint16_t>(bits))));
    }
  }
};

inline const float* sigmoids() {
  static const SigmoidTable table;
  return table.values.data();
}

/// Elements that loops take at a time, so that values between arrays are in registers or L1 and no
/// store can alias a load.
inline constexpr std::int64_t kChunk = 64;

struct Chunk {
  float at[kChunk];
};

inline Chunk load_chunk(const std::uint16_t* from) {
  Chunk chunk;
  for (std::int64_t i = 0; i < kChunk; ++i) chunk.at[i] = widen(from[i]);
  return chunk;
}

inline void store_chunk(const Chunk& chunk, std::uint16_t* to) {
  for (std::int64_t i = 0; i < kChunk; ++i) to[i] = narrow(chunk.at[i]);
}

/// sum[i] += factor x row[i].
inline void add_scaled(float factor, const float* row, std::int64_t count, float* sum) {
  for (std::int64_t i = 0; i < count; ++i) sum[i] += factor * row[i];
}

}  // namespace planewise::calibration::host
