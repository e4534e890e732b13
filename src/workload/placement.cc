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

}  // namespace planewise::workload
