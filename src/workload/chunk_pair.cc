#include "workload/chunk_pair.h"

#include <initializer_list>
#include <utility>

#include "base/check.h"
#include "workload/rank_grid.h"
#include "workload/training_blocks.h"
#include "workload/training_steps.h"
#include "workload/training_transfers.h"

namespace planewise::workload {
namespace {

spec::JobSpec one_stage(spec::JobSpec job, int moe_layers) {
  job.parallel.pipeline = 1;
  job.parallel.virtual_stages = 1;
  job.parallel.layers_per_stage = {moe_layers};
  job.parallel.gpu_of_rank.clear();
  job.routing.tokens = spec::TokenRouting::balanced;
  return job;
}

Seconds time_of(const BlockTable& blocks, std::initializer_list<std::pair<Piece, Part>> parts) {
  Seconds time{};
  for (const auto& [piece, part] : parts) {
    const int index = blocks.find(piece, part, Setting::paired);
    if (index >= 0) time += blocks.block(index).time;
  }
  return time;
}

/// [phase] As training_steps orders them.
std::array<Seconds, kPairPhaseCount> compute_times(const BlockTable& blocks) {
  using enum Piece;
  const auto pass = [&](Part part) {
    return time_of(blocks, {{attention_in, part}, {attention_core, part}, {attention_out, part}});
  };
  return {
      pass(Part::forward) + time_of(blocks, {{router, Part::forward}}),
      time_of(blocks, {{experts, Part::forward}}),
      time_of(blocks, {{experts, Part::backward}}),
      time_of(blocks, {{experts, Part::weight}}),
      pass(Part::backward) + time_of(blocks, {{router, Part::backward}, {router, Part::weight}}),
      pass(Part::weight)};
}

}  // namespace

ChunkPair chunk_pair(const TrainingInput& in, int moe_layers) {
  PW_CHECK(in.job.schedule == spec::Schedule::dualpipe);
  PW_CHECK(in.model.moe.has_value());
  PW_CHECK(in.job.parallel.expert > 1);
  const spec::JobSpec job = one_stage(in.job, moe_layers);
  const JobLabels labels(job, in.model, in.profile,
                         {.chunks = 2, .most_layers = moe_layers, .has_pairs = true});
  BlockTable blocks(job, in.model, in.profile);
  const StepContext context{.job = job,
                            .labels = labels,
                            .blocks = blocks,
                            .has_shared_experts = in.model.moe->shared_experts > 0};
  // First and last at once: nothing comes in or goes out.
  ChunkPlace place{.is_first = true, .is_last = true};
  for (int layer = 0; layer < moe_layers; ++layer) {
    place.units.push_back({UnitKind::moe_layer, layer});
  }
  ChunkPlace backward = place;
  backward.chunk = 1;

  ChunkPair pair{.parallel = job.parallel};
  const RankGrid grid(job.parallel);
  const Placement placement = place_job(job.parallel, in.nodes.gpus);
  pair.program.stage_of_rank.assign(static_cast<std::size_t>(grid.rank_count()), 0);
  pair.program.stages = {
      {.chunks = {{.name = "pair", .steps = pair_steps(context, place, backward)}},
       .slots = {{Phase::overlapped_1f1b, 0}}}};
  TransferBuilder transfers({.job = job,
                             .model = in.model,
                             .nodes = in.nodes,
                             .grid = grid,
                             .placement = placement,
                             .labels = labels,
                             .seed = in.seed},
                            pair.program);
  transfers.add_inner_groups(0);
  transfers.add_balanced_experts(0);
  pair.compute = compute_times(blocks);
  pair.exchanges = labels.expert({}, Setting::paired);
  pair.program.labels = labels.labels();
  pair.program.blocks = blocks.take();
  return pair;
}

}  // namespace planewise::workload
