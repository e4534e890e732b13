// Which port goes where: one set of rules for the graph and the router.
#pragma once

#include <cstdint>

#include "fabric/fabric.h"

namespace planewise::fabric {

/// Where an endpoint is plugged in.
struct Attachment {
  std::int64_t plane = 0;
  std::int64_t leaf = 0;  ///< Within the plane.
  std::int64_t port = 0;  ///< Of the leaf's ports down.
};

/// Returns the leaf port of `endpoint` (node * nics + nic).
///
/// fat_tree and mpft fill the leaves of a plane in the order of the endpoints; NIC i is in plane
/// i % planes. mrft: NIC r of node n is on leaf (n / down) * nics + r.
Attachment attach(const Fabric& fabric, std::int64_t endpoint);

/// How equal switches are wired to those above them: the leaves of a pod to its spines, or spine j
/// of every pod to the cores of core plane j.
struct Tier {
  std::int64_t uplinks = 0;  ///< Of each lower switch.
  std::int64_t uppers = 0;   ///< At most `uplinks`, so each pair is joined at least once.
};

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

/// Returns the port of `lower` that ends at `upper`; the ports that do are `uppers` apart.
constexpr std::int64_t port_of(const Tier& tier, const Pair& pair) {
  const std::int64_t offset = (pair.upper - pair.lower * tier.uplinks) % tier.uppers;
  const std::int64_t first = offset < 0 ? offset + tier.uppers : offset;
  const std::int64_t parallel = (tier.uplinks - first + tier.uppers - 1) / tier.uppers;
  return first + pair.choice % parallel * tier.uppers;
}

}  // namespace planewise::fabric
