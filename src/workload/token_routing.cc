#include "workload/token_routing.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/check.h"
#include "base/random.h"
#include "workload/rank_grid.h"
#include "workload/traffic.h"

namespace planewise::workload {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }

using Matrix = std::vector<std::vector<double>>;
Matrix matrix(int rows, int columns, double value = 0) {
  return Matrix(at(rows), std::vector<double>(at(columns), value));
}

/// The share of tokens that have one of `drawn` of a node's experts among a rank's own:
/// 1 - C(E - E/ranks, j) / C(E, j). Between whole numbers of drawn experts it is linear.
double share_on_rank(double experts, int ranks, double drawn) {
  const double others = experts - experts / ranks;
  const auto none = [&](int count) {
    double product = 1;
    for (int i = 0; i < count; ++i) product *= std::max(0.0, others - i) / (experts - i);
    return product;
  };
  const int whole = static_cast<int>(drawn);
  const double part = drawn - whole;
  const double none_there = none(whole) * (1 - part) + (part > 0 ? part * none(whole + 1) : 0);
  return 1 - none_there;
}

}  // namespace

GroupShape group_shape(const std::vector<int>& ranks, const Placement& placement) {
  const auto nodes = by_node(ranks, placement);
  PW_CHECK(!nodes.empty());
  return {.nodes = static_cast<int>(nodes.size()),
          .ranks_per_node = static_cast<int>(nodes.front().size())};
}

RoutedTokens balanced_tokens(const ExpertGroup& group, const GroupShape& shape,
                             const BalancedChoice& choice) {
  const int size = shape.ranks();
  const int nodes_per_token = std::min(choice.nodes_per_token, shape.nodes);
  const double arrived = group.tokens * nodes_per_token;
  const double share =
      share_on_rank(static_cast<double>(choice.routed_experts) / shape.nodes, shape.ranks_per_node,
                    static_cast<double>(choice.experts_per_token) / nodes_per_token);
  const double rows = group.tokens * choice.experts_per_token;
  return {.shape = shape,
          .to_node = matrix(size, shape.nodes, arrived / shape.nodes),
          .forwarded = matrix(size, shape.ranks_per_node, arrived * share),
          .pairs = matrix(size, size, rows / size),
          .rows = std::vector<double>(at(size), rows)};
}

RoutedTokens drawn_tokens(const ExpertGroup& group, const TokenPool& pool, const GroupShape& shape,
                          std::uint64_t seed) {
  const int size = shape.ranks();
  RoutedTokens routed{.shape = shape,
                      .forwarded = matrix(size, shape.ranks_per_node),
                      .rows = std::vector<double>(at(size))};
  for (int source = 0; source < size; ++source) {
    const auto rank = static_cast<std::uint64_t>(group.ranks[at(source)]);
    const auto begin = static_cast<std::int64_t>(fold_bits(seed, rank) >> 1) % pool.size();
    TokenCounts counts = pool.window(begin, group.tokens);
    const int local = source % shape.ranks_per_node;
    for (int position = 0; position < size; ++position) {
      const int node = position / shape.ranks_per_node;
      const int forwarder = node * shape.ranks_per_node + local;
      routed.forwarded[at(forwarder)][at(position % shape.ranks_per_node)] +=
          counts.to_rank[at(position)];
      routed.rows[at(position)] += counts.of_rank[at(position)];
    }
    routed.to_node.push_back(std::move(counts.to_node));
    routed.pairs.push_back(std::move(counts.of_rank));
  }
  return routed;
}

std::vector<double> relative_rows(const RoutedTokens& tokens) {
  const double sum = std::accumulate(tokens.rows.begin(), tokens.rows.end(), 0.0);
  std::vector<double> relative = tokens.rows;
  for (double& rows : relative) rows *= static_cast<double>(relative.size()) / sum;
  return relative;
}

namespace {

class FlowWriter {
 public:
  FlowWriter(const ExchangeInput& in, const Placement& placement,
             const spec::CollectiveCurve& curve)
      : in_(in), placement_(placement), curve_(curve) {}

  std::vector<RankFlow> all_to_all() {
    const int size = in_.tokens.shape.ranks();
    for (int source = 0; source < size; ++source) {
      for (int other = 0; other < size; ++other) {
        add(source, other, in_.tokens.pairs[at(source)][at(other)]);
      }
    }
    return std::move(flows_);
  }

  std::vector<RankFlow> node_limited() {
    const GroupShape& shape = in_.tokens.shape;
    flows_.reserve(at(shape.ranks()) * at(shape.nodes + shape.ranks_per_node - 2));
    for (int source = 0; source < shape.ranks(); ++source) {
      const int node = source / shape.ranks_per_node;
      const int local = source % shape.ranks_per_node;
      for (int other = 0; other < shape.nodes; ++other) {
        add(source, other * shape.ranks_per_node + local,
            in_.tokens.to_node[at(source)][at(other)]);
      }
      for (int peer = 0; peer < shape.ranks_per_node; ++peer) {
        add(source, node * shape.ranks_per_node + peer, in_.tokens.forwarded[at(source)][at(peer)]);
      }
    }
    return std::move(flows_);
  }

 private:
  void add(int source, int destination, double tokens) {
    if (source == destination || tokens == 0) return;
    flows_.push_back(wire_flow(in_.group.ranks[at(source)], in_.group.ranks[at(destination)],
                               bytes(tokens * in_.bytes_per_token), placement_, curve_));
  }

  const ExchangeInput& in_;
  const Placement& placement_;
  const spec::CollectiveCurve& curve_;
  std::vector<RankFlow> flows_;
};

}  // namespace

std::vector<RankFlow> exchange_flows(const ExchangeInput& in, const Placement& placement,
                                     const spec::CollectiveCurve& curve) {
  FlowWriter writer(in, placement, curve);
  return in.transport == spec::TokenTransport::node_limited ? writer.node_limited()
                                                            : writer.all_to_all();
}

}  // namespace planewise::workload
