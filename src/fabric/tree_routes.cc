#include "fabric/tree_routes.h"

#include "base/random.h"

namespace planewise::fabric {
namespace {

/// The ports up that a flow passes, upwards on its own side and downwards on the other.
struct Ports {
  std::int64_t leaf_up = 0;
  std::int64_t leaf_down = 0;
  std::int64_t spine = 0;  // Within the pod, on both sides: a core plane joins spines of one index.
  std::int64_t spine_up = 0;
  std::int64_t spine_down = 0;
};

struct PodPair {
  std::int64_t from = 0;
  std::int64_t to = 0;
};
PodPair pods_of(const PlaneLayout& plane, const LeafPair& pair) {
  return {.from = pair.from.leaf / plane.leaves_per_pod, .to = pair.to.leaf / plane.leaves_per_pod};
}

/// Destination-based: a destination has one port down at its leaf and one a layer further up, dealt
/// out round-robin over all destinations; the source takes whatever ports lead there.
///
/// Source: E. Zahavi, "D-Mod-K routing providing non-blocking traffic for shift permutations on
/// real life fat trees", 2010. Here the digits are ports, so that parallel links count as paths of
/// their own.
Ports static_ports(const PlaneLayout& plane, const LeafPair& pair) {
  const Tier leaf = leaf_tier(plane);
  const PodPair pods = pods_of(plane, pair);
  const std::int64_t destination = pair.to.leaf * plane.leaf_ports.down + pair.to.port;
  const std::int64_t to_leaf = pair.to.leaf % plane.leaves_per_pod;
  Ports ports;
  ports.leaf_down = destination % leaf.uplinks;
  ports.spine = upper_of(leaf, {.lower = to_leaf, .port = ports.leaf_down});
  ports.leaf_up = port_of(leaf, {.lower = pair.from.leaf % plane.leaves_per_pod,
                                 .upper = ports.spine,
                                 .choice = ports.leaf_down / leaf.uppers});
  if (pods.from == pods.to) return ports;
  const Tier spine = spine_tier(plane);
  ports.spine_down = destination / leaf.uppers % spine.uplinks;
  const std::int64_t core = upper_of(spine, {.lower = pods.to, .port = ports.spine_down});
  ports.spine_up = port_of(
      spine, {.lower = pods.from, .upper = core, .choice = ports.spine_down / spine.uppers});
  return ports;
}

/// A switch on the way up picks any of its ports up; one on the way down any of the parallel links
/// to the switch that the path must reach. Each by its own bits of the flow's hash.
Ports hashed_ports(const PlaneLayout& plane, const LeafPair& pair) {
  const Tier leaf = leaf_tier(plane);
  const PodPair pods = pods_of(plane, pair);
  Random random(pair.hash);
  const auto choice = [&random] { return static_cast<std::int64_t>(random.bits() >> 1); };
  Ports ports;
  ports.leaf_up = choice() % leaf.uplinks;
  ports.spine =
      upper_of(leaf, {.lower = pair.from.leaf % plane.leaves_per_pod, .port = ports.leaf_up});
  ports.leaf_down = port_of(
      leaf,
      {.lower = pair.to.leaf % plane.leaves_per_pod, .upper = ports.spine, .choice = choice()});
  if (pods.from == pods.to) return ports;
  const Tier spine = spine_tier(plane);
  ports.spine_up = choice() % spine.uplinks;
  const std::int64_t core = upper_of(spine, {.lower = pods.from, .port = ports.spine_up});
  ports.spine_down = port_of(spine, {.lower = pods.to, .upper = core, .choice = choice()});
  return ports;
}

}  // namespace

SwitchLinks switch_links(const PlaneLayout& plane, const LeafPair& pair, spec::Routing routing) {
  const PodPair pods = pods_of(plane, pair);
  const std::int64_t from_leaf = pair.from.plane * plane.leaves + pair.from.leaf;
  const std::int64_t to_leaf = pair.to.plane * plane.leaves + pair.to.leaf;
  const std::int64_t from_pod = pair.from.plane * plane.pods + pods.from;
  const std::int64_t to_pod = pair.to.plane * plane.pods + pods.to;
  const bool across_pods = pods.from != pods.to;
  if (routing == spec::Routing::spray) {
    return {.leaf_up = from_leaf,
            .spine_up = from_pod,
            .spine_down = to_pod,
            .leaf_down = to_leaf,
            .across_pods = across_pods};
  }
  const Ports ports =
      routing == spec::Routing::static_path ? static_ports(plane, pair) : hashed_ports(plane, pair);
  const std::int64_t from_spine = from_pod * plane.spines_per_pod + ports.spine;
  const std::int64_t to_spine = to_pod * plane.spines_per_pod + ports.spine;
  return {.leaf_up = from_leaf * plane.leaf_ports.up + ports.leaf_up,
          .spine_up = from_spine * plane.spine_ports.up + ports.spine_up,
          .spine_down = to_spine * plane.spine_ports.up + ports.spine_down,
          .leaf_down = to_leaf * plane.leaf_ports.up + ports.leaf_down,
          .across_pods = across_pods};
}

}  // namespace planewise::fabric
