// A block takes 64 heads of one sequence and a part of its cache, 32 tokens at a time, two tiles in
// flight. Warps are 4 x 2: 16 heads each; of scores they have 16 tokens each, of results 256
// columns.
#include "calibration/cuda/decode_kernel.h"

#include <cmath>
#include <limits>

#include "calibration/cuda/handles.h"
#include "calibration/cuda/mma.cuh"

namespace planewise::calibration {
namespace {

constexpr int kWidth = kDecodeLatent + kDecodeRope;
constexpr int kThreads = 256;
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr int kHalfColumns = kDecodeLatent / 2;
// Rows are 16 bytes longer, so that the 8 rows of a tile lie in different banks.
constexpr int kStride = kWidth + 8;
constexpr int kProbabilityStride = kDecodeKeyTile + 8;
constexpr int kChunk = 8;  // elements in 16 bytes
constexpr int kChunks = kWidth / kChunk;

struct Shared {
  __nv_bfloat16 queries[kDecodeHeadTile][kStride];
  __nv_bfloat16 keys[2][kDecodeKeyTile][kStride];
  __nv_bfloat16 probabilities[kDecodeHeadTile][kProbabilityStride];
  float maxima[2][kDecodeHeadTile];
  float sums[2][kDecodeHeadTile];
};

/// `rows` rows of the source are there; the others are zeros. Neither tile is wider than kStride.
template <int kRows>
__device__ void load_rows(__nv_bfloat16 (&to)[kRows][kStride], const std::uint16_t* from,
                          std::int64_t rows) {
  for (int i = static_cast<int>(threadIdx.x); i < kRows * kChunks; i += kThreads) {
    const int row = i / kChunks;
    const int column = i % kChunks * kChunk;
    const bool is_there = row < rows;
    copy_async(&to[row][column], from + (is_there ? row : 0) * kWidth + column, is_there);
  }
}

/// Where a thread works.
struct Place {
  int lane = 0;
  int row = 0;   ///< First of the warp's 16 heads.
  int half = 0;  ///< Which 16 tokens, or which 256 columns.
  int own = 0;   ///< Of the two heads in the thread's results the first; the other is 8 on.
};

__device__ Place place_of_thread() {
  const int warp = static_cast<int>(threadIdx.x) / 32;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int row = warp / 2 * 16;
  return {lane, row, warp % 2, row + lane / 4};
}

/// scores [16 heads x 16 tokens] of the warp.
__device__ void multiply_scores(float (&scores)[2][4], const Shared& shared, int buffer,
                                const Place& place) {
  const __nv_bfloat16* a_row = &shared.queries[place.row + place.lane % 16][place.lane / 16 * 8];
  const __nv_bfloat16* b_row = &shared.keys[buffer][place.half * 16 + place.lane % 8 +
                                                    place.lane / 16 * 8][place.lane / 8 % 2 * 8];
#pragma unroll 4
  for (int k = 0; k < kWidth; k += 16) {
    unsigned a[4];
    unsigned b[4];
    load_tiles(a, a_row + k);
    load_tiles(b, b_row + k);
    multiply_add(scores[0], a, b[0], b[1]);
    multiply_add(scores[1], a, b[2], b[3]);
  }
}

/// results [16 heads x 256 columns] of the warp += probabilities x values.
__device__ void multiply_values(float (&results)[kHalfColumns / 8][4], const Shared& shared,
                                int buffer, const Place& place) {
#pragma unroll
  for (int k = 0; k < kDecodeKeyTile; k += 16) {
    unsigned a[4];
    load_tiles(a, &shared.probabilities[place.row + place.lane % 16][k + place.lane / 16 * 8]);
    const __nv_bfloat16* b_row =
        &shared.keys[buffer][k + place.lane % 16][place.half * kHalfColumns + place.lane / 16 * 8];
#pragma unroll
    for (int tile = 0; tile < kHalfColumns / 8; tile += 2) {
      unsigned b[4];
      load_tiles_transposed(b, b_row + tile * 8);
      multiply_add(results[tile], a, b[0], b[1]);
      multiply_add(results[tile + 1], a, b[2], b[3]);
    }
  }
}

/// The largest or the sum over the four lanes that share a row.
__device__ float largest_of_row(float value) {
  value = fmaxf(value, __shfl_xor_sync(0xFFFFFFFFU, value, 1));
  return fmaxf(value, __shfl_xor_sync(0xFFFFFFFFU, value, 2));
}

__device__ float sum_of_row(float value) {
  value += __shfl_xor_sync(0xFFFFFFFFU, value, 1);
  return value + __shfl_xor_sync(0xFFFFFFFFU, value, 2);
}

/// What a thread knows of its two rows: the largest score yet, and the sum over its own columns.
struct Running {
  float largest[2] = {-kInfinity, -kInfinity};
  float sum[2] = {0, 0};
};

/// Scores at and beyond `tokens` of the tile are no scores.
__device__ void mask_scores(float (&scores)[2][4], const Place& place, std::int64_t tokens) {
  if (tokens >= kDecodeKeyTile) return;
#pragma unroll
  for (int tile = 0; tile < 2; ++tile) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const int token = place.half * 16 + tile * 8 + place.lane % 4 * 2 + i % 2;
      if (token >= tokens) scores[tile][i] = -kInfinity;
    }
  }
}

/// Softmax of a tile: probabilities to shared memory, and the factor for what was before. Two
/// barriers: after the maxima are written, and after the probabilities are.
__device__ void soften(float (&scores)[2][4], float (&factor)[2], Running& running, Shared& shared,
                       const Place& place, float scale) {
#pragma unroll
  for (int r = 0; r < 2; ++r) {
    const float largest = largest_of_row(fmaxf(fmaxf(scores[0][2 * r], scores[0][2 * r + 1]),
                                               fmaxf(scores[1][2 * r], scores[1][2 * r + 1])));
    if (place.lane % 4 == 0) shared.maxima[place.half][place.own + 8 * r] = largest;
  }
  __syncthreads();
#pragma unroll
  for (int r = 0; r < 2; ++r) {
    const int row = place.own + 8 * r;
    // Every tile has a token, so that the largest is finite.
    const float largest =
        fmaxf(running.largest[r], fmaxf(shared.maxima[0][row], shared.maxima[1][row]));
    factor[r] = exp2f((running.largest[r] - largest) * scale);
    running.largest[r] = largest;
    running.sum[r] *= factor[r];
#pragma unroll
    for (int tile = 0; tile < 2; ++tile) {
      const float first = exp2f((scores[tile][2 * r] - largest) * scale);
      const float second = exp2f((scores[tile][2 * r + 1] - largest) * scale);
      running.sum[r] += first + second;
      const int column = place.half * 16 + tile * 8 + place.lane % 4 * 2;
      *reinterpret_cast<__nv_bfloat162*>(&shared.probabilities[row][column]) =
          __floats2bfloat162_rn(first, second);
    }
  }
  __syncthreads();
}

/// Divides by the sums of both halves and writes: BF16 to the results, or FP32 and the logarithm of
/// the sum to the parts.
__device__ void write_results(const float (&results)[kHalfColumns / 8][4], const Running& running,
                              Shared& shared, const Place& place, float scale,
                              const DecodeArguments& arguments) {
#pragma unroll
  for (int r = 0; r < 2; ++r) {
    const float sum = sum_of_row(running.sum[r]);
    if (place.lane % 4 == 0) shared.sums[place.half][place.own + 8 * r] = sum;
  }
  __syncthreads();
#pragma unroll
  for (int r = 0; r < 2; ++r) {
    const int row = place.own + 8 * r;
    const int head = static_cast<int>(blockIdx.y) * kDecodeHeadTile + row;
    if (head >= arguments.heads) continue;
    const float sum = shared.sums[0][row] + shared.sums[1][row];
    const std::int64_t at = static_cast<std::int64_t>(blockIdx.z) * arguments.heads + head;
    const std::int64_t part_at = blockIdx.x * arguments.batch * arguments.heads + at;
    const int first_column = place.half * kHalfColumns + place.lane % 4 * 2;
#pragma unroll
    for (int tile = 0; tile < kHalfColumns / 8; ++tile) {
      const int column = first_column + tile * 8;
      const float first = results[tile][2 * r] / sum;
      const float second = results[tile][2 * r + 1] / sum;
      if (arguments.parts == nullptr) {
        *reinterpret_cast<__nv_bfloat162*>(arguments.results + at * kDecodeLatent + column) =
            __floats2bfloat162_rn(first, second);
      } else {
        *reinterpret_cast<float2*>(arguments.parts + part_at * kDecodeLatent + column) =
            make_float2(first, second);
      }
    }
    if (arguments.parts != nullptr && place.half == 0 && place.lane % 4 == 0) {
      arguments.log_sums[part_at] = running.largest[r] * scale + log2f(sum);
    }
  }
}

/// Grid: part of the cache, tile of heads, sequence. `scale`: of scores, to the base 2.
__global__ void __launch_bounds__(kThreads, 1)
    decode_part(DecodeArguments arguments, int tiles_per_split, float scale) {
  extern __shared__ __align__(16) unsigned char memory[];
  Shared& shared = *reinterpret_cast<Shared*>(memory);
  const Place place = place_of_thread();
  const std::int64_t sequence = arguments.sequence;
  const std::int64_t begin =
      static_cast<std::int64_t>(blockIdx.x) * tiles_per_split * kDecodeKeyTile;
  const std::int64_t end =
      min(sequence, begin + static_cast<std::int64_t>(tiles_per_split) * kDecodeKeyTile);
  const int first_head = static_cast<int>(blockIdx.y) * kDecodeHeadTile;
  const std::uint16_t* cache = arguments.cache + blockIdx.z * sequence * kWidth;
  load_rows(shared.queries,
            arguments.queries +
                (static_cast<std::int64_t>(blockIdx.z) * arguments.heads + first_head) * kWidth,
            arguments.heads - first_head);
  load_rows(shared.keys[0], cache + begin * kWidth, end - begin);
  commit_copies();

  float results[kHalfColumns / 8][4] = {};
  Running running;
  int buffer = 0;
  for (std::int64_t token = begin; token < end; token += kDecodeKeyTile) {
    wait_for_copies();
    // All have this tile, and none still reads the one before it, whose place the next one takes.
    __syncthreads();
    const std::int64_t next = token + kDecodeKeyTile;
    if (next < end) load_rows(shared.keys[buffer ^ 1], cache + next * kWidth, end - next);
    commit_copies();

    float scores[2][4] = {};
    multiply_scores(scores, shared, buffer, place);
    mask_scores(scores, place, end - token);
    float factor[2];
    soften(scores, factor, running, shared, place, scale);
#pragma unroll
    for (int tile = 0; tile < kHalfColumns / 8; ++tile) {
#pragma unroll
      for (int i = 0; i < 4; ++i) results[tile][i] *= factor[i / 2];
    }
    multiply_values(results, shared, buffer, place);
    buffer ^= 1;
  }
  write_results(results, running, shared, place, scale, arguments);
}

/// A block a head of a sequence: the parts' results, weighted with their sums.
__global__ void __launch_bounds__(kDecodeLatent / 4)
    join_parts(DecodeArguments arguments, int splits) {
  const std::int64_t rows = arguments.batch * arguments.heads;
  const std::int64_t row = blockIdx.x;
  float largest = -kInfinity;
  for (int split = 0; split < splits; ++split) {
    largest = fmaxf(largest, arguments.log_sums[split * rows + row]);
  }
  float sum = 0;
  float4 result = make_float4(0, 0, 0, 0);
  for (int split = 0; split < splits; ++split) {
    const float weight = exp2f(arguments.log_sums[split * rows + row] - largest);
    const float4 part = reinterpret_cast<const float4*>(
        arguments.parts + (split * rows + row) * kDecodeLatent)[threadIdx.x];
    sum += weight;
    result.x += weight * part.x;
    result.y += weight * part.y;
    result.z += weight * part.z;
    result.w += weight * part.w;
  }
  auto* to = reinterpret_cast<__nv_bfloat162*>(arguments.results + row * kDecodeLatent);
  to[threadIdx.x * 2] = __floats2bfloat162_rn(result.x / sum, result.y / sum);
  to[threadIdx.x * 2 + 1] = __floats2bfloat162_rn(result.z / sum, result.w / sum);
}

}  // namespace

int decode_shared_bytes() { return static_cast<int>(sizeof(Shared)); }

void prepare_decode_kernel() {
  PW_CUDA(cudaFuncSetAttribute(decode_part, cudaFuncAttributeMaxDynamicSharedMemorySize,
                               decode_shared_bytes()));
}

void launch_decode_kernel(const DecodeArguments& arguments, const DecodePlan& plan,
                          cudaStream_t stream) {
  const float scale = static_cast<float>(1 / std::sqrt(arguments.qk_dim) / std::log(2.0));
  const dim3 grid(static_cast<unsigned>(plan.splits), static_cast<unsigned>(plan.head_tiles),
                  static_cast<unsigned>(arguments.batch));
  decode_part<<<grid, kThreads, sizeof(Shared), stream>>>(arguments, plan.tiles_per_split, scale);
  PW_CUDA(cudaGetLastError());
  if (plan.splits == 1) return;
  join_parts<<<static_cast<unsigned>(arguments.batch * arguments.heads), kDecodeLatent / 4, 0,
               stream>>>(arguments, plan.splits);
  PW_CUDA(cudaGetLastError());
}

}  // namespace planewise::calibration
