// What to measure for a model under a parallelism: operators from src/workload, swept over sizes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "calibration/comm/comm_point.h"
#include "calibration/measure/measurement.h"
#include "spec/model.h"

namespace planewise::calibration {

enum class Phase : std::uint8_t { train, prefill, decode };
/// What `run --only` asks for.
enum class Part : std::uint8_t { compute, layer, comm, all };

struct PlanOptions {
  Phase phase = Phase::train;
  Part part = Part::all;
  int expert_ranks = 64;
  bool is_quick = false;   ///< Fewer sizes and repetitions.
  int sms = 132;           ///< Of the GPU, from which carve-outs take some away.
  bool is_host = false;    ///< Sizes that a processor computes in seconds.
  int ranks = 1;           ///< That measure together, one a GPU.
  int ranks_per_node = 0;  ///< 0: 8, or all if there are fewer.
};

struct Plan {
  std::string model{};
  PlanOptions options{};
  LayerSizes sizes{};
  std::vector<Measurement> measurements{};  ///< In the order in which they are taken.
  std::vector<CommTask> comm{};             ///< Between ranks, after them; see comm/comm_plan.h.
  std::vector<Measurement> beside{};        ///< Layers that are run beside exchanges of tokens.
  int repetitions = 3;                      ///< Rounds over all of them.
  Seconds estimated{};  ///< Of all rounds; for GPUs a guess from data sheets, not a prediction.
};

/// Requires: `model` has routed experts and mla; `expert_ranks` divides its experts. See
/// plan_problem.
Plan make_plan(const spec::ModelSpec& model, const PlanOptions& options);

/// Why no plan can be made for the model under the options; empty if one can.
std::string plan_problem(const spec::ModelSpec& model, const PlanOptions& options);

}  // namespace planewise::calibration
