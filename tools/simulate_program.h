// One program on one fabric, with what the command line asks for: engine, progress line, trace.
#pragma once

#include <string>

#include "simulate/simulate.h"
#include "tools/simulate_runs.h"
#include "tools/stats.h"

namespace planewise::tools {

/// What every simulation of a call is given.
struct RunContext {
  const SimulationFlags& flags;
  const spec::FaultsSpec* faults = nullptr;
  Stopwatch& watch;
};

/// Throws Interrupted after Ctrl-C.
simulate::Result simulate_program(const workload::Program& program,
                                  const workload::Placement& placement,
                                  const fabric::Fabric& fabric, const RunContext& context,
                                  const std::string& workload_name);

/// The same of one of many: nothing of it is watched or traced.
simulate::Result simulate_quietly(const workload::Program& program,
                                  const workload::Placement& placement,
                                  const fabric::Fabric& fabric, const RunContext& context,
                                  const std::string& workload_name);

}  // namespace planewise::tools
