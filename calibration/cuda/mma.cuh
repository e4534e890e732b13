// The instructions of a warp on BF16 tiles (PTX ISA, "Warp-level matrix instructions": ldmatrix,
// mma.m16n8k16) and asynchronous copies to shared memory. sm_80 and later.
//
// Lane l holds of a 16 x 8 result: row l / 4, columns 2 (l mod 4) and the next in [0] and [1]; the
// same of row l / 4 + 8 in [2] and [3].
#pragma once

#include <cuda_bf16.h>

#include <cstdint>

namespace planewise::calibration {

__device__ inline unsigned shared_address(const void* pointer) {
  return static_cast<unsigned>(__cvta_generic_to_shared(pointer));
}

/// Four 8 x 8 tiles; lane l gives the address of row l mod 8 of tile l / 8.
__device__ inline void load_tiles(unsigned (&tiles)[4], const __nv_bfloat16* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(tiles[0]), "=r"(tiles[1]), "=r"(tiles[2]), "=r"(tiles[3])
               : "r"(shared_address(row))
               : "memory");
}

/// The same, each tile transposed.
__device__ inline void load_tiles_transposed(unsigned (&tiles)[4], const __nv_bfloat16* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(tiles[0]), "=r"(tiles[1]), "=r"(tiles[2]), "=r"(tiles[3])
               : "r"(shared_address(row))
               : "memory");
}

/// sum [16 x 8] += a [16 x 16] b [16 x 8].
__device__ inline void multiply_add(float (&sum)[4], const unsigned (&a)[4], unsigned b_first,
                                    unsigned b_second) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
      "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b_first), "r"(b_second));
}

/// Copies 16 bytes, or zeros if not `is_there`; both addresses are multiples of 16.
__device__ inline void copy_async(void* to, const void* from, bool is_there) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;"
               :
               : "r"(shared_address(to)), "l"(from), "r"(is_there ? 16 : 0)
               : "memory");
}

__device__ inline void commit_copies() { asm volatile("cp.async.commit_group;" ::: "memory"); }

__device__ inline void wait_for_copies() { asm volatile("cp.async.wait_group 0;" ::: "memory"); }

}  // namespace planewise::calibration
