// How a switch's ports split between the side below and the side above, and what a fabric can hold.
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

/// Whether the fabric is one of the families that TreeSpec describes.
bool is_tree(const FabricSpec& fabric);

/// Of trees: ports of a leaf. A leaf of a plain fat tree takes whole nodes (group = NICs a node).
PortSplit leaf_ports(const TopologySpec& topology);

/// Of trees: ports of a spine in three layers; in two layers all ports of a spine face down.
PortSplit spine_ports(const TopologySpec& topology);

/// Of `mrft`: nodes whose NICs of one rail share a leaf.
std::int64_t unit_nodes(const TopologySpec& topology);

/// Endpoints of a node: a port a NIC, two under `dual_tor`.
std::int64_t endpoints_per_node(const TopologySpec& topology);
/// Endpoints of all planes.
std::int64_t endpoint_count(const TopologySpec& topology);
std::int64_t endpoints_per_plane(const TopologySpec& topology);

/// Of trees: the most nodes that one pod of a three-layer fabric can hold: spine_ports().down
/// leaves.
std::int64_t one_pod_nodes(const TopologySpec& topology);

/// The most nodes that this fabric can hold, in all planes at once.
///
/// Trees: at most `radix` leaves a plane in two layers, at most `radix` pods in three. `dual_tor`:
/// as many pods as a core has ports. The others: as many as the listed switches have ports for.
std::int64_t node_capacity(const TopologySpec& topology);

/// Switches and their ports towards endpoints, of a family whose switches are alike (not of trees).
struct SwitchGrid {
  std::int64_t switches = 0;  ///< That endpoints connect to.
  std::int64_t endpoints_per_switch = 0;
};
SwitchGrid switch_grid(const FabricSpec& fabric);

/// Of a dragonfly of either kind: the most groups that its global links can join each with each.
std::int64_t most_groups(const FabricSpec& fabric);

/// HyperX: ports of a switch that endpoints and other switches take.
std::int64_t ports_needed(const HyperXSpec& hyperx);

/// Slim Fly: d of q = 4w + d, which is -1, 0 or 1; 2 if q is 2 modulo 4.
int slim_fly_remainder(std::int64_t q);
/// Slim Fly: links a switch to others, k' = (3q - d) / 2.
std::int64_t slim_fly_degree(std::int64_t q);
/// Whether there is a Slim Fly of `q`: a prime power from 3 that is not 2 modulo 4.
bool is_slim_fly_q(std::int64_t q);

/// Whether `n` is a power of one prime, and so the size of a finite field.
bool is_prime_power(std::int64_t n);

}  // namespace planewise::spec
