// Rates that no machine has: what a wrong count of bytes or an idle kernel looks like.
#pragma once

#include <string>
#include <vector>

#include "spec/profile.h"

namespace planewise::calibration {

/// A line for each curve with a rate beyond what the GPU can do, with the rate and the limit; empty
/// if there is none. Products and attention: 2.1 times the BF16 peak, as FP8 is twice as fast and
/// clocks may be above those of the data sheet. Operators that move bytes: 1.2 times the GPU's rate
/// of memory, which is that of a copy, at the largest size that was measured (smaller ones may be
/// in a cache).
std::vector<std::string> implausible_rates(const spec::ProfileSpec& profile);

}  // namespace planewise::calibration
