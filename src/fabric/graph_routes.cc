#include "fabric/graph_routes.h"

#include "base/check.h"
#include "base/random.h"

namespace planewise::fabric {

GraphRoutes::GraphRoutes(const Fabric& fabric)
    : neighbours_(static_cast<std::size_t>(fabric.plane.switches())) {
  visit_bundles(fabric, [this](std::span<const Bundle> bundles) {
    for (const Bundle& bundle : bundles) {
      Neighbour neighbour{.number = bundle.upper,
                          .kind = bundle.kind,
                          .upwards = true,
                          .links = bundle.links,
                          .first = bundle.first,
                          .stride = bundle.stride};
      neighbours_[static_cast<std::size_t>(bundle.lower)].push_back(neighbour);
      neighbour.number = bundle.lower;
      neighbour.upwards = false;
      neighbours_[static_cast<std::size_t>(bundle.upper)].push_back(neighbour);
    }
  });
}

const std::vector<std::int16_t>& GraphRoutes::distances_to(std::int64_t leaf) {
  const auto [entry, is_new] = distances_.try_emplace(leaf);
  std::vector<std::int16_t>& distance = entry->second;
  if (!is_new) return distance;
  distance.assign(neighbours_.size(), -1);
  std::vector<std::int32_t> queue{static_cast<std::int32_t>(leaf)};
  distance[static_cast<std::size_t>(leaf)] = 0;
  for (std::size_t next = 0; next < queue.size(); ++next) {
    const auto at = static_cast<std::size_t>(queue[next]);
    for (const Neighbour& neighbour : neighbours_[at]) {
      std::int16_t& known = distance[static_cast<std::size_t>(neighbour.number)];
      if (known >= 0) continue;
      known = static_cast<std::int16_t>(distance[at] + 1);
      queue.push_back(neighbour.number);
    }
  }
  return distance;
}

void GraphRoutes::append_path(const PathChoice& choice, std::vector<Hop>& path) {
  const std::vector<std::int16_t>& distance = distances_to(choice.to);
  std::uint64_t value = choice.value;
  for (auto at = static_cast<std::size_t>(choice.from); distance[at] != 0;) {
    const auto is_closer = [&](const Neighbour& neighbour) {
      return distance[static_cast<std::size_t>(neighbour.number)] == distance[at] - 1;
    };
    std::int64_t links = 0;
    for (const Neighbour& neighbour : neighbours_[at]) {
      if (is_closer(neighbour)) links += neighbour.links;
    }
    PW_CHECK(links > 0);
    const auto count = static_cast<std::uint64_t>(links);
    if (choice.is_hash) value = mix_bits(value);
    auto picked = static_cast<std::int64_t>(value % count);
    if (!choice.is_hash) value /= count;
    for (const Neighbour& neighbour : neighbours_[at]) {
      if (!is_closer(neighbour)) continue;
      if (picked >= neighbour.links) {
        picked -= neighbour.links;
        continue;
      }
      path.push_back({.kind = neighbour.kind,
                      .index = neighbour.first + picked * neighbour.stride,
                      .upwards = neighbour.upwards});
      at = static_cast<std::size_t>(neighbour.number);
      break;
    }
  }
}

}  // namespace planewise::fabric
