// Collectives as flows between ranks: what each step of a traffic workload becomes in a Program.
//
// Sources: rings as in Patarasuk and Yuan, "Bandwidth optimal all-reduce algorithms for clusters of
// workstations", J. Parallel Distrib. Comput. 69(2), 2009; the hierarchical forms and the binary
// tree are those that NCCL documents; node-limited all-to-alls as in DeepEP (arXiv 2412.19437).
#pragma once

#include <vector>

#include "spec/profile.h"
#include "spec/traffic.h"
#include "workload/placement.h"
#include "workload/program.h"

namespace planewise::workload {

/// The groups of a step, each its ranks in order.
using RankGroups = std::vector<std::vector<int>>;
RankGroups groups_of(const spec::TrafficStep& step, int ranks, int gpus_per_node);

struct CollectiveInput {
  const spec::TrafficStep& step;
  const RankGroups& groups;
  const Placement& placement;
  const spec::CollectiveCurve& curve;  ///< Software latency and efficiencies.
};

/// What the ranks do in a step: a rank follows one of several lists.
struct StepRoles {
  std::vector<std::vector<Step>> roles{};
  std::vector<int> role_of_rank{};
};

/// Adds the labels and transfers of one collective of all groups to `program`.
///
/// A ring's or tree's messages depend on each other alone: a rank sends on what it has received. An
/// exchange starts when its last member arrives. Adding numbers up takes no time.
StepRoles expand_collective(const CollectiveInput& in, Program& program);

/// Where a rank stands in the binary tree over `size` ranks.
struct TreePlace {
  int parent = -1;  ///< -1: the root.
  bool is_left = false;
  int children = 0;  ///< Ranks 2 i + 1 and 2 i + 2.
  int depth = 0;     ///< Of the root 0.
};
TreePlace tree_place(int index, int size);

}  // namespace planewise::workload
