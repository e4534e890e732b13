// A traffic workload as a Program: its steps one after the other on every rank, or the flows of an
// htsim connection matrix.
#pragma once

#include "spec/profile.h"
#include "spec/traffic.h"
#include "workload/collectives.h"
#include "workload/placement.h"
#include "workload/program.h"

namespace planewise::workload {

struct TrafficInput {
  const spec::TrafficSpec& traffic;
  const spec::ProfileSpec* profile = nullptr;  ///< None: no software latency, full rates.
};

/// The cost of a step's collective: the profile's, or none. Requires: the profile has it
/// (spec::check_profile).
spec::CollectiveCurve curve_of(const TrafficInput& in, const spec::TrafficStep& step,
                               spec::Reach reach);

/// Whether every group lies in one node.
spec::Reach reach_of(const RankGroups& groups, const Placement& placement);

/// Payload that a rank sends: what a curve's pieces go by. Under node_limited a size is that to a
/// whole node, so this is too much; curves of that have no pieces so far.
Bytes sent_by_rank(const spec::TrafficStep& step);

/// Rank i on GPU i. A connection matrix has two ranks a flow, 2 f and 2 f + 1, on the GPUs that it
/// goes from and to.
Placement place_traffic(const spec::TrafficSpec& traffic, int gpus_per_node);

/// Chunk i of every rank's program is step i of the workload. Of a connection matrix the chunks are
/// kMatrixWait, kMatrixFlow and kMatrixDone.
Program traffic_program(const TrafficInput& in, const Placement& placement);

inline constexpr int kMatrixWait = 0;  ///< For the start time, or the trigger; of rank 2 f.
inline constexpr int kMatrixFlow = 1;  ///< From the start of the flow to its end; of rank 2 f.
inline constexpr int kMatrixDone = 2;  ///< For a trigger's other flows.

}  // namespace planewise::workload
