// Two profiles side by side: what moved.
#pragma once

#include <string>
#include <vector>

#include "calibration/report/tables.h"
#include "spec/profile.h"

namespace planewise::calibration {

/// Rates of collectives over those of `other`, by size from 1 KiB to 1 GiB; and of exchanges that
/// both measured at the same sizes.
std::vector<std::vector<Value>> collective_rows(const spec::ProfileSpec& profile,
                                                const spec::ProfileSpec& other);

/// `all_to_all over nodes`.
std::string collective_name(const spec::CollectiveCurve& curve);

/// Of a comparison's rows those whose median is more than a tenth away from 1, a line each.
std::vector<std::string> moved(const Sheet& comparison);

}  // namespace planewise::calibration
