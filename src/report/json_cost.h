// Inside report/: the JSON of fabrics and of what they cost.
#pragma once

#include <nlohmann/json.hpp>

#include "report/report.h"

namespace planewise::report {

using Json = nlohmann::ordered_json;

/// Fabric `index` of the report.
Json fabric_json(const Report& report, std::size_t index);

/// Requires `report.uncertainty`.
Json uncertainty_json(const Report& report);

}  // namespace planewise::report
