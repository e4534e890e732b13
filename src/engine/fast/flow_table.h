// Which flows cross which links: flat pools whose memory is reused, so that a warm engine allocates
// nothing.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "base/units.h"
#include "engine/engine.h"

namespace planewise::engine {

constexpr Seconds kNever = Seconds::from_base(std::numeric_limits<double>::infinity());

/// Index of a flow in flight; used again after the flow has gone.
using FlowSlot = std::int32_t;

/// One link of a flow's path. A link that the path names k times is one hop of k times the weight.
struct Hop {
  LinkId link = 0;
  std::int32_t place = 0;  ///< Index into the link's uses.
  double weight = 0;       ///< Members of the flow x times that the path names the link.
};

/// A flow in flight, and the state that the solver keeps for it.
struct FlowState {
  FlowId id = 0;
  std::int32_t first_hop = 0;
  std::int32_t hop_count = 0;
  Bytes left{};       ///< Of each member, at `updated`.
  Rate rate{};        ///< Of each member, since `updated`.
  Seconds updated{};  ///< When `left` was true.
  Seconds end = kNever;
  Rate next_rate{};              ///< Result of the water filling in progress.
  std::uint64_t visit = 0;       ///< The last gathering that met this flow.
  std::uint32_t generation = 0;  ///< Entries of the end queue with another one are stale.
  bool queued = false;           ///< An entry of the end queue carries `generation`.
  bool settled = false;          ///< `next_rate` is known.
};

/// One flow on a link: where to find the flow and its hop.
struct Use {
  FlowSlot flow = 0;
  std::int32_t hop = 0;
};

/// A link, its flows, and the state that the solver keeps for it.
struct LinkState {
  Rate capacity{};
  double weight = 0;  ///< Sum over its uses; whole numbers, so sums are exact.
  std::vector<Use> uses;
  Rate free{};              ///< Not yet given away by the water filling in progress.
  double open_weight = 0;   ///< Of the flows whose rate is still rising.
  std::uint64_t visit = 0;  ///< The last gathering that met this link.
  bool dirty = false;
};

/// Flows that share links, directly or through others; rates of one component do not depend on
/// another.
struct Component {
  std::vector<LinkId> links;
  std::vector<FlowSlot> flows;
};

/// The bipartite graph of flows and links.
class FlowTable {
 public:
  explicit FlowTable(std::span<const Rate> capacities);

  /// Adds `flow`, whose path is not empty, and returns its slot.
  FlowSlot add(const Flow& flow);
  void remove(FlowSlot slot);

  /// Starts a gathering: no link and no flow counts as met.
  void start_gathering() { ++visit_; }
  bool met(LinkId link) const { return link_at(link).visit == visit_; }
  /// Fills `component` with all that hangs together with `link`.
  void gather(LinkId link, Component& component);

  LinkState& link_at(LinkId link) { return links_[static_cast<std::size_t>(link)]; }
  const LinkState& link_at(LinkId link) const { return links_[static_cast<std::size_t>(link)]; }
  FlowState& flow_at(FlowSlot slot) { return flows_[static_cast<std::size_t>(slot)]; }
  const FlowState& flow_at(FlowSlot slot) const { return flows_[static_cast<std::size_t>(slot)]; }
  const Hop& hop_at(std::int32_t hop) const { return hops_[static_cast<std::size_t>(hop)]; }
  /// The hops of `flow`; each link once.
  std::span<Hop> hops_of(const FlowState& flow) {
    return {&hops_[static_cast<std::size_t>(flow.first_hop)],
            static_cast<std::size_t>(flow.hop_count)};
  }

 private:
  FlowSlot take_slot(std::size_t hop_count);

  std::vector<LinkState> links_;
  std::vector<FlowState> flows_;
  std::vector<Hop> hops_;
  std::vector<std::vector<FlowSlot>> free_slots_;  ///< By hop count: a slot keeps its hops.
  std::vector<Hop> distinct_;                      ///< Scratch of add().
  std::uint64_t visit_ = 0;
};

}  // namespace planewise::engine
