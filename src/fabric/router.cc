#include "fabric/router.h"

#include <limits>

#include "base/check.h"
#include "base/random.h"
#include "fabric/link_names.h"
#include "fabric/tree_routes.h"
#include "fabric/wiring.h"

namespace planewise::fabric {
namespace {

std::size_t position(LinkKind kind) { return static_cast<std::size_t>(kind); }

LinkKind link_kind(EdgeKind kind, bool upwards) {
  switch (kind) {
    case EdgeKind::endpoint:
      return upwards ? LinkKind::nic_up : LinkKind::nic_down;
    case EdgeKind::leaf:
      return upwards ? LinkKind::leaf_up : LinkKind::leaf_down;
    case EdgeKind::spine:
      return upwards ? LinkKind::spine_up : LinkKind::spine_down;
    case EdgeKind::local:
      return upwards ? LinkKind::local_up : LinkKind::local_down;
    case EdgeKind::global:
      return upwards ? LinkKind::global_up : LinkKind::global_down;
  }
  PW_UNREACHABLE("an edge of no kind");
}

EdgeKind edge_kind(LinkKind kind) {
  switch (kind) {
    case LinkKind::leaf_up:
    case LinkKind::leaf_down:
      return EdgeKind::leaf;
    case LinkKind::spine_up:
    case LinkKind::spine_down:
      return EdgeKind::spine;
    case LinkKind::local_up:
    case LinkKind::local_down:
      return EdgeKind::local;
    case LinkKind::global_up:
    case LinkKind::global_down:
      return EdgeKind::global;
    default:
      return EdgeKind::endpoint;
  }
}

/// Links of a kind, and the trunks that they fall into under `spray`.
struct TierSize {
  std::int64_t links = 0;
  std::int64_t trunks = 0;
};

TierSize tier_size(const Fabric& fabric, EdgeKind kind) {
  const PlaneLayout& plane = fabric.plane;
  const std::int64_t planes = fabric.topology.fabric.planes;
  return {.links = planes * plane.links(kind),
          .trunks = planes * (kind == EdgeKind::leaf ? plane.leaves : plane.pods)};
}

}  // namespace

Router::Router(const Fabric& fabric, spec::Routing routing) : fabric_(fabric), routing_(routing) {
  const spec::NodesSpec& nodes = fabric.topology.nodes;
  const bool is_tree = spec::is_tree(fabric.topology.fabric);
  PW_CHECK(nodes.gpus == nodes.nics);
  PW_CHECK(is_tree || routing != spec::Routing::spray);
  const auto add = [this](LinkKind kind, std::int64_t size, Rate capacity) {
    first_[position(kind)] = static_cast<std::int64_t>(links_.size());
    PW_CHECK(first_[position(kind)] + size <= std::numeric_limits<std::int32_t>::max());
    for (std::int64_t index = 0; index < size; ++index) {
      links_.push_back(
          {.kind = kind, .index = static_cast<std::int32_t>(index), .capacity = capacity});
    }
  };
  add(LinkKind::nvlink_up, fabric.gpu_count(), nodes.nvlink_rate);
  add(LinkKind::nvlink_down, fabric.gpu_count(), nodes.nvlink_rate);
  for (const bool upwards : {true, false}) {
    add(link_kind(EdgeKind::endpoint, upwards), fabric.endpoint_count(),
        fabric.topology.fabric.link_rate);
  }
  for (const EdgeKind kind : {EdgeKind::leaf, EdgeKind::spine, EdgeKind::local, EdgeKind::global}) {
    const TierSize tier = tier_size(fabric, kind);
    const bool trunks = routing == spec::Routing::spray && tier.links > 0;
    const std::int64_t links_each = trunks ? tier.links / tier.trunks : 1;
    for (const bool upwards : {true, false}) {
      add(link_kind(kind, upwards), tier.links / links_each,
          fabric.topology.fabric.uplink_rate * static_cast<double>(links_each));
    }
  }
  if (!is_tree) graph_.emplace(fabric);
}

void Router::append(Route& route, LinkKind kind, std::int64_t index) const {
  route.links.push_back(static_cast<std::int32_t>(first_[position(kind)] + index));
}

void Router::append_tree(Route& route, const Attachment& from, const Attachment& to,
                         std::uint64_t hash) const {
  const SwitchLinks links =
      switch_links(fabric_.plane, {.from = from, .to = to, .hash = hash}, routing_);
  append(route, LinkKind::leaf_up, links.leaf_up);
  if (links.across_pods) {
    append(route, LinkKind::spine_up, links.spine_up);
    append(route, LinkKind::spine_down, links.spine_down);
  }
  append(route, LinkKind::leaf_down, links.leaf_down);
  route.switches = links.across_pods ? 5 : 3;
}

void Router::append_graph(Route& route, const Attachment& from, const Attachment& to,
                          std::uint64_t choice) const {
  std::vector<Hop> path;
  graph_->append_path({.from = from.leaf,
                       .to = to.leaf,
                       .value = choice,
                       .is_hash = routing_ == spec::Routing::ecmp},
                      path);
  for (const Hop& hop : path) {
    append(route, link_kind(hop.kind, hop.upwards),
           from.plane * fabric_.plane.links(hop.kind) + hop.index);
  }
  route.switches = static_cast<int>(path.size()) + 1;
}

/// From the NIC of `exit_gpu` through the switches to that of `destination_gpu`.
void Router::append_network(Route& route, const Ends& ends, const FlowKey& key) const {
  const std::uint64_t pair_hash = fold_bits(mix_bits(static_cast<std::uint64_t>(ends.source_gpu)),
                                            static_cast<std::uint64_t>(ends.destination_gpu));
  const std::uint64_t hash = fold_bits(fold_bits(pair_hash, key.seed), key.queue);
  const bool by_hash = routing_ == spec::Routing::ecmp;
  auto choice = by_hash ? hash : static_cast<std::uint64_t>(ends.destination_gpu);
  // GPU i has endpoint i, or two of them, one in each plane.
  std::int64_t exit = ends.exit_gpu;
  std::int64_t destination = ends.destination_gpu;
  if (fabric_.topology.fabric.family == spec::Family::dual_tor) {
    const auto plane = static_cast<std::int64_t>(choice % 2);
    choice = by_hash ? mix_bits(choice) : choice / 2;
    exit = 2 * exit + plane;
    destination = 2 * destination + plane;
  }
  const Attachment from = attach(fabric_, exit);
  const Attachment to = attach(fabric_, destination);
  append(route, LinkKind::nic_up, exit);
  route.switches = 1;
  if (from.leaf != to.leaf && graph_) append_graph(route, from, to, choice);
  if (from.leaf != to.leaf && !graph_) append_tree(route, from, to, hash);
  append(route, LinkKind::nic_down, destination);
  route.latency += fabric_.topology.fabric.switch_latency * route.switches;
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
  const std::int64_t planes =
      fabric_.topology.fabric.family == spec::Family::dual_tor ? 1 : fabric_.topology.fabric.planes;
  const auto plane_of = [&](std::int64_t gpu) { return gpu % nodes.gpus % planes; };
  std::int64_t exit_gpu = source_gpu;
  if (same_node) {
    exit_gpu = destination_gpu;
  } else if (plane_of(source_gpu) != plane_of(destination_gpu)) {
    exit_gpu = source_gpu / nodes.gpus * nodes.gpus + destination_gpu % nodes.gpus;
  }
  if (exit_gpu != source_gpu) {
    append(route, LinkKind::nvlink_up, source_gpu);
    append(route, LinkKind::nvlink_down, exit_gpu);
    route.latency += nodes.nvlink_latency;
  }
  if (same_node) return route;
  append_network(
      route, {.source_gpu = source_gpu, .exit_gpu = exit_gpu, .destination_gpu = destination_gpu},
      key);
  return route;
}

std::string Router::link_name(std::int32_t link) const {
  PW_CHECK(link >= 0);
  PW_CHECK(static_cast<std::size_t>(link) < links_.size());
  const auto [kind, index, capacity] = links_[static_cast<std::size_t>(link)];
  const spec::NodesSpec& nodes = fabric_.topology.nodes;
  const auto on_node = [&](const char* part, std::int64_t gpu) {
    return "node " + std::to_string(gpu / nodes.gpus) + part + std::to_string(gpu % nodes.gpus);
  };
  if (kind == LinkKind::nvlink_up) return on_node(" gpu ", index) + " nvlink up";
  if (kind == LinkKind::nvlink_down) return on_node(" gpu ", index) + " nvlink down";
  if (edge_kind(kind) == EdgeKind::endpoint) {
    const Attachment at = attach(fabric_, index);
    const std::string leaf =
        "plane " + std::to_string(at.plane) + " " + switch_in_words(fabric_, at.leaf);
    const std::int64_t ports = fabric_.topology.fabric.family == spec::Family::dual_tor ? 2 : 1;
    const std::string nic = on_node(" nic ", index / ports);
    return kind == LinkKind::nic_up ? nic + " -> " + leaf : leaf + " -> " + nic;
  }
  const DirectedLink directed{
      .kind = edge_kind(kind), .index = index, .upwards = kind == link_kind(edge_kind(kind), true)};
  return routing_ == spec::Routing::spray ? trunk_name(fabric_.plane, directed)
                                          : switch_link_name(fabric_, directed);
}

}  // namespace planewise::fabric
