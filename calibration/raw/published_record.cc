#include "calibration/raw/published_record.h"

#include <fmt/format.h>

#include "base/text.h"

namespace planewise::calibration {

bool read_published_record(const std::string& kind, JsonFields& fields, RawFile&) {
  fields.error("record", fmt::format("{} is not a record of a measured file", in_quotes(kind)),
               "write 'environment', 'point' or 'not_measured'");
  return false;
}

}  // namespace planewise::calibration
