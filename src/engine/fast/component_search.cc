#include "engine/fast/component_search.h"
#include <algorithm>

namespace planewise::engine {
namespace {

std::size_t at(std::int32_t index) { return static_cast<std::size_t>(index); }

}  // namespace

void ComponentSearch::clear() {
  components_.clear();
  found_links_.clear();
  found_flows_.clear();
  first_search_ = search_ + 1;
  link_search_.resize(flows_.link_count(), 0);
  flow_search_.resize(flows_.slot_count(), 0);
}

bool ComponentSearch::find(LinkId seed, const SearchLimits& limits) {
  if (link_search_[at(seed)] >= first_search_) return false;
  ++search_;
  Component component{.links_begin = found_links_.size(), .flows_begin = found_flows_.size()};
  link_search_[at(seed)] = search_;
  found_links_.push_back(seed);
  if (!follow(component, limits)) {
    // What it met stays marked, so that no other search takes a part of it for a whole.
    found_links_.resize(component.links_begin);
    found_flows_.resize(component.flows_begin);
    return false;
  }
  component.links_end = found_links_.size();
  component.flows_end = found_flows_.size();
  components_.push_back(component);
  return true;
}

/// Adds the links of a flow. Returns false if one belongs to a component that was given up.
bool ComponentSearch::meet(FlowSlot slot, Component& component) {
  flow_search_[at(slot)] = search_;
  found_flows_.push_back(slot);
  for (const Hop& hop : flows_.hops(slot)) {
    if (!links_.is_shared(hop.link)) {
      component.limited = true;
      continue;
    }
    std::uint64_t& met = link_search_[at(hop.link)];
    if (met == search_) continue;
    if (met >= first_search_) return false;
    met = search_;
    found_links_.push_back(hop.link);
  }
  return true;
}

bool ComponentSearch::follow(Component& component, const SearchLimits& limits) {
  std::size_t reads = 0;
  std::size_t budget = limits.reads;
  // The list of links is the queue of the search and its result at once.
  for (std::size_t next = component.links_begin; next < found_links_.size(); ++next) {
    const std::span<const Crossing> crossings = flows_.crossings(found_links_[next]);
    reads += crossings.size();
    for (const Crossing& crossing : crossings) {
      const FlowSlot slot = flows_.flow_of(crossing.hop);
      if (flow_search_[at(slot)] == search_) continue;
      const LinkId bottleneck = flows_.flow(slot).bottleneck;
      if (bottleneck == kElsewhere) continue;
      if (bottleneck == kNoLink) {
        const std::size_t more = limits.reads_per_fresh_hop * flows_.hops(slot).size();
        budget += std::min(more, std::numeric_limits<std::size_t>::max() - budget);
      } else if (limits.only_fresh) {
        return false;
      }
      if (!meet(slot, component)) return false;
      if (limits.only_fresh && component.limited) return false;
    }
    if (reads > budget) return false;
    if (found_flows_.size() - component.flows_begin > limits.flows) return false;
  }
  return true;
}

}  // namespace planewise::engine
