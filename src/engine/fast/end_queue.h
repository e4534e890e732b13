// When flows end: a heap whose entries grow stale instead of being searched for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/units.h"
#include "engine/fast/flow_table.h"

namespace planewise::engine {

/// The ends to come of the flows that end first in their component. Equal times are in no special
/// order.
class EndQueue {
 public:
  /// Queues the flow's `end`, under its generation.
  void push(FlowState& flow, FlowSlot slot);
  /// Makes what push() queued for the flow stale, if anything.
  void forget(FlowState& flow);
  /// Returns the earliest end; kNever if nothing is queued.
  Seconds next(const FlowTable& table);
  /// Removes the flow that next() spoke of, and returns it.
  FlowSlot pop(FlowTable& table);
  /// Drops stale entries once they are the greater part. To be called now and then.
  void compact(const FlowTable& table);

 private:
  struct Entry {
    Seconds end{};
    FlowSlot slot = 0;
    std::uint32_t generation = 0;
  };
  static bool later(const Entry& a, const Entry& b) { return a.end > b.end; }
  static bool stale(const FlowTable& table, const Entry& entry) {
    return table.flow_at(entry.slot).generation != entry.generation;
  }

  std::vector<Entry> heap_;
  std::size_t stale_count_ = 0;
};

}  // namespace planewise::engine
