#include "spec/ports.h"

#include <cmath>

#include "base/check.h"

namespace planewise::spec {

PortSplit split_ports(const PortSplitOptions& options) {
  PW_CHECK(options.group >= 1);
  PW_CHECK(options.oversubscription >= 1);
  const double o = options.oversubscription;
  // The slack keeps 64 * 3 / 4 at 48 where the quotient comes out a bit below.
  const int share = static_cast<int>(std::floor(options.radix * o / (1 + o) + 1e-9));
  const int down = share / options.group * options.group;
  const int up = static_cast<int>(std::ceil(down / o - 1e-9));
  return {.down = down, .up = up};
}

PortSplit leaf_ports(const TopologySpec& topology) {
  const FabricSpec& fabric = topology.fabric;
  return split_ports({.radix = fabric.radix,
                      .oversubscription = fabric.leaf_oversubscription,
                      .group = fabric.family == Family::fat_tree ? topology.nodes.nics : 1});
}

PortSplit spine_ports(const TopologySpec& topology) {
  const FabricSpec& fabric = topology.fabric;
  if (fabric.layers == 2) return {.down = fabric.radix, .up = 0};
  return split_ports(
      {.radix = fabric.radix, .oversubscription = fabric.spine_oversubscription, .group = 1});
}

std::int64_t endpoints_per_plane(const TopologySpec& topology) {
  return topology.nodes.count * topology.nodes.nics / topology.fabric.planes;
}

namespace {

/// Nodes that so many leaves of one plane can hold.
std::int64_t nodes_on_leaves(const TopologySpec& topology, std::int64_t leaves) {
  const std::int64_t down = leaf_ports(topology).down;
  const int nics = topology.nodes.nics;
  // mrft: a set of `nics` leaves, one a rail, takes `down` nodes.
  if (topology.fabric.family == Family::mrft) return leaves / nics * down;
  return leaves * down / (nics / topology.fabric.planes);
}

}  // namespace

std::int64_t one_pod_nodes(const TopologySpec& topology) {
  return nodes_on_leaves(topology, spine_ports(topology).down);
}

std::int64_t node_capacity(const TopologySpec& topology) {
  const std::int64_t pods = topology.fabric.layers == 2 ? 1 : topology.fabric.radix;
  return nodes_on_leaves(topology, pods * spine_ports(topology).down);
}

}  // namespace planewise::spec
