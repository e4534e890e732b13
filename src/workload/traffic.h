// Flows of collectives between ranks: MoE dispatch and combine, rings.
//
// Source of the MoE scheme: DeepSeek-V3 report, arXiv 2412.19437, section 3.2.2, and DeepEP's
// normal kernels: a token crosses to each of its nodes once, over the sender's own rail, and is
// forwarded there by NVLink.
#pragma once

#include <functional>
#include <vector>

#include "spec/profile.h"
#include "workload/placement.h"
#include "workload/program.h"

namespace planewise::workload {

/// One expert group and what its tokens are.
struct MoeTraffic {
  std::vector<int> ranks{};  ///< The group, whole nodes in order.
  double tokens = 0;         ///< Of a micro-batch on each rank.
  int nodes_per_token = 1;
  int experts_per_token = 1;
  int routed_experts = 1;
  double bytes_per_token = 0;  ///< Payload of one token, scales included.
};

/// Copies of a token that leave the receiving GPU of a node, counting the GPU itself: the expected
/// number of distinct GPUs among the token's experts there, drawn without repetition from the
/// node's experts.
///
/// gpus * (1 - C(E - E/gpus, j) / C(E, j)) with E experts a node and j = experts_per_token /
/// nodes_per_token.
double gpus_per_token_and_node(const MoeTraffic& moe, int gpus_per_node);

/// Flows of one balanced, node-limited dispatch.
///
/// Rank to the rank of its rail in each other node: tokens * nodes_per_token / nodes. Each GPU
/// forwards what reaches it (tokens * nodes_per_token, its own node's included) to the other GPUs
/// of its node.
std::vector<RankFlow> dispatch_flows(const MoeTraffic& moe, const Placement& placement,
                                     const spec::CollectiveCurve& curve);

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
