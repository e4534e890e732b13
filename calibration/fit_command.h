// The subcommands `fit`, `check` and `merge`.
#pragma once

#include <string>
#include <vector>

#include "calibration/run_command.h"

namespace planewise::calibration {

struct FitArguments {
  std::string topology{};  ///< Whose links efficiencies of collectives are shares of; empty: none.
  std::string raw{};
  std::string profile{};  ///< To write.
  std::string name{};     ///< Of the profile; empty: from the raw file.
  double error_most = 0.10;
  std::string version{};
};

struct CheckArguments {
  std::string profile{};
  std::string against{};  ///< Empty: none.
  double error_most = 0.10;
};

struct MergeArguments {
  std::string first{};
  std::vector<std::string> others{};
  std::string profile{};  ///< To write.
  std::string version{};
};

/// Fits and writes the profile, then prints what its curves miss. kQuality if the 90th percentile
/// of errors at points held out is above the limit; the profile is written all the same.
int run_fit_command(const FitArguments& arguments, const OutputOptions& output);

/// Prints what a profile holds and what to beware of. kQuality if a curve or a sum is beyond its
/// limit, kCorrectness if a check of results is.
int run_check_command(const CheckArguments& arguments, const OutputOptions& output);

/// Writes the first profile with what it lacks from the others, in their order. Throws
/// spec::InputError if they are of different GPUs.
int run_merge_command(const MergeArguments& arguments, const OutputOptions& output);

}  // namespace planewise::calibration
