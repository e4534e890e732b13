// Reading and writing raw files.
#pragma once

#include <string>
#include <string_view>

#include "calibration/raw/record.h"
#include "spec/input_error.h"

namespace planewise::calibration {

/// Reads a raw file. Mistakes go to `diagnostics` with their line and column: JSON that is none, a
/// key twice or unknown, another schema, times that are no positive numbers, the same round of the
/// same measurement twice, points of another environment. A last line without its end that is no
/// whole record was being written when the run was killed: it is no mistake.
RawFile read_raw(const std::string& path, spec::Diagnostics& diagnostics);

/// The record as its line, line feed included.
std::string to_line(const EnvironmentRecord& record);
std::string to_line(const PointRecord& record);
std::string to_line(const NotMeasuredRecord& record);
std::string to_line(const ClusterRecord& record);
std::string to_line(const CommPointRecord& record);
std::string to_line(const OverlapRecord& record);

/// Appends lines to a raw file. Each is on the disk before append() returns, so that a killed run
/// loses no more than the point in flight. Throws std::system_error.
class RawWriter {
 public:
  /// Opens or creates `path`; a last line that was cut is removed.
  explicit RawWriter(const std::string& path);
  ~RawWriter();
  RawWriter(const RawWriter&) = delete;
  RawWriter& operator=(const RawWriter&) = delete;

  void append(std::string_view line);

 private:
  std::string path_;
  int file_ = -1;
};

}  // namespace planewise::calibration
