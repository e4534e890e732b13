// A profile's measured exchanges, simulated again over a topology.
#pragma once

#include <string>

#include "tools/simulate_runs.h"

namespace planewise::tools {

struct ReplayFlags {
  std::string profile{};
  std::string topology{};
  bool all_cadences = false;  ///< Streaming times, too, where there are isolated ones.
  SimulationFlags simulation{};
};

/// A report with Report::replay. Times that cannot be simulated are named under `left out`. Throws
/// spec::InputError if the profile has no exchanges, or if none of them fits on the topology, and
/// Interrupted after Ctrl-C.
report::Report replay(const ReplayFlags& flags, Stopwatch& watch);

}  // namespace planewise::tools
