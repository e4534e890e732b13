// Paths between the leaves of a fat tree under each routing policy.
#pragma once

#include <cstdint>

#include "fabric/wiring.h"

namespace planewise::fabric {

/// Two leaves of a plane, and how this flow chooses among the paths between them.
struct LeafPair {
  Attachment from;
  Attachment to;
  std::uint64_t hash = 0;  // Of the flow; for ecmp.
};

/// Link::index of the links between two leaves; those between spines and cores only across pods.
struct SwitchLinks {
  std::int64_t leaf_up = 0;
  std::int64_t spine_up = 0;
  std::int64_t spine_down = 0;
  std::int64_t leaf_down = 0;
  bool across_pods = false;
};

/// Returns the links between the leaves of `pair`, which differ and are in one plane.
SwitchLinks switch_links(const PlaneLayout& plane, const LeafPair& pair, spec::Routing routing);

}  // namespace planewise::fabric
