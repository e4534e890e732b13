// Which experts the tokens of an expert group choose, and how many tokens go where for it.
//
// Source of the choice: DeepSeek-V3 report, arXiv 2412.19437, sections 2.1.2 and 3.2.2: of the
// groups of experts the best few (by the sum of their two best scores), of those the best experts.
#pragma once

#include <cstdint>
#include <vector>

#include "spec/job.h"
#include "spec/model.h"
#include "spec/profile.h"
#include "workload/placement.h"
#include "workload/program.h"

namespace planewise::workload {

/// One expert group: its ranks, and how many tokens each brings.
struct ExpertGroup {
  std::vector<int> ranks{};  ///< In order of the experts that they hold, node after node.
  double tokens = 0;         ///< Of a micro-batch on each rank.
};

/// Tokens of one layer and expert group. Positions are places in ExpertGroup::ranks; a rank's node
/// peers are the group's ranks on its node. Expected values where routing is balanced.
struct RoutedTokens {
  /// [source][node of the group] Tokens that have an expert there, the own node's among them.
  std::vector<std::vector<double>> to_node{};
  /// [position][peer on its node] Tokens that a rank forwards, those it keeps among them: those
  /// that reached it (over its rail, or its own) and have an expert on the peer.
  std::vector<std::vector<double>> forwarded{};
  /// [source][position] Token-expert pairs: what travels where every expert gets its own copy.
  std::vector<std::vector<double>> pairs{};
  std::vector<double> rows{};  ///< [position] Token-expert pairs that a rank computes.
};

struct RoutingInput {
  const spec::ModelSpec& model;
  const spec::MoeRoutingSpec& routing;
  std::uint64_t seed = 1;
  int moe_layer = 0;  ///< Counted from the first MoE layer; the MTP module's is the last.
  int replica = 0;    ///< Of the expert group, so that groups draw tokens of their own.
};

/// Draws (or, balanced, expects) what the group's tokens choose. The same input gives the same
/// tokens. Popularity is a layer's: all groups have it in common.
RoutedTokens route_tokens(const ExpertGroup& group, const RoutingInput& in,
                          const Placement& placement);

/// rows over their mean, [position].
std::vector<double> relative_rows(const RoutedTokens& tokens);

struct ExchangeInput {
  const ExpertGroup& group;
  const RoutedTokens& tokens;
  spec::TokenTransport transport = spec::TokenTransport::node_limited;
  double bytes_per_token = 0;  ///< Payload, scales included.
};

/// Flows of one dispatch: from each rank to its rail's rank of each other node and from there to
/// the peers (node_limited), or from each rank to every other (all_to_all). Flows of nothing are
/// left out. Combine is `reversed`.
std::vector<RankFlow> exchange_flows(const ExchangeInput& in, const Placement& placement,
                                     const spec::CollectiveCurve& curve);

}  // namespace planewise::workload
