// One training step of an MLA/MoE model under pipeline + expert + data parallelism, as a Program.
#pragma once

#include <string>
#include <vector>

#include "model/model_size.h"
#include "spec/job.h"
#include "spec/model.h"
#include "spec/profile.h"
#include "spec/topology.h"
#include "workload/placement.h"
#include "workload/program.h"

namespace planewise::workload {

/// The profile entries that a job needs, for spec::check_profile.
struct ProfileNeeds {
  std::vector<std::string> operators{};
  std::vector<std::string> collectives{};
};
ProfileNeeds training_needs(const spec::JobSpec& job, const spec::ModelSpec& model);

/// What a stage holds. Stage 0 has the embedding; the last has the head and, with MTP, the module
/// and a copy of the embedding.
struct StageContent {
  std::int64_t dense_layers = 0;
  std::int64_t moe_layers = 0;  ///< Without the MTP module's.
  bool embedding = false;
  bool head = false;
  bool mtp = false;
};
std::vector<StageContent> stage_contents(const spec::JobSpec& job, const spec::ModelSpec& model);

/// Parameters that one rank of a stage holds.
struct RankParameters {
  double shared = 0;  ///< The same on every rank of the stage.
  double expert =
      0;  ///< Routed experts; the same on every rank with this place in its expert group.
};
RankParameters rank_parameters(const StageContent& stage, const model::ModelSize& size,
                               int expert_ranks);

/// Where a job's ranks are, by parallel.layout. Requires: expert groups fill nodes.
Placement place_job(const spec::ParallelSpec& parallel, int gpus_per_node);

struct TrainingInput {
  const spec::JobSpec& job;
  const spec::ModelSpec& model;
  const spec::ProfileSpec& profile;
  const spec::NodesSpec& nodes;
};

/// Builds the step. Requires: the inputs passed spec::check_job_and_* and check_profile.
Program training_program(const TrainingInput& in, const Placement& placement);

}  // namespace planewise::workload
