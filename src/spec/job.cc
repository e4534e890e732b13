#include "spec/job.h"

#include <fmt/format.h>

#include "spec/read.h"
#include "spec/read_file.h"

namespace planewise::spec {
namespace {

constexpr IntegerRange kTokens{.min = 1, .max = 100'000'000};
constexpr IntegerRange kRanks{.min = 1, .max = 1'000'000};
constexpr std::int64_t kMostExpertRanks = 4096;  // Each sends to every node of its group.
constexpr std::int64_t kMostSlots = 10'000'000;  // Micro-batches of all stages; kept in memory.

BatchSpec read_batch(MapReader& map) {
  BatchSpec batch;
  batch.sequence_length = map.integer("sequence_length", kTokens);
  batch.sequences_per_micro_batch =
      map.integer("sequences_per_micro_batch", {.min = 1, .max = 4096});
  batch.micro_batches = map.integer("micro_batches", {.min = 1, .max = 1'000'000});
  batch.source = map.text("source");
  return batch;
}

ParallelSpec read_parallel(MapReader& map) {
  ParallelSpec parallel;
  parallel.pipeline = map.small_integer("pipeline", kRanks);
  parallel.data = map.small_integer("data", kRanks);
  parallel.expert = map.small_integer("expert", {.min = 1, .max = kMostExpertRanks});
  parallel.layers_per_stage = map.integers("layers_per_stage", {.min = 0, .max = 100'000});
  parallel.layout = read_group_layout(map, "layout");
  parallel.source = map.text("source");
  const auto stages = static_cast<std::size_t>(parallel.pipeline);
  if (map.read_well({"pipeline", "layers_per_stage"}) &&
      parallel.layers_per_stage.size() != stages) {
    map.error("layers_per_stage",
              fmt::format("{} numbers for {} stages", parallel.layers_per_stage.size(), stages),
              "write one number a stage");
  }
  if (map.read_well({"data", "expert"}) && parallel.data % parallel.expert != 0) {
    map.error("expert", fmt::format("{} ranks a stage do not divide into expert groups of {}",
                                    parallel.data, parallel.expert));
  }
  if (map.read_well({"pipeline", "data"}) && parallel.ranks() > kRanks.max) {
    map.error("data", fmt::format("{} stages x {} ranks = {} ranks; the most is {}",
                                  parallel.pipeline, parallel.data, parallel.ranks(), kRanks.max));
  }
  return parallel;
}

MoeRoutingSpec read_routing(MapReader map) {
  MoeRoutingSpec routing;
  routing.tokens = map.choice<TokenRouting>("tokens", {{"balanced", TokenRouting::balanced}});
  routing.nodes_per_token = map.small_integer("nodes_per_token", {.min = 1, .max = 1024});
  routing.source = map.text("source");
  return routing;
}

OptimizerSpec read_optimizer(MapReader map) {
  OptimizerSpec optimizer;
  constexpr IntegerRange kElement{.min = 1, .max = 8};
  optimizer.gradient_bytes = map.small_integer("gradient_bytes", kElement);
  optimizer.parameter_bytes = map.small_integer("parameter_bytes", kElement);
  optimizer.master_bytes = map.small_integer("master_bytes", kElement);
  optimizer.moment_bytes = map.small_integer("moment_bytes", kElement);
  optimizer.source = map.text("source");
  return optimizer;
}

/// What a step may add up to; tokens a step stay within 63 bits.
void check_size(const JobSpec& job, MapReader& batch, const MapReader& parallel) {
  const std::int64_t slots = job.batch.micro_batches * job.parallel.pipeline;
  const bool known = batch.read_well({"micro_batches"}) && parallel.read_well({"pipeline"});
  if (known && slots > kMostSlots) {
    batch.error("micro_batches",
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

}  // namespace

JobSpec read_job(Document document, Diagnostics& diagnostics) {
  return read_document<JobSpec>(
      std::move(document), kWorkloadFile, diagnostics, [](JobSpec& job, MapReader& root) {
        enum class Phase { training, traffic };
        job.name = root.text("name");
        job.source = root.text("source");
        root.choice<Phase>("phase", {{"training", Phase::training}, {"traffic", Phase::traffic}});
        if (!root.read_well({"phase"})) {  // what the other keys are hangs on it
          root.allow({"model", "profile", "schedule", "batch", "parallel", "routing", "optimizer",
                      "ranks", "size_spread", "repeat", "steps"});
          return;
        }
        job.model_path = root.file("model");
        job.profile_path = root.file("profile");
        job.schedule = root.choice<Schedule>("schedule", {{"1f1b", Schedule::one_f_one_b}});
        MapReader batch = root.map("batch");
        job.batch = read_batch(batch);
        MapReader parallel = root.map("parallel");
        job.parallel = read_parallel(parallel);
        job.routing = read_routing(root.map("routing"));
        job.optimizer = read_optimizer(root.map("optimizer"));
        check_size(job, batch, parallel);
      });
}

JobSpec read_job(const std::string& path, Diagnostics& diagnostics) {
  return read_job(load_document(path, diagnostics), diagnostics);
}

}  // namespace planewise::spec
