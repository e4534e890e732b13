#include "spec/job.h"

#include <fmt/format.h>

#include <algorithm>

#include "spec/expert_counts.h"
#include "spec/job_parts.h"
#include "spec/placement_file.h"
#include "spec/read.h"
#include "spec/read_file.h"

namespace planewise::spec {
namespace {

constexpr std::int64_t kMostSlots = 10'000'000;  // Micro-batches of all stages; kept in memory.

/// What a step may add up to; tokens a step stay within 63 bits.
void check_size(const JobSpec& job, MapReader& batch, const MapReader& parallel) {
  const std::int64_t slots = job.batch.micro_batches * job.parallel.pipeline;
  const bool known = batch.read_well({"micro_batches", "global_batch"}) &&
                     parallel.read_well({"pipeline", "data"});
  if (known && slots > kMostSlots) {
    batch.error(batch.has("global_batch") ? "global_batch" : "micro_batches",
                fmt::format("{} micro-batches x {} stages = {}; the most is {}",
                            job.batch.micro_batches, job.parallel.pipeline, slots, kMostSlots));
  }
  constexpr double kMostTokens = 1e18;
  const double tokens = static_cast<double>(job.batch.tokens_per_micro_batch()) *
                        static_cast<double>(job.batch.micro_batches) * job.parallel.data;
  if (tokens > kMostTokens) {
    batch.error("sequence_length",
                fmt::format("{:.1e} tokens a step; the most is {:.0e}", tokens, kMostTokens));
  }
}

/// What a schedule needs of the number of micro-batches.
void check_batches(const JobSpec& job, MapReader& batch, const MapReader& parallel) {
  const bool known = batch.read_well({"micro_batches", "global_batch"}) &&
                     parallel.read_well({"pipeline", "data"});
  if (!known) return;
  const std::int64_t count = job.batch.micro_batches;
  const std::int64_t ranks = job.parallel.pipeline;
  const std::string key = batch.has("global_batch") ? "global_batch" : "micro_batches";
  if (job.schedule == Schedule::dualpipe && (count % 2 != 0 || count < 2 * ranks)) {
    batch.error(key,
                fmt::format("{} micro-batches a pipeline; dualpipe over {} ranks needs an even "
                            "number, at least {}",
                            count, ranks, 2 * ranks));
  }
  if (job.schedule == Schedule::interleaved_one_f_one_b && count % ranks != 0) {
    batch.error(key, fmt::format("{} micro-batches a pipeline; interleaved_1f1b needs a multiple "
                                 "of its {} ranks",
                                 count, ranks));
  }
}

}  // namespace

int ranks_per_node(const ParallelSpec& parallel, int gpus) {
  const std::int64_t group = std::max<std::int64_t>(
      parallel.tensor, std::int64_t{parallel.expert} * parallel.expert_tensor);
  for (int ranks = gpus; ranks > 1; --ranks) {
    if (group % ranks == 0 || ranks % group == 0) return ranks;
  }
  return 1;
}

JobSpec read_job(Document document, Diagnostics& diagnostics) {
  JobSpec read = read_document<JobSpec>(
      std::move(document), kWorkloadFile, diagnostics, [](JobSpec& job, MapReader& root) {
        enum class Phase { training, traffic, inference };
        job.name = root.text("name");
        job.source = root.text("source");
        root.choice<Phase>("phase", {{"training", Phase::training},
                                     {"traffic", Phase::traffic},
                                     {"inference", Phase::inference}});
        if (!root.read_well({"phase"})) {  // what the other keys are hangs on it
          root.allow({"model",         "profile",       "schedule",        "precision",
                      "recomputation", "batch",         "parallel",        "routing",
                      "optimizer",     "overlap",       "ranks",           "size_spread",
                      "repeat",        "steps",         "kv_cache",        "expert_memory",
                      "memory_share",  "requests",      "prefix_hit_rate", "decode",
                      "prefill",       "disaggregated", "gpu_hour",        "gpu_hour_source"});
          return;
        }
        job.model_path = root.file("model");
        job.profile_path = root.file("profile");
        job.schedule = read_schedule(root, "schedule");
        job.precision = read_precision(root, "precision");
        job.recomputation = read_recomputation(root, "recomputation");
        MapReader batch = root.map("batch");
        MapReader parallel = root.map("parallel");
        job.parallel = read_parallel(parallel, job.schedule);
        job.batch = read_batch(batch, job.parallel, parallel.read_well({"data"}));
        job.has_routing = root.has("routing");
        if (job.has_routing) job.routing = read_routing(root.map("routing"));
        job.optimizer = read_optimizer(root.map("optimizer"));
        if (root.has("overlap")) job.overlap = read_overlap(root.map("overlap"));
        check_batches(job, batch, parallel);
        check_size(job, batch, parallel);
      });
  ParallelSpec& parallel = read.parallel;
  if (!parallel.placement_path.empty() && diagnostics.empty()) {
    PlacementFile file = read_placement(parallel.placement_path, parallel.ranks(), diagnostics);
    parallel.gpu_of_rank = std::move(file.gpu_of_rank);
    read.tables.push_back(std::move(file.origin));
  }
  if (!read.routing.counts_path.empty() && diagnostics.empty()) {
    ExpertCounts file = read_expert_counts(read.routing.counts_path, diagnostics);
    read.routing.counts = std::move(file.tokens);
    read.tables.push_back(std::move(file.origin));
  }
  return read;
}

JobSpec read_job(const std::string& path, Diagnostics& diagnostics) {
  return read_job(load_document(path, diagnostics), diagnostics);
}

}  // namespace planewise::spec
