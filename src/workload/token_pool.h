// Tokens of one layer that chose their experts: drawn once, shared by all expert groups.
//
// Source of the choice: DeepSeek-V3 report, arXiv 2412.19437, sections 2.1.2 and 3.2.2: of the
// groups of experts the best few (by the sum of their two best scores), of those the best experts.
// A score is the logarithm of the expert's popularity plus Gumbel noise, so that without groups the
// first choice falls on an expert in proportion to its popularity (arXiv 1611.01144).
#pragma once

#include <cstdint>
#include <vector>

#include "base/random.h"
#include "spec/job.h"
#include "spec/model.h"

namespace planewise::workload {

/// How the ranks of an expert group lie: every node holds as many of them, and experts are spread
/// over them evenly and in order.
struct GroupShape {
  int nodes = 1;
  int ranks_per_node = 1;

  int ranks() const { return nodes * ranks_per_node; }
  bool operator==(const GroupShape&) const = default;
};

/// What some tokens need, as counts of tokens.
struct TokenCounts {
  std::vector<double> to_node{};  ///< [node] With an expert there.
  std::vector<double> to_rank{};  ///< [position] With an expert there.
  std::vector<double> of_rank{};  ///< [position] Token-expert pairs there.
};

/// [expert] Popularity in one MoE layer, mean 1. random: log-normal with standard deviation
/// popularity_spread; zipf: in a random order; counts: as counted.
std::vector<double> expert_popularity(const spec::ModelSpec& model,
                                      const spec::MoeRoutingSpec& routing, std::uint64_t seed,
                                      int moe_layer);

/// A layer's tokens. Each rank of each group takes a window of them that begins at a place of its
/// own: drawing every rank's tokens anew would take a thousand times as long.
class TokenPool {
 public:
  struct Input {
    const spec::ModelSpec& model;
    const spec::MoeRoutingSpec& routing;
    GroupShape shape{};
    std::uint64_t seed = 1;
    int moe_layer = 0;
    std::int64_t size = 16'384;  ///< Tokens drawn.
  };
  explicit TokenPool(const Input& in);

  /// Counts of `tokens` tokens from `begin` on, around the end; of more than there are, a multiple.
  TokenCounts window(std::int64_t begin, double tokens) const;
  std::int64_t size() const { return size_; }

 private:
  std::size_t columns() const {
    return static_cast<std::size_t>(shape_.nodes + 2 * shape_.ranks());
  }
  void count_token(std::int64_t token, const std::vector<int>& experts, int experts_per_rank);

  GroupShape shape_{};
  std::int64_t size_ = 0;
  std::vector<std::int32_t> sums_;  ///< [token][column] Of all tokens before it.
};

}  // namespace planewise::workload
