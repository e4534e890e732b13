// Logs of other benchmarks as raw points.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "calibration/raw/record.h"
#include "spec/input_error.h"

namespace planewise::calibration {

/// What a log does not say of itself.
struct ImportOptions {
  std::optional<Operation> operation{};  ///< nccl-tests before 2.17 do not print which test it is.
  int ranks = 0;                         ///< 0: from the log.
  int ranks_per_node = 0;                ///< 0: from the log, else 8.
  // Of DeepEP's tests, whose defaults these are.
  std::int64_t tokens =
      0;  ///< 0: from the log, else 4096 of normal and 128 of low-latency kernels.
  std::int64_t hidden = 7168;
  int experts = 256;
  int experts_per_token = 8;
  std::string version{};  ///< Of this program.
};

struct ImportedLog {
  EnvironmentRecord environment{};
  ClusterRecord cluster{};
  std::vector<CommPointRecord> points{};
  std::vector<std::string> notes{};
};

/// Sets what all imported logs have alike, keys and repetitions. `log` is the file's name.
void finish_import(const std::string& log, const std::string& version, ImportedLog& imported);

/// Text of nccl-tests (2.0 to 2.19), or JSON of its -J. Times are out-of-place, streaming. Mistakes
/// go to `diagnostics` with their line.
ImportedLog read_nccl_tests(const std::string& path, const ImportOptions& options,
                            spec::Diagnostics& diagnostics);

/// What DeepEP's test_intranode.py, test_internode.py and test_low_latency.py print (V1, February
/// 2025 on). Of the normal kernels the best of their tuning; of low-latency kernels the slowest
/// rank's mean. Where a log has a rate and no time, the time follows from the bytes that DeepEP
/// counts, and the point's source says so.
ImportedLog read_deepep(const std::string& path, const ImportOptions& options,
                        spec::Diagnostics& diagnostics);

}  // namespace planewise::calibration
