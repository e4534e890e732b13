// Fat trees: FT2, FT3, and MPFT, MRFT and rail-only as planes or another order of the same.
#include <vector>

#include "base/check.h"
#include "fabric/families.h"

namespace planewise::fabric {
namespace {

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
  if (topology.fabric.family == spec::Family::mrft) {
    return nodes.nics * ceil_div(nodes.count, spec::unit_nodes(topology));
  }
  return ceil_div(spec::endpoints_per_plane(topology), down);
}

/// Leaves of a pod: all of them in two layers, else spread evenly over the fewest pods.
std::int64_t leaves_per_pod(const spec::TopologySpec& topology, std::int64_t leaves) {
  if (topology.fabric.tree().layers == 2) return leaves;
  const std::int64_t pod_capacity = spec::spine_ports(topology).down;
  const std::int64_t even = ceil_div(leaves, ceil_div(leaves, pod_capacity));
  if (topology.fabric.family != spec::Family::mrft) return even;
  // The rails of a node stay in one pod, unless a pod is too small for a leaf of each.
  const std::int64_t whole_groups = ceil_div(even, topology.nodes.nics) * topology.nodes.nics;
  return whole_groups <= pod_capacity ? whole_groups : even;
}

/// Where one switch's uplinks go, and how they are numbered.
struct LowerSwitch {
  EdgeKind kind = EdgeKind::leaf;
  std::int64_t number = 0;       // Of all lower switches of the plane.
  std::int64_t in_tier = 0;      // Its place among those wired to the same uppers.
  std::int64_t first_upper = 0;  // The first of those uppers, numbered in the plane.
};

void append_uplinks(const Tier& tier, const LowerSwitch& lower, std::int64_t first_lower,
                    std::vector<Bundle>& out) {
  // As first_port_of() and parallel_ports(), without their divisions: this is the walk's inner
  // loop.
  const std::int64_t least = tier.uplinks / tier.uppers;
  const std::int64_t one_more = tier.uplinks % tier.uppers;
  std::int64_t first = first_port_of(tier, {.lower = lower.in_tier, .upper = 0});
  for (std::int64_t upper = 0; upper < tier.uppers; ++upper, ++first) {
    if (first == tier.uppers) first = 0;
    out.push_back({.kind = lower.kind,
                   .lower = static_cast<std::int32_t>(first_lower + lower.number),
                   .upper = static_cast<std::int32_t>(lower.first_upper + upper),
                   .links = static_cast<std::int32_t>(least + (first < one_more ? 1 : 0)),
                   .first = static_cast<std::int32_t>(lower.number * tier.uplinks + first),
                   .stride = static_cast<std::int32_t>(tier.uppers)});
  }
}

}  // namespace

PlaneLayout lay_out_tree(const spec::TopologySpec& topology) {
  const spec::FabricSpec& fabric = topology.fabric;
  PW_CHECK(topology.nodes.nics % fabric.planes == 0);
  PW_CHECK(topology.nodes.count <= spec::node_capacity(topology));

  PlaneLayout plane;
  plane.endpoints = spec::endpoints_per_plane(topology);
  plane.leaf_ports = spec::leaf_ports(topology);
  plane.spine_ports = spec::spine_ports(topology);
  plane.leaves = leaf_count(topology, plane.leaf_ports.down);
  const bool by_units = fabric.family == spec::Family::mrft;
  plane.endpoint_capacity =
      plane.leaves * (by_units ? spec::unit_nodes(topology) : plane.leaf_ports.down);
  plane.leaves_per_pod = leaves_per_pod(topology, plane.leaves);
  plane.pods = ceil_div(plane.leaves, plane.leaves_per_pod);
  if (plane.leaves > 1) {
    plane.spines_per_pod = switches_above({.lower_switches = plane.leaves_per_pod,
                                           .uplinks = plane.leaf_ports.up,
                                           .upper_ports = plane.spine_ports.down,
                                           .striping = fabric.tree().striping});
    plane.leaf_links = plane.leaves * plane.leaf_ports.up;
  }
  if (plane.pods > 1) {
    plane.cores_per_spine_index = switches_above({.lower_switches = plane.pods,
                                                  .uplinks = plane.spine_ports.up,
                                                  .upper_ports = fabric.radix,
                                                  .striping = fabric.tree().striping});
    plane.cores = plane.spines_per_pod * plane.cores_per_spine_index;
    plane.spine_links = plane.spines() * plane.spine_ports.up;
  }
  plane.switch_ports = plane.switches() * fabric.radix;
  return plane;
}

void visit_tree(const Fabric& fabric, const BundleSink& sink) {
  const PlaneLayout& plane = fabric.plane;
  std::vector<Bundle> bundles;
  if (plane.spines_per_pod > 0) {
    const Tier tier = leaf_tier(plane);
    for (std::int64_t leaf = 0; leaf < plane.leaves; ++leaf) {
      bundles.clear();
      const std::int64_t pod = leaf / plane.leaves_per_pod;
      append_uplinks(tier,
                     {.kind = EdgeKind::leaf,
                      .number = leaf,
                      .in_tier = leaf % plane.leaves_per_pod,
                      .first_upper = plane.leaves + pod * plane.spines_per_pod},
                     0, bundles);
      sink(bundles);
    }
  }
  if (plane.cores_per_spine_index == 0) return;
  const Tier tier = spine_tier(plane);
  for (std::int64_t spine = 0; spine < plane.spines(); ++spine) {
    bundles.clear();
    const std::int64_t core_plane = spine % plane.spines_per_pod;
    append_uplinks(
        tier,
        {.kind = EdgeKind::spine,
         .number = spine,
         .in_tier = spine / plane.spines_per_pod,
         .first_upper = plane.leaves + plane.spines() + core_plane * plane.cores_per_spine_index},
        plane.leaves, bundles);
    sink(bundles);
  }
}

}  // namespace planewise::fabric
