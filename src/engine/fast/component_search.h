// Components: flows that share links, directly or through others, and those links.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "engine/fast/flow_table.h"
#include "engine/fast/link_table.h"

namespace planewise::engine {

/// What one component is, in the lists of a ComponentSearch.
struct Component {
  std::size_t links_begin = 0;
  std::size_t links_end = 0;
  std::size_t flows_begin = 0;
  std::size_t flows_end = 0;
  bool limited = false;  ///< A flow of it has a rate limit.
};

/// When a search gives a component up.
struct SearchLimits {
  /// Crossings that may be read, for the component and each hop of a flow without a bottleneck in
  /// it.
  std::size_t reads = std::numeric_limits<std::size_t>::max();
  std::size_t reads_per_fresh_hop = 0;
  bool only_fresh = false;  ///< Every flow must be without a bottleneck and without a rate limit.
  std::size_t flows = std::numeric_limits<std::size_t>::max();
};

/// Finds components, one or more at a time. Flows that are elsewhere (kElsewhere) are not seen.
class ComponentSearch {
 public:
  ComponentSearch(const FlowTable& flows, const LinkTable& links) : flows_(flows), links_(links) {}

  /// Forgets all components.
  void clear();
  /// Finds the component of `seed`, unless that was looked for since clear(). Returns false if it
  /// was given up or is known.
  bool find(LinkId seed, const SearchLimits& limits);

  std::vector<Component>& components() { return components_; }
  std::span<const Component> components() const { return components_; }
  std::span<const LinkId> all_links() const { return found_links_; }
  std::span<const FlowSlot> all_flows() const { return found_flows_; }
  std::span<const LinkId> links_of(const Component& component) const {
    return all_links().subspan(component.links_begin, component.links_end - component.links_begin);
  }
  std::span<const FlowSlot> flows_of(const Component& component) const {
    return all_flows().subspan(component.flows_begin, component.flows_end - component.flows_begin);
  }

 private:
  bool follow(Component& component, const SearchLimits& limits);
  bool meet(FlowSlot slot, Component& component);

  const FlowTable& flows_;
  const LinkTable& links_;
  std::vector<Component> components_;
  std::vector<LinkId> found_links_;
  std::vector<FlowSlot> found_flows_;
  /// The last search that met a link or flow. Searches are numbered from 1 on; those since clear()
  /// from first_search_ on.
  std::vector<std::uint64_t> link_search_;
  std::vector<std::uint64_t> flow_search_;
  std::uint64_t search_ = 0;
  std::uint64_t first_search_ = 1;
};

}  // namespace planewise::engine
