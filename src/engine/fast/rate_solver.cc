#include "engine/fast/rate_solver.h"

#include <algorithm>

#include "engine/contract.h"

namespace planewise::engine {
namespace {

/// What each member has left at `now`. Rounding must not make it negative: it would end in the
/// past.
Bytes left_at(const FlowState& flow, Seconds now) {
  return std::max(flow.left - flow.rate * (now - flow.updated), Bytes{});
}

}  // namespace

void RateSolver::mark(LinkId link) {
  LinkState& state = table_.link_at(link);
  if (state.dirty) return;
  state.dirty = true;
  dirty_links_.push_back(link);
}

void RateSolver::mark_path(FlowSlot slot) {
  for (const Hop& hop : table_.hops_of(table_.flow_at(slot))) mark(hop.link);
}

FlowSlot RateSolver::add(const Flow& flow, Seconds now) {
  const FlowSlot slot = table_.add(flow);
  FlowState& state = table_.flow_at(slot);
  state.left = flow.size;
  state.rate = Rate{};
  state.updated = now;
  state.end = kNever;
  mark_path(slot);
  return slot;
}

Bytes RateSolver::remove(FlowSlot slot, Seconds now) {
  FlowState& flow = table_.flow_at(slot);
  const Bytes left = left_at(flow, now);
  mark_path(slot);
  ends_.forget(flow);
  table_.remove(slot);
  return left;
}

void RateSolver::set_capacity(LinkId link, Rate capacity) {
  table_.link_at(link).capacity = capacity;
  mark(link);
}

void RateSolver::apply_rates(Seconds now) {
  Seconds first_end = kNever;
  for (const FlowSlot slot : component_.flows) {
    FlowState& flow = table_.flow_at(slot);
    ends_.forget(flow);
    if (flow.next_rate != flow.rate) {
      flow.left = left_at(flow, now);
      flow.updated = now;
      flow.rate = flow.next_rate;
      flow.end = flow.rate > Rate{} ? now + flow.left / flow.rate : kNever;
    }
    first_end = std::min(first_end, flow.end);
  }
  // The first end changes the whole component and brings us back here, so no later one need be
  // queued.
  if (first_end == kNever) return;
  const Seconds limit = end_of_instant(first_end);
  for (const FlowSlot slot : component_.flows) {
    FlowState& flow = table_.flow_at(slot);
    if (flow.end <= limit) ends_.push(flow, slot);
  }
}

void RateSolver::solve(Seconds now) {
  if (dirty_links_.empty()) return;
  ++solve_count_;
  table_.start_gathering();
  for (const LinkId link : dirty_links_) {
    LinkState& state = table_.link_at(link);
    state.dirty = false;
    if (state.uses.empty()) continue;
    if (table_.met(link)) continue;
    table_.gather(link, component_);
    water_fill_.fill(table_, component_);
    apply_rates(now);
  }
  dirty_links_.clear();
  ends_.compact(table_);
}

void RateSolver::take_ended(Seconds limit, std::vector<FlowId>& ended) {
  while (ends_.next(table_) <= limit) {
    const FlowSlot slot = ends_.pop(table_);
    ended.push_back(table_.flow_at(slot).id);
    mark_path(slot);
    table_.remove(slot);
  }
}

Rate RateSolver::load(LinkId link) const {
  Rate sum{};
  for (const Use& use : table_.link_at(link).uses) {
    sum += table_.flow_at(use.flow).rate * table_.hop_at(use.hop).weight;
  }
  return sum;
}

}  // namespace planewise::engine
