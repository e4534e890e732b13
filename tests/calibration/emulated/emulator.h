// Runs CUDA kernels on the processor, so that their index arithmetic can be tested without a GPU:
// blocks one after the other, the threads of a block as fibers that take turns wherever they wait
// for each other. For kernels without inline assembly. launches.py rewrites a source so that g++
// takes it: `f<<<grid, block, 0, stream>>>(x);` becomes emulated::launch(grid, block, [&] { f(x);
// });, and shared variables become static ones, of which there is one a block, since blocks do not
// overlap.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp8.h>
#include <cuda_runtime.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>

namespace planewise::emulated {

/// Runs `body` once for each thread of the grid. What threads race for is run in the order of
/// threads. Stops the program if threads wait for others that never come.
///
/// Threads become fibers only if one of them waits: then its block begins anew, so that what a
/// thread does before its first wait must be the same the second time.
void launch(dim3 grid, dim3 block, std::function<void()> body);

/// From now on the stream is never done, as if an operation on it waited for a rank that is lost.
void hang_stream();

/// Runs `work` now; while a stream is captured, keeps it for the graph.
void submit(std::function<void()> work);

const uint3& thread_index();
const uint3& block_index();
const dim3& block_size();
const dim3& grid_size();

/// Waits for all living threads of the block, or of the warp.
void wait_for_block();
void wait_for_warp();

/// Lets the others go on, in a loop that waits for something; progress() says that it is there.
void pause();
void progress();

/// Every lane gives 8 bytes; returns what `lane` gave.
std::uint64_t exchange(std::uint64_t bits, int lane);
int lane_index();
unsigned ballot(bool vote);

template <class T>
T shuffle(T value, int lane) {
  static_assert(sizeof(T) <= 8);
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof value);
  bits = exchange(bits, lane);
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

}  // namespace planewise::emulated

#define threadIdx planewise::emulated::thread_index()
#define blockIdx planewise::emulated::block_index()
#define blockDim planewise::emulated::block_size()
#define gridDim planewise::emulated::grid_size()
#undef __launch_bounds__
#define __launch_bounds__(...)

inline void __syncthreads() { planewise::emulated::wait_for_block(); }
inline void __syncwarp() { planewise::emulated::wait_for_warp(); }
template <class T>
T __shfl_xor_sync(unsigned, T value, int distance) {
  return planewise::emulated::shuffle(value, planewise::emulated::lane_index() ^ distance);
}
template <class T>
T __shfl_sync(unsigned, T value, int lane) {
  return planewise::emulated::shuffle(value, lane);
}
inline unsigned __ballot_sync(unsigned, bool vote) { return planewise::emulated::ballot(vote); }
inline int __popc(unsigned bits) { return std::popcount(bits); }
inline float __uint_as_float(unsigned bits) { return std::bit_cast<float>(bits); }
inline unsigned __float_as_uint(float value) { return std::bit_cast<unsigned>(value); }
inline float __expf(float x) { return std::exp(x); }
inline float __logf(float x) { return std::log(x); }
inline float __cosf(float x) { return std::cos(x); }
inline float rsqrtf(float x) { return 1 / std::sqrt(x); }
inline int atomicAdd(int* to, int value) {
  const int before = *to;
  *to += value;
  return before;
}
template <class T>
T min(T x, T y) {
  return y < x ? y : x;
}
inline long long clock64() {
  static long long now = 0;
  return now += 1'000'000'000'000;  // nobody waits long
}
