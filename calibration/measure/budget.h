// A plan made shorter, for a run that has only so much time.
#pragma once

#include <string>
#include <vector>

#include "calibration/measure/plan.h"

namespace planewise::calibration {

/// Shortens `plan` until its estimate is within `budget`: first repetitions, down to one, then
/// every second size between the ends of a sweep, again and again until only ends are left. Checks
/// of results are never left out. Returns what was left out, a line each, and a last line if the
/// rest still takes longer.
std::vector<std::string> cut_to_budget(Plan& plan, Seconds budget);

}  // namespace planewise::calibration
