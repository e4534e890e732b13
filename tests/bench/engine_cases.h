// The traffic that the engines are timed on: expert-parallel groups of 64 GPUs that all exchange at
// once, and direct all-to-alls, with routes of planewise's own fabrics.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "engine/engine.h"
#include "spec/topology.h"
#include "workload/placement.h"
#include "workload/program.h"

namespace planewise::bench {

/// Flows that all start at once, in flat arrays.
struct Traffic {
  std::vector<Rate> capacities;
  std::vector<engine::LinkId> hops;            ///< Path after path.
  std::vector<std::uint32_t> first_hop = {0};  ///< Of each flow, and the end of the last.
  std::vector<Bytes> sizes;

  std::size_t flow_count() const { return sizes.size(); }
  std::span<const engine::LinkId> path(std::size_t flow) const {
    return std::span(hops).subspan(first_hop[flow], first_hop[flow + 1] - first_hop[flow]);
  }
  /// What the arrays hold.
  std::int64_t held_bytes() const;
};

/// Where the eight nodes of a group of 64 GPUs stand.
enum class Layout {
  packed,  ///< Side by side, most of them under one leaf a plane.
  spread,  ///< As far apart as there are groups, so that a group is on up to eight leaves.
};

struct GroupOptions {
  std::int64_t gpus = 2048;  ///< A multiple of 64.
  Layout layout = Layout::spread;
  double size_spread = 0.2;  ///< Sizes are drawn evenly from 1 -+ this.
  std::uint64_t seed = 1;
};

/// The fabric of the groups: MPFT, eight planes of two layers, radix 64 (above 16,384 GPUs 128).
spec::TopologySpec group_fabric(std::int64_t gpus, spec::Routing routing);

/// Dispatch with node-limited routing, under ECMP: each GPU sends 14.68 MB to the GPU of its rail
/// in the seven other nodes of its group and passes 25.7 MB on to each of the seven others in its
/// node. 14 flows a GPU.
///
/// Source of the sizes: 4,096 tokens x 7 KiB of FP8 with scales x 4 of 8 nodes, less the own one
/// (arXiv 2412.19437, section 3.2); any others would do as well.
Traffic node_limited(const GroupOptions& options);

/// Each GPU sends 3.67 MB to each of the 63 others of its group, under ECMP; to another rail by
/// NVLink first.
Traffic direct_in_groups(const GroupOptions& options);

/// All ranks, one GPU a node, on a full two-layer fat tree under spray; `size` to each other.
struct AllToAllOptions {
  int ranks = 512;
  Bytes size = bytes(1 << 20);
  double size_spread = 0.2;
  std::uint64_t seed = 1;
};
Traffic all_to_all(const AllToAllOptions& options);

/// Groups of 64 that do `layers` times: exchange 3.67 MB with each of the 63 others, compute 200
/// us, exchange again. All sizes are equal.
workload::Program dispatch_and_combine(std::int64_t gpus, int layers);
/// All ranks send 1 MiB to each other, once. The flows are not held by the program.
workload::Program one_all_to_all(int ranks);
/// One node-limited dispatch, all sizes equal.
workload::Program one_dispatch(std::int64_t gpus);
/// Rank 64 g + i is GPU i of group g.
workload::Placement place_groups(std::int64_t gpus, Layout layout);

using MakeEngine =
    std::function<std::unique_ptr<engine::Engine>(std::vector<Rate>, engine::Events)>;

/// How far a play got. Rates of events are of wall time.
struct Played {
  bool complete = false;
  std::vector<Seconds> ends;     ///< By flow; 0 of those that did not end in time.
  double events = 0;             ///< Flows that ended.
  Seconds wall{};                ///< From the first call to the last.
  double events_per_second = 0;  ///< Of a play cut short, after its first event.
  engine::Statistics statistics;
};

/// Starts all flows and runs until they have ended, or until `limit` of wall time is over at an
/// event.
Played play(const Traffic& traffic, const MakeEngine& make_engine, Seconds limit);

}  // namespace planewise::bench
