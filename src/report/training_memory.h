// Memory of every pipeline rank of a job; it needs no fabric and no simulation.
#pragma once

#include <string>
#include <vector>

#include "model/memory.h"
#include "spec/job.h"
#include "spec/model.h"
#include "spec/profile.h"

namespace planewise::report {

struct JobMemory {
  std::string workload{};
  std::string model{};
  std::string gpu{};  ///< The profile's name for it.
  Bytes gpu_memory{};
  std::vector<model::Memory> by_pipeline{};  ///< [pipeline rank]; ranks of one are equal.

  /// The pipeline rank that holds the most; the first of several.
  std::size_t fullest() const;
  bool fits() const { return by_pipeline[fullest()].fits; }
};

/// Memory by model::rank_memory, with as many micro-batches in flight as the schedule has at most.
///
/// Requires that the job passed the checks of spec/check_job.h.
JobMemory job_memory(const spec::JobSpec& job, const spec::ModelSpec& model,
                     const spec::ProfileSpec& profile);

}  // namespace planewise::report
