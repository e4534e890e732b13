// Why a run takes its time: the critical path taken apart, contention, what would help.
#pragma once

#include <string>
#include <vector>

#include "print/table.h"
#include "report/report.h"

namespace planewise::report {

/// Requires: the run was explained.
std::vector<Table> explain_tables(const Ran& run);

/// `nic_up and nic_down` for either.
std::string both_directions(fabric::LinkKind kind);

}  // namespace planewise::report
