#include "report/training_memory.h"

#include <algorithm>

#include "workload/schedule.h"
#include "workload/training.h"

namespace planewise::report {

std::size_t JobMemory::fullest() const {
  const auto less = [](const model::Memory& a, const model::Memory& b) {
    return a.total() < b.total();
  };
  return static_cast<std::size_t>(std::max_element(by_pipeline.begin(), by_pipeline.end(), less) -
                                  by_pipeline.begin());
}

JobMemory job_memory(const spec::JobSpec& job, const spec::ModelSpec& model,
                     const spec::ProfileSpec& profile) {
  const workload::PipelinePlan plan = workload::job_plan(job);
  const auto in_flight = workload::most_in_flight(plan);
  const auto pending = workload::weights_pending_at_peak(plan);
  const auto contents = model::stage_contents(model, job.parallel.layers_per_stage);
  JobMemory memory{.workload = job.name,
                   .model = model.name,
                   .gpu = profile.gpu.name,
                   .gpu_memory = profile.gpu.memory};
  for (int rank = 0; rank < plan.shape.ranks; ++rank) {
    const auto at_rank = static_cast<std::size_t>(rank);
    model::MemoryInput in{.model = model,
                          .job = job,
                          .weights_pending = pending[at_rank],
                          .gpu_memory = profile.gpu.memory};
    for (int chunk = 0; chunk < plan.chunk_count(); ++chunk) {
      in.chunks.push_back({contents[static_cast<std::size_t>(plan.stage(rank, chunk))],
                           in_flight[at_rank][static_cast<std::size_t>(chunk)]});
    }
    memory.by_pipeline.push_back(model::rank_memory(in));
  }
  return memory;
}

}  // namespace planewise::report
