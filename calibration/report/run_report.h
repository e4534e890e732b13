// What a raw file holds, operator by operator.
#pragma once

#include "calibration/raw/record.h"
#include "calibration/report/tables.h"

namespace planewise::calibration {

/// Whether a check of results failed in any of its points.
bool has_failed_check(const RawFile& raw);

/// A row an operator and implementation: sizes, rates, checks, how many are stable, how many
/// rounds were throttled; then what could not be measured and why.
Account run_account(const RawFile& raw);

}  // namespace planewise::calibration
