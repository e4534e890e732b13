// Router, permutation, gather and combine (arXiv 2412.19437, sections 2.1.2 and 3.2.2).
#include "base/check.h"
#include "calibration/cuda/handles.h"
#include "calibration/cuda/kernel_math.cuh"
#include "calibration/cuda/kernels.h"
#include "calibration/cuda/routing_math.cuh"

namespace planewise::calibration {
namespace {

constexpr unsigned kAll = 0xFFFFFFFFU;
constexpr int kRouterWarps = 4;  // tokens a block
constexpr int kExpertsMost = 512;
constexpr int kIndexThreads = 1024;
constexpr int kRowThreads = 256;

__device__ float score_of(const float* scores, std::int64_t index) { return scores[index]; }
__device__ float score_of(const std::uint16_t* scores, std::int64_t index) {
  return from_bits(scores[index]);
}

/// The sum of the two largest biased scores of a group.
__device__ float group_score(const float* biased, int first, int count) {
  float best = -INFINITY;
  float second = -INFINITY;
  for (int i = first; i < first + count; ++i) {
    const float score = biased[banked(i)];
    second = fmaxf(second, fminf(best, score));
    best = fmaxf(best, score);
  }
  return best + second;
}

/// A bit for each of the `chosen` best lanes below `count`; of equals the lower lane wins.
__device__ unsigned best_lanes(float score, int count, int chosen) {
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  int rank = 0;
  for (int other = 0; other < count; ++other) {
    const float theirs = __shfl_sync(kAll, score, other);
    rank += comes_before({theirs, other}, {score, lane}) ? 1 : 0;
  }
  return __ballot_sync(kAll, lane < count && rank < chosen);
}

/// The best over the warp.
__device__ Ranked warp_best(Ranked mine) {
  for (int distance = kWarp / 2; distance > 0; distance /= 2) {
    const Ranked other{__shfl_xor_sync(kAll, mine.score, distance),
                       __shfl_xor_sync(kAll, mine.index, distance)};
    if (comes_before(other, mine)) mine = other;
  }
  return mine;
}

/// A warp a token.
template <class Score>
__global__ void __launch_bounds__(kRouterWarps* kWarp)
    route_tokens(const Score* scores, const float* bias, RouterSizes sizes, std::int32_t* experts,
                 float* weights) {
  __shared__ float all_biased[kRouterWarps][banked(kExpertsMost)];
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const std::int64_t token = static_cast<std::int64_t>(blockIdx.x) * kRouterWarps + warp;
  if (token >= sizes.tokens) return;
  float* biased = all_biased[warp];
  for (int e = lane; e < sizes.experts; e += kWarp) {
    const float score = 1 / (1 + expf(-score_of(scores, token * sizes.experts + e)));
    biased[banked(e)] = score + bias[e];
  }
  __syncwarp();
  const int group_size = sizes.experts / sizes.expert_groups;
  const float mine =
      lane < sizes.expert_groups ? group_score(biased, lane * group_size, group_size) : -INFINITY;
  const unsigned groups = best_lanes(mine, sizes.expert_groups, sizes.groups_per_token);
  int chosen = -1;  // lane i holds the i-th
  for (int i = 0; i < sizes.experts_per_token; ++i) {
    Ranked best{-INFINITY, kExpertsMost};
    for (int e = lane; e < sizes.experts; e += kWarp) {
      const Ranked candidate{biased[banked(e)], e};
      const bool is_open = (groups >> (e / group_size) & 1U) != 0;
      if (is_open && comes_before(candidate, best)) best = candidate;
    }
    best = warp_best(best);
    if (lane == i) chosen = best.index;
    if (lane == 0 && best.index < sizes.experts) biased[banked(best.index)] = -INFINITY;
    __syncwarp();
  }
  float weight = 0;
  if (chosen >= 0 && chosen < sizes.experts) {
    weight = 1 / (1 + expf(-score_of(scores, token * sizes.experts + chosen)));
  }
  const float sum = warp_sum(weight);
  if (lane >= sizes.experts_per_token) return;
  const std::int64_t pair = token * sizes.experts_per_token + lane;
  experts[pair] = chosen;
  weights[pair] = weight / sum * sizes.routing_scale;
}

template <class Score>
void launch_router(const Score* scores, const float* bias, const RouterSizes& sizes,
                   std::int32_t* experts, float* weights, cudaStream_t stream) {
  PW_CHECK(sizes.experts % kWarp == 0);
  PW_CHECK(sizes.experts <= kExpertsMost);
  PW_CHECK(sizes.experts % sizes.expert_groups == 0);
  PW_CHECK(sizes.expert_groups <= kWarp);
  PW_CHECK(sizes.experts_per_token <= kWarp);
  const auto blocks = static_cast<unsigned>((sizes.tokens + kRouterWarps - 1) / kRouterWarps);
  route_tokens<<<blocks, kRouterWarps * kWarp, 0, stream>>>(scores, bias, sizes, experts, weights);
  PW_CUDA(cudaGetLastError());
}

/// Counts the pairs before this thread's, of those that `mine` says are the block's, and adds them
/// all to `total`, which every thread has. All threads of the block come here.
__device__ int rank_in_block(bool mine, int* warp_counts, int* total) {
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const unsigned votes = __ballot_sync(kAll, mine);
  if (lane == 0) warp_counts[warp] = __popc(votes);
  __syncthreads();
  int before = *total + __popc(votes & ((1U << lane) - 1));
  int all = 0;
  for (int w = 0; w < kIndexThreads / kWarp; ++w) {
    if (w < warp) before += warp_counts[w];
    all += warp_counts[w];
  }
  __syncthreads();
  *total += all;
  return before;
}

/// A block an expert.
__global__ void __launch_bounds__(kIndexThreads)
    count_pairs(const std::int32_t* experts, PermutationOut out) {
  int count = 0;
  for (std::int64_t p = threadIdx.x; p < out.pairs; p += kIndexThreads) {
    count += experts[p] % out.local_experts == static_cast<int>(blockIdx.x) ? 1 : 0;
  }
  __shared__ int total;
  if (threadIdx.x == 0) total = 0;
  __syncthreads();
  for (int distance = kWarp / 2; distance > 0; distance /= 2) {
    count += __shfl_xor_sync(kAll, count, distance);
  }
  if (threadIdx.x % kWarp == 0) atomicAdd(&total, count);
  __syncthreads();
  if (threadIdx.x == 0) out.counts[blockIdx.x] = total;
}

/// A block an expert; each adds up the segments before its own. The last one also marks the rows
/// beyond all segments.
__global__ void __launch_bounds__(kIndexThreads)
    place_pairs(const std::int32_t* experts, PermutationOut out) {
  __shared__ int warp_counts[kIndexThreads / kWarp];
  const int expert = static_cast<int>(blockIdx.x);
  const std::int64_t first = segment_start(out.counts, expert);
  int placed = 0;
  for (std::int64_t base = 0; base < out.pairs; base += kIndexThreads) {
    const std::int64_t pair = base + threadIdx.x;
    const bool mine = pair < out.pairs && experts[pair] % out.local_experts == expert;
    const int rank = rank_in_block(mine, warp_counts, &placed);
    if (!mine) continue;
    out.row_of_pair[pair] = static_cast<int>(first + rank);
    out.pair_of_row[first + rank] = static_cast<int>(pair);
  }
  const bool is_last = expert + 1 == out.local_experts;
  const std::int64_t end = is_last ? out.rows_all : first + padded_rows(out.counts[expert]);
  for (std::int64_t row = first + placed + threadIdx.x; row < end; row += kIndexThreads) {
    out.pair_of_row[row] = -1;
  }
}

/// A block a row of FP8 with its scales.
__global__ void __launch_bounds__(kRowThreads)
    gather_scaled(RowScaled x, GatherSizes sizes, RowScaledOut y) {
  const std::int64_t row = blockIdx.x;
  const int pair = sizes.pair_of_row[row];
  const std::int64_t token = pair / sizes.experts_per_token;
  auto* to = reinterpret_cast<uint4*>(y.values + row * sizes.columns);
  const auto* from = reinterpret_cast<const uint4*>(x.values + token * sizes.columns);
  for (std::int64_t i = threadIdx.x; i < sizes.columns / 16; i += kRowThreads) {
    to[i] = pair < 0 ? uint4{} : from[i];
  }
  const float weight = pair >= 0 && sizes.weights != nullptr ? sizes.weights[pair] : 1;
  for (std::int64_t i = threadIdx.x; i < sizes.columns / kScaleColumns; i += kRowThreads) {
    y.scales[i * y.leading + row] = pair < 0 ? 0 : x.scales[i * x.leading + token] * weight;
  }
}

__global__ void __launch_bounds__(kRowThreads)
    gather_plain(const std::uint16_t* x, GatherSizes sizes, std::uint16_t* y) {
  const std::int64_t row = blockIdx.x;
  const int pair = sizes.pair_of_row[row];
  const std::int64_t token = pair / sizes.experts_per_token;
  const float weight = pair >= 0 && sizes.weights != nullptr ? sizes.weights[pair] : 1;
  for (std::int64_t i = threadIdx.x; i < sizes.columns / 8; i += kRowThreads) {
    Floats8 values{};
    if (pair >= 0) {
      values = load8(x + token * sizes.columns + 8 * i);
      for (float& value : values.at) value *= weight;
    }
    store8(y + row * sizes.columns + 8 * i, values);
  }
}

/// A block a token.
__global__ void __launch_bounds__(kRowThreads)
    combine_rows(const std::uint16_t* y, CombineSizes sizes, std::uint16_t* out) {
  const std::int64_t token = blockIdx.x;
  const std::int64_t first = token * sizes.experts_per_token;
  for (std::int64_t i = threadIdx.x; i < sizes.columns / 8; i += kRowThreads) {
    Floats8 sum{};
#pragma unroll 8
    for (int pair = 0; pair < sizes.experts_per_token; ++pair) {
      const std::int64_t row = sizes.row_of_pair[first + pair];
      const float weight = sizes.weights == nullptr ? 1 : sizes.weights[first + pair];
      const Floats8 values = load8(y + row * sizes.columns + 8 * i);
#pragma unroll
      for (int j = 0; j < 8; ++j) sum.at[j] += weight * values.at[j];
    }
    store8(out + token * sizes.columns + 8 * i, sum);
  }
}

}  // namespace

void route(const float* scores, const float* bias, const RouterSizes& sizes, std::int32_t* experts,
           float* weights, cudaStream_t stream) {
  launch_router(scores, bias, sizes, experts, weights, stream);
}

void route(const std::uint16_t* scores, const float* bias, const RouterSizes& sizes,
           std::int32_t* experts, float* weights, cudaStream_t stream) {
  launch_router(scores, bias, sizes, experts, weights, stream);
}

void permute_index(const std::int32_t* experts, const PermutationOut& out, cudaStream_t stream) {
  const auto blocks = static_cast<unsigned>(out.local_experts);
  count_pairs<<<blocks, kIndexThreads, 0, stream>>>(experts, out);
  PW_CUDA(cudaGetLastError());
  place_pairs<<<blocks, kIndexThreads, 0, stream>>>(experts, out);
  PW_CUDA(cudaGetLastError());
}

void gather(const RowScaled& x, const GatherSizes& sizes, RowScaledOut y, cudaStream_t stream) {
  if (sizes.rows_all == 0) return;
  gather_scaled<<<static_cast<unsigned>(sizes.rows_all), kRowThreads, 0, stream>>>(x, sizes, y);
  PW_CUDA(cudaGetLastError());
}

void gather(const std::uint16_t* x, const GatherSizes& sizes, std::uint16_t* y,
            cudaStream_t stream) {
  if (sizes.rows_all == 0) return;
  gather_plain<<<static_cast<unsigned>(sizes.rows_all), kRowThreads, 0, stream>>>(x, sizes, y);
  PW_CUDA(cudaGetLastError());
}

void combine(const std::uint16_t* y, const CombineSizes& sizes, std::uint16_t* out,
             cudaStream_t stream) {
  if (sizes.tokens == 0) return;
  combine_rows<<<static_cast<unsigned>(sizes.tokens), kRowThreads, 0, stream>>>(y, sizes, out);
  PW_CUDA(cudaGetLastError());
}

}  // namespace planewise::calibration
