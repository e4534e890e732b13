// What faults did to a run, and whom they cut off.
#pragma once

#include <vector>

#include "print/table.h"
#include "report/report.h"

namespace planewise::report {

/// A table of the faults of a run, and one of the flows that were cut off; each only if there are
/// any. Of many flows the first ten are shown, and how many more there are.
std::vector<Table> fault_tables(const Ran& run);

}  // namespace planewise::report
