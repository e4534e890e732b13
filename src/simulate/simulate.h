// One step of a job on a fabric: the facade of this module.
#pragma once

#include <cstdint>
#include <functional>

#include "fabric/fabric.h"
#include "simulate/driver.h"
#include "simulate/result.h"
#include "workload/placement.h"
#include "workload/program.h"

namespace planewise::simulate {

/// Spelled as on the command line.
enum class EngineKind : std::uint8_t { fast, simgrid };

/// What to find out beside the times of ranks; each costs a little for every flow.
struct Watch {
  bool loads = false;        ///< Result::loads and, if there are to be any, Result::busiest.
  bool completion = false;   ///< Result::completion.
  bool explanation = false;  ///< Result::explanation and Result::transfers.
  std::size_t busiest = 10;  ///< Links to name.
  std::size_t longest = 10;  ///< Pieces of the critical path to name.
};

/// The parts of a simulation, in their order.
enum class Part : std::uint8_t { route, symmetry, drive };

struct SimulationOptions {
  EngineKind engine = EngineKind::fast;
  bool symmetry = true;    ///< Reduce equal ranks and flows to one each; exact.
  std::uint64_t seed = 1;  ///< Of every random choice (ECMP).
  int threads = 1;         ///< Of the fast engine; changes no result.
  /// Of the fast engine, see engine::FastOptions; 0 is exact.
  double time_tolerance = 0;
  Watch watch{};
  Progress progress{};                  ///< May be empty.
  std::function<void(Part)> on_part{};  ///< Called as a part begins; may be empty.
  Observers
      observers{};  ///< Not owned; are told of the system that is driven, often a reduced one.
  /// What fails, and when; null: nothing. Every target is of the fabric (fabric::find_cables).
  const spec::FaultsSpec* faults = nullptr;
};

/// Simulates `program` on `fabric`, which has the GPUs that `placement` names. Nothing is reduced
/// under `adaptive`, with faults, where sizes are drawn (Program::size_spread), and where ranks
/// receive different numbers of tokens (Program::loads).
Result simulate(const workload::Program& program, const workload::Placement& placement,
                const fabric::Fabric& fabric, const SimulationOptions& options);

}  // namespace planewise::simulate
