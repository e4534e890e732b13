// A picture of a fabric for Graphviz.
#pragma once

#include <string>

#include "fabric/fabric.h"

namespace planewise::fabric {

/// Returns DOT text, for `dot -Tsvg`: the boxes and lines of draw(), titled with name, family and
/// counts. Requires: not `as_printed`.
///
/// The graph's `layout` attribute chooses the way of laying it out. An edge's `links` attribute is
/// the number of links that it stands for, also where the title says it for all; a box whose label
/// ends in `N links inside` stands for those too. Together they are the links of count().
std::string to_dot(const Fabric& fabric);

}  // namespace planewise::fabric
