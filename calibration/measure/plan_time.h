// How long a run may take: a guess, so that nobody waits for what they did not ask for.
#pragma once

#include "calibration/measure/plan.h"

namespace planewise::calibration {

/// Of all rounds over the plan's measurements: making inputs and checking them, warming up, and as
/// many samples as the method asks for. Times of operators are guessed from data sheets of an H100
/// (60 % of its peaks), or for one core of a processor.
Seconds estimated_time(const Plan& plan);

}  // namespace planewise::calibration
