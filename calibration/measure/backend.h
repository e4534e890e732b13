// The seam between what is measured and what runs it: two backends, `host` and `cuda`.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "calibration/measure/environment.h"
#include "calibration/measure/measurement.h"

namespace planewise::calibration {

/// A result held against a reference.
struct CheckResult {
  std::string reference{};  ///< `dequantised`: FP32 on the same rounded operands; `unquantised`:
                            ///< FP32 on the operands before rounding; `exact`; `sampled rows`.
  std::string metric{};     ///< `difference`: 1 - 2 sum xy / sum (x^2 + y^2); `mismatches`.
  double value = 0;
  double limit = 0;
  bool holds() const { return value <= limit; }  ///< False for NaN.
};

/// One measurement, ready to run: its memory is there, its kernels are chosen.
class Bench {
 public:
  virtual ~Bench() = default;

  /// Makes inputs from `seed`, poisons the outputs with NaN, runs once, and holds the outputs
  /// against references. No time may be taken before all of them hold.
  virtual std::vector<CheckResult> check(std::uint64_t seed) = 0;

  /// The times of `count` calls, one after the other without pause. The inputs of successive calls
  /// are different ones, so that none is left in a cache.
  virtual std::vector<Seconds> run(int count) = 0;

  virtual std::string implementation() const = 0;  ///< `cublaslt_loop`, `pw_grouped_wgmma`, `host`.
  /// What ran instead of what was asked, such as `bf16 for fp8`; empty if nothing did.
  virtual std::string proxy() const { return {}; }
  virtual int kernels() const { return 1; }  ///< Launches in a call.
};

/// Why a measurement cannot be taken here.
struct NotMeasured {
  std::string reason{};
};

class Backend {
 public:
  virtual ~Backend() = default;
  virtual const Environment& environment() const = 0;
  virtual Telemetry telemetry() = 0;
  /// Throws if the machine fails.
  virtual std::variant<std::unique_ptr<Bench>, NotMeasured> prepare(const Measurement& measurement,
                                                                    const LayerSizes& sizes) = 0;
};

/// Computes on the processor, with the same orchestration and checks as a GPU.
std::unique_ptr<Backend> make_host_backend();

/// None, with the reason, where there is no GPU or the program was built without CUDA.
std::variant<std::unique_ptr<Backend>, NotMeasured> make_cuda_backend(int device);

}  // namespace planewise::calibration
