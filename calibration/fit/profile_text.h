// A profile as its YAML file.
#pragma once

#include <string>

#include "spec/profile.h"

namespace planewise::calibration {

/// What spec::read_profile reads back as the same profile, but for digits beyond the sixth.
/// `heading` stands above it as a comment, line by line.
std::string profile_text(const spec::ProfileSpec& profile, const std::string& heading);

}  // namespace planewise::calibration
