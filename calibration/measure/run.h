// Takes a plan's measurements on a backend and hands out a record for each.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "calibration/measure/backend.h"
#include "calibration/measure/plan.h"
#include "calibration/measure/sampling.h"
#include "calibration/raw/record.h"

namespace planewise::calibration {

/// How far a run is.
struct RunProgress {
  std::size_t done = 0;  ///< Of all rounds' measurements.
  std::size_t all = 0;
  std::string key{};  ///< What is measured now.
};

/// Of RunOptions::done: the round of a measurement that the file says cannot be taken.
inline constexpr int kNoRound = 0;

struct RunOptions {
  SamplingOptions sampling{};
  Time time{};
  std::uint64_t seed = 1;
  /// Keys and rounds that are in the file already.
  std::set<std::pair<std::string, int>> done{};
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
/// it. Throws std::runtime_error with the measurement's key if the machine fails.
RunSummary run_plan(const Plan& plan, Backend& backend, const RunOptions& options,
                    const std::function<void(const std::string& line)>& write);

}  // namespace planewise::calibration
