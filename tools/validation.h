// Computes ours for every figure of a file of published figures.
#pragma once

#include <string>
#include <vector>

#include "tools/simulate_runs.h"

namespace planewise::tools {

struct ValidationFlags {
  std::vector<std::string> ids{};     ///< Of figures to compute; with no group either, all.
  std::vector<std::string> groups{};  ///< The same, of whole groups.
  SimulationFlags simulation{};
};

/// A report with Report::figures, in the file's order. A workload is simulated once a topology,
/// however many figures it gives. Throws Interrupted after Ctrl-C, spec::InputError for mistakes in
/// the file at `path`, in what its figures name, and for an id or a group that it does not have.
report::Report validate(const std::string& path, const ValidationFlags& flags, Stopwatch& watch);

}  // namespace planewise::tools
