// Max-min fair rates of one component.
// Method: progressive filling, Bertsekas and Gallager, Data Networks, 2nd edition, section 6.5.2.
#pragma once

#include <cstddef>
#include <vector>

#include "engine/fast/flow_table.h"

namespace planewise::engine {

/// Raises the rates of all flows together, and stops a flow's at the level at which one of its
/// links is full.
class WaterFill {
 public:
  /// Sets `next_rate` of every flow of `component`: the max-min fair rate of each member.
  void fill(FlowTable& table, const Component& component);

 private:
  struct Level {
    Rate level{};
    LinkId link = 0;
  };
  std::size_t freeze_flows(FlowTable& table, LinkId full_link, Rate level);
  void raise_lowest(Rate level);

  std::vector<Level> levels_;  ///< Heap, lowest first. An entry may be too low, never too high.
};

}  // namespace planewise::engine
