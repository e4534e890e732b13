#include "fabric/wiring.h"

#include <algorithm>
#include <vector>

#include "base/check.h"

namespace planewise::fabric {
namespace {

/// Nodes whose NICs of one rail share a leaf; 0 if the leaves are filled in order.
std::int64_t nodes_per_rail_leaf(const Fabric& fabric) {
  if (fabric.topology.fabric.family == spec::Family::mrft) {
    return spec::unit_nodes(fabric.topology);
  }
  const auto* dual = std::get_if<spec::DualTorSpec>(&fabric.topology.fabric.shape);
  return dual == nullptr ? 0 : dual->segment_nodes;
}

/// The first endpoint of `leaf` within its plane, where leaves are filled in order.
std::int64_t first_endpoint(const PlaneLayout& plane, std::int64_t leaf) {
  if (plane.first_endpoint.empty()) return leaf * plane.leaf_ports.down;
  return plane.first_endpoint[static_cast<std::size_t>(leaf)];
}

std::int64_t leaf_of(const PlaneLayout& plane, std::int64_t in_plane) {
  if (plane.first_endpoint.empty()) return in_plane / plane.leaf_ports.down;
  const auto after =
      std::upper_bound(plane.first_endpoint.begin(), plane.first_endpoint.end(), in_plane);
  return after - plane.first_endpoint.begin() - 1;
}

void append_in_order(const Fabric& fabric, std::int64_t plane, std::int64_t leaf,
                     std::vector<NodeBundle>& bundles) {
  const std::int64_t planes = fabric.topology.fabric.planes;
  const std::int64_t per_node = fabric.topology.nodes.nics / planes;
  const std::int64_t end = std::min(first_endpoint(fabric.plane, leaf + 1), fabric.plane.endpoints);
  for (std::int64_t first = first_endpoint(fabric.plane, leaf); first < end;) {
    const std::int64_t node = first / per_node;
    const std::int64_t next = std::min((node + 1) * per_node, end);
    bundles.push_back(
        {.leaf = static_cast<std::int32_t>(leaf),
         .node = static_cast<std::int32_t>(node),
         .links = static_cast<std::int32_t>(next - first),
         .first_nic = static_cast<std::int32_t>((first - node * per_node) * planes + plane)});
    first = next;
  }
}

}  // namespace

Attachment attach(const Fabric& fabric, std::int64_t endpoint) {
  const spec::TopologySpec& topology = fabric.topology;
  const std::int64_t nics = topology.nodes.nics;
  const std::int64_t planes = topology.fabric.planes;
  const bool two_ports = topology.fabric.family == spec::Family::dual_tor;
  const std::int64_t nic_index = two_ports ? endpoint / 2 : endpoint;
  const std::int64_t node = nic_index / nics;
  const std::int64_t nic = nic_index % nics;
  if (const std::int64_t unit = nodes_per_rail_leaf(fabric); unit > 0) {
    return {.plane = two_ports ? endpoint % 2 : 0,
            .leaf = node / unit * nics + nic,
            .port = node % unit};
  }
  const std::int64_t in_plane = node * (nics / planes) + nic / planes;
  const std::int64_t leaf = leaf_of(fabric.plane, in_plane);
  return {
      .plane = nic % planes, .leaf = leaf, .port = in_plane - first_endpoint(fabric.plane, leaf)};
}

void visit_node_bundles(const Fabric& fabric, std::int64_t plane, const NodeBundleSink& sink) {
  PW_CHECK(!fabric.topology.fabric.as_printed);
  PW_CHECK(plane < fabric.topology.fabric.planes);
  const std::int64_t nics = fabric.topology.nodes.nics;
  const std::int64_t unit = nodes_per_rail_leaf(fabric);
  std::vector<NodeBundle> bundles;
  for (std::int64_t leaf = 0; leaf < fabric.plane.leaves; ++leaf) {
    bundles.clear();
    if (unit == 0) {
      append_in_order(fabric, plane, leaf, bundles);
    } else {
      const std::int64_t first = leaf / nics * unit;
      const std::int64_t end = std::min(first + unit, fabric.topology.nodes.count);
      for (std::int64_t node = first; node < end; ++node) {
        bundles.push_back({.leaf = static_cast<std::int32_t>(leaf),
                           .node = static_cast<std::int32_t>(node),
                           .links = 1,
                           .first_nic = static_cast<std::int32_t>(leaf % nics)});
      }
    }
    if (!bundles.empty()) sink(bundles);
  }
}

Tier leaf_tier(const PlaneLayout& plane) {
  return {.uplinks = plane.leaf_ports.up, .uppers = plane.spines_per_pod};
}

Tier spine_tier(const PlaneLayout& plane) {
  return {.uplinks = plane.spine_ports.up, .uppers = plane.cores_per_spine_index};
}

}  // namespace planewise::fabric
