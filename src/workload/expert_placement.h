// Where copies of experts lie when the busiest have several: what each rank of an expert group then
// gets to do.
//
// Method: as EPLB (github deepseek-ai/EPLB, its global policy): copies one by one to the expert
// with the most load a copy, then copies to ranks, the heaviest first, to the rank with the least
// load that has a slot left.
#pragma once

#include <cstdint>
#include <vector>

#include "spec/job.h"
#include "spec/model.h"

namespace planewise::workload {

struct ExpertPlacement {
  std::vector<int> copies{};        ///< [expert]
  std::vector<double> rank_load{};  ///< [rank] Its token-expert pairs over their mean.
};

/// Places experts of these popularities in `slots` slots, as many on each of `ranks` ranks. Tokens
/// of an expert are shared evenly between its copies.
///
/// Requires: at least a slot an expert, and slots that divide over the ranks.
ExpertPlacement place_experts(const std::vector<double>& popularity, int slots, int ranks);

struct BusiestInput {
  const spec::ModelSpec& model;
  const spec::MoeRoutingSpec& routing;
  int slots = 0;
  int ranks = 1;
  double pairs = 0;        ///< Of tokens and experts, a rank on average, in one micro-batch.
  std::uint64_t seed = 1;  ///< Of the experts' popularity and of chance.
};

/// How much more than the mean the busiest rank of a layer gets, on average over the MoE layers: by
/// its experts' popularity, and by chance, since so few tokens never choose evenly: a rank's pairs
/// vary by their square root. 1 for balanced tokens.
double busiest_load(const BusiestInput& in);

}  // namespace planewise::workload
