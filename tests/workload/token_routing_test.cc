// Tokens and their flows: conservation, placement, chance in proportion to popularity, and windows
// that are as fresh tokens.
#include "workload/token_routing.h"

#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cmath>
#include <map>
#include <numeric>

#include "base/random.h"
#include "workload/traffic.h"

namespace planewise::workload {
namespace {

constexpr int kGpus = 8;
constexpr double kTokens = 4096;
constexpr double kBytes = 7168 + 56 * 4;
constexpr BalancedChoice kV3Choice{
    .routed_experts = 256, .experts_per_token = 8, .nodes_per_token = 4};

ExpertGroup group_of(int ranks, double tokens = kTokens) {
  ExpertGroup group{.ranks = std::vector<int>(static_cast<std::size_t>(ranks)), .tokens = tokens};
  std::iota(group.ranks.begin(), group.ranks.end(), 0);
  return group;
}

std::vector<RankFlow> v3_flows(int ranks, const spec::CollectiveCurve& curve) {
  const Placement placement = place_in_order(ranks, kGpus);
  const ExpertGroup group = group_of(ranks);
  const RoutedTokens tokens =
      balanced_tokens(group, group_shape(group.ranks, placement), kV3Choice);
  return exchange_flows({.group = group, .tokens = tokens, .bytes_per_token = kBytes}, placement,
                        curve);
}

/// Distinct GPUs among `drawn` of `experts` experts, averaged over all subsets, one by one.
double average_gpus(int experts, int gpus, int drawn) {
  double sum = 0;
  double subsets = 0;
  for (unsigned subset = 0; subset < (1U << experts); ++subset) {
    if (std::popcount(subset) != drawn) continue;
    unsigned seen = 0;
    for (int e = 0; e < experts; ++e) {
      if ((subset >> e & 1U) != 0) seen |= 1U << (e / (experts / gpus));
    }
    sum += std::popcount(seen);
    subsets += 1;
  }
  return sum / subsets;
}

double sum_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

TEST(BalancedTokens, CopyATokenOnceToEachGpuThatNeedsIt) {
  for (const auto& [experts, gpus, drawn] :
       std::vector<std::array<int, 3>>{{8, 4, 2}, {8, 8, 3}, {12, 4, 4}, {16, 2, 2}, {16, 8, 1}}) {
    // One node of `gpus` GPUs, so that all of a token's experts are there.
    const RoutedTokens tokens = balanced_tokens(
        group_of(gpus, 1), {.nodes = 1, .ranks_per_node = gpus},
        {.routed_experts = experts, .experts_per_token = drawn, .nodes_per_token = 1});
    EXPECT_NEAR(sum_of(tokens.forwarded[0]), average_gpus(experts, gpus, drawn), 1e-12);
  }
}

TEST(Dispatch, SendsEachTokenOnceToEachNodeOverItsOwnRail) {
  const Placement placement = place_in_order(64, kGpus);
  const auto flows = v3_flows(64, {.rail_efficiency = 0.5, .nvlink_efficiency = 1});
  // 64 ranks x (7 other nodes + 7 peers).
  EXPECT_EQ(flows.size(), 64U * 14U);
  std::map<int, double> rail_bytes;
  for (const RankFlow& flow : flows) {
    if (placement.node(flow.source) == placement.node(flow.destination)) continue;
    EXPECT_EQ(flow.source % kGpus, flow.destination % kGpus);
    rail_bytes[flow.source] += flow.size.base();
  }
  // 4096 tokens x 4 nodes of 8: half of the tokens to each node, 7 of them remote; twice that on
  // the wire.
  for (const auto& [rank, sent] : rail_bytes) EXPECT_NEAR(sent, 7 * 2048.0 * 7392 / 0.5, 1) << rank;
  EXPECT_EQ(rail_bytes.size(), 64U);
}

TEST(Dispatch, ForwardsInTheNodeWhatReachesIt) {
  const Placement placement = place_in_order(64, kGpus);
  // 8 x (1 - C(28,2)/C(32,2)) = 8 x (1 - 378/496) = 1.9032 GPUs a token and node; 16384 tokens
  // arrive at each GPU.
  const double each = 16384.0 * (1 - 378.0 / 496.0) * 7392;
  for (const RankFlow& flow : v3_flows(64, {})) {
    if (placement.node(flow.source) != placement.node(flow.destination)) continue;
    EXPECT_NEAR(flow.size.base(), each, 1);
  }
}

TEST(Dispatch, CombineIsTheSameTheOtherWayRound) {
  const std::vector<RankFlow> dispatch = v3_flows(16, {});
  const std::vector<RankFlow> combine = reversed(dispatch);
  ASSERT_EQ(combine.size(), dispatch.size());
  for (std::size_t i = 0; i < combine.size(); ++i) {
    EXPECT_EQ(combine[i].source, dispatch[i].destination);
    EXPECT_EQ(combine[i].destination, dispatch[i].source);
    EXPECT_EQ(combine[i].size, dispatch[i].size);
  }
}

// A group of half a node: all_to_all sends one copy an expert, so tokens x top-k x 3/4 leave a
// rank.
TEST(Dispatch, ByAllToAllSendsACopyAnExpert) {
  const Placement placement = place_in_order(4, kGpus);
  const ExpertGroup group = group_of(4, 100);
  const RoutedTokens tokens = balanced_tokens(group, group_shape(group.ranks, placement),
                                              {.routed_experts = 8, .experts_per_token = 2});
  const auto flows = exchange_flows({.group = group,
                                     .tokens = tokens,
                                     .transport = spec::TokenTransport::all_to_all,
                                     .bytes_per_token = 10},
                                    placement, {});
  double sent = 0;
  for (const RankFlow& flow : flows) sent += flow.source == 1 ? flow.size.base() : 0;
  EXPECT_NEAR(sent, 100 * 2 * 0.75 * 10, 1e-9);
}

/// A model of which only the experts count.
spec::ModelSpec model_of(const spec::MoeSpec& moe) {
  spec::ModelSpec model;
  model.layers = 1;
  model.moe = moe;
  return model;
}

struct DrawnCase {
  spec::ModelSpec model{};
  spec::MoeRoutingSpec routing{};
  GroupShape shape{};
};

DrawnCase random_case(Random& random) {
  DrawnCase c;
  c.shape = {.nodes = 1 << random.integer(0, 3), .ranks_per_node = 1 << random.integer(0, 2)};
  const int experts = c.shape.ranks() * static_cast<int>(random.integer(2, 4));
  const bool has_groups = random.integer(0, 1) == 1;
  c.model = model_of({.routed_experts = experts,
                      .experts_per_token = static_cast<int>(random.integer(1, 2)),
                      .groups = has_groups ? c.shape.nodes : 1,
                      .groups_per_token = has_groups ? (c.shape.nodes + 1) / 2 : 1});
  c.routing.nodes_per_token = (c.shape.nodes + 1) / 2;
  c.routing.tokens =
      random.integer(0, 1) == 1 ? spec::TokenRouting::random : spec::TokenRouting::zipf;
  c.routing.popularity_spread = 0.5;
  c.routing.zipf_exponent = 1;
  return c;
}

TEST(DrawnTokens, AreConserved) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    Random random(seed);
    const DrawnCase c = random_case(random);
    const TokenPool pool(
        {.model = c.model, .routing = c.routing, .shape = c.shape, .seed = seed, .size = 500});
    const double tokens = static_cast<double>(random.integer(50, 900));
    const ExpertGroup group = group_of(c.shape.ranks(), tokens);
    const RoutedTokens routed = drawn_tokens(group, pool, c.shape, seed);
    const double ranks = c.shape.ranks();
    const double top_k = c.model.moe->experts_per_token;
    const double limit = std::min(c.shape.nodes, c.routing.nodes_per_token);
    EXPECT_NEAR(sum_of(routed.rows), ranks * tokens * top_k, 1e-6 * ranks * tokens) << seed;
    double arrived = 0, forwarded = 0, pairs = 0;
    for (std::size_t i = 0; i < routed.rows.size(); ++i) {
      const double nodes = sum_of(routed.to_node[i]);
      EXPECT_GE(nodes, tokens * (1 - 1e-9)) << seed;
      EXPECT_LE(nodes, tokens * std::min(limit, top_k) * (1 + 1e-9)) << seed;
      arrived += nodes;
      forwarded += sum_of(routed.forwarded[i]);
      pairs += sum_of(routed.pairs[i]);
    }
    // A token has between one expert and all of its top-k on each of its nodes.
    EXPECT_GE(forwarded, arrived * (1 - 1e-9)) << seed;
    EXPECT_LE(forwarded, sum_of(routed.rows) * (1 + 1e-9)) << seed;
    EXPECT_NEAR(pairs, sum_of(routed.rows), 1e-6 * pairs) << seed;
  }
}

// Without groups and with one expert a token, an expert is chosen in proportion to its popularity:
// binomial, so within 5 standard deviations of n p.
TEST(TokenPool, ChoosesInProportionToPopularity) {
  const spec::ModelSpec model = model_of({.routed_experts = 16, .experts_per_token = 1});
  const spec::MoeRoutingSpec routing{.tokens = spec::TokenRouting::zipf, .zipf_exponent = 1};
  constexpr double kDrawn = 20'000;
  const TokenPool pool({.model = model,
                        .routing = routing,
                        .shape = {.nodes = 1, .ranks_per_node = 16},
                        .seed = 7,
                        .size = static_cast<std::int64_t>(kDrawn)});
  const TokenCounts counts = pool.window(0, kDrawn);
  const std::vector<double> popularity = expert_popularity(model, routing, 7, 0);
  for (std::size_t e = 0; e < 16; ++e) {
    const double share = popularity[e] / 16;
    EXPECT_NEAR(counts.of_rank[e], kDrawn * share, 5 * std::sqrt(kDrawn * share * (1 - share)));
  }
}

// Popularity has mean 1 and the spread that was asked for: over 4,096 experts the standard
// deviation of a log-normal sample is within 10 % of it.
TEST(ExpertPopularity, HasTheSpreadAskedFor) {
  const spec::ModelSpec model = model_of({.routed_experts = 4096, .experts_per_token = 1});
  const std::vector<double> popularity = expert_popularity(
      model, {.tokens = spec::TokenRouting::random, .popularity_spread = 0.2}, 3, 0);
  double squares = 0;
  for (const double p : popularity) squares += (p - 1) * (p - 1);
  EXPECT_NEAR(sum_of(popularity), 4096, 1e-6);
  EXPECT_NEAR(std::sqrt(squares / 4095), 0.2, 0.02);
}

TEST(TokenPool, IsTheSameForTheSameSeedAndLayer) {
  const spec::ModelSpec model = model_of({.routed_experts = 8, .experts_per_token = 2});
  const spec::MoeRoutingSpec routing{.tokens = spec::TokenRouting::random,
                                     .popularity_spread = 0.3};
  const auto rows = [&](std::uint64_t seed, int layer) {
    return TokenPool({.model = model,
                      .routing = routing,
                      .shape = {.nodes = 2, .ranks_per_node = 2},
                      .seed = seed,
                      .moe_layer = layer,
                      .size = 1000})
        .window(300, 900)
        .of_rank;
  };
  EXPECT_EQ(rows(1, 0), rows(1, 0));
  EXPECT_NE(rows(1, 0), rows(2, 0));
  EXPECT_NE(rows(1, 0), rows(1, 1));
}

}  // namespace
}  // namespace planewise::workload
