// A bench on a GPU: several sets of inputs, one call on each captured in a graph, events around its
// replays.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "calibration/cuda/device.h"
#include "calibration/measure/backend.h"

namespace planewise::calibration {

/// What a measurement runs. The functions share whatever buffers they need.
struct GpuWork {
  int sets = 1;  ///< See input_sets().
  /// Makes the inputs of all sets.
  std::function<void(std::uint64_t seed, cudaStream_t)> fill{};
  /// Writes NaN into all outputs.
  std::function<void(cudaStream_t)> poison{};
  /// One call on the inputs of a set; makes no allocation and no synchronisation.
  std::function<void(int set, cudaStream_t)> launch{};
  /// Holds what a call on set 0 left against references; the stream is idle.
  std::function<std::vector<CheckResult>(std::uint64_t seed, cudaStream_t)> compare{};
  std::string implementation{};
  std::string proxy{};
  int kernels = 1;
};

/// `measurement` says how many SMs are left to it, and whether a copy runs on the others.
std::unique_ptr<Bench> make_gpu_bench(GpuWork work, const Measurement& measurement,
                                      const Device& device);

/// Of several ways to do the same on the same inputs, which the first one's `fill` makes: check()
/// checks each, drops those with wrong results and keeps the one that a few replays find fastest.
/// Its checks are the fastest one's, or the first one's if all are wrong. Those that were dropped
/// are named in implementation(). Requires: at least one.
std::unique_ptr<Bench> make_best_bench(std::vector<GpuWork> works, const Measurement& measurement,
                                       const Device& device);

}  // namespace planewise::calibration
