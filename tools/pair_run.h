// Simulates a forward and a backward chunk, overlapped, by themselves.
#pragma once

#include <array>

#include "base/units.h"
#include "tools/simulate_runs.h"
#include "workload/chunk_pair.h"

namespace planewise::tools {

struct PairRun {
  Seconds span{};
  std::array<Seconds, workload::kPairPhaseCount> compute{};         ///< Of one layer.
  std::array<Seconds, workload::kExpertExchangeCount> exchanges{};  ///< Of one, on average.
};

/// Requires: `inputs` has a job under dualpipe of a model with experts, and one topology.
PairRun simulate_pair(const Inputs& inputs, int moe_layers, const SimulationFlags& flags);

}  // namespace planewise::tools
