// How many tokens chose each expert, as a file says it.
#pragma once

#include <string>
#include <vector>

#include "spec/input_error.h"

namespace planewise::spec {

struct ExpertCounts {
  Origin origin{};
  std::vector<std::vector<double>> tokens{};  ///< [layer][expert]
};

/// Reads a CSV of `layer,expert,tokens`: MoE layers from 0, experts from 0, tokens of any total.
/// Every layer up to the last has as many experts, each once, and some tokens; reports every
/// mistake with its place.
ExpertCounts read_expert_counts(const std::string& path, Diagnostics& diagnostics);

}  // namespace planewise::spec
