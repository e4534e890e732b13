#include "fabric/router.h"

#include <limits>

#include "base/check.h"
#include "base/random.h"
#include "fabric/wiring.h"

namespace planewise::fabric {
namespace {

std::size_t position(LinkKind kind) { return static_cast<std::size_t>(kind); }

/// Two leaves of a plane, and how this flow chooses among the paths between them.
struct LeafPair {
  Attachment from;
  Attachment to;
  std::uint64_t hash = 0;  // Of the flow; for ecmp.
};

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

/// Link::index of the links between two leaves; those between spines and cores only across pods.
struct SwitchLinks {
  std::int64_t leaf_up = 0;
  std::int64_t spine_up = 0;
  std::int64_t spine_down = 0;
  std::int64_t leaf_down = 0;
  bool across_pods = false;
};

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
      routing == spec::Routing::ecmp ? hashed_ports(plane, pair) : static_ports(plane, pair);
  const std::int64_t from_spine = from_pod * plane.spines_per_pod + ports.spine;
  const std::int64_t to_spine = to_pod * plane.spines_per_pod + ports.spine;
  return {.leaf_up = from_leaf * plane.leaf_ports.up + ports.leaf_up,
          .spine_up = from_spine * plane.spine_ports.up + ports.spine_up,
          .spine_down = to_spine * plane.spine_ports.up + ports.spine_down,
          .leaf_down = to_leaf * plane.leaf_ports.up + ports.leaf_down,
          .across_pods = across_pods};
}

std::string number(std::int64_t value) { return std::to_string(value); }

/// What a link between switches joins, and, unless it is a trunk, its number among parallel ones.
struct LinkEnds {
  std::string plane;
  std::string lower;
  std::string upper;
  std::string parallel;
};

LinkEnds leaf_link_ends(const PlaneLayout& plane, std::int64_t index, spec::Routing routing) {
  if (routing == spec::Routing::spray) {
    return {.plane = number(index / plane.leaves),
            .lower = "leaf " + number(index % plane.leaves),
            .upper = "spines",
            .parallel = {}};
  }
  const Tier tier = leaf_tier(plane);
  const std::int64_t port = index % tier.uplinks;
  const std::int64_t leaf = index / tier.uplinks % plane.leaves;
  const std::int64_t spine = upper_of(tier, {.lower = leaf % plane.leaves_per_pod, .port = port});
  const std::int64_t pod = leaf / plane.leaves_per_pod;
  return {.plane = number(index / tier.uplinks / plane.leaves),
          .lower = "leaf " + number(leaf),
          .upper = "spine " + number(pod * plane.spines_per_pod + spine),
          .parallel = ", link " + number(port / tier.uppers)};
}

LinkEnds spine_link_ends(const PlaneLayout& plane, std::int64_t index, spec::Routing routing) {
  if (routing == spec::Routing::spray) {
    return {.plane = number(index / plane.pods),
            .lower = "pod " + number(index % plane.pods),
            .upper = "cores",
            .parallel = {}};
  }
  const Tier tier = spine_tier(plane);
  const std::int64_t port = index % tier.uplinks;
  const std::int64_t spine = index / tier.uplinks % plane.spines();
  const std::int64_t core = upper_of(tier, {.lower = spine / plane.spines_per_pod, .port = port});
  const std::int64_t core_plane = spine % plane.spines_per_pod;
  return {.plane = number(index / tier.uplinks / plane.spines()),
          .lower = "spine " + number(spine),
          .upper = "core " + number(core_plane * plane.cores_per_spine_index + core),
          .parallel = ", link " + number(port / tier.uppers)};
}

std::string upwards(const LinkEnds& ends) {
  return "plane " + ends.plane + " " + ends.lower + " -> " + ends.upper + ends.parallel;
}

std::string downwards(const LinkEnds& ends) {
  return "plane " + ends.plane + " " + ends.upper + " -> " + ends.lower + ends.parallel;
}

}  // namespace

Router::Router(const Fabric& fabric, spec::Routing routing) : fabric_(fabric), routing_(routing) {
  const spec::NodesSpec& nodes = fabric.topology.nodes;
  PW_CHECK(nodes.gpus == nodes.nics);
  const PlaneLayout& plane = fabric.plane;
  const std::int64_t planes = fabric.topology.fabric.planes;
  const Rate link_rate = fabric.topology.fabric.link_rate;

  const auto add = [this](LinkKind kind, std::int64_t size, Rate capacity) {
    first_[position(kind)] = static_cast<std::int64_t>(links_.size());
    PW_CHECK(first_[position(kind)] + size <= std::numeric_limits<std::int32_t>::max());
    for (std::int64_t index = 0; index < size; ++index) {
      links_.push_back(
          {.kind = kind, .index = static_cast<std::int32_t>(index), .capacity = capacity});
    }
  };
  struct TierSize {
    std::int64_t links = 0;
    std::int64_t trunks = 0;  // That the links fall into under spray.
  };
  const auto add_switch_links = [&](LinkKind kind, const TierSize& tier) {
    const bool trunks = routing == spec::Routing::spray && tier.links > 0;
    const std::int64_t links_each = trunks ? tier.links / tier.trunks : 1;
    add(kind, tier.links / links_each, link_rate * static_cast<double>(links_each));
  };
  const TierSize leaf_links{.links = planes * plane.leaf_spine_links(),
                            .trunks = planes * plane.leaves};
  const TierSize spine_links{.links = planes * plane.spine_core_links(),
                             .trunks = planes * plane.pods};
  add(LinkKind::nvlink_up, fabric.gpu_count(), nodes.nvlink_rate);
  add(LinkKind::nvlink_down, fabric.gpu_count(), nodes.nvlink_rate);
  add(LinkKind::nic_up, planes * plane.endpoints, link_rate);
  add(LinkKind::nic_down, planes * plane.endpoints, link_rate);
  add_switch_links(LinkKind::leaf_up, leaf_links);
  add_switch_links(LinkKind::leaf_down, leaf_links);
  add_switch_links(LinkKind::spine_up, spine_links);
  add_switch_links(LinkKind::spine_down, spine_links);
}

void Router::append(Route& route, LinkKind kind, std::int64_t index) const {
  route.links.push_back(static_cast<std::int32_t>(first_[position(kind)] + index));
}

Route Router::route(std::int64_t source_gpu, std::int64_t destination_gpu,
                    const FlowKey& key) const {
  PW_CHECK(source_gpu >= 0);
  PW_CHECK(source_gpu < fabric_.gpu_count());
  PW_CHECK(destination_gpu >= 0);
  PW_CHECK(destination_gpu < fabric_.gpu_count());
  const spec::NodesSpec& nodes = fabric_.topology.nodes;
  Route route;
  if (source_gpu == destination_gpu) return route;
  route.links.reserve(8);  // An NVLink hop, two NICs and four links between switches.

  const bool same_node = source_gpu / nodes.gpus == destination_gpu / nodes.gpus;
  // GPU i has endpoint i, so endpoints are named by their GPUs from here on.
  LeafPair pair{.from = attach(fabric_, source_gpu), .to = attach(fabric_, destination_gpu)};
  std::int64_t exit_gpu = source_gpu;  // Where the flow leaves the NVLink domain.
  if (same_node) {
    exit_gpu = destination_gpu;
  } else if (pair.from.plane != pair.to.plane) {
    exit_gpu = source_gpu / nodes.gpus * nodes.gpus + destination_gpu % nodes.gpus;
    pair.from = attach(fabric_, exit_gpu);
  }
  if (exit_gpu != source_gpu) {
    append(route, LinkKind::nvlink_up, source_gpu);
    append(route, LinkKind::nvlink_down, exit_gpu);
    route.latency += nodes.nvlink_latency;
  }
  if (same_node) return route;

  append(route, LinkKind::nic_up, exit_gpu);
  route.switches = 1;
  if (pair.from.leaf != pair.to.leaf) {
    const std::uint64_t ends = fold_bits(mix_bits(static_cast<std::uint64_t>(source_gpu)),
                                         static_cast<std::uint64_t>(destination_gpu));
    pair.hash = fold_bits(fold_bits(ends, key.seed), key.queue);
    const SwitchLinks links = switch_links(fabric_.plane, pair, routing_);
    append(route, LinkKind::leaf_up, links.leaf_up);
    if (links.across_pods) {
      append(route, LinkKind::spine_up, links.spine_up);
      append(route, LinkKind::spine_down, links.spine_down);
    }
    append(route, LinkKind::leaf_down, links.leaf_down);
    route.switches = links.across_pods ? 5 : 3;
  }
  append(route, LinkKind::nic_down, destination_gpu);
  route.latency += fabric_.topology.fabric.switch_latency * route.switches;
  return route;
}

std::string Router::link_name(std::int32_t link) const {
  PW_CHECK(link >= 0);
  PW_CHECK(static_cast<std::size_t>(link) < links_.size());
  const std::int64_t index = links_[static_cast<std::size_t>(link)].index;
  const spec::NodesSpec& nodes = fabric_.topology.nodes;
  const auto on_node = [&](const char* part) {
    return "node " + number(index / nodes.gpus) + part + number(index % nodes.gpus);
  };
  const auto leaf = [&] {
    const Attachment at = attach(fabric_, index);
    return "plane " + number(at.plane) + " leaf " + number(at.leaf);
  };
  switch (links_[static_cast<std::size_t>(link)].kind) {
    case LinkKind::nvlink_up:
      return on_node(" gpu ") + " nvlink up";
    case LinkKind::nvlink_down:
      return on_node(" gpu ") + " nvlink down";
    case LinkKind::nic_up:
      return on_node(" nic ") + " -> " + leaf();
    case LinkKind::nic_down:
      return leaf() + " -> " + on_node(" nic ");
    case LinkKind::leaf_up:
      return upwards(leaf_link_ends(fabric_.plane, index, routing_));
    case LinkKind::leaf_down:
      return downwards(leaf_link_ends(fabric_.plane, index, routing_));
    case LinkKind::spine_up:
      return upwards(spine_link_ends(fabric_.plane, index, routing_));
    case LinkKind::spine_down:
      return downwards(spine_link_ends(fabric_.plane, index, routing_));
  }
  PW_UNREACHABLE("a link of no kind");
}

}  // namespace planewise::fabric
