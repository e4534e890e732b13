// One step of a job on a fabric: the facade of this module.
#pragma once

#include <cstdint>

#include "fabric/fabric.h"
#include "simulate/driver.h"
#include "simulate/result.h"
#include "workload/placement.h"
#include "workload/program.h"

namespace planewise::simulate {

/// Spelled as on the command line.
enum class EngineKind : std::uint8_t { fast, simgrid };

struct SimulationOptions {
  EngineKind engine = EngineKind::fast;
  bool symmetry = true;    ///< Reduce equal ranks and flows to one each; exact.
  std::uint64_t seed = 1;  ///< Of every random choice (ECMP).
  Progress progress{};     ///< May be empty.
};

/// Simulates `program` on `fabric`. Requires: one GPU a rank (spec::check_job_and_topology).
Result simulate(const workload::Program& program, const workload::Placement& placement,
                const fabric::Fabric& fabric, const SimulationOptions& options);

}  // namespace planewise::simulate
