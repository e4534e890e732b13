#include "workload/placement.h"

#include <numeric>

#include "base/check.h"

namespace planewise::workload {

Placement place_in_order(std::int64_t rank_count, int gpus_per_node) {
  PW_CHECK(gpus_per_node >= 1);
  Placement placement;
  placement.gpus_per_node = gpus_per_node;
  placement.gpu_of_rank.resize(static_cast<std::size_t>(rank_count));
  std::iota(placement.gpu_of_rank.begin(), placement.gpu_of_rank.end(), std::int64_t{0});
  return placement;
}

Placement place_in_part(std::int64_t rank_count, const NodeRoom& room) {
  PW_CHECK(room.ranks_per_node >= 1);
  PW_CHECK(room.ranks_per_node <= room.gpus_per_node);
  Placement placement;
  placement.gpus_per_node = room.gpus_per_node;
  for (std::int64_t rank = 0; rank < rank_count; ++rank) {
    placement.gpu_of_rank.push_back(rank / room.ranks_per_node * room.gpus_per_node +
                                    rank % room.ranks_per_node);
  }
  return placement;
}

Placement place_apart(std::int64_t rank_count, int group_size, int gpus_per_node) {
  PW_CHECK(group_size % gpus_per_node == 0);
  PW_CHECK(rank_count % group_size == 0);
  const std::int64_t group_count = rank_count / group_size;
  Placement placement;
  placement.gpus_per_node = gpus_per_node;
  for (std::int64_t rank = 0; rank < rank_count; ++rank) {
    const std::int64_t group = rank / group_size;
    const std::int64_t node = rank % group_size / gpus_per_node * group_count + group;
    placement.gpu_of_rank.push_back(node * gpus_per_node + rank % gpus_per_node);
  }
  return placement;
}

}  // namespace planewise::workload
