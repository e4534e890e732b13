// What the ranks of a serving unit exchange in an iteration: tokens with experts, sums over tensor
// groups.
//
// Source of the low-latency exchange: DeepEP (github deepseek-ai/DeepEP), low-latency kernels: each
// token goes to each of its experts in one message, by itself, straight to the expert's rank.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "spec/inference.h"
#include "spec/model.h"
#include "spec/profile.h"
#include "workload/placement.h"
#include "workload/program.h"
#include "workload/rank_grid.h"

namespace planewise::workload {

/// The profile's collectives that a unit uses, each once.
std::vector<std::string> serving_collectives(const spec::ServingUnit& unit,
                                             const spec::ModelSpec& model);

/// Labels of one size of micro-batch; -1: there is no such exchange.
struct ServingLabels {
  int dispatch = -1;
  int combine = -1;
  int tensor_reduce = -1;
  int tensor_gather = -1;  ///< After experts, each of whose ranks has brought tokens of its own.
};

struct ServingExchangeInput {
  const spec::InferenceSpec& spec;
  const spec::ServingUnit& unit;
  const spec::ModelSpec& model;
  const spec::ProfileSpec& profile;
  const RankGrid& grid;
  const Placement& placement;
  Rate nic_rate{};  ///< Of a GPU, one direction.
  Rate nvlink_rate{};
};

/// Adds exchanges of micro-batches to a program.
///
/// All ranks of an expert group wait for each other in every exchange, so that the busiest sets the
/// pace: each sends and gets as much as that one.
class ServingExchanges {
 public:
  ServingExchanges(const ServingExchangeInput& in, Program& program);

  struct MicroBatch {
    double tokens = 0;                          ///< A replica.
    spec::Beside beside = spec::Beside::alone;  ///< Whether the GPU computes meanwhile.
    std::string prefix{};                       ///< Of the labels' names.
    double busiest = 1;                         ///< The busiest rank's load over the mean.
    // What the GPU's kernels of an exchange take, which its timed latency holds: the rest is the
    // transfer's.
    Seconds dispatch_kernels{};
    Seconds combine_kernels{};
  };
  ServingLabels add(const MicroBatch& batch);

 private:
  struct Exchange {
    const char* what;
    double bytes_per_token;
    bool is_dispatch;
    Seconds kernels{};
  };

  int add_label(const std::string& name, const spec::CollectiveCurve& curve);
  const spec::CollectiveCurve& curve(const std::string& id, spec::Beside beside,
                                     const RankGrid::Groups& groups) const;
  int add_expert_label(const Exchange& exchange, const MicroBatch& batch);
  Transfer low_latency(const std::vector<int>& group, const Exchange& exchange, double tokens,
                       const spec::CollectiveCurve& curve) const;
  Transfer normal(const std::vector<int>& group, const Exchange& exchange, double tokens,
                  const spec::CollectiveCurve& curve) const;
  void add_tensor(ServingLabels& labels, double tokens, const std::string& prefix);

  ServingExchangeInput in_;
  Program& program_;
};

}  // namespace planewise::workload
