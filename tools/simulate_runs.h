// Runs a loaded job on every loaded topology, with a progress bar, and fills the report's runs and
// notes.
#pragma once

#include <cstdint>

#include "simulate/simulate.h"
#include "tools/price.h"

namespace planewise::tools {

struct SimulationFlags {
  simulate::EngineKind engine = simulate::EngineKind::fast;
  std::uint64_t seed = 1;
  bool no_symmetry = false;
};

/// A report with fabrics counted and priced, and one run a fabric.
report::Report simulate_runs(const Inputs& inputs, const SimulationFlags& flags);

}  // namespace planewise::tools
