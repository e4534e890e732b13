#include "workload/token_pool.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/check.h"

namespace planewise::workload {
namespace {

std::uint64_t layer_seed(std::uint64_t seed, int moe_layer, std::uint64_t what) {
  return fold_bits(fold_bits(mix_bits(seed), static_cast<std::uint64_t>(moe_layer)), what);
}

void scale_to_mean_one(std::vector<double>& values) {
  const double sum = std::accumulate(values.begin(), values.end(), 0.0);
  PW_CHECK(sum > 0);
  for (double& value : values) value *= static_cast<double>(values.size()) / sum;
}

/// From how many groups a token may take its experts, and how many there are.
struct GroupLimit {
  int groups = 1;
  int chosen = 1;
};

/// The model's own groups; a model without any is limited to so many nodes instead.
GroupLimit group_limit(const TokenPool::Input& in) {
  const spec::MoeSpec& moe = *in.model.moe;
  if (moe.groups > 1) return {.groups = moe.groups, .chosen = moe.groups_per_token};
  const bool by_nodes = in.routing.transport == spec::TokenTransport::node_limited &&
                        in.routing.nodes_per_token < in.shape.nodes;
  if (by_nodes) return {.groups = in.shape.nodes, .chosen = in.routing.nodes_per_token};
  return {};
}

/// Draws the experts of one token after another.
class TokenDraw {
 public:
  TokenDraw(const TokenPool::Input& in, std::vector<double> popularity)
      : limit_(group_limit(in)),
        chosen_(static_cast<std::size_t>(in.model.moe->experts_per_token)),
        in_group_(popularity.size() / static_cast<std::size_t>(limit_.groups)),
        popularity_(std::move(popularity)),
        wait_(popularity_.size()),
        random_(layer_seed(in.seed, in.moe_layer, 1)) {}

  /// The least of exponential waits with rate `popularity` is the greatest of the scores.
  const std::vector<int>& draw() {
    for (std::size_t e = 0; e < wait_.size(); ++e) {
      wait_[e] = -std::log(1 - random_.uniform()) / popularity_[e];
    }
    choose_groups();
    PW_CHECK(candidates_.size() >= chosen_);
    std::partial_sort(candidates_.begin(),
                      candidates_.begin() + static_cast<std::ptrdiff_t>(chosen_), candidates_.end(),
                      [this](int a, int b) { return waits(a) < waits(b); });
    candidates_.resize(chosen_);
    return candidates_;
  }

 private:
  double waits(int expert) const { return wait_[static_cast<std::size_t>(expert)]; }

  /// Fills in the experts of the groups with the best two scores together.
  void choose_groups() {
    candidates_.clear();
    std::vector<int>& order = order_;
    order.resize(static_cast<std::size_t>(limit_.groups));
    std::iota(order.begin(), order.end(), 0);
    if (limit_.groups > 1) {
      best_.assign(order.size(), 0);
      for (std::size_t g = 0; g < order.size(); ++g) {
        double first = wait_[g * in_group_], second = HUGE_VAL;
        for (std::size_t e = g * in_group_ + 1; e < (g + 1) * in_group_; ++e) {
          if (wait_[e] < first) {
            second = first;
            first = wait_[e];
          } else {
            second = std::min(second, wait_[e]);
          }
        }
        best_[g] = in_group_ > 1 ? first * second : first;  // scores are minus logarithms
      }
      std::partial_sort(
          order.begin(), order.begin() + limit_.chosen, order.end(), [this](int a, int b) {
            return best_[static_cast<std::size_t>(a)] < best_[static_cast<std::size_t>(b)];
          });
      order.resize(static_cast<std::size_t>(limit_.chosen));
    }
    for (const int group : order) {
      const auto first = static_cast<int>(static_cast<std::size_t>(group) * in_group_);
      for (std::size_t e = 0; e < in_group_; ++e)
        candidates_.push_back(first + static_cast<int>(e));
    }
  }

  GroupLimit limit_;
  std::size_t chosen_;
  std::size_t in_group_;
  std::vector<double> popularity_;
  std::vector<double> wait_;
  std::vector<double> best_;
  std::vector<int> order_;
  std::vector<int> candidates_;
  Random random_;
};

}  // namespace

std::vector<double> expert_popularity(const spec::ModelSpec& model,
                                      const spec::MoeRoutingSpec& routing, std::uint64_t seed,
                                      int moe_layer) {
  Random random(layer_seed(seed, moe_layer, 0));
  std::vector<double> popularity(static_cast<std::size_t>(model.moe->routed_experts), 1.0);
  if (routing.tokens == spec::TokenRouting::random) {
    const double sigma =
        std::sqrt(std::log(1 + routing.popularity_spread * routing.popularity_spread));
    for (double& value : popularity) value = std::exp(sigma * random.normal());
  } else if (routing.tokens == spec::TokenRouting::zipf) {
    for (std::size_t i = 0; i < popularity.size(); ++i) {
      popularity[i] = std::pow(static_cast<double>(i + 1), -routing.zipf_exponent);
    }
    for (std::size_t i = popularity.size() - 1; i > 0; --i) {
      const auto other = static_cast<std::size_t>(random.integer(0, static_cast<std::int64_t>(i)));
      std::swap(popularity[i], popularity[other]);
    }
  } else if (routing.tokens == spec::TokenRouting::counts) {
    popularity = routing.counts[static_cast<std::size_t>(moe_layer)];
    // Nobody's expert is still somebody's last choice.
    for (double& value : popularity) value = std::max(value, 1e-9);
  }
  scale_to_mean_one(popularity);
  return popularity;
}

TokenPool::TokenPool(const Input& in) : shape_(in.shape), size_(in.size) {
  const spec::MoeSpec& moe = *in.model.moe;
  PW_CHECK(moe.routed_experts % shape_.ranks() == 0);
  PW_CHECK(size_ >= 1);
  TokenDraw draw(in, expert_popularity(in.model, in.routing, in.seed, in.moe_layer));
  sums_.assign(static_cast<std::size_t>(size_ + 1) * columns(), 0);
  for (std::int64_t token = 0; token < size_; ++token) {
    count_token(token, draw.draw(), moe.routed_experts / shape_.ranks());
  }
}

void TokenPool::count_token(std::int64_t token, const std::vector<int>& experts,
                            int experts_per_rank) {
  const std::int32_t* before = sums_.data() + static_cast<std::size_t>(token) * columns();
  std::int32_t* after = sums_.data() + static_cast<std::size_t>(token + 1) * columns();
  std::copy(before, before + columns(), after);
  const auto rank_column = static_cast<std::size_t>(shape_.nodes);
  const std::size_t pair_column = rank_column + static_cast<std::size_t>(shape_.ranks());
  for (const int expert : experts) {
    const auto rank = static_cast<std::size_t>(expert / experts_per_rank);
    const std::size_t node = rank / static_cast<std::size_t>(shape_.ranks_per_node);
    after[node] = before[node] + 1;
    after[rank_column + rank] = before[rank_column + rank] + 1;
    after[pair_column + rank] += 1;
  }
}

TokenCounts TokenPool::window(std::int64_t begin, double tokens) const {
  const std::int64_t length =
      std::clamp<std::int64_t>(static_cast<std::int64_t>(std::llround(tokens)), 1, size_);
  const double scale = tokens / static_cast<double>(length);
  const std::int64_t first = begin % size_;
  const std::int64_t end = first + length;
  const auto sum = [&](std::int64_t token, std::size_t column) {
    return sums_[static_cast<std::size_t>(token) * columns() + column];
  };
  const auto count = [&](std::size_t column) {
    const std::int32_t straight = sum(std::min(end, size_), column) - sum(first, column);
    const std::int32_t around = end > size_ ? sum(end - size_, column) : 0;
    return scale * static_cast<double>(straight + around);
  };
  TokenCounts counts;
  std::size_t column = 0;
  const auto fill = [&](std::vector<double>& values, int size) {
    for (int i = 0; i < size; ++i) values.push_back(count(column++));
  };
  fill(counts.to_node, shape_.nodes);
  fill(counts.to_rank, shape_.ranks());
  fill(counts.of_rank, shape_.ranks());
  return counts;
}

}  // namespace planewise::workload
