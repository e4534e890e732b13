// What the event loop asks: who ends next. Hands each flow to the solver or to a timeline.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/units.h"
#include "engine/engine.h"
#include "engine/fast/level_solver.h"
#include "engine/fast/timelines.h"

namespace planewise::engine {

/// A LevelSolver, but components that start at once and alone are played ahead; see timelines.h.
class FlowSolver {
 public:
  FlowSolver(std::span<const Rate> capacities, const FastOptions& options);

  // As those of LevelSolver.
  FlowSlot add(const Flow& flow, Seconds now);
  FlowSlot split(FlowSlot slot, int weight, Seconds now);
  Bytes remove(FlowSlot slot, Seconds now);
  Bytes left(FlowSlot slot, Seconds now);
  void set_capacity(LinkId link, Rate capacity, Seconds now);
  void solve(Seconds now);
  Seconds next_end();
  Seconds take_ended(Seconds limit, std::vector<FlowSlot>& ended);
  Rate load(LinkId link, Seconds now);

  std::uint64_t solve_count() const { return levels_.solve_count() + timelines_.solve_count(); }
  std::uint64_t full_solve_count() const { return levels_.full_solve_count(); }
  std::uint64_t merged_count() const { return levels_.merged_count(); }
  /// How many components were played ahead.
  std::uint64_t played_count() const { return played_count_; }

 private:
  void call_back(LinkId link, Seconds now);
  void call_back_flow(FlowSlot slot, Seconds now);
  void play_isolated(Seconds now);

  LevelSolver levels_;
  Timelines timelines_;
  bool plays_ahead_ = true;
  std::uint64_t played_count_ = 0;
  std::vector<Leftover> leftovers_;  ///< Scratch of call_back().
  std::vector<FlowSlot> elsewhere_;  ///< Scratch of take_ended().
};

}  // namespace planewise::engine
