// Diameter and bisection as a graph has them: for fabrics without a closed form, and to check those
// that have one.
#pragma once

#include <cstdint>
#include <vector>

#include "fabric/fabric.h"

namespace planewise::fabric {

/// The most links between switches on a shortest path from leaf to leaf of the first plane. Breadth
/// first from every leaf: leaves x links steps. Requires: not `as_printed`.
int graph_diameter(const Fabric& fabric);

/// The most flow, in links at the link rate, that the endpoints of the leaves marked in `half` can
/// send to those of the others in the first plane. [leaves]
std::int64_t graph_flow(const Fabric& fabric, const std::vector<bool>& half);

/// graph_flow() from the first leaves that have half the endpoints to the others.
std::int64_t graph_cut(const Fabric& fabric);

}  // namespace planewise::fabric
