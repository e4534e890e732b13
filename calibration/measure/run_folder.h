// The folder of a run: who may write in it, and what is there already.
#pragma once

#include <optional>
#include <string>

#include "calibration/raw/record.h"

namespace planewise::calibration {

/// Holds a folder for one process, for as long as it lives.
class FolderLock {
 public:
  /// Makes `folder` if there is none. Throws spec::InputError if another process holds it, and
  /// std::system_error if the disk fails.
  explicit FolderLock(const std::string& folder);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int file_ = -1;
};

/// Renames `path` to `path.1`, or to the first number that is free, and returns that name; empty if
/// there is no `path`. Throws std::system_error.
std::string move_aside(const std::string& path);

/// The raw file that a run goes on with; nothing if there is none, or none with a whole line.
/// Throws spec::InputError if it cannot be read, or if its points would not go with those of `now`:
/// another GPU, driver, library or model. The mistakes name every field that differs.
std::optional<RawFile> resumable_file(const std::string& path, const EnvironmentRecord& now);

/// Throws spec::InputError if `before` has points of other ranks than those of `now`.
void require_cluster(const RawFile& before, const ClusterRecord& now);

}  // namespace planewise::calibration
