// Dual-plane dual-ToR fabrics: each port of a NIC has a leaf of its own, one in each plane; in a
// segment of nodes there is a leaf a rail and plane.
// Source: Alibaba HPN, SIGCOMM 2024, section 4.
#include <vector>

#include "base/check.h"
#include "fabric/families.h"

namespace planewise::fabric {

PlaneLayout lay_out_dual_tor(const spec::TopologySpec& topology, const spec::DualTorSpec& shape) {
  const std::int64_t rails = topology.nodes.nics;
  const std::int64_t width = topology.fabric.ports_per_uplink();
  const std::int64_t segments = ceil_div(topology.nodes.count, shape.segment_nodes);
  PlaneLayout plane;
  plane.endpoints = spec::endpoints_per_plane(topology);
  plane.leaves = segments * rails;
  plane.endpoint_capacity = plane.leaves * shape.segment_nodes;
  plane.leaf_ports = {.down = static_cast<int>(shape.segment_nodes),
                      .up = static_cast<int>(shape.leaf_uplinks)};
  plane.leaves_per_pod = shape.segments_per_pod * rails;
  plane.pods = ceil_div(plane.leaves, plane.leaves_per_pod);
  plane.spines_per_pod = shape.spines_per_pod;
  plane.spine_ports = {
      .down = static_cast<int>(plane.leaves_per_pod * shape.leaf_uplinks / shape.spines_per_pod),
      .up = static_cast<int>(shape.spine_uplinks)};
  plane.leaf_links = plane.leaves * shape.leaf_uplinks;
  if (plane.pods > 1) {
    plane.spine_links = plane.spines() * shape.spine_uplinks;
    plane.cores = ceil_div(plane.spine_links * width, topology.fabric.radix);
    // So every pod reaches every core.
    PW_CHECK(plane.cores <= shape.spines_per_pod * shape.spine_uplinks);
  }
  plane.switch_ports = plane.switches() * topology.fabric.radix;
  return plane;
}

void visit_dual_tor(const Fabric& fabric, const spec::DualTorSpec& shape, const BundleSink& sink) {
  const PlaneLayout& plane = fabric.plane;
  std::vector<Bundle> bundles;
  for (std::int64_t leaf = 0; leaf < plane.leaves; ++leaf) {
    bundles.clear();
    const std::int64_t pod = leaf / plane.leaves_per_pod;
    for (std::int64_t spine = 0; spine < shape.spines_per_pod; ++spine) {
      bundles.push_back(
          {.kind = EdgeKind::leaf,
           .lower = static_cast<std::int32_t>(leaf),
           .upper = static_cast<std::int32_t>(plane.leaves + pod * shape.spines_per_pod + spine),
           .links = static_cast<std::int32_t>(shape.leaf_uplinks / shape.spines_per_pod),
           .first = static_cast<std::int32_t>(leaf * shape.leaf_uplinks + spine),
           .stride = static_cast<std::int32_t>(shape.spines_per_pod)});
    }
    sink(bundles);
  }
  if (plane.cores == 0) return;
  for (std::int64_t spine = 0; spine < plane.spines(); ++spine) {
    bundles.clear();
    for (std::int64_t port = 0; port < shape.spine_uplinks; ++port) {
      const std::int64_t uplink = spine * shape.spine_uplinks + port;
      bundles.push_back(
          {.kind = EdgeKind::spine,
           .lower = static_cast<std::int32_t>(plane.leaves + spine),
           .upper = static_cast<std::int32_t>(plane.leaves + plane.spines() + uplink % plane.cores),
           .links = 1,
           .first = static_cast<std::int32_t>(uplink)});
    }
    sink(bundles);
  }
}

}  // namespace planewise::fabric
