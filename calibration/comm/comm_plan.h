// Which points to measure between ranks.
#pragma once

#include <string>
#include <vector>

#include "calibration/comm/cluster.h"
#include "calibration/comm/comm_point.h"
#include "calibration/measure/plan.h"

namespace planewise::calibration {

/// What `comm` is asked for, in nccl-tests' terms.
struct SweepOptions {
  std::vector<Operation> operations{Operation::all_to_all};
  std::vector<GroupKind> groups{GroupKind::world};
  Bytes least{bytes(1024)};
  Bytes most{bytes(1 << 20)};
  double factor = 2;
  Bytes step{};  ///< If more than 0, sizes grow by it and not by the factor.
  std::string datatype{"float"};
  bool is_unaligned = false;  ///< Sizes as asked; else down to 256 B a rank.
  std::vector<Cadence> cadences{Cadence::streaming, Cadence::isolated};
  int expert_ranks = 8;
};

/// Sizes of a group's operation: each a whole number of elements for every rank, each once.
std::vector<Bytes> sweep_sizes(const SweepOptions& options, Operation operation, int ranks);

/// Groups after groups, operations, sizes. A kind of groups that this cluster does not have is left
/// out, and so is one with the same ranks as one before.
std::vector<CommTask> sweep_tasks(const Cluster& cluster, const SweepOptions& options);

/// Why an operation cannot be taken over a kind of groups here; empty if it can.
std::string group_problem(const Cluster& cluster, GroupKind kind, int expert_ranks);

/// What a run measures of tokens: by every algorithm that the cluster has ways for.
struct TokenSweep {
  int expert_ranks = 8;
  LayerSizes sizes{};
  std::vector<std::int64_t> tokens{};
};
std::vector<CommTask> token_tasks(const Cluster& cluster, const TokenSweep& sweep);

/// All that `run` measures between ranks.
struct CommPlanOptions {
  TokenSweep tokens{};
  bool is_quick = false;
  bool is_host = false;  ///< Sizes that processors exchange in seconds.
};
std::vector<CommTask> run_tasks(const Cluster& cluster, const CommPlanOptions& options);

/// Ranks of an expert group of a cluster: as the plan says if the cluster is of such groups, else
/// all, else those of a node.
int expert_ranks_of(const Plan& plan, const Cluster& cluster);

/// Adds what is measured between ranks to a plan that has it, and its time to the estimate.
void add_comm_tasks(Plan& plan, const Cluster& cluster);

/// A guess from data sheets of how long a round of them takes; not a prediction.
Seconds guessed_time(const std::vector<CommTask>& tasks, bool is_host);

/// A cluster that is only planned for: as many ranks on each node.
Cluster planned_cluster(int ranks, int ranks_per_node);

}  // namespace planewise::calibration
