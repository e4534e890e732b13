// Runs a loaded workload on every loaded topology, with a progress line, and fills the report's
// runs and notes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "simulate/simulate.h"
#include "tools/price.h"
#include "tools/stats.h"

namespace planewise::tools {

/// Where a trace goes, and whose.
struct TraceFlags {
  std::string file{};        ///< Empty: none.
  std::vector<int> ranks{};  ///< Empty: the first of each stage.
  bool all_ranks = false;
};

struct SimulationFlags {
  simulate::EngineKind engine = simulate::EngineKind::fast;
  std::uint64_t seed = 1;
  bool no_symmetry = false;
  int threads = 0;                      ///< 0: as many as there are cores.
  double time_tolerance = 0;            ///< 0: exact.
  std::optional<double> size_spread{};  ///< Over the workload's own.
  std::string traffic_out{};            ///< File for the flows, as htsim reads them; empty: none.
  simulate::Watch watch{};
  TraceFlags trace{};
  bool stats = false;
};

/// A report with fabrics counted and priced, and one run a fabric. Throws Interrupted after Ctrl-C,
/// spec::InputError if a rank to trace is not the workload's, or if `traffic_out` cannot hold the
/// workload.
report::Report simulate_runs(const Inputs& inputs, const SimulationFlags& flags, Stopwatch& watch);

}  // namespace planewise::tools
