// One training step of a model under pipeline, tensor, context, expert and data parallelism, as a
// Program.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/stage_size.h"
#include "spec/job.h"
#include "spec/model.h"
#include "spec/profile.h"
#include "spec/topology.h"
#include "workload/placement.h"
#include "workload/program.h"
#include "workload/schedule.h"

namespace planewise::workload {

/// The profile entries that a job needs, for spec::check_profile.
struct ProfileNeeds {
  std::vector<std::string> operators{};
  std::vector<std::string> collectives{};
};
ProfileNeeds training_needs(const spec::JobSpec& job, const spec::ModelSpec& model);

/// The order in which a job's pipeline ranks run.
PipelinePlan job_plan(const spec::JobSpec& job);

/// Where a job's ranks are: by its placement, its layout, or in order.
Placement place_job(const spec::ParallelSpec& parallel, int gpus_per_node);

/// Why a job's expert exchanges cannot be simulated on nodes of so many GPUs, and what would help;
/// empty if they can. Requires that the job passed the checks of spec/check_job.h.
struct ExpertRefusal {
  std::string reason{};
  std::string hint{};
};
std::optional<ExpertRefusal> refuse_experts(const spec::JobSpec& job, const spec::ModelSpec& model,
                                            int gpus_per_node);

struct TrainingInput {
  const spec::JobSpec& job;
  const spec::ModelSpec& model;
  const spec::ProfileSpec& profile;
  const spec::NodesSpec& nodes;
  std::uint64_t seed = 1;  ///< Of the tokens' choices.
};

/// Builds the step. Requires: the inputs passed the checks of spec/check_job.h and check_profile.
Program training_program(const TrainingInput& in, const Placement& placement);

}  // namespace planewise::workload
