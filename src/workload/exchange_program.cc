#include "workload/exchange_program.h"

#include <numeric>

#include "base/check.h"

namespace planewise::workload {

Program exchange_program(const BalancedExchange& exchange, const Placement& placement,
                         const spec::CollectiveCurve& curve) {
  ExpertGroup group{.ranks = std::vector<int>(static_cast<std::size_t>(exchange.ranks)),
                    .tokens = exchange.tokens};
  PW_CHECK(group.ranks.size() == placement.gpu_of_rank.size());
  std::iota(group.ranks.begin(), group.ranks.end(), 0);
  const RoutedTokens tokens =
      balanced_tokens(group, group_shape(group.ranks, placement), exchange.choice);
  Program program;
  program.labels = {{.name = curve.id}};
  program.stage_of_rank.assign(group.ranks.size(), 0);
  program.stages = {{.chunks = {{.name = curve.id, .steps = {{StepKind::exchange, 0}}}},
                     .slots = {{Phase::forward_1f, 0}}}};
  program.transfers = {
      {.label = 0,
       .members = group.ranks,
       .flows = exchange_flows(
           {.group = group, .tokens = tokens, .bytes_per_token = exchange.bytes_per_token},
           placement, curve),
       .latency = curve.latency}};
  return program;
}

Rate logical_rate(const BalancedExchange& exchange, Seconds time) {
  return bytes(exchange.tokens * exchange.choice.nodes_per_token * exchange.bytes_per_token) / time;
}

}  // namespace planewise::workload
