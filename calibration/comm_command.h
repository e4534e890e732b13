// The subcommand `comm`: collectives in nccl-tests' terms, and dispatch and combine of tokens.
#pragma once

#include <string>
#include <vector>

#include "calibration/comm/comm_plan.h"
#include "calibration/comm/comm_run.h"
#include "calibration/ranks.h"

namespace planewise::calibration {

struct CommArguments {
  RankOptions ranks{};
  SweepOptions sweep{};
  CommSampling sampling{};
  std::string model = "models/deepseek_v3.yaml";  ///< Of dispatch and combine.
  std::vector<std::int64_t> tokens{128, 4096};    ///< The same: of a rank.
  std::string json{};                             ///< A file for all points; empty: none.
  std::string folder{};                           ///< For raw.jsonl; empty: none.
  std::string version{};
};

/// Prints a table for each group and operation as its points are taken. kCorrectness if anything
/// arrived wrong, kMachine if a rank or the machine fails.
int run_comm_command(const CommArguments& arguments);

/// What is measured on, for raw.jsonl: the backend's machine, and the transport's library.
EnvironmentRecord comm_environment(const RankOptions& options, const Session& session,
                                   const std::string& version);
ClusterRecord cluster_record(const Session& session);

}  // namespace planewise::calibration
