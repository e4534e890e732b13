#include "fabric/wiring.h"

namespace planewise::fabric {

Attachment attach(const Fabric& fabric, std::int64_t endpoint) {
  const spec::TopologySpec& topology = fabric.topology;
  const std::int64_t nics = topology.nodes.nics;
  const std::int64_t planes = topology.fabric.planes;
  const std::int64_t down = fabric.plane.leaf_ports.down;
  const std::int64_t node = endpoint / nics;
  const std::int64_t nic = endpoint % nics;
  if (topology.fabric.family == spec::Family::mrft) {
    return {.plane = 0, .leaf = node / down * nics + nic, .port = node % down};
  }
  const std::int64_t in_plane = node * (nics / planes) + nic / planes;
  return {.plane = nic % planes, .leaf = in_plane / down, .port = in_plane % down};
}

Tier leaf_tier(const PlaneLayout& plane) {
  return {.uplinks = plane.leaf_ports.up, .uppers = plane.spines_per_pod};
}

Tier spine_tier(const PlaneLayout& plane) {
  return {.uplinks = plane.spine_ports.up, .uppers = plane.cores_per_spine_index};
}

}  // namespace planewise::fabric
