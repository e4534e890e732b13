// The lines `environment`, `point` and `not_measured` as records.
#pragma once

#include "calibration/raw/json_line.h"
#include "calibration/raw/record.h"

namespace planewise::calibration {

/// `fields` has been asked for `record`; whoever calls finishes it, and looks whether it is well.
EnvironmentRecord read_environment(JsonFields& fields);

/// A published point has no times but a rate or one time; `times` holds the one that follows from
/// it under the work or the bytes that planewise counts.
PointRecord read_point(JsonFields& fields);

NotMeasuredRecord read_not_measured(JsonFields& fields);

}  // namespace planewise::calibration
