// The transfers of a job: one instance of each label a group, with its flows.
#pragma once

#include <vector>

#include "model/stage_size.h"
#include "spec/job.h"
#include "spec/model.h"
#include "spec/profile.h"
#include "spec/topology.h"
#include "workload/placement.h"
#include "workload/program.h"
#include "workload/rank_grid.h"
#include "workload/token_routing.h"
#include "workload/training_labels.h"

namespace planewise::workload {

struct TransferInput {
  const spec::JobSpec& job;
  const spec::ModelSpec& model;
  const spec::NodesSpec& nodes;
  const RankGrid& grid;
  const Placement& placement;
  const JobLabels& labels;
  std::uint64_t seed = 1;  ///< Of the tokens' choices.
};

/// What the ranks of one pipeline rank hold, and who holds the same.
struct PipelineHolding {
  int pipeline = 0;
  int mate = 0;  ///< dualpipe: the other pipeline rank with the same stages; else itself.
  model::RankParameters parameters{};  ///< Of all its chunks.
  std::int64_t layers = 0;             ///< The same, MTP's among them.
};

/// A place that a MoE layer of the model has.
struct MoeHolder {
  int pipeline = 0;
  MoePosition position{};
};

/// Adds instances of labels to a program.
class TransferBuilder {
 public:
  TransferBuilder(const TransferInput& in, Program& program) : in_(in), program_(program) {}

  /// Dispatch and combine of all MoE layers of a pipeline rank, which are alike.
  void add_balanced_experts(int pipeline);
  /// Those of one MoE layer of the model, wherever it is held; and its loads.
  void add_drawn_experts(int moe_layer, const std::vector<MoeHolder>& holders);
  /// Of tensor, context and expert-tensor groups of a pipeline rank.
  void add_inner_groups(int pipeline);
  /// From every rank of `from` to its counterpart of `to`, and back.
  void add_messages(int from, int to, int chunk, int to_chunk);
  void add_gradients(const PipelineHolding& holding);
  void add_embedding(double parameters);
  void add_gradient_norm();

 private:
  struct Ring {
    double bytes = 0;  ///< What the ring reduces or gathers, a rank.
    double parts = 1;  ///< In so many exchanges.
  };
  void add_ring(int label, const std::vector<int>& ranks, const Ring& ring);
  /// In how many exchanges parameters (or gradients) move.
  double parts_of(bool gather, const PipelineHolding& holding) const;
  void add_replica_group(const std::vector<int>& group, const PipelineHolding& holding);
  void add_message(int label, int source, int destination, double payload);
  void add_exchanges(const ExpertGroup& group, const RoutedTokens& routed, MoePosition position);
  double tokens() const;  ///< That a rank brings to its experts.

  TransferInput in_;
  Program& program_;
};

}  // namespace planewise::workload
