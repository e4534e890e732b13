#include "engine/fast/flow_table.h"

#include <algorithm>
#include <cstdint>
#include <limits>

#include "base/check.h"

namespace planewise::engine {

FlowTable::FlowTable(std::span<const Rate> capacities) : links_(capacities.size()) {
  for (std::size_t i = 0; i < capacities.size(); ++i) links_[i].capacity = capacities[i];
}

FlowSlot FlowTable::take_slot(std::size_t hop_count) {
  if (free_slots_.size() <= hop_count) free_slots_.resize(hop_count + 1);
  std::vector<FlowSlot>& free = free_slots_[hop_count];
  if (!free.empty()) {
    const FlowSlot slot = free.back();
    free.pop_back();
    return slot;
  }
  PW_CHECK(hops_.size() + hop_count <= std::numeric_limits<std::int32_t>::max());
  FlowState flow;
  flow.first_hop = static_cast<std::int32_t>(hops_.size());
  flow.hop_count = static_cast<std::int32_t>(hop_count);
  hops_.resize(hops_.size() + hop_count);
  flows_.push_back(flow);
  return static_cast<FlowSlot>(flows_.size() - 1);
}

FlowSlot FlowTable::add(const Flow& flow) {
  PW_CHECK(!flow.path.empty());
  distinct_.clear();
  for (const LinkId link : flow.path) {
    const auto same = std::find_if(distinct_.begin(), distinct_.end(),
                                   [link](const Hop& hop) { return hop.link == link; });
    if (same != distinct_.end()) {
      same->weight += flow.weight;
    } else {
      distinct_.push_back({.link = link, .weight = static_cast<double>(flow.weight)});
    }
  }
  const FlowSlot slot = take_slot(distinct_.size());
  FlowState& state = flow_at(slot);
  state.id = flow.id;
  std::int32_t index = state.first_hop;
  for (Hop hop : distinct_) {
    LinkState& link = link_at(hop.link);
    hop.place = static_cast<std::int32_t>(link.uses.size());
    link.uses.push_back({.flow = slot, .hop = index});
    link.weight += hop.weight;
    hops_[static_cast<std::size_t>(index++)] = hop;
  }
  return slot;
}

void FlowTable::remove(FlowSlot slot) {
  const FlowState& flow = flow_at(slot);
  for (const Hop& hop : hops_of(flow)) {
    LinkState& link = link_at(hop.link);
    link.weight -= hop.weight;
    const Use last = link.uses.back();
    link.uses[static_cast<std::size_t>(hop.place)] = last;
    hops_[static_cast<std::size_t>(last.hop)].place = hop.place;
    link.uses.pop_back();
  }
  free_slots_[static_cast<std::size_t>(flow.hop_count)].push_back(slot);
}

void FlowTable::gather(LinkId link, Component& component) {
  component.flows.clear();
  component.links.assign(1, link);
  link_at(link).visit = visit_;
  // `links` is the queue of the search and its result at once.
  for (std::size_t next = 0; next < component.links.size(); ++next) {
    for (const Use& use : link_at(component.links[next]).uses) {
      FlowState& flow = flow_at(use.flow);
      if (flow.visit == visit_) continue;
      flow.visit = visit_;
      component.flows.push_back(use.flow);
      for (const Hop& hop : hops_of(flow)) {
        LinkState& other = link_at(hop.link);
        if (other.visit == visit_) continue;
        other.visit = visit_;
        component.links.push_back(hop.link);
      }
    }
  }
}

}  // namespace planewise::engine
