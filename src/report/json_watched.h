// Inside report/: the JSON of what was watched during a run.
#pragma once

#include <vector>

#include "report/json_cost.h"

namespace planewise::report {

/// Adds `loads`, `completion` and `explanation` to a run's JSON, each if it is there.
void add_watched(Json& run, const simulate::Result& result);

/// The critical path of each run as rows: run, list (by_work, by_phase, by_stage), name, times.
std::vector<Json> composition_rows(const Report& report);

}  // namespace planewise::report
