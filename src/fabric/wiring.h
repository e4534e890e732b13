// Which port goes where: one set of rules for the graph, the router, cables and exports.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "fabric/fabric.h"

namespace planewise::fabric {

/// Where an endpoint is plugged in.
struct Attachment {
  std::int64_t plane = 0;
  std::int64_t leaf = 0;  ///< Within the plane.
  std::int64_t port = 0;  ///< Of the leaf's ports down.
};

/// Returns the leaf port of `endpoint`, which is node * nics + nic; under `dual_tor`, where a NIC
/// has two, (node * nics + nic) * 2 + plane.
///
/// mrft: NIC r of node n is on leaf (n / unit) * nics + r. dual_tor: the same by segments, in both
/// planes. The others fill the leaves of a plane in the order of the endpoints; NIC i is in plane
/// i % planes.
Attachment attach(const Fabric& fabric, std::int64_t endpoint);

/// Links that join the same two switches of a plane, numbered within it: leaves, spines, cores.
struct Bundle {
  EdgeKind kind = EdgeKind::leaf;
  std::int32_t lower = 0;
  std::int32_t upper = 0;
  std::int32_t links = 0;
  /// Link i is number first + i * stride of its kind in the plane.
  std::int32_t first = 0;
  std::int32_t stride = 1;
};

/// Endpoints of one node on one leaf.
struct NodeBundle {
  std::int32_t leaf = 0;
  std::int32_t node = 0;
  std::int32_t links = 0;
  std::int32_t first_nic =
      0;  ///< Of the node; each further link is of the NIC `planes` further on.
};

/// Called with one lower switch's (or pod's) bundles at a time; the span ends with the call.
using BundleSink = std::function<void(std::span<const Bundle>)>;
using NodeBundleSink = std::function<void(std::span<const NodeBundle>)>;

/// Visits every link between switches of one plane; all planes are wired alike. Nothing is kept, so
/// ten million endpoints are a matter of milliseconds. Requires: not `as_printed`.
void visit_bundles(const Fabric& fabric, const BundleSink& sink);

/// Visits every endpoint of one plane, leaf by leaf. Requires: not `as_printed`.
void visit_node_bundles(const Fabric& fabric, std::int64_t plane, const NodeBundleSink& sink);

/// How equal switches are wired to those above them: the leaves of a pod to its spines, or spine j
/// of every pod to the cores of core plane j.
struct Tier {
  std::int64_t uplinks = 0;  ///< Of each lower switch.
  std::int64_t uppers = 0;   ///< At most `uplinks`, so each pair is joined at least once.
};

// Of trees.
Tier leaf_tier(const PlaneLayout& plane);
Tier spine_tier(const PlaneLayout& plane);

/// An uplink of one of a tier's lower switches.
struct Uplink {
  std::int64_t lower = 0;
  std::int64_t port = 0;
};

/// Returns the upper switch that an uplink ends at: all uplinks in a row, dealt out round-robin.
///
/// n lower switches give every upper one floor or ceil of n * uplinks / uppers links; exactly even
/// for each lower switch if `uppers` divides `uplinks`.
constexpr std::int64_t upper_of(const Tier& tier, const Uplink& uplink) {
  return (uplink.lower * tier.uplinks + uplink.port) % tier.uppers;
}

/// A pair of joined switches of a tier, and a number to choose one of their parallel links by.
struct Pair {
  std::int64_t lower = 0;
  std::int64_t upper = 0;
  std::int64_t choice = 0;  ///< At least 0; taken modulo the number of parallel links.
};

/// Returns the first port of `lower` that ends at `upper`; the ports that do are `uppers` apart.
constexpr std::int64_t first_port_of(const Tier& tier, const Pair& pair) {
  const std::int64_t offset = (pair.upper - pair.lower * tier.uplinks) % tier.uppers;
  return offset < 0 ? offset + tier.uppers : offset;
}

/// Returns how many ports a lower switch whose first port there is `first` has on the upper one.
constexpr std::int64_t parallel_ports(const Tier& tier, std::int64_t first) {
  return (tier.uplinks - first + tier.uppers - 1) / tier.uppers;
}

/// Returns the port of `lower` that ends at `upper` by `choice`.
constexpr std::int64_t port_of(const Tier& tier, const Pair& pair) {
  const std::int64_t first = first_port_of(tier, pair);
  return first + pair.choice % parallel_ports(tier, first) * tier.uppers;
}

}  // namespace planewise::fabric
