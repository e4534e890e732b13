// The part of Router that looks at what works and at what the links carry.
#include <optional>

#include "base/random.h"
#include "fabric/router.h"
#include "fabric/wiring.h"

namespace planewise::fabric {

bool Router::works(std::span<const std::int32_t> route, LiveRoutes& live) const {
  if (live.all_work()) return true;
  std::int64_t exit = -1;
  for (const std::int32_t number : route) {
    const Link& link = links_[static_cast<std::size_t>(number)];
    if (is_trunk(link.kind)) continue;
    if (!live.works(link.kind, link.index)) return false;
    if (link.kind == LinkKind::nic_up) exit = link.index;
    if (link.kind != LinkKind::nic_down || routing_ != spec::Routing::spray) continue;
    const Attachment from = attach(fabric_, exit);
    if (!live.joins(from.plane, from.leaf, attach(fabric_, link.index).leaf)) return false;
  }
  return true;
}

/// Under `adaptive` the gateway with the least crowded NICs; of several alike one by `choice`.
Gateway Router::pick_gateway(const std::vector<Gateway>& gateways, std::uint64_t choice,
                             const LiveRoutes& live) const {
  if (routing_ != spec::Routing::adaptive) return gateways[choice % gateways.size()];
  const auto crowding = [&](const Gateway& gateway) {
    return live.crowding(LinkKind::nic_up, endpoint_of(fabric_, gateway.exit_gpu, gateway.port)) +
           live.crowding(LinkKind::nic_down, endpoint_of(fabric_, gateway.entry_gpu, gateway.port));
  };
  std::vector<Gateway> least;
  for (const Gateway& gateway : gateways) {
    if (!least.empty() && crowding(gateway) > crowding(least.front())) continue;
    if (!least.empty() && crowding(gateway) < crowding(least.front())) least.clear();
    least.push_back(gateway);
  }
  return least[choice % least.size()];
}

/// From the exit's NIC to the entry's, over what works.
void Router::append_live(Route& route, const Gateway& gateway, std::uint64_t choice,
                         LiveRoutes& live) const {
  const std::int64_t exit = endpoint_of(fabric_, gateway.exit_gpu, gateway.port);
  const std::int64_t entry = endpoint_of(fabric_, gateway.entry_gpu, gateway.port);
  const Attachment from = attach(fabric_, exit);
  const Attachment to = attach(fabric_, entry);
  append(route, LinkKind::nic_up, exit);
  route.switches = 1;
  if (from.leaf != to.leaf && routing_ == spec::Routing::spray) {
    append_tree(route, from, to, choice);
  } else if (from.leaf != to.leaf) {
    Pick pick = Pick::hash;
    if (routing_ == spec::Routing::static_path) pick = Pick::destination;
    if (routing_ == spec::Routing::adaptive) pick = Pick::load;
    std::vector<Hop> path;
    live.append_path(
        {.plane = from.plane, .from = from.leaf, .to = to.leaf, .value = choice, .pick = pick},
        path);
    append_hops(route, from.plane, path);
  }
  append(route, LinkKind::nic_down, entry);
  route.latency += fabric_.topology.fabric.switch_latency * route.switches;
}

std::optional<Route> Router::route(std::int64_t source_gpu, std::int64_t destination_gpu,
                                   const FlowKey& key, LiveRoutes& live) const {
  const int gpus = fabric_.topology.nodes.gpus;
  const bool in_node = source_gpu / gpus == destination_gpu / gpus;
  if (in_node || routing_ != spec::Routing::adaptive) {
    Route first = route(source_gpu, destination_gpu, key);
    if (works(first.links, live)) return first;
  }
  const GpuPair pair{.source = source_gpu, .destination = destination_gpu};
  const bool one_gateway =
      live.all_work() && fabric_.topology.fabric.family != spec::Family::dual_tor;
  const std::vector<Gateway> gateways = one_gateway
                                            ? std::vector<Gateway>{first_gateway(fabric_, pair)}
                                            : live_gateways(fabric_, pair, live);
  if (gateways.empty()) return std::nullopt;
  // Another mix than that of the first choice, so that detours spread by themselves.
  const std::uint64_t choice =
      picks_by_hash() ? mix_bits(hash_of(pair, key)) : static_cast<std::uint64_t>(destination_gpu);
  const Gateway gateway = pick_gateway(gateways, choice, live);
  Route detour;
  detour.links.reserve(10);
  append_nvlink(detour, {.source = source_gpu, .destination = gateway.exit_gpu});
  append_live(detour, gateway, picks_by_hash() ? mix_bits(choice) : choice, live);
  append_nvlink(detour, {.source = gateway.entry_gpu, .destination = destination_gpu});
  return detour;
}

std::array<std::int32_t, 2> Router::links_over(const Cable& cable) const {
  const std::int64_t index = cable.index / cables_per_link(cable.kind);
  return {static_cast<std::int32_t>(first_[position(upwards(cable.kind))] + index),
          static_cast<std::int32_t>(first_[position(downwards(cable.kind))] + index)};
}

Rate Router::capacity(std::int32_t link, const LiveRoutes& live) const {
  const auto [kind, index, rate] = links_[static_cast<std::size_t>(link)];
  const std::int64_t cables = cables_per_link(kind);
  double sum = 0;
  for (std::int64_t i = 0; i < cables; ++i) {
    sum += live.factor({.kind = upwards(kind), .index = index * cables + i});
  }
  return rate * (sum / static_cast<double>(cables));
}

}  // namespace planewise::fabric
