// Times of operators from a hardware profile's curves.
#pragma once

#include <string>
#include <vector>

#include "spec/profile.h"
#include "workload/program.h"

namespace planewise::workload {

/// Fills in the time and evidence of every operator of `block`, and the block's sums.
///
/// Operators run here alone on all SMs of the GPU. A curve taken on fewer SMs or beside
/// communication is used as it is and counts as `estimated`, since it is used outside its
/// conditions. So does a product with fewer or more rows a group than any
/// point of its curve. Requires: `profile` has every operator (spec::check_profile).
void time_block(Block& block, const spec::ProfileSpec& profile);

/// The profile entries that `blocks` need, each once, in order of first use.
std::vector<std::string> operator_ids(const std::vector<Block>& blocks);

}  // namespace planewise::workload
