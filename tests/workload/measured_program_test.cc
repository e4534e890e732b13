// Measured exchanges as programs: their groups, sizes and flows.
#include "workload/measured_program.h"

#include <gtest/gtest.h>

#include <numeric>

namespace planewise::workload {
namespace {

using spec::ExchangeAlgorithm;
using spec::GroupKind;
using spec::MeasuredExchange;
using spec::Operation;

/// Two nodes of four ranks.
MeasuredExchange exchange(Operation operation, GroupKind group) {
  const bool is_node = group == GroupKind::node;
  const bool is_pair = group == GroupKind::rail || group == GroupKind::pipeline;
  return {.operation = operation,
          .group = group,
          .ranks = is_node   ? 4
                   : is_pair ? 2
                             : 8,
          .nodes = is_node ? 1 : 2,
          .groups = is_node   ? 2
                    : is_pair ? 4
                              : 1,
          .ranks_per_node = 4,
          .load = {
              .hidden = 256, .experts = 64, .experts_per_token = 4, .bytes_per_token = bytes(100)}};
}

/// All that a rank sends in a program, on the wire.
Bytes sent(const Program& program, const Placement& placement, int rank) {
  Bytes all{};
  for (const Transfer& transfer : program.transfers) {
    if (transfer.all_pairs) {
      for (const int member : transfer.members) {
        const bool is_own = std::find(transfer.members.begin(), transfer.members.end(), rank) !=
                            transfer.members.end();
        if (!is_own || member == rank) continue;
        all += placement.node(member) == placement.node(rank) ? transfer.all_pairs->in_node
                                                              : transfer.all_pairs->between_nodes;
      }
    }
    for (const RankFlow& flow : transfer.flows) {
      if (flow.source == rank) all += flow.size;
    }
  }
  return all;
}

TEST(MeasuredProgram, GroupsAreThoseThatWereMeasured) {
  using Groups = std::vector<std::vector<int>>;
  EXPECT_EQ(groups_of(exchange(Operation::all_to_all, GroupKind::node)),
            (Groups{{0, 1, 2, 3}, {4, 5, 6, 7}}));
  EXPECT_EQ(groups_of(exchange(Operation::all_to_all, GroupKind::rail)),
            (Groups{{0, 4}, {1, 5}, {2, 6}, {3, 7}}));
  EXPECT_EQ(groups_of(exchange(Operation::send, GroupKind::pipeline)),
            (Groups{{0, 4}, {1, 5}, {2, 6}, {3, 7}}));
  EXPECT_EQ(groups_of(exchange(Operation::all_to_all, GroupKind::world)).front().size(), 8U);
}

TEST(MeasuredProgram, SendsWhatTheSizeSays) {
  const Placement placement = place_in_order(8, 4);
  const spec::ExchangeTime time{.size = bytes(800), .tokens = 16};
  const auto of = [&](const MeasuredExchange& e) {
    return sent(measured_program(e, time, placement, {}), placement, 0).in(bytes(1));
  };
  // All-to-all: 800 B are 100 B for each of 8 ranks, 7 of which are others.
  EXPECT_DOUBLE_EQ(of(exchange(Operation::all_to_all, GroupKind::world)), 700);
  EXPECT_DOUBLE_EQ(of(exchange(Operation::all_to_all, GroupKind::node)), 600);
  EXPECT_DOUBLE_EQ(of(exchange(Operation::all_gather, GroupKind::rail)), 400);
  EXPECT_DOUBLE_EQ(of(exchange(Operation::send, GroupKind::pipeline)), 800);
  // Exact tokens: the busiest rank's 800 B over 7 pairs.
  MeasuredExchange tokens = exchange(Operation::dispatch, GroupKind::expert);
  tokens.algorithm = ExchangeAlgorithm::exact;
  EXPECT_DOUBLE_EQ(of(tokens), 800);
  // Low latency: 16 tokens x 4 experts x 100 B, of which 7/8 leave the rank.
  tokens.algorithm = ExchangeAlgorithm::deepep_low_latency;
  EXPECT_DOUBLE_EQ(of(tokens), 16 * 4 * 100 * 7.0 / 8);
}

TEST(MeasuredProgram, TakesTheCollectiveOfItsWay) {
  MeasuredExchange tokens = exchange(Operation::dispatch, GroupKind::expert);
  tokens.algorithm = ExchangeAlgorithm::padded;
  EXPECT_EQ(collective_id(tokens), "all_to_all");
  tokens.algorithm = ExchangeAlgorithm::two_hop;
  EXPECT_EQ(collective_id(tokens), "ep_dispatch");
  tokens.operation = Operation::combine;
  EXPECT_EQ(collective_id(tokens), "ep_combine");
  tokens.algorithm = ExchangeAlgorithm::deepep_low_latency;
  EXPECT_EQ(collective_id(tokens), "ep_combine_low_latency");
  EXPECT_EQ(collective_id(exchange(Operation::all_reduce, GroupKind::node)), "ring");
  EXPECT_EQ(reach_of(exchange(Operation::all_reduce, GroupKind::node)), spec::Reach::node);
  EXPECT_EQ(reach_of(exchange(Operation::all_reduce, GroupKind::rail)), spec::Reach::network);
}

TEST(MeasuredProgram, SaysWhatItCannotDo) {
  MeasuredExchange one = exchange(Operation::dispatch, GroupKind::expert);
  one.ranks = 1;
  one.nodes = 1;
  EXPECT_EQ(replay_problem(one), "one rank sends nothing");
  EXPECT_EQ(replay_problem(exchange(Operation::all_to_all, GroupKind::world)), "");
  MeasuredExchange part = exchange(Operation::dispatch, GroupKind::expert);
  part.algorithm = ExchangeAlgorithm::two_hop;
  part.ranks = 4;
  EXPECT_EQ(replay_problem(part), "groups do not fill their nodes");
}

}  // namespace
}  // namespace planewise::workload
