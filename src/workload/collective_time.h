// What a collective takes on an idle fabric, in closed form; bytes and factors as nccl-tests count.
#pragma once

#include "spec/topology.h"
#include "workload/collectives.h"

namespace planewise::workload {

/// What a GPU has to itself on an idle fabric that blocks nothing.
struct IdleFabric {
  Rate network_rate{};  ///< Of a GPU's NIC, all its ports.
  Rate nvlink_rate{};
  Seconds network_latency{};  ///< Of a path through one switch, the shortest there is.
  Seconds nvlink_latency{};
};
IdleFabric idle_fabric(const spec::TopologySpec& topology);

/// The time of one step if no link but NICs and NVLink limited it, and every path went through one
/// switch. docs/equations.md has the formulas. They are exact but for trees of several chunks,
/// where chunks on their way up and down share NICs.
Seconds idle_time(const CollectiveInput& in, const IdleFabric& fabric);

/// The size that algorithm bandwidth is counted for: a rank's whole buffer, its own part included.
/// all_to_all: ranks * size; node_limited: nodes * size; the others: size.
///
/// Source: nccl-tests, doc/PERFORMANCE.md (github.com/NVIDIA/nccl-tests).
Bytes counted_size(const spec::TrafficStep& step, int gpus_per_node);

/// Bus bandwidth over algorithm bandwidth, by the same source: 2 (n - 1) / n for all_reduce,
/// (n - 1) / n for all_to_all, all_gather and reduce_scatter, 1 for broadcast and send.
/// node_limited, which that source does not know: (m - 1) / m for m nodes.
double bus_factor(const spec::TrafficStep& step, int gpus_per_node);

}  // namespace planewise::workload
