// How a switch's ports split between the side below and the side above, and what that can hold.
// In spec/, because the checks of a topology file need the same arithmetic as fabric/.
#pragma once

#include <cstdint>

#include "spec/topology.h"

namespace planewise::spec {

/// Ports of one switch: `down` towards the endpoints, `up` towards the layer above.
struct PortSplit {
  int down = 0;
  int up = 0;
};

/// Returns how a switch of `radix` ports splits at `oversubscription` o = down/up, at least 1.
///
/// down = floor(radix * o / (1 + o)), rounded down to a multiple of `group`; up = ceil(down / o).
/// Ports left over (radix - down - up) stay unused. `down` is 0 if no whole group fits.
struct PortSplitOptions {
  int radix = 0;
  double oversubscription = 1;
  int group = 1;
};
PortSplit split_ports(const PortSplitOptions& options);

/// Ports of a leaf of this topology. A leaf of a plain fat tree takes whole nodes (group = NICs a
/// node).
PortSplit leaf_ports(const TopologySpec& topology);

/// Ports of a spine in a three-layer fabric; in two layers all ports of a spine face down.
PortSplit spine_ports(const TopologySpec& topology);

/// Endpoints of one plane: NICs of all nodes, over the planes.
std::int64_t endpoints_per_plane(const TopologySpec& topology);

/// The most nodes that one pod of a three-layer fabric can hold: spine_ports().down leaves.
std::int64_t one_pod_nodes(const TopologySpec& topology);

/// The most nodes that this fabric's switches can hold, in all planes at once. Two layers: at most
/// `radix` leaves a plane. Three: at most `radix` pods of spine_ports().down leaves.
std::int64_t node_capacity(const TopologySpec& topology);

}  // namespace planewise::spec
