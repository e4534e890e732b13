// The machine that a measurement was taken on: what makes two measurements comparable.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/units.h"

namespace planewise::calibration {

/// All texts are empty, and numbers 0, where the machine does not tell.
struct Environment {
  std::string backend{};  ///< `cuda` or `host`.
  std::string gpu{};      ///< Name; under `host` the processor's.
  std::string gpu_id{};   ///< The first 12 hexadecimal digits of the SHA-256 of its UUID.
  std::string compute_capability{};  ///< `9.0`.
  int sms = 0;                       ///< Under `host`: cores used.
  Bytes memory{};
  Bytes l2{};
  int clock_mhz_max = 0;
  double power_limit_w = 0;
  std::string driver{};
  std::map<std::string, std::string> libraries{};  ///< `cublasLt` -> `13.1.0`.
  std::string compiler{};
  std::string tool{};  ///< Name, version and git revision.
};

/// 16 hexadecimal digits over all that changes times: backend, GPU, driver, libraries; not the
/// revision of the tool.
std::string fingerprint(const Environment& environment);

/// The GPU's state at one moment.
struct Telemetry {
  int sm_clock_mhz = 0;  ///< 0: not known, as all of it may be.
  int memory_clock_mhz = 0;
  double power_w = 0;
  int temperature_c = 0;
  std::uint64_t throttle_reasons = 0;  ///< NVML's bits.
  int other_processes = 0;             ///< That compute on the same GPU.
};

/// `sw_power_cap`, `hw_thermal_slowdown` ...; idle and clocks that the user set are no reasons.
std::vector<std::string> throttle_names(std::uint64_t reasons);

}  // namespace planewise::calibration
