#include "fabric/fabric.h"

#include "base/check.h"

namespace planewise::fabric {
namespace {

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

struct Uplinks {
  std::int64_t lower_switches = 0;
  std::int64_t uplinks = 0;      // Of each lower switch.
  std::int64_t upper_ports = 0;  // Ports down of each upper switch.
  spec::Striping striping = spec::Striping::even;
};

/// Switches above `lower_switches`: as few as the ports allow, or as also divide the uplinks.
std::int64_t switches_above(const Uplinks& below) {
  std::int64_t switches = ceil_div(below.lower_switches * below.uplinks, below.upper_ports);
  // So every pair is joined. It holds if there are no more switches below than an upper has ports.
  PW_CHECK(switches <= below.uplinks);
  if (below.striping == spec::Striping::greedy) return switches;
  while (below.uplinks % switches != 0) ++switches;
  return switches;
}

std::int64_t leaf_count(const spec::TopologySpec& topology, std::int64_t down) {
  const spec::NodesSpec& nodes = topology.nodes;
  if (topology.fabric.family == spec::Family::mrft) return nodes.nics * ceil_div(nodes.count, down);
  return ceil_div(spec::endpoints_per_plane(topology), down);
}

/// Leaves of a pod: all of them in two layers, else spread evenly over the fewest pods.
std::int64_t leaves_per_pod(const spec::TopologySpec& topology, std::int64_t leaves) {
  if (topology.fabric.layers == 2) return leaves;
  const std::int64_t pod_capacity = spec::spine_ports(topology).down;
  const std::int64_t even = ceil_div(leaves, ceil_div(leaves, pod_capacity));
  if (topology.fabric.family != spec::Family::mrft) return even;
  // The rails of a node stay in one pod, unless a pod is too small for a leaf of each.
  const std::int64_t whole_groups = ceil_div(even, topology.nodes.nics) * topology.nodes.nics;
  return whole_groups <= pod_capacity ? whole_groups : even;
}

}  // namespace

Fabric lay_out(const spec::TopologySpec& topology) {
  const spec::FabricSpec& fabric = topology.fabric;
  PW_CHECK(topology.nodes.count >= 1);
  PW_CHECK(topology.nodes.nics % fabric.planes == 0);
  PW_CHECK(topology.nodes.count <= spec::node_capacity(topology));

  PlaneLayout plane;
  plane.endpoints = spec::endpoints_per_plane(topology);
  plane.leaf_ports = spec::leaf_ports(topology);
  plane.spine_ports = spec::spine_ports(topology);
  plane.leaves = leaf_count(topology, plane.leaf_ports.down);
  plane.leaves_per_pod = leaves_per_pod(topology, plane.leaves);
  plane.pods = ceil_div(plane.leaves, plane.leaves_per_pod);
  if (plane.leaves > 1) {
    plane.spines_per_pod = switches_above({.lower_switches = plane.leaves_per_pod,
                                           .uplinks = plane.leaf_ports.up,
                                           .upper_ports = plane.spine_ports.down,
                                           .striping = fabric.striping});
  }
  if (plane.pods > 1) {
    plane.cores_per_spine_index = switches_above({.lower_switches = plane.pods,
                                                  .uplinks = plane.spine_ports.up,
                                                  .upper_ports = fabric.radix,
                                                  .striping = fabric.striping});
  }
  return {.topology = topology, .plane = plane};
}

Counts count(const Fabric& fabric) {
  const PlaneLayout& plane = fabric.plane;
  const std::int64_t planes = fabric.topology.fabric.planes;
  Counts counts{
      .endpoints = planes * plane.endpoints,
      .endpoint_capacity = planes * plane.leaves * plane.leaf_ports.down,
      .leaf_switches = planes * plane.leaves,
      .spine_switches = planes * plane.spines(),
      .core_switches = planes * plane.cores(),
      .inter_switch_links = planes * (plane.leaf_spine_links() + plane.spine_core_links()),
      .endpoint_links = planes * plane.endpoints};
  // An inter-switch link takes a port at either end, an endpoint link one.
  counts.unused_switch_ports = counts.switches() * fabric.topology.fabric.radix -
                               2 * counts.inter_switch_links - counts.endpoint_links;
  return counts;
}

}  // namespace planewise::fabric
