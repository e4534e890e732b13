// Inside report/: what a simulated traffic workload has to say, step by step.
#pragma once

#include <string>
#include <vector>

#include "print/table.h"
#include "report/report.h"

namespace planewise::report {

/// Total time and one group of rows a step, with one column a fabric.
void add_traffic_rows(Table& table, const std::vector<TrafficReport>& runs);

/// The steps of one fabric, one row each.
Table traffic_table(const TrafficReport& run);

}  // namespace planewise::report
