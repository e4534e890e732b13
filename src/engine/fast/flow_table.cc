#include "engine/fast/flow_table.h"

#include <algorithm>
#include <limits>

#include "base/check.h"

namespace planewise::engine {

FlowSlot FlowTable::take_slot(std::size_t hop_count) {
  if (free_slots_.size() <= hop_count) free_slots_.resize(hop_count + 1);
  std::vector<FlowSlot>& free = free_slots_[hop_count];
  if (!free.empty()) {
    const FlowSlot slot = free.back();
    free.pop_back();
    return slot;
  }
  PW_CHECK(hops_.size() + hop_count <= std::numeric_limits<std::int32_t>::max());
  const auto slot = static_cast<FlowSlot>(flows_.size());
  flows_.push_back({.first_hop = static_cast<std::int32_t>(hops_.size()),
                    .hop_count = static_cast<std::int32_t>(hop_count)});
  hops_.resize(hops_.size() + hop_count);
  owners_.resize(hops_.size(), slot);
  return slot;
}

FlowSlot FlowTable::add(std::span<const LinkId> path, Bytes size, int weight) {
  PW_CHECK(!path.empty());
  distinct_.clear();
  for (const LinkId link : path) {
    const auto same = std::find_if(distinct_.begin(), distinct_.end(),
                                   [link](const Hop& hop) { return hop.link == link; });
    if (same != distinct_.end()) {
      same->weight += weight;
    } else {
      distinct_.push_back({.link = link, .weight = weight});
    }
  }
  const FlowSlot slot = take_slot(distinct_.size());
  FlowState& state = flow(slot);
  state.key = size;
  state.members = weight;
  state.bottleneck = kNoLink;
  std::int32_t index = state.first_hop;
  for (Hop hop : distinct_) {
    std::vector<Crossing>& row = crossings_[static_cast<std::size_t>(hop.link)];
    hop.place = static_cast<std::int32_t>(row.size());
    row.push_back({.hop = index, .weight = hop.weight});
    hops_[static_cast<std::size_t>(index++)] = hop;
  }
  ++flow_count_;
  return slot;
}

void FlowTable::add_members(FlowSlot slot, int weight) {
  FlowState& state = flow(slot);
  PW_CHECK(state.bottleneck == kNoLink);
  PW_CHECK(weight <= std::numeric_limits<std::int32_t>::max() - state.members);
  for (Hop& hop : mutable_hops(slot)) {
    hop.weight += hop.weight / state.members * weight;
    crossings_[static_cast<std::size_t>(hop.link)][static_cast<std::size_t>(hop.place)].weight =
        hop.weight;
  }
  state.members += weight;
}

void FlowTable::remove(FlowSlot slot) {
  FlowState& state = flow(slot);
  state.members = 0;
  for (const Hop& hop : hops(slot)) {
    std::vector<Crossing>& row = crossings_[static_cast<std::size_t>(hop.link)];
    const Crossing last = row.back();
    row[static_cast<std::size_t>(hop.place)] = last;
    hops_[static_cast<std::size_t>(last.hop)].place = hop.place;
    row.pop_back();
  }
  free_slots_[static_cast<std::size_t>(state.hop_count)].push_back(slot);
  --flow_count_;
}

void FlowTable::clear() {
  for (const Hop& hop : hops_) crossings_[static_cast<std::size_t>(hop.link)].clear();
  flows_.clear();
  hops_.clear();
  owners_.clear();
  for (std::vector<FlowSlot>& free : free_slots_) free.clear();
  flow_count_ = 0;
}

void FlowTable::set_bottleneck(FlowSlot slot, LinkId link) {
  flow(slot).bottleneck = link;
  for (const Hop& hop : hops(slot)) {
    crossings_[static_cast<std::size_t>(hop.link)][static_cast<std::size_t>(hop.place)].bottleneck =
        link;
  }
}

}  // namespace planewise::engine
