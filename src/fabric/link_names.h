// Names of links between switches for reports.
#pragma once

#include <cstdint>
#include <string>

#include "fabric/wiring.h"

namespace planewise::fabric {

/// One direction of a link or trunk, by its number among those of its kind in all planes.
struct DirectedLink {
  EdgeKind kind = EdgeKind::leaf;
  std::int64_t index = 0;
  bool upwards = true;
};

/// `leaf 5`, `spine 2`, or what a custom fabric calls it; `number` as in Bundle.
std::string switch_in_words(const Fabric& fabric, std::int64_t number);

/// `plane 3 leaf 5 -> spine 2, link 1`. Walks over the links of a plane to find it.
std::string switch_link_name(const Fabric& fabric, const DirectedLink& link);

/// The same of a tree's trunk under `spray`: `plane 3 leaf 5 -> spines`, `plane 0 cores -> pod 2`.
std::string trunk_name(const PlaneLayout& plane, const DirectedLink& link);

}  // namespace planewise::fabric
