// What a profile says of links, interference and measured exchanges, as YAML.
#pragma once

#include <string>

#include "spec/profile.h"

namespace planewise::calibration {

/// The sections `links`, `interference` and `exchanges`, those that there are.
std::string exchanges_text(const spec::ProfileSpec& profile);

}  // namespace planewise::calibration
