#include "spec/ports.h"

#include <cmath>
#include <functional>
#include <numeric>

#include "base/check.h"

namespace planewise::spec {
namespace {

/// Nodes that so many leaves of one plane can hold.
std::int64_t nodes_on_leaves(const TopologySpec& topology, std::int64_t leaves) {
  const std::int64_t down = leaf_ports(topology).down;
  const int nics = topology.nodes.nics;
  // mrft: a set of `nics` leaves, one a rail, takes a scalable unit of nodes.
  if (topology.fabric.family == Family::mrft) return leaves / nics * unit_nodes(topology);
  return leaves * down / (nics / topology.fabric.planes);
}

std::int64_t product(const std::vector<std::int64_t>& factors) {
  return std::accumulate(factors.begin(), factors.end(), std::int64_t{1}, std::multiplies<>());
}

}  // namespace

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

bool is_tree(const FabricSpec& fabric) { return std::holds_alternative<TreeSpec>(fabric.shape); }

PortSplit leaf_ports(const TopologySpec& topology) {
  const FabricSpec& fabric = topology.fabric;
  return split_ports({.radix = fabric.radix,
                      .oversubscription = fabric.tree().leaf_oversubscription,
                      .group = fabric.family == Family::fat_tree ? topology.nodes.nics : 1});
}

PortSplit spine_ports(const TopologySpec& topology) {
  const FabricSpec& fabric = topology.fabric;
  if (fabric.tree().layers == 2) return {.down = fabric.radix, .up = 0};
  return split_ports({.radix = fabric.radix,
                      .oversubscription = fabric.tree().spine_oversubscription,
                      .group = 1});
}

std::int64_t unit_nodes(const TopologySpec& topology) {
  const std::int64_t asked = topology.fabric.tree().unit_nodes;
  return asked > 0 ? asked : leaf_ports(topology).down;
}

std::int64_t endpoints_per_node(const TopologySpec& topology) {
  const std::int64_t ports_per_nic = topology.fabric.family == Family::dual_tor ? 2 : 1;
  return topology.nodes.nics * ports_per_nic;
}

std::int64_t endpoint_count(const TopologySpec& topology) {
  return topology.nodes.count * endpoints_per_node(topology);
}

std::int64_t endpoints_per_plane(const TopologySpec& topology) {
  return endpoint_count(topology) / topology.fabric.planes;
}

std::int64_t one_pod_nodes(const TopologySpec& topology) {
  return nodes_on_leaves(topology, spine_ports(topology).down);
}

std::int64_t node_capacity(const TopologySpec& topology) {
  const FabricSpec& fabric = topology.fabric;
  if (is_tree(fabric)) {
    const std::int64_t pods = fabric.tree().layers == 2 ? 1 : fabric.radix;
    return nodes_on_leaves(topology, pods * spine_ports(topology).down);
  }
  if (const auto* dual = std::get_if<DualTorSpec>(&fabric.shape)) {
    const std::int64_t pods =
        dual->spine_uplinks == 0 ? 1 : fabric.radix / fabric.ports_per_uplink();
    return pods * dual->segments_per_pod * dual->segment_nodes;
  }
  if (const auto* custom = std::get_if<CustomSpec>(&fabric.shape)) {
    std::int64_t ports = 0;
    for (const CustomSwitch& one : custom->switches) ports += one.endpoints;
    return ports / topology.nodes.nics;
  }
  const SwitchGrid grid = switch_grid(fabric);
  return grid.switches * grid.endpoints_per_switch / topology.nodes.nics;
}

SwitchGrid switch_grid(const FabricSpec& fabric) {
  if (const auto* dragonfly = std::get_if<DragonflySpec>(&fabric.shape)) {
    return {.switches = dragonfly->switches_per_group * dragonfly->groups,
            .endpoints_per_switch = dragonfly->endpoints_per_switch};
  }
  if (const auto* plus = std::get_if<DragonflyPlusSpec>(&fabric.shape)) {
    return {.switches = plus->groups * (fabric.radix / 2),
            .endpoints_per_switch = fabric.radix / 2};
  }
  if (const auto* slim = std::get_if<SlimFlySpec>(&fabric.shape)) {
    return {.switches = 2 * slim->q * slim->q, .endpoints_per_switch = slim->endpoints_per_switch};
  }
  if (const auto* hyperx = std::get_if<HyperXSpec>(&fabric.shape)) {
    return {.switches = product(hyperx->extents),
            .endpoints_per_switch = hyperx->endpoints_per_switch};
  }
  if (const auto* torus = std::get_if<TorusSpec>(&fabric.shape)) {
    return {.switches = product(torus->extents),
            .endpoints_per_switch = torus->endpoints_per_switch};
  }
  PW_UNREACHABLE("a family whose leaves are not alike");
}

std::int64_t most_groups(const FabricSpec& fabric) {
  if (const auto* dragonfly = std::get_if<DragonflySpec>(&fabric.shape)) {
    return dragonfly->switches_per_group * dragonfly->global_links_per_switch + 1;
  }
  PW_CHECK(std::holds_alternative<DragonflyPlusSpec>(fabric.shape));
  const std::int64_t half = fabric.radix / 2;
  return half * half + 1;
}

std::int64_t ports_needed(const HyperXSpec& hyperx) {
  std::int64_t ports = hyperx.endpoints_per_switch;
  for (std::size_t i = 0; i < hyperx.extents.size(); ++i) {
    ports += hyperx.parallel_links[i] * (hyperx.extents[i] - 1);
  }
  return ports;
}

int slim_fly_remainder(std::int64_t q) {
  const auto rest = static_cast<int>(q % 4);
  return rest == 3 ? -1 : rest;
}

std::int64_t slim_fly_degree(std::int64_t q) { return (3 * q - slim_fly_remainder(q)) / 2; }

bool is_slim_fly_q(std::int64_t q) {
  return q >= 3 && slim_fly_remainder(q) != 2 && is_prime_power(q);
}

bool is_prime_power(std::int64_t n) {
  if (n < 2) return false;
  std::int64_t prime = 2;
  while (prime * prime <= n && n % prime != 0) ++prime;
  if (prime * prime > n) return true;
  while (n % prime == 0) n /= prime;
  return n == 1;
}

}  // namespace planewise::spec
