// Y = X W^T of groups of rows, FP8 with 1 x 128 and 128 x 128 scales (arXiv 2412.19437, section
// 3.3). A warpgroup copies, two multiply: a ring of stages of 128 of k between them. Sums of 128 of
// k come from the tensor core and are added up in FP32 with both scales. Blocks stay and go through
// the tiles, so that it runs on as many SMs as it is given.
#include "calibration/cuda/grouped_kernel.h"

#include <cuda_bf16.h>

#include "calibration/cuda/handles.h"
#include "calibration/cuda/hopper.cuh"

namespace planewise::calibration {
namespace {

struct Stages {
  std::uint8_t x[kGroupedStages][kGroupedOperandBytes];
  std::uint8_t w[kGroupedStages][kGroupedOperandBytes];
  Barrier full[kGroupedStages];
  Barrier empty[kGroupedStages];
};

constexpr int kAlignment = 1024;

#if defined(__CUDA_ARCH_FEAT_SM90_ALL) || !defined(__CUDACC__)

constexpr int kWarpsOfConsumers = 4 * kGroupedConsumers;

/// By one thread: fills stage after stage, each when it is empty.
__device__ void produce(const GroupedArguments& g, Stages& stages, int column_tiles) {
  TileWalk walk(g.rows, column_tiles);
  GroupedTile tile;
  int step = 0;
  for (int index = static_cast<int>(blockIdx.x); walk.find(index, &tile);
       index += static_cast<int>(gridDim.x)) {
    for (int k = 0; k < g.k; k += kGroupedDepth, ++step) {
      const RingPlace at = RingPlace::of(step);
      // A barrier that was never waited for is in phase 0, and what came before it is over.
      wait_for(&stages.empty[at.stage], at.phase ^ 1U);
      arrive_expecting(&stages.full[at.stage], 2 * kGroupedOperandBytes);
      copy_box(stages.x[at.stage], &g.x, &stages.full[at.stage], k, tile.first_row);
      copy_box(stages.w[at.stage], &g.w, &stages.full[at.stage], k, tile.group * g.n + tile.column);
    }
  }
}

/// BF16 to the rows of the tile that matter, and to columns that there are.
__device__ void write_tile(const GroupedArguments& g, const GroupedTile& tile, int first_row,
                           const float (&sums)[kSums]) {
  const int thread = static_cast<int>(threadIdx.x) % 128;
#pragma unroll
  for (int i = 0; i < kSums; i += 2) {
    const int row = first_row + fragment_row(thread, i);
    const int column = tile.column + fragment_column(thread, i);
    if (row >= tile.rows || column >= g.n) continue;
    const std::int64_t to = static_cast<std::int64_t>(tile.first_row + row) * g.n + column;
    *reinterpret_cast<__nv_bfloat162*>(g.y + to) = __floats2bfloat162_rn(sums[i], sums[i + 1]);
  }
}

/// By a warpgroup: 64 rows of every tile of the block.
__device__ void consume(const GroupedArguments& g, Stages& stages, int column_tiles) {
  const int thread = static_cast<int>(threadIdx.x) % 128;
  const int first_row = (static_cast<int>(threadIdx.x) / 128 - 1) * 64;
  const std::int64_t scale_columns = (g.k / kGroupedDepth + 3) / 4 * 4;
  TileWalk walk(g.rows, column_tiles);
  GroupedTile tile;
  int step = 0;
  for (int index = static_cast<int>(blockIdx.x); walk.find(index, &tile);
       index += static_cast<int>(gridDim.x)) {
    const float* w_scales = g.w_scales + (static_cast<std::int64_t>(tile.group) * column_tiles +
                                          tile.column / kGroupedTile) *
                                             scale_columns;
    // Rows that do not matter may lie behind the last scale.
    const int own = first_row + fragment_row(thread, 0);
    const float* x_scales = g.x_scales + tile.first_row + (own < tile.rows ? own : 0);
    const int second = own + 8 < tile.rows && own < tile.rows ? 8 : 0;
    float sums[kSums] = {};
    for (int k = 0; k < g.k / kGroupedDepth; ++k, ++step) {
      const RingPlace at = RingPlace::of(step);
      const float w_scale = w_scales[k];
      const float first_scale = x_scales[k * g.leading] * w_scale;
      const float second_scale = x_scales[k * g.leading + second] * w_scale;
      wait_for(&stages.full[at.stage], at.phase);
      const std::uint64_t x =
          matrix_descriptor(shared_offset(stages.x[at.stage] + first_row * kGroupedDepth));
      const std::uint64_t w = matrix_descriptor(shared_offset(stages.w[at.stage]));
      float part[kSums];
      begin_products();
#pragma unroll
      for (int i = 0; i < kGroupedDepth / kMmaDepth; ++i) {
        // 32 bytes on are two units of the address; the swizzle is of addresses, so it stays right.
        multiply(part, x + 2 * i, w + 2 * i, i == 0);
      }
      end_products(part);
      if (thread % 32 == 0) arrive(&stages.empty[at.stage]);
#pragma unroll
      for (int i = 0; i < kSums; ++i) {
        sums[i] += part[i] * (i / 2 % 2 == 0 ? first_scale : second_scale);
      }
    }
    write_tile(g, tile, first_row, sums);
  }
}

#endif

__global__ void __launch_bounds__(kGroupedThreads, 1)
    multiply_groups(const __grid_constant__ GroupedArguments arguments) {
#if defined(__CUDA_ARCH_FEAT_SM90_ALL) || !defined(__CUDACC__)
  extern __shared__ __align__(16) unsigned char memory[];
  const std::uint32_t offset = shared_offset(memory);
  Stages& stages =
      *reinterpret_cast<Stages*>(memory + (kAlignment - offset % kAlignment) % kAlignment);
  const int column_tiles = (arguments.n + kGroupedTile - 1) / kGroupedTile;
  if (threadIdx.x == 0) {
    for (int stage = 0; stage < kGroupedStages; ++stage) {
      begin_barrier(&stages.full[stage], 1);
      begin_barrier(&stages.empty[stage], kWarpsOfConsumers);
    }
    publish_barriers();
  }
  __syncthreads();
  if (threadIdx.x < 128) {
    give_registers();
    if (threadIdx.x == 0) produce(arguments, stages, column_tiles);
  } else {
    take_registers();
    consume(arguments, stages, column_tiles);
  }
#endif
}

}  // namespace

int grouped_shared_bytes() { return static_cast<int>(sizeof(Stages)) + kAlignment; }

void prepare_grouped_kernel() {
  PW_CUDA(cudaFuncSetAttribute(multiply_groups, cudaFuncAttributeMaxDynamicSharedMemorySize,
                               grouped_shared_bytes()));
}

void launch_grouped_kernel(const GroupedArguments& arguments, int blocks, cudaStream_t stream) {
  multiply_groups<<<static_cast<unsigned>(blocks), kGroupedThreads,
                    static_cast<std::size_t>(grouped_shared_bytes()), stream>>>(arguments);
  PW_CUDA(cudaGetLastError());
}

}  // namespace planewise::calibration
