// Index arithmetic of the grouped FP8 kernel, which the processor compiles and tests too.
//
// Source: PTX ISA, "Asynchronous Warpgroup Level Matrix Instructions" (register fragments of D,
// matrix descriptors, 128-byte swizzle) and "Tensor Memory Access" (swizzling modes).
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace planewise::calibration {

/// A block computes 128 rows x 128 columns; scales change every 128 of k.
inline constexpr int kGroupedTile = 128;
inline constexpr int kGroupedDepth = 128;  ///< Of k: a row of a stage is 128 bytes.
inline constexpr int kGroupedStages = 5;
inline constexpr int kGroupedConsumers = 2;  ///< Warpgroups, 64 rows each.
inline constexpr int kGroupedThreads = 128 * (1 + kGroupedConsumers);
inline constexpr int kGroupedOperandBytes = kGroupedTile * kGroupedDepth;
inline constexpr int kGroupedGroupsMost = 256;
inline constexpr int kMmaDepth = 32;  ///< Of k, of one wgmma of 8-bit types.
inline constexpr int kSums = 64;      ///< Of a thread: 64 rows x 128 columns over 128 threads.

/// A K-major operand under 128-byte swizzle that begins at `address`: the start in 16 bytes; the
/// leading offset, which this mode does not read; 1,024 bytes from 8 rows to the next 8; mode 1.
__host__ __device__ constexpr std::uint64_t matrix_descriptor(std::uint32_t address) {
  return static_cast<std::uint64_t>((address & 0x3FFFF) >> 4) | std::uint64_t{1} << 16 |
         std::uint64_t{1024 >> 4} << 32 | std::uint64_t{1} << 62;
}

/// What of D [64 x 128] a thread of the warpgroup holds in its i-th register.
__host__ __device__ constexpr int fragment_row(int thread, int i) {
  return thread / 32 * 16 + thread % 32 / 4 + i / 2 % 2 * 8;
}
__host__ __device__ constexpr int fragment_column(int thread, int i) {
  return i / 4 * 8 + thread % 4 * 2 + i % 2;
}

/// Rows of each group; counts may be known on the GPU only.
struct GroupedRows {
  int first[kGroupedGroupsMost] = {};
  int count[kGroupedGroupsMost] = {};
  const int* count_on_gpu = nullptr;  ///< If not null, they and `room` say it all.
  int room = 0;
  int groups = 0;
};

/// A tile of a group.
struct GroupedTile {
  int group = 0;
  int first_row = 0;  ///< Of X and Y.
  int rows = 0;       ///< That matter, 1 to 128.
  int column = 0;     ///< First of 128.
};

/// Goes through the tiles of all groups in order, group after group, rows before columns.
class TileWalk {
 public:
  __host__ __device__ TileWalk(const GroupedRows& rows, int column_tiles)
      : rows_(rows), column_tiles_(column_tiles) {}

  /// False if there are fewer tiles. Requires: `index` does not go back.
  __host__ __device__ bool find(int index, GroupedTile* tile) {
    while (group_ < rows_.groups) {
      const int count = count_of(group_);
      const int tiles = (count + kGroupedTile - 1) / kGroupedTile * column_tiles_;
      if (index < before_ + tiles) {
        const int row = (index - before_) / column_tiles_ * kGroupedTile;
        tile->group = group_;
        tile->first_row = first_of(group_) + row;
        tile->rows = count - row < kGroupedTile ? count - row : kGroupedTile;
        tile->column = (index - before_) % column_tiles_ * kGroupedTile;
        return true;
      }
      before_ += tiles;
      ++group_;
    }
    return false;
  }

 private:
  __host__ __device__ int count_of(int group) const {
    return rows_.count_on_gpu != nullptr ? rows_.count_on_gpu[group] : rows_.count[group];
  }
  __host__ __device__ int first_of(int group) const {
    return rows_.count_on_gpu != nullptr ? group * rows_.room : rows_.first[group];
  }

  const GroupedRows& rows_;
  int column_tiles_ = 0;
  int group_ = 0;
  int before_ = 0;
};

/// A stage of the ring, and the parity of the phase that it is waited for.
struct RingPlace {
  int stage = 0;
  unsigned phase = 0;

  /// Of the step-th use of the ring.
  __host__ __device__ static constexpr RingPlace of(int step) {
    return {step % kGroupedStages, static_cast<unsigned>(step / kGroupedStages % 2)};
  }
};

}  // namespace planewise::calibration
