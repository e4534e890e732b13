// Flows between ranks: rings, and what is common to all.
#pragma once

#include <functional>
#include <vector>

#include "spec/profile.h"
#include "workload/placement.h"
#include "workload/program.h"

namespace planewise::workload {

/// The same flows the other way round, for combine.
std::vector<RankFlow> reversed(std::vector<RankFlow> flows);

/// One ring over `ranks`: each sends `size` (its total over all steps of the ring) to the next one.
std::vector<RankFlow> ring_flows(const std::vector<int>& ranks, Bytes size,
                                 const Placement& placement, const spec::CollectiveCurve& curve);

/// Calls `visit` with every flow of `transfer`, in an order of its own: the explicit ones, or those
/// of its pattern.
void visit_flows(const Transfer& transfer, const Placement& placement,
                 const std::function<void(const RankFlow&)>& visit);

/// The same counted, without visiting any.
std::int64_t flow_count(const Transfer& transfer);

/// What tells one start of a flow from all others.
struct FlowStart {
  std::uint64_t seed = 0;
  std::uint64_t transfer = 0;  ///< Index into Program::transfers.
  int source = 0;              ///< Ranks.
  int destination = 0;
  std::int64_t start = 0;  ///< How often the transfer started before.
};

/// The size of one start of a flow: uniform from size * (1 - spread) to size * (1 + spread), by a
/// hash of `start`, so that it depends on nothing else. A spread of 0 gives `size`.
Bytes drawn_size(Bytes size, double spread, const FlowStart& start);

/// One flow from `source` to `destination`, enlarged by the efficiency of the way it takes.
RankFlow wire_flow(int source, int destination, Bytes payload, const Placement& placement,
                   const spec::CollectiveCurve& curve);

}  // namespace planewise::workload
