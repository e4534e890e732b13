#include "calibration/fit_command.h"

#include <fmt/format.h>

#include "base/text.h"
#include "calibration/fit/fit.h"
#include "calibration/fit/profile_text.h"
#include "calibration/fit/published.h"
#include "calibration/raw/raw_file.h"
#include "calibration/report/comparison.h"
#include "calibration/report/merge.h"
#include "calibration/report/profile_report.h"
#include "print/output_file.h"
#include "print/program.h"
#include "print/table.h"
#include "spec/read.h"

namespace planewise::calibration {
namespace {

spec::ProfileSpec read_profile(const std::string& path) {
  spec::Diagnostics diagnostics;
  spec::ProfileSpec profile = spec::read_profile(path, diagnostics);
  diagnostics.throw_if_any();
  return profile;
}

/// What the fit is told of the links: those of a topology, if one is named.
FitOptions fit_options(const FitArguments& arguments) {
  FitOptions options{.name = arguments.name, .held_out_error_most = arguments.error_most};
  if (arguments.topology.empty()) return options;
  spec::Diagnostics diagnostics;
  const spec::TopologySpec topology = spec::read_topology(arguments.topology, diagnostics);
  diagnostics.throw_if_any();
  options.fabric = workload::idle_fabric(topology);
  options.fabric_source = "the links of " + topology.name;
  return options;
}

}  // namespace

int run_fit_command(const FitArguments& arguments, const OutputOptions& output) {
  spec::Diagnostics diagnostics;
  const RawFile raw = read_raw(arguments.raw, diagnostics);
  diagnostics.throw_if_any();
  const FitResult result = fit_profile(raw, fit_options(arguments));
  const std::string heading = raw.profile
                                  ? published_heading(raw)
                                  : fmt::format("Written by {}: fit {}\nsha256 {}",
                                                arguments.version, arguments.raw, raw.sha256);
  write_output(profile_text(result.profile, heading), arguments.profile);
  const std::string written = printable(arguments.profile);
  Account account = fit_account(result, arguments.error_most);
  if (raw.last_line_is_cut) {
    account.notes.emplace_back("the last line of the raw file is cut off and was left out");
  }
  account.notes.push_back(fmt::format(
      "next: planewise-calibrate check {}; and name it as profile in a workload", written));
  write_output(render(account, output.format), output.output);
  if (result.held_out_p90 <= arguments.error_most) return kFine;
  fmt::print(stderr,
             "planewise-calibrate: {} was written, but it misses points held out by {} "
             "(90th percentile); the limit is {}\n",
             written, percent(result.held_out_p90), percent(arguments.error_most));
  return kQuality;
}

int run_check_command(const CheckArguments& arguments, const OutputOptions& output) {
  const spec::ProfileSpec profile = read_profile(arguments.profile);
  ProfileFindings findings = find_problems(profile, arguments.error_most);
  Account account = profile_account(profile, findings);
  if (!arguments.against.empty()) {
    account.sheets.push_back(comparison_sheet(profile, read_profile(arguments.against)));
    for (std::string& line : moved(account.sheets.back())) {
      account.notes.push_back(std::move(line));
    }
  }
  write_output(render(account, output.format), output.output);
  if (findings.has_wrong_result) return kCorrectness;
  return findings.is_beyond_limit ? kQuality : kFine;
}

int run_merge_command(const MergeArguments& arguments, const OutputOptions& output) {
  std::vector<spec::ProfileSpec> others;
  const spec::ProfileSpec first = read_profile(arguments.first);
  for (const std::string& path : arguments.others) others.push_back(read_profile(path));
  const Merged merged = merge_profiles(first, others);
  std::string heading = fmt::format("Written by {}: merge {}", arguments.version, arguments.first);
  for (const std::string& path : arguments.others) heading += " " + path;
  write_output(profile_text(merged.profile, heading), arguments.profile);
  write_output(render(merge_account(merged), output.format), output.output);
  return kFine;
}

}  // namespace planewise::calibration
