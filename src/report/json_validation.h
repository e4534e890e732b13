// Inside report/: published figures beside ours, as JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "report/validation.h"

namespace planewise::report {

/// A published figure and ours, in the unit that it is printed in; see docs/json.md.
nlohmann::ordered_json figure_json(const FigureLine& line, const std::vector<FigureLine>& all);
nlohmann::ordered_json validation_json(const ValidationSummary& summary);

}  // namespace planewise::report
