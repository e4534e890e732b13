// Runs a pipeline plan with given times and free communication, to see whether and how it fits.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "workload/schedule.h"

namespace planewise::test {

/// In ticks; `backward` is gradients of inputs and of weights.
struct SlotTimes {
  std::int64_t forward = 0;
  std::int64_t backward = 0;
  std::int64_t weight = 0;
  std::int64_t pair = 0;
};

struct PlanRun {
  std::int64_t makespan = 0;
  std::vector<std::int64_t> busy{};  ///< [rank]
};

/// Ends of passes by stage, in the order in which the stage ran them.
struct StageEnds {
  std::vector<std::int64_t> forward{};
  std::vector<std::int64_t> backward{};
  std::size_t weights = 0;
};

class PlanRunner {
 public:
  PlanRunner(const workload::PipelinePlan& plan, const SlotTimes& times)
      : plan_(plan),
        times_(times),
        next_(plan.slots.size()),
        free_at_(plan.slots.size()),
        ends_(plan.slots.size(),
              std::vector<StageEnds>(static_cast<std::size_t>(plan.chunk_count()))) {}

  /// Nothing if the ranks wait for each other, or a pass comes before what it needs on its rank.
  std::optional<PlanRun> run() {
    PlanRun result{.busy = std::vector<std::int64_t>(plan_.slots.size())};
    for (bool moved = true; moved;) {
      moved = false;
      for (std::size_t rank = 0; rank < plan_.slots.size(); ++rank) {
        while (next_[rank] < plan_.slots[rank].size() && start(rank, result)) moved = true;
      }
    }
    for (std::size_t rank = 0; rank < plan_.slots.size(); ++rank) {
      if (next_[rank] < plan_.slots[rank].size()) return std::nullopt;
      result.makespan = std::max(result.makespan, free_at_[rank]);
    }
    return result;
  }

  const std::vector<std::vector<StageEnds>>& ends() const { return ends_; }

 private:
  /// When the pass of one direction can start; nothing if what it needs has not run.
  std::optional<std::int64_t> ready(std::size_t rank, int chunk, bool backward) const {
    const StageEnds& here = ends_[rank][static_cast<std::size_t>(chunk)];
    const std::size_t turn = backward ? here.backward.size() : here.forward.size();
    if (backward && turn >= here.forward.size()) return std::nullopt;
    const int step = backward ? 1 : -1;
    const int from = plan_.neighbour(static_cast<int>(rank), chunk, step);
    if (from < 0) return 0;
    const auto from_chunk =
        static_cast<std::size_t>(plan_.neighbour_chunk(static_cast<int>(rank), chunk, step));
    const StageEnds& there = ends_[static_cast<std::size_t>(from)][from_chunk];
    const std::vector<std::int64_t>& sent = backward ? there.backward : there.forward;
    if (turn >= sent.size()) return std::nullopt;
    return sent[turn];
  }

  std::int64_t duration(workload::Pass pass) const {
    switch (pass) {
      case workload::Pass::forward:
        return times_.forward;
      case workload::Pass::backward:
        return times_.backward;
      case workload::Pass::backward_input:
        return times_.backward - times_.weight;
      case workload::Pass::weight:
        return times_.weight;
      case workload::Pass::pair:
        return times_.pair;
    }
    return 0;
  }

  bool start(std::size_t rank, PlanRun& result) {
    const workload::PipelineSlot& slot = plan_.slots[rank][next_[rank]];
    const bool pair = slot.pass == workload::Pass::pair;
    const bool runs_forward = pair || slot.pass == workload::Pass::forward;
    const bool runs_backward = pair || slot.pass == workload::Pass::backward ||
                               slot.pass == workload::Pass::backward_input;
    const int backward_chunk = pair ? slot.other : slot.chunk;
    StageEnds& forward = ends_[rank][static_cast<std::size_t>(slot.chunk)];
    StageEnds& backward = ends_[rank][static_cast<std::size_t>(backward_chunk)];
    std::int64_t at = free_at_[rank];
    for (const bool is_backward : {false, true}) {
      if (!(is_backward ? runs_backward : runs_forward)) continue;
      const auto when = ready(rank, is_backward ? backward_chunk : slot.chunk, is_backward);
      if (!when) return false;
      at = std::max(at, *when);
    }
    if (slot.pass == workload::Pass::weight && forward.weights >= forward.backward.size()) {
      return false;
    }
    const std::int64_t end = at + duration(slot.pass);
    if (runs_forward) forward.forward.push_back(end);
    if (runs_backward) backward.backward.push_back(end);
    if (pair || slot.pass == workload::Pass::backward) backward.weights += 1;
    if (slot.pass == workload::Pass::weight) forward.weights += 1;
    free_at_[rank] = end;
    result.busy[rank] += duration(slot.pass);
    next_[rank] += 1;
    return true;
  }

  const workload::PipelinePlan& plan_;
  SlotTimes times_{};
  std::vector<std::size_t> next_{};
  std::vector<std::int64_t> free_at_{};
  std::vector<std::vector<StageEnds>> ends_{};  ///< [rank][chunk]
};

}  // namespace planewise::test
