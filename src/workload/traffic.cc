#include "workload/traffic.h"

#include <utility>

#include "base/check.h"
#include "base/random.h"

namespace planewise::workload {

double gpus_per_token_and_node(const MoeTraffic& moe, int gpus_per_node) {
  const auto nodes = static_cast<int>(moe.ranks.size()) / gpus_per_node;
  const int experts = moe.routed_experts / nodes;
  const int others =
      experts - experts / gpus_per_node;  // experts of the node that are not on one given GPU
  const int drawn = moe.experts_per_token / moe.nodes_per_token;
  double none_there = 1;  // C(others, drawn) / C(experts, drawn)
  for (int i = 0; i < drawn; ++i) {
    none_there *= static_cast<double>(others - i) / static_cast<double>(experts - i);
  }
  return gpus_per_node * (1 - none_there);
}

RankFlow wire_flow(int source, int destination, Bytes payload, const Placement& placement,
                   const spec::CollectiveCurve& curve) {
  const bool inside = placement.node(source) == placement.node(destination);
  return {.source = source,
          .destination = destination,
          .size = payload / (inside ? curve.nvlink_efficiency : curve.rail_efficiency)};
}

std::vector<RankFlow> dispatch_flows(const MoeTraffic& moe, const Placement& placement,
                                     const spec::CollectiveCurve& curve) {
  const int gpus = placement.gpus_per_node;
  const int size = static_cast<int>(moe.ranks.size());
  PW_CHECK(size % gpus == 0);
  const int nodes = size / gpus;
  PW_CHECK(moe.nodes_per_token <= nodes);
  const auto rank = [&](int node, int local) {
    return moe.ranks[static_cast<std::size_t>(node * gpus + local)];
  };
  const double to_each_node = moe.tokens * moe.nodes_per_token / nodes;
  const double arrived = moe.tokens * moe.nodes_per_token;
  const double forwarded = arrived * gpus_per_token_and_node(moe, gpus) / gpus;
  const Bytes rail_payload = bytes(to_each_node * moe.bytes_per_token);
  const Bytes nvlink_payload = bytes(forwarded * moe.bytes_per_token);

  std::vector<RankFlow> flows;
  flows.reserve(static_cast<std::size_t>(size) * static_cast<std::size_t>(nodes + gpus - 2));
  for (int node = 0; node < nodes; ++node) {
    for (int local = 0; local < gpus; ++local) {
      const int source = rank(node, local);
      for (int other = 0; other < nodes; ++other) {
        if (other == node) continue;
        flows.push_back(wire_flow(source, rank(other, local), rail_payload, placement, curve));
      }
      for (int peer = 0; peer < gpus; ++peer) {
        if (peer == local) continue;
        flows.push_back(wire_flow(source, rank(node, peer), nvlink_payload, placement, curve));
      }
    }
  }
  return flows;
}

std::vector<RankFlow> reversed(std::vector<RankFlow> flows) {
  for (RankFlow& flow : flows) std::swap(flow.source, flow.destination);
  return flows;
}

std::vector<RankFlow> ring_flows(const std::vector<int>& ranks, Bytes size,
                                 const Placement& placement, const spec::CollectiveCurve& curve) {
  std::vector<RankFlow> flows;
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    const int next = ranks[(i + 1) % ranks.size()];
    if (next == ranks[i]) continue;
    flows.push_back(wire_flow(ranks[i], next, size, placement, curve));
  }
  return flows;
}

void visit_flows(const Transfer& transfer, const Placement& placement,
                 const std::function<void(const RankFlow&)>& visit) {
  if (!transfer.all_pairs) {
    for (const RankFlow& flow : transfer.flows) visit(flow);
    return;
  }
  for (const int source : transfer.members) {
    for (const int destination : transfer.members) {
      if (source == destination) continue;
      const bool inside = placement.node(source) == placement.node(destination);
      visit({.source = source,
             .destination = destination,
             .size = inside ? transfer.all_pairs->in_node : transfer.all_pairs->between_nodes});
    }
  }
}

std::int64_t flow_count(const Transfer& transfer) {
  if (!transfer.all_pairs) return static_cast<std::int64_t>(transfer.flows.size());
  const auto members = static_cast<std::int64_t>(transfer.members.size());
  return members * (members - 1);
}

Bytes drawn_size(Bytes size, double spread, const FlowStart& start) {
  if (spread == 0) return size;
  std::uint64_t hash = fold_bits(mix_bits(start.seed), start.transfer);
  hash = fold_bits(hash, static_cast<std::uint64_t>(start.source));
  hash = fold_bits(hash, static_cast<std::uint64_t>(start.destination));
  hash = fold_bits(hash, static_cast<std::uint64_t>(start.start));
  const double uniform = static_cast<double>(hash >> 11) * 0x1.0p-53;  // in [0, 1)
  return size * (1 + spread * (2 * uniform - 1));
}

}  // namespace planewise::workload
