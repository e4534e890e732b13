// What the event loop asks: who ends next. Water-fills the components that changed, and only those.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/units.h"
#include "engine/engine.h"
#include "engine/fast/end_queue.h"
#include "engine/fast/flow_table.h"
#include "engine/fast/water_fill.h"

namespace planewise::engine {

/// Keeps the max-min fair rates of the flows in flight, and from them the time of the next end.
///
/// Changes only mark links; rates are computed once for all changes of an instant, by solve().
class RateSolver {
 public:
  explicit RateSolver(std::span<const Rate> capacities) : table_(capacities) {}

  /// Adds a flow with a path and a size; it sends nothing before the next solve().
  FlowSlot add(const Flow& flow, Seconds now);
  /// Removes a flow and returns what each of its members has left to send.
  Bytes remove(FlowSlot slot, Seconds now);
  void set_capacity(LinkId link, Rate capacity);

  /// Brings the rates up to date with all changes; they hold from `now` on.
  void solve(Seconds now);
  /// Returns when the next flow ends, or kNever. Rates must be up to date.
  Seconds next_end() { return ends_.next(table_); }
  /// Removes the flows that end at `limit` or before, and appends their ids to `ended` in no
  /// special order.
  void take_ended(Seconds limit, std::vector<FlowId>& ended);
  /// Returns what flows use of a link. Rates must be up to date.
  Rate load(LinkId link) const;
  /// How often solve() had something to do.
  std::uint64_t solve_count() const { return solve_count_; }

 private:
  void mark(LinkId link);
  void mark_path(FlowSlot slot);
  void apply_rates(Seconds now);

  FlowTable table_;
  WaterFill water_fill_;
  EndQueue ends_;
  std::vector<LinkId> dirty_links_;
  Component component_;  ///< Scratch of solve().
  std::uint64_t solve_count_ = 0;
};

}  // namespace planewise::engine
