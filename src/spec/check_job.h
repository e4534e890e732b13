// Checks of a training job against its model and the topology. Each mistake points at the key of
// the job that has to change. All require that the files by themselves were read without a mistake.
#pragma once

#include "spec/read.h"

namespace planewise::spec {

/// Fills in what a job may leave to its model: layers_per_stage, if the layers divide evenly.
/// Reports it if they do not.
void complete_job(JobSpec& job, const ModelSpec& model, Diagnostics& diagnostics);

/// The job's parallel sizes, layers and routing fit the model, and together they are something that
/// can be simulated.
void check_job_and_model(const JobSpec& job, const ModelSpec& model, Diagnostics& diagnostics);

/// The topology has a GPU for each of the job's ranks, and its routing can be simulated.
void check_job_and_topology(const JobSpec& job, const TopologySpec& topology,
                            Diagnostics& diagnostics);

}  // namespace planewise::spec
