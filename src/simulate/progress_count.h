// Says now and then how far a run is.
#pragma once

#include <algorithm>
#include <cstdint>

#include "simulate/driver.h"

namespace planewise::simulate {

class ProgressCount {
 public:
  /// `progress` may be empty, and outlives this.
  ProgressCount(const Progress& progress, std::int64_t steps)
      : progress_(progress), steps_(steps) {}

  void step_ended(Seconds now) {
    constexpr std::int64_t kReports = 1000;
    steps_done_ += 1;
    const std::int64_t every = std::max<std::int64_t>(1, steps_ / kReports);
    if (steps_done_ % every == 0 || steps_done_ == steps_) report(now);
  }

  /// Long exchanges end no step for a while: events count too.
  void event_passed(Seconds now) {
    constexpr std::int64_t kEvery = 16384;
    events_ += 1;
    if (events_ % kEvery == 0) report(now);
  }

 private:
  void report(Seconds now) const {
    if (!progress_) return;
    progress_(
        {.share = static_cast<double>(steps_done_) / static_cast<double>(steps_), .time = now});
  }

  const Progress& progress_;
  std::int64_t steps_ = 0;
  std::int64_t steps_done_ = 0;
  std::int64_t events_ = 0;
};

}  // namespace planewise::simulate
