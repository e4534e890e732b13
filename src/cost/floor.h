// Where racks stand and how long cables are: racks on a grid, cables in trays above them.
#pragma once

#include <cstdint>
#include <vector>

#include "base/units.h"
#include "fabric/fabric.h"

namespace planewise::cost {

/// A rack's place: columns along a row, rows one behind the other, both from 0.
struct RackPlace {
  std::int32_t row = 0;
  std::int32_t column = 0;

  bool operator==(const RackPlace&) const = default;
};

struct Rack {
  RackPlace place{};
  bool holds_nodes = false;  ///< Else switches.
};

/// The rack of every node and switch.
///
/// Nodes fill racks in order. Leaves (those at one place in all planes together) fill racks of
/// switches in order, and each such rack stands in the middle of the nodes that it serves; so do
/// the spines of a pod in the middle of their pod, and the cores in the middle of all.
struct FloorPlan {
  std::vector<Rack> racks{};  ///< In the order in which they stand, row by row.
  std::int32_t racks_per_row = 0;
  std::vector<std::int32_t> rack_of_node{};
  /// By plane * switches a plane + the switch's number there (fabric::Bundle).
  std::vector<std::int32_t> rack_of_switch{};

  std::int64_t switch_racks() const;
};

/// Lays out the floor as the topology says. Without `racks_per_row` the room is about square.
/// Requires: not `as_printed`.
FloorPlan plan_floor(const fabric::Fabric& fabric);

/// Returns how much cable it takes between two racks: |columns| x width + |rows| x (depth + aisle)
/// + twice the way within a rack and up to the tray; in one rack only twice the way within it.
Metres cable_length(const spec::FloorSpec& floor, const RackPlace& from, const RackPlace& to);

}  // namespace planewise::cost
