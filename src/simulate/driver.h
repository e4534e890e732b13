// Runs a system's programs over an engine: state machines with counters, nothing materialised.
#pragma once

#include <functional>

#include "simulate/observer.h"
#include "simulate/paths.h"
#include "simulate/result.h"
#include "simulate/system.h"

namespace planewise::simulate {

/// Makes an engine for links of these capacities that calls back these events.
using EngineFactory =
    std::function<std::unique_ptr<engine::Engine>(std::vector<Rate>, engine::Events)>;

/// Where a run stands.
struct Moment {
  double share = 0;  ///< Of all ranks' steps, those that are done.
  Seconds time{};    ///< Simulated.
};
/// Called now and then, last at the end. May throw to give up the run.
using Progress = std::function<void(const Moment&)>;

/// What a driven system gives. Of the result, links and symmetry are left to simulate().
struct DrivenStep {
  Seconds step_time{};
  std::vector<RankResult> ranks{};
  std::vector<Seconds> chunks{};  ///< As Result::chunks.
  std::vector<Bytes> carried{};   ///< By link of the system.
  std::optional<FaultReport> faults{};
  engine::Statistics statistics{};
};
/// Drives `system` to its end, which every one of `observers` is told of step by step.
///
/// With `paths`, routes are chosen as flows start, and faults happen; the step may then end without
/// its ranks, and FaultReport::cut_off says why.
DrivenStep drive(const System& system, const EngineFactory& make_engine, const Progress& progress,
                 const Observers& observers = {}, const PathOptions* paths = nullptr);

}  // namespace planewise::simulate
