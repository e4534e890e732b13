// What a profile holds, what a fit misses, and where two profiles differ.
#pragma once

#include <string>
#include <vector>

#include "calibration/fit/fit.h"
#include "calibration/report/merge.h"
#include "calibration/report/tables.h"

namespace planewise::calibration {

/// A table of the fit's curves, the error over all points held out, and the fit's warnings.
Account fit_account(const FitResult& result, double error_most);

/// What to beware of in a profile.
struct ProfileFindings {
  std::vector<std::string> lines{};
  bool is_beyond_limit = false;   ///< A curve's error at points held out, or a layer's sum.
  bool has_wrong_result = false;  ///< A check of results.
};
ProfileFindings find_problems(const spec::ProfileSpec& profile, double error_most);

/// GPU, provenance, operators, collectives, what was not measured, and the findings.
Account profile_account(const spec::ProfileSpec& profile, const ProfileFindings& findings);

/// Rates of the operators that both profiles have, `profile`'s over `other`'s: of products at the
/// shapes that both measured, else of the models.
Sheet comparison_sheet(const spec::ProfileSpec& profile, const spec::ProfileSpec& other);

Account merge_account(const Merged& merged);

}  // namespace planewise::calibration
