// Reports for programs. Field names carry their unit and are stable; see docs/json.md.
#pragma once

#include <string>

#include "report/report.h"

namespace planewise::report {

std::string render_json(const Report& report);

/// One row a fabric with its run's values beside it, or one a model; columns are the JSON fields.
std::string render_csv(const Report& report);

}  // namespace planewise::report
