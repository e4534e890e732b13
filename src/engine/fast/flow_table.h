// Which flows cross which links: flat pools whose memory is reused, so that a warm engine allocates
// nothing.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/units.h"
#include "engine/engine.h"

namespace planewise::engine {

/// Index of a flow in flight; used again after the flow has gone.
using FlowSlot = std::int32_t;

/// No link; the bottleneck of a flow that has none yet.
constexpr LinkId kNoLink = -1;
/// Stands for the bottleneck of a flow whose component is played elsewhere; see timelines.h.
constexpr LinkId kElsewhere = -2;

/// One link of a flow's path. A link that the path names k times is one hop of k times the weight.
struct Hop {
  LinkId link = 0;
  std::int32_t place = 0;   ///< Index into the link's crossings.
  std::int32_t weight = 0;  ///< Members of the flow x times that the path names the link.
};

/// A flow in flight.
struct FlowState {
  /// Without a bottleneck: what each member has to send. Else what the bottleneck's clock shows
  /// when it ends.
  Bytes key{};
  std::int32_t first_hop = 0;
  std::int32_t hop_count = 0;
  std::int32_t members = 0;  ///< Identical flows that it stands for; 0 if the slot is free.
  LinkId bottleneck = kNoLink;
  std::int32_t place = 0;  ///< Index into the bottleneck's residents.
};

/// One flow on a link, and where its bottleneck is.
struct Crossing {
  std::int32_t hop = 0;
  std::int32_t weight = 0;  ///< Of the hop.
  LinkId bottleneck = kNoLink;
};

/// Flows, their hops, and by link the flows that cross it.
class FlowTable {
 public:
  /// Adds a link without flows.
  void add_link() { crossings_.emplace_back(); }
  std::size_t link_count() const { return crossings_.size(); }

  /// Adds a flow over `path` (not empty, each link any number of times) without a bottleneck, for
  /// `weight` members.
  FlowSlot add(std::span<const LinkId> path, Bytes size, int weight);
  /// Lets a flow that has no bottleneck yet stand for `weight` more.
  void add_members(FlowSlot slot, int weight);
  void remove(FlowSlot slot);
  /// Removes all flows; slots are dealt out from 0 on again.
  void clear();
  /// Notes where a flow is held back; LinkTable does the rest.
  void set_bottleneck(FlowSlot slot, LinkId link);

  FlowState& flow(FlowSlot slot) { return flows_[static_cast<std::size_t>(slot)]; }
  const FlowState& flow(FlowSlot slot) const { return flows_[static_cast<std::size_t>(slot)]; }
  /// Whether a slot holds a flow that has no bottleneck yet.
  bool is_fresh(FlowSlot slot) const {
    return flow(slot).members > 0 && flow(slot).bottleneck == kNoLink;
  }
  std::size_t slot_count() const { return flows_.size(); }
  std::size_t flow_count() const { return flow_count_; }
  /// The hops of a flow; each link once.
  std::span<const Hop> hops(FlowSlot slot) const {
    const FlowState& state = flow(slot);
    return {&hops_[static_cast<std::size_t>(state.first_hop)],
            static_cast<std::size_t>(state.hop_count)};
  }
  const Hop& hop(std::int32_t index) const { return hops_[static_cast<std::size_t>(index)]; }
  FlowSlot flow_of(std::int32_t hop) const { return owners_[static_cast<std::size_t>(hop)]; }
  std::span<const Crossing> crossings(LinkId link) const {
    return crossings_[static_cast<std::size_t>(link)];
  }

 private:
  FlowSlot take_slot(std::size_t hop_count);
  std::span<Hop> mutable_hops(FlowSlot slot) {
    const FlowState& state = flow(slot);
    return {&hops_[static_cast<std::size_t>(state.first_hop)],
            static_cast<std::size_t>(state.hop_count)};
  }

  std::vector<FlowState> flows_;
  std::vector<Hop> hops_;
  std::vector<FlowSlot> owners_;                   ///< By hop.
  std::vector<std::vector<Crossing>> crossings_;   ///< By link.
  std::vector<std::vector<FlowSlot>> free_slots_;  ///< By hop count: a slot keeps its hops.
  std::vector<Hop> distinct_;                      ///< Scratch of add().
  std::size_t flow_count_ = 0;
};

}  // namespace planewise::engine
