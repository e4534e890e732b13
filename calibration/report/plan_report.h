// A plan as a table.
#pragma once

#include "calibration/measure/plan.h"
#include "calibration/report/tables.h"

namespace planewise::calibration {

/// `groups=4 m=8192 n=4096 k=7168`, or `4096 x 256`.
std::string shape_text(const Measurement& measurement);

/// `90 s`, `5 min`.
std::string duration_text(Seconds time);

Account plan_account(const Plan& plan);

}  // namespace planewise::calibration
