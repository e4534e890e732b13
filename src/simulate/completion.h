// How long flows take from when they are asked for to their last byte, as percentiles by label.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/units.h"
#include "simulate/observer.h"

namespace planewise::simulate {

/// Counts times in buckets that are each 0.1 % wider than the one before, from 1 ns on. Memory
/// follows the range of the times (23,000 buckets from 1 ns to 10 s), not their number.
class LogHistogram {
 public:
  void add(Seconds time, std::int64_t count);
  std::int64_t count() const { return count_; }
  /// The shortest time that at least `share` of all reach, to 0.05 %; never beyond the exact
  /// shortest and longest. Requires: something was added.
  Seconds percentile(double share) const;
  Seconds longest() const { return longest_; }  ///< Exact.

 private:
  std::vector<std::int64_t> buckets_;
  std::int64_t count_ = 0;
  Seconds shortest_{};
  Seconds longest_{};
};

/// Flow completion times of one label. Each flow counts for those of the job that it stands for.
struct LabelCompletion {
  std::string label{};
  std::int64_t flows = 0;
  Seconds p50{};
  Seconds p90{};
  Seconds p99{};
  Seconds longest{};
};

/// Collects the completion times of all flows.
class Completion final : public Observer {
 public:
  void run_began(const System& system) override;
  void flow_ended(const FlowEvent& flow) override;

  /// One entry a label that had flows, in order of the program's labels.
  std::vector<LabelCompletion> by_label() const;

 private:
  const System* system_ = nullptr;
  std::vector<int> line_of_;              // [label] See first_of_name().
  std::vector<LogHistogram> histograms_;  // [label]
};

}  // namespace planewise::simulate
