// A pipeline schedule by itself: passes of given times, and messages of next to nothing.
#pragma once

#include "base/units.h"
#include "workload/program.h"
#include "workload/schedule.h"

namespace planewise::workload {

/// Of a chunk on each rank.
struct PassTimes {
  Seconds forward{};
  Seconds backward{};  ///< Gradients of inputs and of weights.
  Seconds weight{};    ///< The part of `backward` for weights.
  Seconds pair{};      ///< A forward and a backward, overlapped.
};

/// Runs `plan` with one rank a pipeline rank: what the formulas of bubbles are about. Messages have
/// 1 B and no software latency, so only the fabric's hops are left of communication.
Program ideal_pipeline(const PipelinePlan& plan, const PassTimes& times);

}  // namespace planewise::workload
