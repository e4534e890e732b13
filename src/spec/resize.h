// The same fabric for another number of endpoints, so that fabrics compare at one size.
#pragma once

#include <cstdint>

#include "spec/input_error.h"
#include "spec/topology.h"

namespace planewise::spec {

/// Returns `topology` with nodes for `endpoints` (NIC ports), grown or shrunk by what its family
/// grows by: a dragonfly of either kind by groups; Slim Fly to the least q, with
/// endpoints_per_switch = ceil(k'/2) for full bandwidth; HyperX and torus along the last dimension.
/// Trees and `dual_tor` take as many switches as the nodes need. All else stays, the radix first.
///
/// If there is no such fabric, adds a mistake at `nodes.count` that names the nearest size that
/// there is, and returns `topology` as it is. A custom fabric and one as printed have but one size.
/// Requires: `topology` came from read_topology() without a mistake.
TopologySpec resized(const TopologySpec& topology, std::int64_t endpoints,
                     Diagnostics& diagnostics);

}  // namespace planewise::spec
