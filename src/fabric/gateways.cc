#include "fabric/gateways.h"

#include <algorithm>

#include "fabric/wiring.h"

namespace planewise::fabric {
namespace {

bool has_two_ports(const Fabric& fabric) {
  return fabric.topology.fabric.family == spec::Family::dual_tor;
}

/// Whether the NICs work and the leaves that they are on are joined.
bool works(const Fabric& fabric, const Gateway& gateway, LiveRoutes& live) {
  const std::int64_t exit = endpoint_of(fabric, gateway.exit_gpu, gateway.port);
  const std::int64_t entry = endpoint_of(fabric, gateway.entry_gpu, gateway.port);
  if (!live.works(LinkKind::nic_up, exit) || !live.works(LinkKind::nic_up, entry)) return false;
  const Attachment from = attach(fabric, exit);
  const Attachment to = attach(fabric, entry);
  return from.plane == to.plane && live.joins(from.plane, from.leaf, to.leaf);
}

/// GPUs of the node of `gpu` that it can reach: itself, and by NVLink the others.
std::vector<std::int64_t> reachable_in_node(const Fabric& fabric, std::int64_t gpu,
                                            const LiveRoutes& live) {
  const std::int64_t gpus = fabric.topology.nodes.gpus;
  std::vector<std::int64_t> reachable;
  for (std::int64_t other = gpu / gpus * gpus; other < (gpu / gpus + 1) * gpus; ++other) {
    const bool over_nvlink =
        live.works(LinkKind::nvlink_up, gpu) && live.works(LinkKind::nvlink_up, other);
    if (other == gpu || over_nvlink) reachable.push_back(other);
  }
  return reachable;
}

}  // namespace

std::int64_t endpoint_of(const Fabric& fabric, std::int64_t gpu, std::int64_t port) {
  return has_two_ports(fabric) ? 2 * gpu + port : gpu;
}

Gateway first_gateway(const Fabric& fabric, const GpuPair& pair) {
  const spec::FabricSpec& spec = fabric.topology.fabric;
  const std::int64_t gpus = fabric.topology.nodes.gpus;
  // Both planes of a dual-ToR fabric are on every NIC.
  const std::int64_t planes = has_two_ports(fabric) ? 1 : spec.planes;
  const std::int64_t rails = spec.pxn == spec::Pxn::always ? gpus : planes;
  const bool other_rail = pair.source % gpus % rails != pair.destination % gpus % rails;
  return {
      .exit_gpu = other_rail ? pair.source / gpus * gpus + pair.destination % gpus : pair.source,
      .entry_gpu = pair.destination};
}

std::vector<Gateway> live_gateways(const Fabric& fabric, const GpuPair& pair, LiveRoutes& live) {
  const std::int64_t ports = has_two_ports(fabric) ? 2 : 1;
  const Gateway first = first_gateway(fabric, pair);
  std::vector<Gateway> found;
  const auto add = [&](std::int64_t exit, std::int64_t entry) {
    for (std::int64_t port = 0; port < ports; ++port) {
      const Gateway gateway{.exit_gpu = exit, .entry_gpu = entry, .port = port};
      if (works(fabric, gateway, live)) found.push_back(gateway);
    }
  };
  const std::vector<std::int64_t> exits = reachable_in_node(fabric, pair.source, live);
  const std::vector<std::int64_t> entries = reachable_in_node(fabric, pair.destination, live);
  const std::int64_t gpus = fabric.topology.nodes.gpus;
  const bool same_node = pair.source / gpus == pair.destination / gpus;
  const bool first_is_reachable =
      std::find(exits.begin(), exits.end(), first.exit_gpu) != exits.end();
  if (!same_node && first_is_reachable) add(first.exit_gpu, first.entry_gpu);
  for (int hops = 0; hops <= 2 && found.empty(); ++hops) {
    for (const std::int64_t exit : exits) {
      for (const std::int64_t entry : entries) {
        const int needed = (exit != pair.source ? 1 : 0) + (entry != pair.destination ? 1 : 0);
        if (needed == hops && exit != entry) add(exit, entry);
      }
    }
  }
  return found;
}

}  // namespace planewise::fabric
