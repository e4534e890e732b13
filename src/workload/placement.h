// Which GPU runs which rank. One named value, so that every stage sees the same placement.
#pragma once

#include <cstdint>
#include <vector>

namespace planewise::workload {

/// GPUs are numbered node * gpus_per_node + local; local is also the rail.
struct Placement {
  int gpus_per_node = 1;
  std::vector<std::int64_t> gpu_of_rank{};

  std::int64_t node(int rank) const {
    return gpu_of_rank[static_cast<std::size_t>(rank)] / gpus_per_node;
  }
};

/// Ranks on GPUs in order: rank r on GPU r, so that a stage fills neighbouring nodes.
Placement place_in_order(std::int64_t rank_count, int gpus_per_node);

struct NodeRoom {
  int gpus_per_node = 1;
  int ranks_per_node = 1;  ///< At most the GPUs; the others of a node stay idle.
};
/// The same with fewer ranks on a node than it has GPUs.
Placement place_in_part(std::int64_t rank_count, const NodeRoom& room);

/// Whole nodes of groups of `group_size` ranks apart: node k of group g is node k * groups + g.
/// Requires: groups fill nodes, and ranks fill groups.
Placement place_apart(std::int64_t rank_count, int group_size, int gpus_per_node);

}  // namespace planewise::workload
