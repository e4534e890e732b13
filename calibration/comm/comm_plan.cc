#include "calibration/comm/comm_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "calibration/comm/elements.h"
#include "calibration/comm/token_rows.h"

namespace planewise::calibration {
namespace {

constexpr double kAlignment = 256;

/// Whether a size is shared out among the ranks.
bool is_shared(Operation operation) {
  return operation == Operation::all_to_all || operation == Operation::all_gather ||
         operation == Operation::reduce_scatter;
}

/// Groups of a kind that were seen already under another name.
class Seen {
 public:
  bool insert(std::vector<std::vector<int>> groups) {
    std::sort(groups.begin(), groups.end());
    return seen_.insert(std::move(groups)).second;
  }

 private:
  std::set<std::vector<std::vector<int>>> seen_{};
};

/// Tokens of all algorithms of one group and load.
void add_token_tasks(const CommPoint& base, std::vector<CommTask>& tasks) {
  std::vector<ExchangeAlgorithm> algorithms = {ExchangeAlgorithm::padded, ExchangeAlgorithm::exact};
  if (base.nodes > 1 && base.ranks > base.nodes) algorithms.push_back(ExchangeAlgorithm::two_hop);
  if (base.ranks == 1) algorithms = {ExchangeAlgorithm::loopback};
  for (const ExchangeAlgorithm algorithm : algorithms) {
    for (const Operation operation : {Operation::dispatch, Operation::combine}) {
      CommPoint point = base;
      point.operation = operation;
      point.algorithm = algorithm;
      const double hidden = static_cast<double>(base.load.hidden);
      point.load.bytes_per_token =
          bytes(operation == Operation::dispatch ? hidden + hidden / 128 * 4 : 2 * hidden);
      tasks.push_back({.point = point, .cadences = {Cadence::isolated}});
    }
  }
}

}  // namespace

std::vector<Bytes> sweep_sizes(const SweepOptions& options, Operation operation, int ranks) {
  const double element =
      static_cast<double>(element_size(element_of(options.datatype).value_or(ElementType::int8)));
  const double least = is_shared(operation) ? element * ranks : element;
  const double aligned = is_shared(operation) ? kAlignment * ranks : kAlignment;
  std::vector<Bytes> sizes;
  for (double size = options.least.in(bytes(1)); size <= options.most.in(bytes(1)) * (1 + 1e-9);) {
    // Below one aligned unit a rank there is nothing to align.
    const double unit = options.is_unaligned || size < aligned ? least : aligned;
    const Bytes whole = bytes(std::max(least, std::floor(size / unit) * unit));
    if (sizes.empty() || sizes.back() < whole) sizes.push_back(whole);
    const double step = options.step.in(bytes(1));
    if (step <= 0 && options.factor <= 1) break;
    size = step > 0 ? size + step : size * options.factor;
  }
  return sizes;
}

std::string group_problem(const Cluster& cluster, GroupKind kind, int expert_ranks) {
  if (!groups_of(cluster, kind, expert_ranks).empty()) return "";
  switch (kind) {
    case GroupKind::node:
      return "one rank a node: nothing to exchange in it";
    case GroupKind::rail:
      return "one node: no rail leaves it";
    case GroupKind::expert:
      return fmt::format("{} ranks are no expert group of {}", cluster.ranks(), expert_ranks);
    case GroupKind::pipeline:
      return fmt::format("{} ranks are no two expert groups of {}", cluster.ranks(), expert_ranks);
    case GroupKind::pair:
    case GroupKind::world:
      break;
  }
  return "1 rank";
}

std::vector<CommTask> sweep_tasks(const Cluster& cluster, const SweepOptions& options) {
  std::vector<CommTask> tasks;
  Seen seen;
  for (const GroupKind kind : options.groups) {
    const auto groups = groups_of(cluster, kind, options.expert_ranks);
    if (groups.empty() || !seen.insert(groups)) continue;
    const int ranks = static_cast<int>(groups.front().size());
    for (const Operation operation : options.operations) {
      // Only pairs send to each other; over other groups a send would leave most out.
      if ((operation == Operation::send && ranks != 2) || carries_tokens(operation)) continue;
      for (const Bytes size : sweep_sizes(options, operation, ranks)) {
        tasks.push_back({.point = {.operation = operation,
                                   .group = kind,
                                   .ranks = ranks,
                                   .nodes = node_count(cluster, groups.front()),
                                   .groups = static_cast<int>(groups.size()),
                                   .size = size,
                                   .datatype = options.datatype},
                         .cadences = options.cadences});
      }
    }
  }
  return tasks;
}

std::vector<CommTask> token_tasks(const Cluster& cluster, const TokenSweep& sweep) {
  std::vector<CommTask> tasks;
  std::vector<std::vector<int>> groups = groups_of(cluster, GroupKind::expert, sweep.expert_ranks);
  if (cluster.ranks() == 1) groups = {{0}};
  if (groups.empty()) return tasks;
  const int ranks = static_cast<int>(groups.front().size());
  const int nodes = node_count(cluster, groups.front());
  if (sweep.sizes.experts % ranks != 0 || sweep.sizes.experts % nodes != 0) return tasks;
  for (const std::int64_t tokens : sweep.tokens) {
    const CommPoint base{
        .group = GroupKind::expert,
        .ranks = ranks,
        .nodes = nodes,
        .groups = static_cast<int>(groups.size()),
        .load = {.tokens = tokens,
                 .hidden = sweep.sizes.hidden,
                 .experts = sweep.sizes.experts,
                 .experts_per_token = sweep.sizes.experts_per_token,
                 .nodes_per_token = std::min(nodes, sweep.sizes.groups_per_token)}};
    add_token_tasks(base, tasks);
  }
  return tasks;
}

std::vector<CommTask> run_tasks(const Cluster& cluster, const CommPlanOptions& options) {
  SweepOptions sweep{
      .operations = {Operation::all_to_all, Operation::all_reduce, Operation::reduce_scatter,
                     Operation::all_gather, Operation::broadcast},
      .groups = {GroupKind::node, GroupKind::rail, GroupKind::expert, GroupKind::world},
      .most = bytes(options.is_host    ? 1 << 20
                    : options.is_quick ? 1 << 26
                                       : 1 << 30),
      .factor = options.is_quick ? 4.0 : 2.0,
      .expert_ranks = options.tokens.expert_ranks};
  std::vector<CommTask> tasks = sweep_tasks(cluster, sweep);
  sweep.operations = {Operation::send};
  sweep.groups = {GroupKind::pipeline};
  for (const auto& more : {sweep_tasks(cluster, sweep), token_tasks(cluster, options.tokens)}) {
    tasks.insert(tasks.end(), more.begin(), more.end());
  }
  return tasks;
}

int expert_ranks_of(const Plan& plan, const Cluster& cluster) {
  for (const int ranks : {plan.options.expert_ranks, cluster.ranks(), cluster.ranks_per_node}) {
    if (ranks <= cluster.ranks() && cluster.ranks() % ranks == 0 &&
        plan.sizes.experts % ranks == 0) {
      return ranks;
    }
  }
  return 1;
}

void add_comm_tasks(Plan& plan, const Cluster& cluster) {
  const PlanOptions& options = plan.options;
  if (options.part != Part::comm && options.part != Part::all) return;
  std::vector<std::int64_t> tokens = {128, 512, 2048, 4096};
  if (options.phase == Phase::decode) tokens = {16, 32, 64, 128, 256};
  if (options.is_quick) tokens = {tokens.front(), tokens.back()};
  if (options.is_host) tokens = {16, 64, 256};
  plan.comm = run_tasks(cluster, {.tokens = {.expert_ranks = expert_ranks_of(plan, cluster),
                                             .sizes = plan.sizes,
                                             .tokens = tokens},
                                  .is_quick = options.is_quick,
                                  .is_host = options.is_host});
  plan.estimated += guessed_time(plan.comm, options.is_host) * plan.repetitions;
  if (cluster.ranks() == 1) return;
  // Each layer beside dispatch and combine, once: making it, and a second of both together.
  plan.estimated += seconds(2) * (2.0 * static_cast<double>(plan.beside.size()));
  if (options.is_host) return;
  // Pairs, a round each, and a communicator for each kind of groups: nobody has timed these yet.
  constexpr int kKinds = 5;
  const double ranks = cluster.ranks();
  plan.estimated += milliseconds(50) * std::min(ranks - 1, 128.0);
  plan.estimated += (seconds(1) + milliseconds(20) * ranks) * kKinds;
}

Seconds guessed_time(const std::vector<CommTask>& tasks, bool is_host) {
  // Rates of a rank and fixed costs of one iteration, and of a point: memory, inputs, the check.
  const Rate in_node = gigabytes_per_second(is_host ? 0.5 : 150);
  const Rate between = gigabytes_per_second(is_host ? 0.5 : 40);
  const Rate checked = gigabytes_per_second(is_host ? 0.3 : 2);
  const Seconds fixed = microseconds(is_host ? 500 : 100);
  const Seconds each_point = milliseconds(is_host ? 2 : 5);
  constexpr double kIterations = 30;
  Seconds all{};
  for (const CommTask& task : tasks) {
    const CommPoint& point = task.point;
    Bytes moved = point.size;
    if (carries_tokens(point.operation)) {
      moved = point.load.bytes_per_token *
              static_cast<double>(point.load.tokens * point.load.experts_per_token);
    }
    const Seconds once = moved / (point.nodes > 1 ? between : in_node) + fixed;
    const Seconds longest = seconds(0.3);
    const Seconds timed = std::min(once * kIterations, std::max(longest, once * 5));
    all += each_point + moved * 2 / checked + timed * static_cast<double>(task.cadences.size());
  }
  return all;
}

Cluster planned_cluster(int ranks, int ranks_per_node) {
  Cluster cluster{.nodes = ranks / ranks_per_node, .ranks_per_node = ranks_per_node};
  for (int rank = 0; rank < ranks; ++rank) {
    cluster.places.push_back({.host = fmt::format("node {}", rank / ranks_per_node)});
    cluster.node_of.push_back(rank / ranks_per_node);
    cluster.local_of.push_back(rank % ranks_per_node);
    cluster.order.push_back(rank);
  }
  return cluster;
}

}  // namespace planewise::calibration
