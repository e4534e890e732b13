#include "calibration/comm/cluster.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <sstream>

#include "spec/input_error.h"

namespace planewise::calibration {
namespace {

constexpr char kSeparator = '\n';

std::size_t at(int index) { return static_cast<std::size_t>(index); }

std::string to_text(const RankPlace& place) {
  return fmt::format("{}\n{}\n{}\n{}\n{}", place.host, place.gpu_bus, place.nic,
                     place.nic_rate.in(gigabytes_per_second(1)),
                     place.nvlink_rate.in(gigabytes_per_second(1)));
}

RankPlace from_text(const std::string& text) {
  std::istringstream in(text);
  RankPlace place;
  std::string nic_rate;
  std::string nvlink_rate;
  std::getline(in, place.host, kSeparator);
  std::getline(in, place.gpu_bus, kSeparator);
  std::getline(in, place.nic, kSeparator);
  std::getline(in, nic_rate, kSeparator);
  std::getline(in, nvlink_rate, kSeparator);
  place.nic_rate = gigabytes_per_second(std::stod(nic_rate));
  place.nvlink_rate = gigabytes_per_second(std::stod(nvlink_rate));
  return place;
}

/// Groups of `size` in a row of `order`, `stride` apart.
std::vector<std::vector<int>> chunks(const std::vector<int>& order, int size) {
  std::vector<std::vector<int>> groups;
  for (std::size_t begin = 0; begin + at(size) <= order.size(); begin += at(size)) {
    const auto first = order.begin() + static_cast<std::ptrdiff_t>(begin);
    groups.emplace_back(first, first + size);
  }
  return groups;
}

std::vector<std::vector<int>> rails(const Cluster& cluster) {
  std::vector<std::vector<int>> groups(at(cluster.ranks_per_node));
  for (const int rank : cluster.order) groups[at(cluster.local_of[at(rank)])].push_back(rank);
  return groups;
}

/// Two of the same place in expert groups 0 and 1, 2 and 3, and so on.
std::vector<std::vector<int>> neighbours(const Cluster& cluster, int expert_ranks) {
  std::vector<std::vector<int>> groups;
  for (int begin = 0; begin + 2 * expert_ranks <= cluster.ranks(); begin += 2 * expert_ranks) {
    for (int i = begin; i < begin + expert_ranks; ++i) {
      groups.push_back({cluster.order[at(i)], cluster.order[at(i + expert_ranks)]});
    }
  }
  return groups;
}

}  // namespace

Cluster find_cluster(Store& store, const RankPlace& own) {
  Cluster cluster;
  for (const std::string& text : store.all_gather(to_text(own))) {
    cluster.places.push_back(from_text(text));
  }
  std::map<std::string, int> node_of_host;
  std::vector<std::vector<int>> ranks_of;
  for (int rank = 0; rank < store.size(); ++rank) {
    const auto [entry, is_new] =
        node_of_host.try_emplace(cluster.places[at(rank)].host, static_cast<int>(ranks_of.size()));
    if (is_new) ranks_of.emplace_back();
    cluster.node_of.push_back(entry->second);
    cluster.local_of.push_back(static_cast<int>(ranks_of[at(entry->second)].size()));
    ranks_of[at(entry->second)].push_back(rank);
  }
  cluster.nodes = static_cast<int>(ranks_of.size());
  cluster.ranks_per_node = static_cast<int>(ranks_of.front().size());
  for (const std::vector<int>& ranks : ranks_of) {
    cluster.order.insert(cluster.order.end(), ranks.begin(), ranks.end());
    if (ranks.size() == ranks_of.front().size()) continue;
    throw spec::InputError(
        {{.file = cluster.places[at(ranks.front())].host,
          .message = fmt::format("has {} ranks, and {} has {}", ranks.size(),
                                 cluster.places[0].host, ranks_of.front().size()),
          .hint = "start as many ranks on every node, one a GPU"}});
  }
  return cluster;
}

std::vector<std::vector<int>> groups_of(const Cluster& cluster, GroupKind kind, int expert_ranks) {
  std::vector<std::vector<int>> groups;
  switch (kind) {
    case GroupKind::node:
      groups = chunks(cluster.order, cluster.ranks_per_node);
      break;
    case GroupKind::rail:
      groups = rails(cluster);
      break;
    case GroupKind::expert:
      groups = chunks(cluster.order, expert_ranks);
      break;
    case GroupKind::pipeline:
      groups = neighbours(cluster, expert_ranks);
      break;
    case GroupKind::world:
      groups = {cluster.order};
      break;
    case GroupKind::pair:
      break;
  }
  std::erase_if(groups, [](const std::vector<int>& group) { return group.size() < 2; });
  return groups;
}

int node_count(const Cluster& cluster, const std::vector<int>& group) {
  std::set<int> nodes;
  for (const int rank : group) nodes.insert(cluster.node_of[at(rank)]);
  return static_cast<int>(nodes.size());
}

}  // namespace planewise::calibration
