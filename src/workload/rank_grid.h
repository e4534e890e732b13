// Which ranks share what: every rank's place on the axes of a job, and the groups along each.
//
// Source of the two grids: Megatron-Core's parallel_state (github NVIDIA/Megatron-LM): dense parts
// are cut over tensor, context, data and pipeline, experts over expert-tensor, expert, expert-data
// and pipeline, and both number the same ranks in one order.
#pragma once

#include <vector>

#include "spec/job.h"
#include "workload/placement.h"

namespace planewise::workload {

/// A rank's place; counts from 0 on each axis.
struct RankPlace {
  int tensor = 0;
  int context = 0;
  int data = 0;
  int pipeline = 0;
  int expert_tensor = 0;
  int expert = 0;
  int expert_data = 0;  ///< Which of the stage's expert groups.
};

/// All places of a job's ranks. Groups list ranks in order of the axis that they run along.
class RankGrid {
 public:
  explicit RankGrid(const spec::ParallelSpec& parallel);

  int rank_count() const { return static_cast<int>(places_.size()); }
  const RankPlace& place(int rank) const { return places_[static_cast<std::size_t>(rank)]; }

  using Groups = std::vector<std::vector<int>>;
  /// [pipeline rank] Its ranks, in their order.
  const Groups& stages() const { return stages_; }
  /// Ranks that share every matrix of a stage.
  Groups tensor_groups(int pipeline) const;
  /// Ranks that share a sequence.
  Groups context_groups(int pipeline) const;
  /// Ranks that hold the same parameters outside the experts: all contexts and replicas.
  Groups replica_groups(int pipeline) const;
  /// Ranks over which the experts are spread.
  Groups expert_groups(int pipeline) const;
  /// Ranks that share every expert.
  Groups expert_tensor_groups(int pipeline) const;
  /// Ranks that hold the same experts.
  Groups expert_replica_groups(int pipeline) const;
  /// The rank at the same place of another pipeline rank.
  int at_pipeline(int rank, int pipeline) const;

 private:
  std::vector<RankPlace> places_;
  std::vector<int> position_;  ///< [rank] Within its stage.
  Groups stages_;
};

/// A group cut by nodes: as many of its ranks on every node that it touches. Empty if nodes hold
/// unlike numbers of them.
std::vector<std::vector<int>> by_node(const std::vector<int>& group, const Placement& placement);

}  // namespace planewise::workload
