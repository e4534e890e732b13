// The GPU that is measured: what it is, how it does, and what benches need to know of it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>

#include "calibration/measure/backend.h"
#include "calibration/telemetry/nvml.h"

namespace planewise::calibration {

class Device {
 public:
  /// Makes GPU `index` the current one. NotMeasured where there is no driver or no such GPU.
  static std::variant<std::unique_ptr<Device>, NotMeasured> open(int index);

  const Environment& environment() const { return environment_; }
  /// All zeros where NVML cannot be had.
  Telemetry telemetry() const;

  int capability() const { return capability_; }  ///< 90 for compute capability 9.0.
  int sms() const { return environment_.sms; }
  std::int64_t l2_bytes() const { return l2_bytes_; }
  std::int64_t clock_khz() const { return clock_khz_; }  ///< The highest of the SMs.
  /// Now.
  std::int64_t free_bytes() const;

 private:
  Device() = default;

  Environment environment_{};
  std::unique_ptr<Nvml> nvml_{};
  int capability_ = 0;
  std::int64_t l2_bytes_ = 0;
  std::int64_t clock_khz_ = 0;
};

/// `13.1.0` of a version that is printed as 130100 (major x 10,000) or 13010 (major x 1,000, minor
/// x 10), as CUDA's libraries do; `per_major` says which.
std::string version_text(std::int64_t number, std::int64_t per_major);

/// Sets of inputs that are launched in turn, so that none is left in the L2 cache when its turn
/// comes again: as many as make up three times the cache, 2 to 64, or as fit in half of the free
/// memory; 0 if not even one does.
int input_sets(std::int64_t bytes_a_set, std::int64_t l2_bytes, std::int64_t free_bytes);

}  // namespace planewise::calibration
