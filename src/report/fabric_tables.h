// Fabrics side by side: counts, cost, power; and the lines behind each cost.
#pragma once

#include <vector>

#include "print/table.h"
#include "report/report.h"

namespace planewise::report {

/// Whether any price has a range, so that percentiles say more than the total.
bool has_ranges(const Report& report);

/// One column a fabric.
void add_fabric_rows(Table& table, const Report& report);

/// Of each fabric its bill, what it costs over the years, and what the cost hangs on; those prices
/// at which the others would cost as much as the first.
std::vector<Table> bill_tables(const Report& report);

}  // namespace planewise::report
