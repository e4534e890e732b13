// Max-min fair rates of whole components, from nothing.
// Method: progressive filling, Bertsekas and Gallager, Data Networks, 2nd edition, section 6.5.2.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/units.h"
#include "engine/fast/component_search.h"
#include "engine/fast/flow_table.h"
#include "engine/fast/link_table.h"

namespace planewise::engine {

/// Fills components: raises all rates together, and stops a flow's at the level at which one of its
/// links is full.
class RegionFill {
 public:
  RegionFill(FlowTable& flows, LinkTable& links, int threads)
      : flows_(flows), links_(links), threads_(threads) {}

  /// Gives every flow of the components of `search` its bottleneck, every link its level, residents
  /// and a new clock. Large components that are independent are done on threads; the result is the
  /// same.
  void fill(ComponentSearch& search, Seconds now);

 private:
  struct Level {
    Rate level{};
    LinkId link = 0;
    bool operator<(const Level& o) const {  // For a heap with the lowest level on top.
      return level > o.level || (level == o.level && link > o.link);
    }
  };
  /// A flow with a rate limit, by the link that stands for it.
  struct Limited {
    LinkId limit = 0;
    FlowSlot flow = 0;
    auto operator<=>(const Limited&) const = default;
  };
  /// What one thread needs while it fills.
  struct Scratch {
    std::vector<Level> levels;  ///< Heap. An entry may be too low, never too high.
    std::vector<Limited> limited;
  };
  struct Open {
    Rate free{};        ///< Capacity not yet given away.
    double weight = 0;  ///< Of the flows whose rate is still rising.
  };

  Open& open(LinkId link) { return open_[static_cast<std::size_t>(link)]; }
  void fill_independent(std::span<const Component> components, Seconds now);
  void fill_component(const Component& component, Seconds now, Scratch& scratch);
  void detach(const Component& component, Seconds now, Scratch& scratch);
  void raise_levels(const Component& component, Scratch& scratch);
  void freeze(FlowSlot slot, LinkId link, Rate level);
  void attach(const Component& component, Seconds now);

  FlowTable& flows_;
  LinkTable& links_;
  int threads_;
  const ComponentSearch* search_ = nullptr;  ///< Of the fill() in progress.
  std::vector<Open> open_;                   ///< By link.
  std::vector<Scratch> scratch_;             ///< By thread.
};

}  // namespace planewise::engine
