// The header's sentences: what was simulated, what stood for what, what was left out.
#pragma once

#include <string>
#include <vector>

#include "report/report.h"

namespace planewise::report {

std::vector<std::string> simulated_notes(const spec::JobSpec& job, const spec::ModelSpec& model);
std::vector<std::string> left_out_notes(const spec::JobSpec& job, const spec::ProfileSpec& profile);

/// What the fullest pipeline rank needs, and whether that fits.
std::string memory_note(const JobMemory& memory);

/// The same of a traffic workload; `profile` may be none.
std::vector<std::string> simulated_notes(const spec::TrafficSpec& traffic,
                                         const spec::ProfileSpec* profile);
std::vector<std::string> left_out_notes(const spec::TrafficSpec& traffic,
                                        const spec::ProfileSpec* profile);

/// The same of inference.
std::vector<std::string> simulated_notes(const spec::InferenceSpec& spec,
                                         const spec::ModelSpec& model);
std::vector<std::string> left_out_notes(const spec::InferenceSpec& spec,
                                        const spec::ProfileSpec& profile);

/// That every start of a flow draws its size.
std::string size_spread_note(double size_spread);

/// One line a run: how many ranks, flows and links were driven for how many.
/// That ends were drawn forward by up to `time_tolerance` of the time elapsed, and what that costs.
std::string time_tolerance_note(double time_tolerance);
std::string symmetry_note(const std::string& fabric, const simulate::Result& result);

/// What a size counts: `rows a group`, `tokens of a sequence`, `bytes`.
const char* size_unit(workload::SizeKind kind);

/// A line an operator that was asked for outside its curve's valid sizes, the largest four and then
/// the sum of the rest.
std::vector<std::string> extrapolation_notes(const std::vector<ExtrapolatedPart>& parts);

/// A line an operator of `operators` that the profile timed as something else.
std::vector<std::string> proxy_notes(const spec::ProfileSpec& profile,
                                     const std::vector<std::string>& operators);

/// What choosing routes as flows start, and faults, leave out; nothing if no run did.
std::vector<std::string> route_left_out_notes(const Report& report);

/// What counting and pricing a fabric leaves out.
std::vector<std::string> cost_left_out_notes(const Report& report);

}  // namespace planewise::report
