// Inside report/: measured times beside simulated ones.
#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "print/table.h"
#include "report/replay.h"

namespace planewise::report {

/// The times by group, and the errors of those that were fitted and of those that were not.
std::vector<Table> replay_tables(const std::vector<ReplayLine>& lines);

nlohmann::ordered_json replay_json(const ReplayLine& line);
nlohmann::ordered_json replay_errors_json(const ReplayErrors& errors);

}  // namespace planewise::report
