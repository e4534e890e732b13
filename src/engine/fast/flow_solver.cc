#include "engine/fast/flow_solver.h"

#include <algorithm>

namespace planewise::engine {

FlowSolver::FlowSolver(std::span<const Rate> capacities, const FastOptions& options)
    : levels_(capacities, options),
      timelines_(capacities.size(), options),
      // Ends that are drawn forward must be so over all components alike.
      plays_ahead_(options.time_tolerance == 0) {}

/// Gives the component of a link back to the solver, if it is played elsewhere.
void FlowSolver::call_back(LinkId link, Seconds now) {
  if (!timelines_.owns(link)) return;
  leftovers_.clear();
  timelines_.dissolve(link, now, leftovers_);
  for (const Leftover& flow : leftovers_) levels_.bring_back(flow.slot, flow.left);
}

void FlowSolver::call_back_flow(FlowSlot slot, Seconds now) {
  call_back(levels_.flows().hops(slot).front().link, now);
}

FlowSlot FlowSolver::add(const Flow& flow, Seconds now) {
  for (const LinkId link : flow.path) call_back(link, now);
  return levels_.add(flow);
}

FlowSlot FlowSolver::split(FlowSlot slot, int weight, Seconds now) {
  call_back_flow(slot, now);
  return levels_.split(slot, weight, now);
}

Bytes FlowSolver::remove(FlowSlot slot, Seconds now) {
  call_back_flow(slot, now);
  return levels_.remove(slot, now);
}

Bytes FlowSolver::left(FlowSlot slot, Seconds now) {
  call_back_flow(slot, now);
  return levels_.left(slot, now);
}

void FlowSolver::set_capacity(LinkId link, Rate capacity, Seconds now) {
  call_back(link, now);
  levels_.set_capacity(link, capacity);
}

void FlowSolver::play_isolated(Seconds now) {
  if (!plays_ahead_ || !levels_.has_fresh_batch()) return;
  const ComponentSearch& search =
      levels_.find_isolated([this](LinkId link) { return timelines_.is_promising(link); });
  for (const Component& component : search.components()) {
    timelines_.start(search, component, levels_, now);
    for (const FlowSlot slot : search.flows_of(component)) levels_.send_elsewhere(slot);
    ++played_count_;
  }
}

void FlowSolver::solve(Seconds now) {
  play_isolated(now);
  levels_.solve(now);
}

Seconds FlowSolver::next_end() { return std::min(levels_.next_end(), timelines_.next_end()); }

Seconds FlowSolver::take_ended(Seconds limit, std::vector<FlowSlot>& ended) {
  elsewhere_.clear();
  timelines_.take_ended(limit, elsewhere_);
  for (const FlowSlot slot : elsewhere_) {
    levels_.drop(slot);
    ended.push_back(slot);
  }
  return levels_.take_ended(limit, ended);
}

Rate FlowSolver::load(LinkId link, Seconds now) {
  call_back(link, now);
  levels_.solve(now);  // Nothing is played ahead here: it would be out of sight again.
  return levels_.load(link);
}

}  // namespace planewise::engine
