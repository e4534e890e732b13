// The lines of a raw file that only published tables have.
#pragma once

#include <string>

#include "calibration/raw/json_line.h"
#include "calibration/raw/record.h"

namespace planewise::calibration {

/// Reads a record of a kind that measured files do not have into `file`. `fields` has been asked
/// for `record` and `schema`; whoever calls finishes it. Returns false, with the mistake reported,
/// if there is no such kind.
bool read_published_record(const std::string& kind, JsonFields& fields, RawFile& file);

}  // namespace planewise::calibration
