// A fabric as few boxes and lines, for pictures: what dot.h writes down.
#pragma once

#include <cstdint>
#include <vector>

#include "fabric/names.h"

namespace planewise::fabric {

/// Nodes with the same links, or switches of one layer.
struct Box {
  DeviceKind kind = DeviceKind::node;  ///< `node`, `leaf`, `spine` or `core`.
  std::int64_t plane = -1;             ///< Of switches; -1: members in all planes.
  std::int64_t members = 0;            ///< In all planes.
  std::int64_t first = 0;              ///< Lowest number of a member within its plane and layer.
  std::int64_t last = 0;               ///< The highest.
  std::int64_t links_inside = 0;       ///< Between its members.
};

/// Links between two boxes, by their indexes.
struct Line {
  std::size_t upper = 0;
  std::size_t lower = 0;
  std::int64_t links = 0;
};

/// How a drawing is best laid out.
enum class Arrangement : std::uint8_t {
  rows,     ///< A row a layer; under `slim_fly` a row for each half of the columns.
  circle,   ///< Switches that are joined with most others.
  springs,  ///< Anything else.
};

struct Drawing {
  std::vector<Box> boxes{};  ///< Leaves, spines, cores, plane by plane; then nodes.
  std::vector<Line> lines{};
  Arrangement arrangement = Arrangement::rows;
};

/// As much detail as stays legible: in a small fabric every node and switch is a box of its own.
///
/// In larger ones nodes with the same links become one box, then equal switches of all planes, then
/// the spines of a pod and the cores, then the leaves that the same nodes are on (mrft, dual_tor),
/// then the leaves of a pod, then 2, 4, 8 ... pods. A custom fabric has a pod a switch. All links
/// are in a line or inside a box. Requires: not `as_printed`.
Drawing draw(const Fabric& fabric);

}  // namespace planewise::fabric
