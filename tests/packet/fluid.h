// The flow-level side of the comparison: planewise's own engine.
#pragma once

#include <vector>

#include "base/units.h"
#include "packet/cases.h"

namespace planewise::packet {

/// Returns when each transfer of `of` ends, from its start: the latency of its path, then max-min
/// fair rates on links of `efficiency` times their capacity. Shape: as Case::transfers.
std::vector<Seconds> fluid_times(const Case& of, double efficiency);

}  // namespace planewise::packet
