// Tables of training steps: rows of the overview, and what `planewise run` adds to them.
#pragma once

#include <vector>

#include "print/table.h"
#include "report/report.h"

namespace planewise::report {

/// A column a run, behind the label.
void add_run_rows(Table& table, const std::vector<RunReport>& runs);

/// Pipeline ranks, spread over ranks, communication, memory, estimates, compute blocks.
std::vector<Table> training_tables(const RunReport& run);

/// Of a job that was not simulated: what `planewise model -w` shows.
std::vector<Table> memory_tables(const JobMemory& memory);

}  // namespace planewise::report
