// The header's sentences: what was simulated, what stood for what, what was left out.
#pragma once

#include <string>
#include <vector>

#include "report/report.h"

namespace planewise::report {

std::vector<std::string> simulated_notes(const spec::JobSpec& job, const spec::ModelSpec& model);
std::vector<std::string> left_out_notes(const spec::ProfileSpec& profile);
/// One line a run: how many ranks, flows and links were driven for how many.
std::string symmetry_note(const RunReport& run);

/// What choosing routes as flows start, and faults, leave out; nothing if no run did.
std::vector<std::string> route_left_out_notes(const Report& report);

/// What counting and pricing a fabric leaves out.
std::vector<std::string> cost_left_out_notes(const Report& report);

}  // namespace planewise::report
