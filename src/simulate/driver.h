// Runs a system's programs over an engine: state machines with counters, nothing materialised.
#pragma once

#include <functional>

#include "simulate/result.h"
#include "simulate/system.h"

namespace planewise::simulate {

/// Makes an engine for links of these capacities that calls back these events.
using EngineFactory =
    std::function<std::unique_ptr<engine::Engine>(std::vector<Rate>, engine::Events)>;

/// Called now and then with the share of slots that are done, from 0 to 1.
using Progress = std::function<void(double)>;

/// Drives `system` to its end. Of the result, links and symmetry are left to simulate().
struct DrivenStep {
  Seconds step_time{};
  std::vector<RankResult> ranks{};
  std::vector<Bytes> carried{};  ///< By link of the system.
  engine::Statistics statistics{};
};
DrivenStep drive(const System& system, const EngineFactory& make_engine, const Progress& progress);

}  // namespace planewise::simulate
