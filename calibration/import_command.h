// The subcommand `import`: logs of other benchmarks as raw points.
#pragma once

#include <string>

#include "calibration/import/imported_log.h"
#include "calibration/run_command.h"

namespace planewise::calibration {

struct ImportArguments {
  std::string kind{};  ///< `nccl-tests` or `deepep`.
  std::string log{};
  std::string raw{};  ///< To write.
  ImportOptions options{};
};

/// Writes the raw file, complete or not at all, and prints what the log has.
int run_import_command(const ImportArguments& arguments, const OutputOptions& output);

}  // namespace planewise::calibration
