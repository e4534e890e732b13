#include "workload/training.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/check.h"
#include "model/model_size.h"
#include "workload/operator_time.h"
#include "workload/operators.h"
#include "workload/rank_grid.h"
#include "workload/training_blocks.h"
#include "workload/training_labels.h"
#include "workload/training_steps.h"
#include "workload/training_transfers.h"

namespace planewise::workload {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }

/// Builds one job's program, pipeline rank by pipeline rank.
class TrainingBuilder {
 public:
  TrainingBuilder(const TrainingInput& in, const Placement& placement)
      : in_(in),
        placement_(placement),
        plan_(job_plan(in.job)),
        grid_(in.job.parallel),
        size_(model::model_size(in.model)),
        contents_(model::stage_contents(in.model, in.job.parallel.layers_per_stage)),
        labels_(in.job, in.model, in.profile, label_shape()),
        blocks_(in.job, in.model, in.profile) {}

  Program build() {
    const int pipelines = in_.job.parallel.pipeline;
    program_.stage_of_rank.resize(at(grid_.rank_count()));
    for (int rank = 0; rank < grid_.rank_count(); ++rank) {
      program_.stage_of_rank[at(rank)] = grid_.place(rank).pipeline;
    }
    add_loads();
    TransferBuilder transfers({.job = in_.job,
                               .model = in_.model,
                               .nodes = in_.nodes,
                               .grid = grid_,
                               .placement = placement_,
                               .labels = labels_,
                               .seed = in_.seed},
                              program_);
    for (int p = 0; p < pipelines; ++p) {
      const PipelineHolding holding = holding_of(p);
      program_.stages.push_back(stage_program(holding));
      add_transfers(holding, transfers);
    }
    if (has_expert_exchanges() && labels_.shape().by_layer) add_drawn_experts(transfers);
    if (labels_.fixed().embedding_gradient >= 0) {
      transfers.add_embedding(static_cast<double>(size_.input_embedding));
    }
    transfers.add_gradient_norm();
    program_.labels = labels_.labels();
    program_.blocks = blocks_.take();
    return std::move(program_);
  }

 private:
  bool has_pairs() const { return in_.job.schedule == spec::Schedule::dualpipe; }
  bool has_expert_exchanges() const { return in_.model.moe && in_.job.parallel.expert > 1; }
  bool mtp_is_moe() const { return in_.model.moe.has_value(); }

  LabelShape label_shape() const {
    LabelShape shape{.chunks = plan_.chunk_count(),
                     .by_layer = has_expert_exchanges() &&
                                 in_.job.routing.tokens != spec::TokenRouting::balanced,
                     .has_pairs = has_pairs()};
    for (const model::StageContent& content : contents_) {
      shape.most_layers = std::max(shape.most_layers, moe_layers(content));
    }
    return shape;
  }

  int moe_layers(const model::StageContent& content) const {
    return static_cast<int>(content.moe_layers) + (content.mtp && mtp_is_moe() ? 1 : 0);
  }

  const model::StageContent& content(int pipeline, int chunk) const {
    return contents_[at(plan_.stage(pipeline, chunk))];
  }

  void add_loads() {
    if (!labels_.shape().by_layer) return;
    program_.loads.assign(at(labels_.shape().chunks * labels_.shape().most_layers),
                          std::vector<double>(at(grid_.rank_count()), 1.0));
  }

  PipelineHolding holding_of(int pipeline) const {
    const spec::ParallelSpec& p = in_.job.parallel;
    PipelineHolding holding{.pipeline = pipeline,
                            .mate = has_pairs() ? p.pipeline - 1 - pipeline : pipeline};
    for (int chunk = 0; chunk < plan_.chunk_count(); ++chunk) {
      const model::StageContent& held = content(pipeline, chunk);
      const model::RankParameters parameters = model::rank_parameters(
          held, size_, {.tensor = p.tensor, .expert = p.expert, .expert_tensor = p.expert_tensor});
      holding.parameters.shared += parameters.shared;
      holding.parameters.expert += parameters.expert;
      holding.layers += held.dense_layers + held.moe_layers + (held.mtp ? 1 : 0);
    }
    return holding;
  }

  ChunkPlace chunk_place(int pipeline, int chunk) const {
    const int stage = plan_.stage(pipeline, chunk);
    return {.chunk = chunk,
            .units = stage_units(contents_[at(stage)], mtp_is_moe()),
            .is_first = stage == 0,
            .is_last = stage + 1 == plan_.stage_count(),
            .forward_from = plan_.neighbour_chunk(pipeline, chunk, -1),
            .backward_from = plan_.neighbour_chunk(pipeline, chunk, +1)};
  }

  /// Parameters that a rank updates: its part of what it holds.
  double updated(const PipelineHolding& holding) const {
    const spec::ParallelSpec& p = in_.job.parallel;
    if (in_.job.optimizer.sharding == spec::Sharding::none) {
      return holding.parameters.shared + holding.parameters.expert;
    }
    const double copies = has_pairs() ? 2 : 1;
    const double replicas = copies * p.context * p.data;
    const double expert_replicas =
        copies * static_cast<double>(p.ranks_per_stage()) / p.expert / p.expert_tensor;
    return holding.parameters.shared / replicas + holding.parameters.expert / expert_replicas;
  }

  StageProgram stage_program(const PipelineHolding& holding);
  void add_transfers(const PipelineHolding& holding, TransferBuilder& transfers);
  int moe_layers_before(int stage) const;
  void add_drawn_experts(TransferBuilder& transfers);

  const TrainingInput& in_;
  const Placement& placement_;
  PipelinePlan plan_;
  RankGrid grid_;
  model::ModelSize size_;
  std::vector<model::StageContent> contents_;
  JobLabels labels_;
  BlockTable blocks_;
  Program program_;
};

/// Chunks of one pipeline rank, each made once, and its slots.
class StageWriter {
 public:
  StageWriter(const StepContext& context, const PipelinePlan& plan, int pipeline,
              std::vector<ChunkPlace> places)
      : context_(context),
        slots_(plan.slots[at(pipeline)]),
        places_(std::move(places)),
        forwarded_(places_.size(), false),
        backwards_left_(places_.size(), 0) {
    for (const PipelineSlot& slot : slots_) {
      if (slot.pass == Pass::backward) backwards_left_[at(slot.chunk)] += 1;
    }
  }

  void add_slots() {
    for (const PipelineSlot& slot : slots_) add(slot);
  }

  void add_chunk(Phase phase, std::string name, std::vector<Step> steps) {
    program_.slots.push_back({phase, static_cast<int>(program_.chunks.size())});
    program_.chunks.push_back({.name = std::move(name), .steps = std::move(steps)});
  }

  StageProgram take() { return std::move(program_); }

 private:
  /// What tells chunks apart: the pass, its chunks, and whether parameters or gradients move in it.
  struct Key {
    Pass pass;
    int chunk;
    int other;
    DataExchange data;
    auto operator<=>(const Key&) const = default;
  };

  void add(const PipelineSlot& slot) {
    const Key key{slot.pass, slot.chunk, slot.other, data_of(slot)};
    auto known = known_.find(key);
    if (known == known_.end()) {
      known = known_.emplace(key, static_cast<int>(program_.chunks.size())).first;
      program_.chunks.push_back({.name = name_of(slot), .steps = steps_of(slot, key.data)});
    }
    program_.slots.push_back({slot.phase, known->second});
  }

  DataExchange data_of(const PipelineSlot& slot) {
    const spec::OverlapSpec& overlap = context_.job.overlap;
    if (context_.job.optimizer.sharding == spec::Sharding::fsdp) return DataExchange::sharded;
    if (slot.pass == Pass::forward && !forwarded_[at(slot.chunk)]) {
      forwarded_[at(slot.chunk)] = true;
      if (overlap.parameters) return DataExchange::by_layer;
    }
    if (slot.pass == Pass::backward) {
      backwards_left_[at(slot.chunk)] -= 1;
      if (overlap.gradients && backwards_left_[at(slot.chunk)] == 0) return DataExchange::by_layer;
    }
    return DataExchange::none;
  }

  std::vector<Step> steps_of(const PipelineSlot& slot, DataExchange data) const {
    const ChunkPlace& place = places_[at(slot.chunk)];
    switch (slot.pass) {
      case Pass::forward:
        return forward_steps(context_, place, data);
      case Pass::backward:
      case Pass::backward_input:
        return backward_steps(context_, place, slot.pass, data);
      case Pass::weight:
        return weight_steps(context_, place);
      case Pass::pair:
        return pair_steps(context_, place, places_[at(slot.other)]);
    }
    PW_UNREACHABLE("Pass has five values");
  }

  std::string name_of(const PipelineSlot& slot) const {
    const auto chunk = [&](int c) {
      return places_.size() > 1 ? " " + std::to_string(c) : std::string();
    };
    switch (slot.pass) {
      case Pass::forward:
        return "forward" + chunk(slot.chunk);
      case Pass::backward:
        return "backward" + chunk(slot.chunk);
      case Pass::backward_input:
        return "input backward" + chunk(slot.chunk);
      case Pass::weight:
        return "weight backward" + chunk(slot.chunk);
      case Pass::pair:
        return "forward" + chunk(slot.chunk) + " and backward" + chunk(slot.other);
    }
    PW_UNREACHABLE("Pass has five values");
  }

  const StepContext& context_;
  const std::vector<PipelineSlot>& slots_;
  std::vector<ChunkPlace> places_;
  std::vector<bool> forwarded_;
  std::vector<std::int64_t> backwards_left_;
  std::map<Key, int> known_;
  StageProgram program_;
};

StageProgram TrainingBuilder::stage_program(const PipelineHolding& holding) {
  const int pipeline = holding.pipeline;
  const StepContext context{
      .job = in_.job,
      .labels = labels_,
      .blocks = blocks_,
      .has_shared_experts = in_.model.moe && in_.model.moe->shared_experts > 0};
  std::vector<ChunkPlace> places;
  for (int chunk = 0; chunk < plan_.chunk_count(); ++chunk) {
    places.push_back(chunk_place(pipeline, chunk));
  }
  StageWriter writer(context, plan_, pipeline, std::move(places));
  if (in_.job.overlap.parameters) {
    writer.add_chunk(Phase::forward_1f, "parameters", gather_steps(context, holding.layers));
  }
  writer.add_slots();
  const bool is_end = pipeline == 0 || pipeline + 1 == in_.job.parallel.pipeline;
  writer.add_chunk(
      Phase::optimizer, "optimizer",
      optimizer_steps(context,
                      {.block = blocks_.add_optimizer(updated(holding), pipeline),
                       .layers = holding.layers,
                       .shares_embedding = is_end && labels_.fixed().embedding_gradient >= 0}));
  return writer.take();
}

int TrainingBuilder::moe_layers_before(int stage) const {
  std::int64_t count = 0;
  for (int i = 0; i < stage; ++i) count += contents_[at(i)].moe_layers;
  return static_cast<int>(count);
}

void TrainingBuilder::add_transfers(const PipelineHolding& holding, TransferBuilder& transfers) {
  const int pipeline = holding.pipeline;
  transfers.add_inner_groups(pipeline);
  if (has_expert_exchanges() && !labels_.shape().by_layer) {
    transfers.add_balanced_experts(pipeline);
  }
  for (int chunk = 0; chunk < plan_.chunk_count(); ++chunk) {
    const int next = plan_.neighbour(pipeline, chunk, +1);
    if (next < 0) continue;
    transfers.add_messages(pipeline, next, chunk, plan_.neighbour_chunk(pipeline, chunk, +1));
  }
  if (holding.mate >= pipeline) transfers.add_gradients(holding);
}

/// Layer by layer, since the tokens of one are drawn for all its holders together.
void TrainingBuilder::add_drawn_experts(TransferBuilder& transfers) {
  std::map<int, std::vector<MoeHolder>> holders;
  for (int pipeline = 0; pipeline < in_.job.parallel.pipeline; ++pipeline) {
    for (int chunk = 0; chunk < plan_.chunk_count(); ++chunk) {
      const int before = moe_layers_before(plan_.stage(pipeline, chunk));
      for (int layer = 0; layer < moe_layers(content(pipeline, chunk)); ++layer) {
        holders[before + layer].push_back(
            {.pipeline = pipeline, .position = {.chunk = chunk, .layer = layer}});
      }
    }
  }
  for (const auto& [moe_layer, held_by] : holders) transfers.add_drawn_experts(moe_layer, held_by);
}

}  // namespace

PipelinePlan job_plan(const spec::JobSpec& job) {
  return pipeline_plan({.schedule = job.schedule,
                        .ranks = job.parallel.pipeline,
                        .chunks = job.parallel.virtual_stages,
                        .micro_batches = job.batch.micro_batches});
}

ProfileNeeds training_needs(const spec::JobSpec& job, const spec::ModelSpec& model) {
  std::vector<Block> blocks = job_blocks(job, model);
  blocks.push_back(optimizer_update(1, job.optimizer));
  return {.operators = operator_ids(blocks), .collectives = job_collectives(job, model)};
}

Placement place_job(const spec::ParallelSpec& parallel, int gpus_per_node) {
  if (!parallel.gpu_of_rank.empty()) {
    return {.gpus_per_node = gpus_per_node, .gpu_of_rank = parallel.gpu_of_rank};
  }
  if (parallel.layout == spec::GroupLayout::packed) {
    return place_in_part(parallel.ranks(),
                         {.gpus_per_node = gpus_per_node,
                          .ranks_per_node = spec::ranks_per_node(parallel, gpus_per_node)});
  }
  return place_apart(parallel.ranks(), parallel.expert, gpus_per_node);
}

std::optional<ExpertRefusal> refuse_experts(const spec::JobSpec& job, const spec::ModelSpec& model,
                                            int gpus_per_node) {
  if (!model.moe || job.parallel.expert == 1) return std::nullopt;
  const Placement placement = place_job(job.parallel, gpus_per_node);
  const RankGrid grid(job.parallel);
  std::optional<GroupShape> first;
  for (int pipeline = 0; pipeline < job.parallel.pipeline; ++pipeline) {
    for (const std::vector<int>& group : grid.expert_groups(pipeline)) {
      const bool is_even = !by_node(group, placement).empty();
      if (is_even && !first) first = group_shape(group, placement);
      if (is_even && group_shape(group, placement) == *first) continue;
      return ExpertRefusal{
          .reason = "the expert group of rank " + std::to_string(group.front()) +
                    " has unlike numbers of ranks on its nodes, or lies unlike the others",
          .hint = "place expert groups alike, with as many ranks on each of their nodes"};
    }
  }
  const bool by_nodes = job.routing.transport == spec::TokenTransport::node_limited;
  const int nodes = std::min(job.routing.nodes_per_token, first->nodes);
  const int on_node = model.moe->routed_experts / first->nodes;
  if (!by_nodes || model.moe->experts_per_token <= nodes * on_node) return std::nullopt;
  return ExpertRefusal{
      .reason = std::to_string(model.moe->experts_per_token) + " experts a token do not fit " +
                std::to_string(nodes) + " nodes of " + std::to_string(on_node) + " experts",
      .hint = "use more nodes a token ('routing.nodes_per_token'), or fewer ranks an expert group"};
}

Program training_program(const TrainingInput& in, const Placement& placement) {
  return TrainingBuilder(in, placement).build();
}

}  // namespace planewise::workload
