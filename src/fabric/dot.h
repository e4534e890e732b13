// A picture of a fabric for Graphviz.
#pragma once

#include <string>

#include "fabric/fabric.h"

namespace planewise::fabric {

/// Returns DOT text, for `dot -Tsvg`: parallel links are one edge with their number.
///
/// As much detail as stays legible: in a small fabric every node and switch is a box of its own. In
/// larger ones nodes with the same leaves become one box, then equal switches of all planes, then
/// the spines of a pod and the cores, then the leaves of a pod, then the pods. The numbers always
/// add up to count().
std::string to_dot(const Fabric& fabric);

}  // namespace planewise::fabric
