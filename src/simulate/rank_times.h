// How each rank spends the step: adds up what the driver finds.
#pragma once

#include <optional>
#include <vector>

#include "simulate/queues.h"
#include "simulate/result.h"
#include "simulate/system.h"
#include "workload/program.h"

namespace planewise::simulate {

/// What a rank's part of an exchange is counted by.
struct PartTimes {
  int rank = 0;
  int label = 0;
  workload::Phase phase = workload::Phase::forward_1f;
  Part part{};
  Seconds ended{};
  /// Since when the rank's steps wait for this queue, for the part itself or one behind it; none if
  /// they go on.
  std::optional<Seconds> waited_since{};
};

class RankTimes {
 public:
  explicit RankTimes(const System& system);

  /// What a compute step of the rank takes: its block, and more of it the more tokens it received.
  Seconds compute_time(int rank, const workload::Step& step) const;
  void add_compute(int rank, workload::Phase phase, const workload::Step& step);
  /// While a rank waits for a queue its time belongs to what is at the head of the queue: `exposed`
  /// of that label once the exchange has begun, `skew` before.
  void add_part(const PartTimes& part);
  void add_bubble(int rank, Seconds time);
  void add_chunk(int rank, int chunk, Seconds time) {
    of(rank).chunks[static_cast<std::size_t>(chunk)] += time;
  }

  /// The results, in order of the system's ranks. Leaves nothing behind.
  std::vector<RankResult> take() { return std::move(results_); }

 private:
  RankResult& of(int rank) { return results_[static_cast<std::size_t>(rank)]; }

  const System& system_;
  const workload::Program& program_;
  std::vector<RankResult> results_;
};

}  // namespace planewise::simulate
