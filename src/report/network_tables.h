// What a run's links and flows did: loads over time, busiest links, completion times.
#pragma once

#include <vector>

#include "print/table.h"
#include "report/report.h"

namespace planewise::report {

/// Tables of what was watched during the run; none if nothing was.
std::vector<Table> network_tables(const Ran& run);

}  // namespace planewise::report
