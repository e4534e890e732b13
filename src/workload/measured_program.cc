#include "workload/measured_program.h"

#include <algorithm>

#include "base/check.h"
#include "workload/exchange_program.h"
#include "workload/traffic_program.h"

namespace planewise::workload {
namespace {

using spec::ExchangeAlgorithm;
using spec::GroupKind;
using spec::Operation;

constexpr int kBroadcastChunks = 8;

std::size_t at(int index) { return static_cast<std::size_t>(index); }

bool is_of_tokens(const spec::MeasuredExchange& exchange) {
  return exchange.operation == Operation::dispatch || exchange.operation == Operation::combine;
}

/// Whether tokens go over the rails and then in the node, as ep_dispatch says.
bool is_two_hop(const spec::MeasuredExchange& exchange) {
  return is_of_tokens(exchange) && (exchange.algorithm == ExchangeAlgorithm::two_hop ||
                                    exchange.algorithm == ExchangeAlgorithm::deepep_normal);
}

bool is_low_latency(const spec::MeasuredExchange& exchange) {
  return exchange.algorithm == ExchangeAlgorithm::deepep_low_latency;
}

/// A stage for each role, which runs its steps once.
void add_stages(const StepRoles& roles, Program& program) {
  for (const std::vector<Step>& steps : roles.roles) {
    program.stages.push_back(
        {.chunks = {{.name = "operation", .steps = steps}}, .slots = {{Phase::forward_1f, 0}}});
  }
  program.stage_of_rank = roles.role_of_rank;
}

}  // namespace

int rank_count(const spec::MeasuredExchange& exchange) { return exchange.ranks * exchange.groups; }

std::string replay_problem(const spec::MeasuredExchange& exchange) {
  if (exchange.ranks < 2) return "one rank sends nothing";
  const bool fills_nodes = exchange.ranks / exchange.nodes == exchange.ranks_per_node;
  if (is_two_hop(exchange) && exchange.nodes > 1 && !fills_nodes) {
    return "groups do not fill their nodes";
  }
  return "";
}

bool is_hierarchical(const spec::MeasuredExchange& exchange) {
  return exchange.operation == Operation::all_reduce && exchange.nodes > 1 &&
         exchange.ranks == exchange.nodes * exchange.ranks_per_node && exchange.ranks_per_node > 1;
}

std::string collective_id(const spec::MeasuredExchange& exchange) {
  switch (exchange.operation) {
    case Operation::all_to_all:
      return "all_to_all";
    case Operation::all_gather:
      return "all_gather";
    case Operation::reduce_scatter:
      return "reduce_scatter";
    case Operation::all_reduce:
    case Operation::broadcast:
      return "ring";
    case Operation::send:
      return "point_to_point";
    case Operation::dispatch:
      if (is_low_latency(exchange)) return "ep_dispatch_low_latency";
      return is_two_hop(exchange) ? "ep_dispatch" : "all_to_all";
    case Operation::combine:
      if (is_low_latency(exchange)) return "ep_combine_low_latency";
      return is_two_hop(exchange) ? "ep_combine" : "all_to_all";
  }
  PW_UNREACHABLE("Operation has eight values");
}

spec::Reach reach_of(const spec::MeasuredExchange& exchange) {
  return exchange.nodes > 1 ? spec::Reach::network : spec::Reach::node;
}

RankGroups groups_of(const spec::MeasuredExchange& exchange) {
  RankGroups groups(at(exchange.groups));
  for (int rank = 0; rank < rank_count(exchange); ++rank) {
    int group = rank / exchange.ranks;
    if (exchange.group == GroupKind::rail) group = rank % exchange.groups;
    if (exchange.group == GroupKind::pipeline) group = rank % exchange.groups;
    groups[at(group)].push_back(rank);
  }
  return groups;
}

spec::TrafficStep step_of(const spec::MeasuredExchange& exchange, const spec::ExchangeTime& time) {
  PW_CHECK(!is_two_hop(exchange));
  using spec::Algorithm;
  using spec::Collective;
  spec::TrafficStep step{.name = "operation",
                         .algorithm = Algorithm::direct,
                         .group = exchange.ranks,
                         .size = time.size,
                         .curve = collective_id(exchange)};
  switch (exchange.operation) {
    case Operation::all_to_all:
      step.size = time.size / exchange.ranks;
      return step;
    case Operation::all_gather:
      step.collective = Collective::all_gather;
      return step;
    case Operation::reduce_scatter:
      step.collective = Collective::reduce_scatter;
      return step;
    case Operation::all_reduce:
      step.collective = Collective::all_reduce;
      step.algorithm = is_hierarchical(exchange) ? Algorithm::hierarchical : Algorithm::ring;
      return step;
    case Operation::broadcast:
      step.collective = Collective::broadcast;
      step.chunks = kBroadcastChunks;
      return step;
    case Operation::send:
      step.collective = Collective::send;
      step.pairs = {{.from = 0, .to = 1}, {.from = 1, .to = 0}};
      return step;
    case Operation::dispatch:
    case Operation::combine:
      step.size = is_low_latency(exchange)
                      ? exchange.load.bytes_per_token *
                            (static_cast<double>(time.tokens) * exchange.load.experts_per_token) /
                            exchange.ranks
                      : time.size / (exchange.ranks - 1);
      return step;
  }
  PW_UNREACHABLE("Operation has eight values");
}

Bytes sent_by_rank(const spec::MeasuredExchange& exchange, const spec::ExchangeTime& time) {
  return is_two_hop(exchange) ? time.size : sent_by_rank(step_of(exchange, time));
}

Program measured_program(const spec::MeasuredExchange& exchange, const spec::ExchangeTime& time,
                         const Placement& placement, const spec::CollectiveCurve& curve) {
  PW_CHECK(replay_problem(exchange).empty());
  if (is_two_hop(exchange)) {
    const spec::TokenLoad& load = exchange.load;
    const int nodes_per_token =
        load.nodes_per_token > 0 ? std::min(load.nodes_per_token, exchange.nodes) : exchange.nodes;
    // One group: the others are on nodes of their own.
    Placement own = placement;
    own.gpu_of_rank.resize(at(exchange.ranks));
    return exchange_program({.ranks = exchange.ranks,
                             .tokens = static_cast<double>(time.tokens),
                             .choice = {.routed_experts = load.experts,
                                        .experts_per_token = load.experts_per_token,
                                        .nodes_per_token = nodes_per_token},
                             .bytes_per_token = load.bytes_per_token.in(bytes(1))},
                            own, curve);
  }
  const spec::TrafficStep step = step_of(exchange, time);
  const RankGroups groups = groups_of(exchange);
  Program program;
  program.stage_of_rank.resize(at(rank_count(exchange)));
  add_stages(expand_collective(
                 {.step = step, .groups = groups, .placement = placement, .curve = curve}, program),
             program);
  return program;
}

}  // namespace planewise::workload
