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

}  // namespace planewise::workload
