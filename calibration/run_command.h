// The subcommands `plan` and `run`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "calibration/measure/plan.h"
#include "calibration/ranks.h"
#include "calibration/report/tables.h"

namespace planewise::calibration {

struct OutputOptions {
  Format format = Format::text;
  std::string output{};  ///< Empty: standard output.
};

/// What to measure.
struct PlanArguments {
  std::string model = "models/deepseek_v3.yaml";
  PlanOptions options{};
  BackendKind backend = BackendKind::cuda;
};

struct RunArguments {
  PlanArguments plan{};
  RankOptions ranks{};
  std::string placement{};  ///< List of hosts; empty: none.
  std::string folder{};
  std::optional<Seconds> budget{};
  int device = 0;
  std::uint64_t seed = 1;
  bool force_new = false;   ///< Keep an old raw file under another name.
  bool allow_busy = false;  ///< Although others compute on the GPU.
  std::string version{};    ///< Of this program.
};

/// Prints the plan. Throws spec::InputError if the model has no such plan.
int run_plan_command(const PlanArguments& arguments, const OutputOptions& output);

/// Measures into FOLDER/raw.jsonl and prints what came out. Of several ranks the first one measures
/// what a GPU does by itself, and all what they do together. kCorrectness if a check of results
/// failed, kMachine without a GPU that is free.
int run_run_command(const RunArguments& arguments);

}  // namespace planewise::calibration
