#include "workload/traffic.h"

#include <utility>

#include "base/check.h"
#include "base/random.h"

namespace planewise::workload {

RankFlow wire_flow(int source, int destination, Bytes payload, const Placement& placement,
                   const spec::CollectiveCurve& curve) {
  const bool inside = placement.node(source) == placement.node(destination);
  return {.source = source,
          .destination = destination,
          .size = payload / (inside ? curve.nvlink_efficiency : curve.rail_efficiency)};
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
