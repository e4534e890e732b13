// What only a file of published tables says, turned into entries of a profile: totals of kernel
// categories, estimates, shares in a running step, collectives. docs/profiles.md derives each.
#pragma once

#include <string>

#include "calibration/raw/record.h"
#include "spec/profile.h"

namespace planewise::calibration {

/// Adds to `profile` what the published records of `raw` say. Its curves of points and their models
/// are there already, and its GPU. Requires: `raw` was read without a mistake.
void add_published(const RawFile& raw, spec::ProfileSpec& profile);

/// What stands above the profile of published tables: the same of every version of the program, so
/// that the profile changes with its raw file alone.
std::string published_heading(const RawFile& raw);

/// The profile's curve of `id` alone on the whole GPU, or null.
spec::OperatorCurve* whole_gpu_curve(spec::ProfileSpec& profile, const std::string& id);

}  // namespace planewise::calibration
