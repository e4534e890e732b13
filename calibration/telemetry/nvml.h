// The state of an NVIDIA GPU, asked of the driver's own library where there is one.
//
// NVML comes with the driver, not with the toolkit, so it is loaded when the program runs and
// declared here. Names, types and return codes: NVML API reference,
// https://docs.nvidia.com/deploy/nvml-api/.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "calibration/measure/environment.h"

namespace planewise::calibration {

/// One GPU as NVML sees it. It only reads: no clock, limit or mode is ever changed.
class Nvml {
 public:
  /// The GPU `device`: a PCI bus id (`0000:1b:00.0`) or a UUID (`GPU-...`). Null, with the reason
  /// in `problem`, if there is no `library`, no driver, or no such GPU.
  static std::unique_ptr<Nvml> open(const std::string& device, std::string& problem,
                                    const std::string& library = "libnvidia-ml.so.1");
  ~Nvml();
  Nvml(const Nvml&) = delete;
  Nvml& operator=(const Nvml&) = delete;

  /// What the driver does not tell is 0. Other processes are those that compute on the GPU, without
  /// this one.
  Telemetry telemetry() const;

  // None where the driver does not tell.
  std::optional<std::string> driver() const;  ///< `580.65.06`.
  std::optional<std::string> uuid() const;
  std::optional<int> sm_clock_mhz_max() const;
  std::optional<double> power_limit_w() const;
  std::optional<int> utilisation_percent() const;  ///< Of the last moments, of any process.
  /// Of all NVLinks that are up, one direction; none without NVLink, or of a version that we do not
  /// know.
  std::optional<Rate> nvlink_rate() const;

 private:
  struct Library;
  Nvml(std::unique_ptr<Library> library, void* device);

  std::unique_ptr<Library> library_;
  void* device_ = nullptr;
};

}  // namespace planewise::calibration
