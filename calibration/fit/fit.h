// Raw points -> a hardware profile: rates and models with what they miss on points held out.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "calibration/raw/record.h"
#include "spec/profile.h"
#include "workload/collective_time.h"

namespace planewise::calibration {

struct FitOptions {
  std::string name{};  ///< Of the profile; empty: from the raw file.
  /// The links that efficiencies of collectives are shares of; none: as the cluster tells.
  std::optional<workload::IdleFabric> fabric{};
  std::string fabric_source{};
  double held_out_error_most = 0.10;  ///< Of the 90th percentile; a curve beyond it is warned of.
};

/// One curve's fit, for the report.
struct CurveFit {
  std::string id{};
  int sms = 0;
  spec::Beside beside = spec::Beside::alone;
  int points = 0;  ///< Sizes, not samples.
  int held_out = 0;
  double held_out_median = 0;  ///< Relative errors of the time.
  double held_out_p90 = 0;
  double held_out_max = 0;
  int unstable = 0;   ///< Points whose rounds differ by over 3 %.
  int throttled = 0;  ///< Points that were taken while the GPU was throttled.
};

struct FitResult {
  spec::ProfileSpec profile{};
  std::vector<CurveFit> curves{};
  double held_out_p90 = 0;  ///< Over all held-out points; exit code 4 if above the limit.
  std::vector<std::string> warnings{};
};

/// Curves in order of first mention. Requires: `raw` was read without a mistake. Throws
/// spec::InputError if it has no point with times.
FitResult fit_profile(const RawFile& raw, const FitOptions& options);

}  // namespace planewise::calibration
