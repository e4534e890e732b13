// The table of dispatch and combine.
#pragma once

#include <string>

#include "calibration/raw/record.h"

namespace planewise::calibration {

std::string token_heading(const ClusterRecord& cluster, const CommPoint& point);
/// Columns: operation, algorithm, tokens, time, rate of logical bytes, rate of wire bytes of the
/// busiest rank, the part of those that leaves the node, #wrong.
std::string token_line(const CommPointRecord& record);

}  // namespace planewise::calibration
