// Lays scales group after group, as cuBLASLt reads them.
#include "calibration/cuda/cublaslt_groups.h"

#include "calibration/cuda/handles.h"

namespace planewise::calibration {
namespace {

constexpr int kGroupsAtMost = 256;  // 12 B a group: the table fits in the 4 KB of parameters

struct Group {
  int first = 0;
  int count = 0;
  int rows = 0;
};

struct GroupTable {
  Group groups[kGroupsAtMost];
};

/// A block a group (x), block of k (y).
__global__ void regroup(const float* from, std::int64_t leading, GroupTable table, float* to) {
  const Group group = table.groups[blockIdx.x];
  const float* source = from + blockIdx.y * leading + group.first;
  float* target = to + static_cast<std::int64_t>(group.first) * gridDim.y +
                  static_cast<std::int64_t>(blockIdx.y) * group.rows;
  for (int row = static_cast<int>(threadIdx.x); row < group.rows;
       row += static_cast<int>(blockDim.x)) {
    target[row] = row < group.count ? source[row] : 0.0F;
  }
}

}  // namespace

void regroup_scales(const RowScaled& from, const std::vector<GroupCall>& calls, std::int64_t k,
                    float* to, cudaStream_t stream) {
  const auto blocks = static_cast<unsigned>((k + 127) / 128);
  for (std::size_t done = 0; done < calls.size(); done += kGroupsAtMost) {
    GroupTable table{};
    unsigned count = 0;
    for (; count < kGroupsAtMost && done + count < calls.size(); ++count) {
      const GroupCall& call = calls[done + count];
      table.groups[count] = {static_cast<int>(call.first), static_cast<int>(call.count),
                             static_cast<int>(call.rows)};
    }
    regroup<<<dim3(count, blocks), 256, 0, stream>>>(from.scales, from.leading, table, to);
    PW_CUDA(cudaGetLastError());
  }
}

}  // namespace planewise::calibration
