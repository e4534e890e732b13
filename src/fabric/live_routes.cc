#include "fabric/live_routes.h"

#include <algorithm>

#include "base/check.h"
#include "base/random.h"
#include "fabric/wiring.h"

namespace planewise::fabric {

LiveRoutes::LiveRoutes(const Fabric& fabric)
    : fabric_(fabric),
      is_layered_(spec::is_tree(fabric.topology.fabric) ||
                  fabric.topology.fabric.family == spec::Family::dual_tor),
      neighbours_(at(fabric.plane.switches())),
      failed_in_plane_(at(fabric.topology.fabric.planes), 0) {
  for (std::size_t kind = 0; kind < kLinkKindCount; kind += 2) {
    const auto link = static_cast<LinkKind>(kind);
    std::int64_t cables = fabric.gpu_count();
    if (link == LinkKind::nic_up) {
      cables = fabric.endpoint_count();
    } else if (link != LinkKind::nvlink_up) {
      const std::int64_t each = fabric.plane.links(edge_kind(link));
      links_of_plane_[static_cast<std::size_t>(edge_kind(link))] = each;
      cables = fabric.topology.fabric.planes * each;
    }
    factors_[pair(link)].assign(at(cables), 1);
    flows_[kind].assign(at(cables), 0);
    flows_[kind + 1].assign(at(cables), 0);
  }
  visit_bundles(fabric, [this](std::span<const Bundle> bundles) {
    for (const Bundle& bundle : bundles) {
      Neighbour neighbour{.number = bundle.upper,
                          .kind = bundle.kind,
                          .link = link_kind(bundle.kind, true),
                          .upwards = true,
                          .links = bundle.links,
                          .first = bundle.first,
                          .stride = bundle.stride};
      neighbours_[at(bundle.lower)].push_back(neighbour);
      neighbour.number = bundle.lower;
      neighbour.link = link_kind(bundle.kind, false);
      neighbour.upwards = false;
      neighbours_[at(bundle.upper)].push_back(neighbour);
    }
  });
}

/// Of a cable between switches; -1 of others, which are on no path from leaf to leaf.
std::int64_t LiveRoutes::plane_of(const Cable& cable) const {
  if (pair(cable.kind) <= pair(LinkKind::nic_up)) return -1;
  return cable.index / links_of_plane_[static_cast<std::size_t>(edge_kind(cable.kind))];
}

void LiveRoutes::set_factor(const Cable& cable, double factor) {
  double& known = factors_[pair(cable.kind)][at(cable.index)];
  const int change = (factor > 0 ? 0 : 1) - (known > 0 ? 0 : 1);
  reduced_ += (factor < 1 ? 1 : 0) - (known < 1 ? 1 : 0);
  known = factor;
  if (change == 0) return;
  failed_ += change;
  const std::int64_t plane = plane_of(cable);
  if (plane < 0) return;
  failed_in_plane_[at(plane)] += change;
  distances_.erase(distances_.lower_bound({plane, 0}), distances_.lower_bound({plane + 1, 0}));
}

bool LiveRoutes::any_works(std::int64_t plane, const Neighbour& neighbour) const {
  if (plane < 0) return true;
  for (std::int64_t i = 0; i < neighbour.links; ++i) {
    const std::int64_t index = neighbour.first + i * neighbour.stride;
    if (works(neighbour.link, in_all_planes(plane, neighbour.kind, index))) return true;
  }
  return false;
}

/// Where a path is after a hop.
LiveRoutes::State LiveRoutes::after(const State& state, const Neighbour& neighbour) const {
  return {.number = neighbour.number,
          .descends = is_layered_ && (state.descends || !neighbour.upwards)};
}

const LiveRoutes::Distances& LiveRoutes::distances_to(std::int64_t plane, std::int64_t leaf) {
  const std::int64_t key = failed_in_plane_[at(plane)] == 0 ? -1 : plane;
  const auto [entry, is_new] = distances_.try_emplace({key, leaf});
  Distances& distance = entry->second;
  if (!is_new) return distance;
  distance.assign(2 * neighbours_.size(), -1);
  std::vector<State> queue;
  const auto reach = [&](const State& state, std::int16_t steps) {
    std::int16_t& known = distance[at(state)];
    if (known >= 0) return;
    known = steps;
    queue.push_back(state);
  };
  reach({.number = static_cast<std::int32_t>(leaf), .descends = false}, 0);
  if (is_layered_) reach({.number = static_cast<std::int32_t>(leaf), .descends = true}, 0);
  // Backwards: from where a hop ends to every state that it may start in.
  for (std::size_t next = 0; next < queue.size(); ++next) {
    const State state = queue[next];
    const auto steps = static_cast<std::int16_t>(distance[at(state)] + 1);
    for (const Neighbour& neighbour : neighbours_[at(state.number)]) {
      const bool hop_upwards = !neighbour.upwards;
      if (!any_works(key, neighbour)) continue;
      if (!is_layered_ || (hop_upwards && !state.descends)) {
        reach({.number = neighbour.number, .descends = false}, steps);
      } else if (!hop_upwards && state.descends) {
        reach({.number = neighbour.number, .descends = false}, steps);
        reach({.number = neighbour.number, .descends = true}, steps);
      }
    }
  }
  return distance;
}

bool LiveRoutes::joins(std::int64_t plane, std::int64_t from, std::int64_t to) {
  if (from == to) return true;
  return distances_to(plane, to)[at({.number = static_cast<std::int32_t>(from)})] >= 0;
}

/// Fills candidates_ with the links from `state` that are one step closer; of Pick::load only the
/// least crowded.
void LiveRoutes::collect_closer(const LivePath& path, const State& state,
                                const Distances& distance) {
  candidates_.clear();
  const bool may_fail = failed_in_plane_[at(path.plane)] > 0;
  const bool by_load = path.pick == Pick::load;
  const std::int16_t closer = static_cast<std::int16_t>(distance[at(state)] - 1);
  double least = 0;
  for (const Neighbour& neighbour : neighbours_[at(state.number)]) {
    if (is_layered_ && state.descends && neighbour.upwards) continue;
    if (distance[at(after(state, neighbour))] != closer) continue;
    const std::vector<std::int64_t>& flows = flows_[position(neighbour.link)];
    std::int64_t index = in_all_planes(path.plane, neighbour.kind, neighbour.first);
    for (std::int32_t i = 0; i < neighbour.links; ++i, index += neighbour.stride) {
      if (may_fail && !works(neighbour.link, index)) continue;
      if (by_load) {
        // With all links whole the division of crowding() changes no order; this is the inner loop.
        const double here =
            reduced_ == 0 ? static_cast<double>(flows[at(index)]) : crowding(neighbour.link, index);
        if (!candidates_.empty() && here > least) continue;
        if (here < least) candidates_.clear();
        least = here;
      }
      candidates_.push_back(
          {.neighbour = &neighbour, .index = neighbour.first + i * neighbour.stride});
    }
  }
}

void LiveRoutes::append_path(const LivePath& path, std::vector<Hop>& hops) {
  if (path.from == path.to) return;
  const Distances& distance = distances_to(path.plane, path.to);
  std::uint64_t value = path.value;
  State state{.number = static_cast<std::int32_t>(path.from)};
  PW_CHECK(distance[at(state)] > 0);
  while (distance[at(state)] != 0) {
    collect_closer(path, state, distance);
    PW_CHECK(!candidates_.empty());
    const std::uint64_t count = candidates_.size();
    if (path.pick != Pick::destination) value = mix_bits(value);
    const Candidate& picked = candidates_[value % count];
    if (path.pick == Pick::destination) value /= count;
    hops.push_back({.kind = picked.neighbour->kind,
                    .index = picked.index,
                    .upwards = picked.neighbour->upwards});
    state = after(state, *picked.neighbour);
  }
}

}  // namespace planewise::fabric
