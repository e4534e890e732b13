// How many tokens of an expert group go where, and the flows that take them there.
//
// Source of the ways: DeepSeek-V3 report, arXiv 2412.19437, section 3.2.2, and DeepEP's normal
// kernels: a token crosses to each of its nodes once, over the sender's own rail, and is forwarded
// there by NVLink.
#pragma once

#include <cstdint>
#include <vector>

#include "spec/job.h"
#include "spec/model.h"
#include "spec/profile.h"
#include "workload/placement.h"
#include "workload/program.h"
#include "workload/token_pool.h"

namespace planewise::workload {

/// One expert group: its ranks, and how many tokens each brings.
struct ExpertGroup {
  std::vector<int> ranks{};  ///< In order of the experts that they hold, node after node.
  double tokens = 0;         ///< Of a micro-batch on each rank.
};

/// How a group lies on its nodes. Requires as many of its ranks on each (spec::check_routing).
GroupShape group_shape(const std::vector<int>& ranks, const Placement& placement);

/// Tokens of one layer and expert group. Positions are places in ExpertGroup::ranks; peers are the
/// group's ranks on one node, counted from 0.
struct RoutedTokens {
  GroupShape shape{};
  /// [source][node] Tokens that have an expert there, the own node's among them.
  std::vector<std::vector<double>> to_node{};
  /// [position][peer] Tokens that a rank forwards to each rank of its node, those it keeps among
  /// them: those that came over its rail, or are its own, and have an expert on the peer.
  std::vector<std::vector<double>> forwarded{};
  /// [source][position] Token-expert pairs: what travels where every expert gets its own copy.
  std::vector<std::vector<double>> pairs{};
  std::vector<double> rows{};  ///< [position] Token-expert pairs that a rank computes.
};

/// What balanced tokens follow from.
struct BalancedChoice {
  int routed_experts = 1;
  int experts_per_token = 1;
  int nodes_per_token = 1;  ///< At most; no more than the group has.
};

/// Every expert gets the same number of tokens, and every node that a token may choose: expected
/// values, with a token's experts on a node drawn without repetition.
RoutedTokens balanced_tokens(const ExpertGroup& group, const GroupShape& shape,
                             const BalancedChoice& choice);

/// Each rank's tokens are a window of the layer's pool, which begins at a place that hangs on
/// `seed` and the rank.
RoutedTokens drawn_tokens(const ExpertGroup& group, const TokenPool& pool, const GroupShape& shape,
                          std::uint64_t seed);

/// rows over their mean, [position].
std::vector<double> relative_rows(const RoutedTokens& tokens);

struct ExchangeInput {
  const ExpertGroup& group;
  const RoutedTokens& tokens;
  spec::TokenTransport transport = spec::TokenTransport::node_limited;
  double bytes_per_token = 0;  ///< Payload, scales included.
};

/// Flows of one dispatch. node_limited: from each rank to the rank of its rail on each other node,
/// and from there to its peers. all_to_all: from each rank to every other. Flows of nothing are
/// left out. Combine is `reversed`.
std::vector<RankFlow> exchange_flows(const ExchangeInput& in, const Placement& placement,
                                     const spec::CollectiveCurve& curve);

}  // namespace planewise::workload
