// The matrix of pairs, and what is wrong with some of them.
#pragma once

#include <string>
#include <vector>

#include "calibration/comm/pairs.h"

namespace planewise::calibration {

/// Rates of every pair up to 16 ranks, of nodes beyond that of up to 16 nodes; medians of each path
/// class; findings.
std::string pair_text(const std::vector<PairTime>& pairs, const Cluster& cluster);

}  // namespace planewise::calibration
