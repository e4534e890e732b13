#include "fabric/router.h"

#include <limits>

#include "base/check.h"
#include "base/random.h"
#include "fabric/link_names.h"
#include "fabric/tree_routes.h"
#include "fabric/wiring.h"

namespace planewise::fabric {
namespace {

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
    const std::int64_t links_each = cables_per_link(link_kind(kind, true));
    for (const bool upwards : {true, false}) {
      add(link_kind(kind, upwards), tier.links / links_each,
          fabric.topology.fabric.uplink_rate * static_cast<double>(links_each));
    }
  }
  if (!is_tree) graph_.emplace(fabric);
}

bool Router::is_trunk(LinkKind kind) const {
  return routing_ == spec::Routing::spray && position(kind) > position(LinkKind::nic_down);
}

std::int64_t Router::cables_per_link(LinkKind kind) const {
  if (!is_trunk(kind)) return 1;
  const TierSize tier = tier_size(fabric_, edge_kind(kind));
  return tier.links > 0 ? tier.links / tier.trunks : 1;
}

bool Router::picks_by_hash() const {
  return routing_ == spec::Routing::ecmp || routing_ == spec::Routing::adaptive;
}

std::uint64_t Router::hash_of(const GpuPair& pair, const FlowKey& key) const {
  const std::uint64_t pair_hash = fold_bits(mix_bits(static_cast<std::uint64_t>(pair.source)),
                                            static_cast<std::uint64_t>(pair.destination));
  return fold_bits(fold_bits(pair_hash, key.seed), key.queue);
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

void Router::append_hops(Route& route, std::int64_t plane, const std::vector<Hop>& path) const {
  for (const Hop& hop : path) {
    append(route, link_kind(hop.kind, hop.upwards),
           plane * fabric_.plane.links(hop.kind) + hop.index);
  }
  route.switches = static_cast<int>(path.size()) + 1;
}

void Router::append_graph(Route& route, const Attachment& from, const Attachment& to,
                          std::uint64_t choice) const {
  std::vector<Hop> path;
  graph_->append_path(
      {.from = from.leaf, .to = to.leaf, .value = choice, .is_hash = picks_by_hash()}, path);
  append_hops(route, from.plane, path);
}

void Router::append_nvlink(Route& route, const GpuPair& pair) const {
  if (pair.source == pair.destination) return;
  append(route, LinkKind::nvlink_up, pair.source);
  append(route, LinkKind::nvlink_down, pair.destination);
  route.latency += fabric_.topology.nodes.nvlink_latency;
}

/// From the NIC of the first gateway through the switches to that of the destination.
void Router::append_network(Route& route, const GpuPair& pair, const FlowKey& key) const {
  const std::uint64_t hash = hash_of(pair, key);
  auto choice = picks_by_hash() ? hash : static_cast<std::uint64_t>(pair.destination);
  Gateway gateway = first_gateway(fabric_, pair);
  if (fabric_.topology.fabric.family == spec::Family::dual_tor) {
    gateway.port = static_cast<std::int64_t>(choice % 2);
    choice = picks_by_hash() ? mix_bits(choice) : choice / 2;
  }
  const std::int64_t exit = endpoint_of(fabric_, gateway.exit_gpu, gateway.port);
  const std::int64_t entry = endpoint_of(fabric_, gateway.entry_gpu, gateway.port);
  const Attachment from = attach(fabric_, exit);
  const Attachment to = attach(fabric_, entry);
  append_nvlink(route, {.source = pair.source, .destination = gateway.exit_gpu});
  append(route, LinkKind::nic_up, exit);
  route.switches = 1;
  if (from.leaf != to.leaf && graph_) append_graph(route, from, to, choice);
  if (from.leaf != to.leaf && !graph_) append_tree(route, from, to, hash);
  append(route, LinkKind::nic_down, entry);
  route.latency += fabric_.topology.fabric.switch_latency * route.switches;
}

Route Router::route(std::int64_t source_gpu, std::int64_t destination_gpu,
                    const FlowKey& key) const {
  PW_CHECK(source_gpu >= 0);
  PW_CHECK(source_gpu < fabric_.gpu_count());
  PW_CHECK(destination_gpu >= 0);
  PW_CHECK(destination_gpu < fabric_.gpu_count());
  const GpuPair pair{.source = source_gpu, .destination = destination_gpu};
  const int gpus = fabric_.topology.nodes.gpus;
  Route route;
  if (source_gpu == destination_gpu) return route;
  route.links.reserve(8);  // An NVLink hop, two NICs and four links between switches.
  if (source_gpu / gpus == destination_gpu / gpus) {
    append_nvlink(route, pair);
  } else {
    append_network(route, pair, key);
  }
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
