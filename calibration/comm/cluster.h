// Where the ranks are: nodes, places in them, NICs, and the groups that follow from it.
#pragma once

#include <string>
#include <vector>

#include "base/units.h"
#include "calibration/comm/comm_point.h"
#include "calibration/launch/store.h"

namespace planewise::calibration {

/// What one rank knows of itself.
struct RankPlace {
  std::string host{};
  std::string gpu_bus{};  ///< `0000:1b:00.0`; empty: none.
  std::string nic{};      ///< The nearest: `mlx5_0`; empty: not known.
  Rate nic_rate{};        ///< 0: not known.
  Rate nvlink_rate{};     ///< Of the GPU, one direction; 0: not known.
};

struct Cluster {
  std::vector<RankPlace> places{};  ///< [rank]
  std::vector<int> node_of{};       ///< [rank] Nodes count by the first rank on each.
  std::vector<int> local_of{};      ///< [rank] By rank, within the node; also the rail.
  std::vector<int> order{};         ///< Ranks node after node, in each by place.
  int nodes = 1;
  int ranks_per_node = 1;

  int ranks() const { return static_cast<int>(places.size()); }
};

/// Asks all ranks. Every rank gets the same; throws spec::InputError if nodes have unequal numbers
/// of ranks.
Cluster find_cluster(Store& store, const RankPlace& own);

/// All groups of a kind, each its ranks node after node; none if the cluster has no such groups of
/// two ranks or more. `expert_ranks` is of expert and pipeline.
std::vector<std::vector<int>> groups_of(const Cluster& cluster, GroupKind kind, int expert_ranks);

/// Nodes that a group spans.
int node_count(const Cluster& cluster, const std::vector<int>& group);

}  // namespace planewise::calibration
