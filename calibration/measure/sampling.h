// How long a bench is run, and what the machine did meanwhile.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "calibration/measure/backend.h"

namespace planewise::calibration {

/// When a bench has been run often enough.
struct SamplingOptions {
  double agreement = 0.02;            ///< Warm when five medians in a row agree within this share,
  Seconds warm_up_most = seconds(1);  ///< or after this.
  int samples_least = 30;             ///< And as long as
  Seconds sampling_least = milliseconds(300);  ///< this, whichever is later,
  int samples_most = 1000;                     ///< but no more than these.
  Seconds sustained_before = seconds(2);       ///< Busy before samples of `sustained` after a rest,
  Seconds sustained_again = milliseconds(50);  ///< and before those that follow others.
  Seconds pause = milliseconds(20);            ///< Between samples of `cool`.
};

/// Those of the method; fewer and shorter if quick, and on a processor, whose calls are long.
SamplingOptions sampling_options(const std::string& backend, bool is_quick);

/// Time as the sampling sees it: a steady clock, and a way to let time pass.
struct Time {
  std::function<Seconds()> now{};
  std::function<void(Seconds)> wait{};
};

/// The machine's own steady clock.
Time machine_time();

/// What telemetry said before, during and after the samples of one point.
class TelemetrySpan {
 public:
  void add(const Telemetry& telemetry);

  int clock_mhz_min() const { return clock_mhz_min_; }  ///< 0: never known; so are the others.
  int clock_mhz_max() const { return clock_mhz_max_; }
  double power_w() const;  ///< Mean.
  int temperature_c() const { return temperature_c_; }
  /// throttle_names, and `other_processes` if others computed on the same GPU.
  std::vector<std::string> throttle() const;

 private:
  int clock_mhz_min_ = 0;
  int clock_mhz_max_ = 0;
  double power_sum_ = 0;
  int power_count_ = 0;
  int temperature_c_ = 0;
  std::uint64_t reasons_ = 0;
  bool others_ = false;
};

struct Samples {
  std::vector<Seconds> times{};  ///< All after the warm-up, in order.
  TelemetrySpan telemetry{};
};

/// Warms `bench` up and takes its times under `regime`; asks `backend` for telemetry before, ten
/// times a second during and after them.
Samples take_samples(Bench& bench, Backend& backend, Regime regime, const SamplingOptions& options,
                     const Time& time);

}  // namespace planewise::calibration
