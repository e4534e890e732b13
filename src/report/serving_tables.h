// Inside report/: what simulated inference has to say.
#pragma once

#include <string>
#include <vector>

#include "print/table.h"
#include "report/json_cost.h"
#include "report/report.h"

namespace planewise::report {

/// Rows of TPOT, TTFT, throughput and cost, with one column a fabric.
void add_serving_rows(Table& table, const std::vector<ServingReport>& runs);

/// Of one fabric: the throughput-latency curve, what bounds it, memory, blocks.
std::vector<Table> serving_tables(const ServingReport& run);

/// Of one fabric; the curve is a list.
Json serving_json(const ServingReport& run, bool detailed);

/// A row a point of the curve, or one of prefill alone, of each fabric.
std::vector<Json> serving_rows(const std::vector<ServingReport>& runs);

}  // namespace planewise::report
