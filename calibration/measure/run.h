// Takes a plan's measurements on a backend and hands out a record for each.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "calibration/measure/backend.h"
#include "calibration/measure/plan.h"
#include "calibration/raw/record.h"

namespace planewise::calibration {

/// When a bench has been run often enough.
struct SamplingOptions {
  double agreement = 0.02;            ///< Warm when five medians in a row agree within this share,
  Seconds warm_up_most = seconds(1);  ///< or after this.
  int samples_least = 30;             ///< And as long as
  Seconds sampling_least = milliseconds(300);  ///< this, whichever is later.
  Seconds sustained_before = seconds(2);  ///< Busy without pause before samples of `sustained`.
  Seconds pause = milliseconds(20);       ///< Between samples of `cool`.
};

/// How far a run is.
struct RunProgress {
  std::size_t done = 0;
  std::size_t all = 0;
  std::string key{};  ///< What is measured now.
};

struct RunOptions {
  SamplingOptions sampling{};
  std::uint64_t seed = 1;
  std::set<std::pair<std::string, int>> done{};  ///< Keys and rounds that are in the file already.
  std::function<void(const RunProgress&)> progress{};  ///< Throws to stop the run.
};

struct RunSummary {
  int measured = 0;
  int skipped = 0;       ///< Were in the file already.
  int not_measured = 0;  ///< This machine cannot.
  int failed = 0;        ///< A check did not hold; nothing was timed.
  int throttled = 0;     ///< Of the measured.
};

/// Takes every measurement `plan.repetitions` times, a round over all of them after the other, and
/// gives each line to `write` at once. A measurement whose check fails in a round is not timed in
/// it.
RunSummary run_plan(const Plan& plan, Backend& backend, const RunOptions& options,
                    const std::function<void(const std::string& line)>& write);

}  // namespace planewise::calibration
