// What calibration/cuda/mma.cuh does, on the processor: PTX ISA, "Warp-level matrix instructions"
// (ldmatrix; fragments of mma.m16n8k16 for 16-bit types).
#pragma once

#include "emulator.h"

namespace planewise::calibration {

/// Elements 2 (l mod 4) and the next of row l / 4 of each tile.
inline void load_tiles(unsigned (&tiles)[4], const __nv_bfloat16* row) {
  const int lane = emulated::lane_index();
  for (int tile = 0; tile < 4; ++tile) {
    const auto* from = emulated::shuffle(row, 8 * tile + lane / 4);
    std::memcpy(&tiles[tile], from + 2 * (lane % 4), 4);
  }
}

/// Of each tile element l / 4 of rows 2 (l mod 4) and the next.
inline void load_tiles_transposed(unsigned (&tiles)[4], const __nv_bfloat16* row) {
  const int lane = emulated::lane_index();
  for (int tile = 0; tile < 4; ++tile) {
    const auto* first = emulated::shuffle(row, 8 * tile + 2 * (lane % 4));
    const auto* second = emulated::shuffle(row, 8 * tile + 2 * (lane % 4) + 1);
    const __nv_bfloat16 pair[2] = {first[lane / 4], second[lane / 4]};
    std::memcpy(&tiles[tile], pair, 4);
  }
}

/// What a lane gives to a multiplication.
struct Fragment {
  unsigned a[4];
  unsigned b[2];
};

inline float half_of(unsigned word, int which) {
  return __uint_as_float(which == 0 ? word << 16 : word & 0xFFFF0000U);
}

inline void multiply_add(float (&sum)[4], const unsigned (&a)[4], unsigned b_first,
                         unsigned b_second) {
  static Fragment all[32][32];  // [warp][lane]
  const int lane = emulated::lane_index();
  Fragment* warp = all[threadIdx.x / 32];
  warp[lane] = {{a[0], a[1], a[2], a[3]}, {b_first, b_second}};
  emulated::wait_for_warp();
  for (int i = 0; i < 4; ++i) {
    const int row = lane / 4;  // and 8 on in the upper half, which registers 1 and 3 hold
    const int column = lane % 4 * 2 + i % 2;
    for (int k = 0; k < 16; ++k) {
      const int of_row = row * 4 + k % 8 / 2;
      const int of_column = column * 4 + k % 8 / 2;
      const unsigned left = warp[of_row].a[k / 8 * 2 + i / 2];
      const unsigned right = warp[of_column].b[k / 8];
      sum[i] += half_of(left, k % 2) * half_of(right, k % 2);
    }
  }
  emulated::wait_for_warp();
}

inline void copy_async(void* to, const void* from, bool is_there) {
  is_there ? std::memcpy(to, from, 16) : std::memset(to, 0, 16);
}
inline void commit_copies() {}
inline void wait_for_copies() {}

}  // namespace planewise::calibration
