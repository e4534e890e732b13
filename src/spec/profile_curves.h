// Reads the curves of a hardware profile: operators and collectives.
#pragma once

#include "spec/profile.h"
#include "spec/yaml_reader.h"

namespace planewise::spec {

/// One entry of `operators`, `collectives`. What is wrong by itself is reported; whether ids clash
/// is not checked.
OperatorCurve read_operator(MapReader& map);
CollectiveCurve read_collective(MapReader& map);

}  // namespace planewise::spec
