#include "workload/training.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/check.h"
#include "workload/element_size.h"
#include "workload/operator_time.h"
#include "workload/operators.h"
#include "workload/schedule.h"
#include "workload/traffic.h"

namespace planewise::workload {
namespace {

/// Indexes into Program::blocks; one optimizer block a stage follows the last.
enum BlockIndex : int {
  kAttentionForward,
  kAttentionBackward,
  kAttentionWeight,
  kRouterForward,
  kRouterBackward,
  kGradientQuantise,
  kMoeForward,
  kMoeBackward,
  kMoeWeight,
  kDenseForward,
  kDenseBackward,
  kDenseWeight,
  kEmbeddingForward,
  kEmbeddingBackward,
  kHeadForward,
  kHeadBackward,
  kHeadWeight,
  kMtpForward,
  kMtpBackward,
  kMtpWeight,
  kFirstOptimizer,
};

/// Indexes into Program::labels, in the order of make_labels().
enum LabelIndex : int {
  kDispatch,
  kCombine,
  kForwardMessage,
  kBackwardMessage,
  kGradientNode,
  kGradientRail,
  kExpertGradient,
  kEmbeddingGradient,
  kGradientNorm,
  kParameterRail,
  kParameterNode,
  kExpertParameter,
};

struct LabelText {
  const char* name;
  const char* collective;
  bool is_message;
};
constexpr LabelText kLabels[] = {
    {"dispatch", "ep_dispatch", false},
    {"combine", "ep_combine", false},
    {"pipeline forward", "point_to_point", true},
    {"pipeline backward", "point_to_point", true},
    {"gradients, in the node", "ring", false},
    {"gradients, over the rails", "ring", false},
    {"expert gradients", "ring", false},
    {"shared embedding gradients", "point_to_point", false},
    {"gradient norm", "point_to_point", false},
    {"parameters, over the rails", "ring", false},
    {"parameters, in the node", "ring", false},
    {"expert parameters", "ring", false},
};

std::vector<Block> layer_blocks(const spec::JobSpec& job, const spec::ModelSpec& model) {
  const OperatorInput in{.model = model,
                         .tokens = job.batch.tokens_per_micro_batch(),
                         .sequence_length = job.batch.sequence_length,
                         .expert_ranks = job.parallel.expert};
  return {
      attention_forward(in), attention_backward(in), attention_weight(in),   router_forward(in),
      router_backward(in),   gradient_quantise(in),  moe_forward(in),        moe_backward(in),
      moe_weight(in),        dense_forward(in),      dense_backward(in),     dense_weight(in),
      embedding_forward(in), embedding_backward(in), head_forward(in),       head_backward(in),
      head_weight(in),       mtp_input_forward(in),  mtp_input_backward(in), mtp_input_weight(in)};
}

Step compute(int block) { return {StepKind::compute, block}; }
Step exchange(LabelIndex label) { return {StepKind::exchange, label}; }

/// Stage by stage: where it stands in the pipeline decides what it sends and receives.
struct StagePlace {
  StageContent content{};
  bool first = false;
  bool last = false;
};

void append(std::vector<Step>& steps, std::initializer_list<Step> more) {
  steps.insert(steps.end(), more.begin(), more.end());
}

void append_moe_forward(std::vector<Step>& steps) {
  append(steps, {compute(kAttentionForward), compute(kRouterForward), exchange(kDispatch),
                 compute(kMoeForward), exchange(kCombine)});
}

/// The backward of combine is a dispatch, and the other way round (DeepEP).
void append_moe_backward(std::vector<Step>& steps) {
  append(steps, {compute(kGradientQuantise), exchange(kDispatch), compute(kMoeBackward),
                 exchange(kCombine), compute(kMoeWeight), compute(kRouterBackward),
                 compute(kAttentionBackward), compute(kAttentionWeight)});
}

Chunk forward_chunk(const StagePlace& stage) {
  Chunk chunk{.name = "forward"};
  std::vector<Step>& steps = chunk.steps;
  if (!stage.first) steps.push_back({StepKind::receive, kForwardMessage});
  if (stage.content.embedding) steps.push_back(compute(kEmbeddingForward));
  for (std::int64_t i = 0; i < stage.content.dense_layers; ++i) {
    append(steps, {compute(kAttentionForward), compute(kDenseForward)});
  }
  for (std::int64_t i = 0; i < stage.content.moe_layers; ++i) append_moe_forward(steps);
  if (stage.content.head) steps.push_back(compute(kHeadForward));
  if (stage.content.mtp) {
    steps.push_back(compute(kMtpForward));
    append_moe_forward(steps);
    steps.push_back(compute(kHeadForward));
  }
  if (!stage.last) steps.push_back({StepKind::send, kForwardMessage});
  return chunk;
}

Chunk backward_chunk(const StagePlace& stage) {
  Chunk chunk{.name = "backward"};
  std::vector<Step>& steps = chunk.steps;
  if (!stage.last) steps.push_back({StepKind::receive, kBackwardMessage});
  if (stage.content.mtp) {
    append(steps, {compute(kHeadBackward), compute(kHeadWeight)});
    append_moe_backward(steps);
    append(steps, {compute(kMtpBackward), compute(kMtpWeight)});
  }
  if (stage.content.head) append(steps, {compute(kHeadBackward), compute(kHeadWeight)});
  for (std::int64_t i = 0; i < stage.content.moe_layers; ++i) append_moe_backward(steps);
  for (std::int64_t i = 0; i < stage.content.dense_layers; ++i) {
    append(steps, {compute(kDenseBackward), compute(kDenseWeight), compute(kAttentionBackward),
                   compute(kAttentionWeight)});
  }
  if (stage.content.embedding) steps.push_back(compute(kEmbeddingBackward));
  if (!stage.first) steps.push_back({StepKind::send, kBackwardMessage});
  return chunk;
}

/// True if first and last stage each hold the embedding, whose gradients must then be added up.
bool shares_embedding(const spec::JobSpec& job, const spec::ModelSpec& model) {
  return job.parallel.pipeline > 1 && (model.mtp_depth > 0 || model.tied_embedding);
}

/// Ranks of a stage by node, rail and place in the expert group.
struct Groups {
  const spec::ParallelSpec& parallel;
  int gpus;

  int rank(int stage, int replica) const { return stage * parallel.data + replica; }
  int nodes() const { return parallel.data / gpus; }
  int expert_replicas() const { return parallel.data / parallel.expert; }

  std::vector<int> expert_group(int stage, int group) const {
    std::vector<int> ranks;
    for (int i = 0; i < parallel.expert; ++i)
      ranks.push_back(rank(stage, group * parallel.expert + i));
    return ranks;
  }
  std::vector<int> node(int stage, int node_index) const {
    std::vector<int> ranks;
    for (int i = 0; i < gpus; ++i) ranks.push_back(rank(stage, node_index * gpus + i));
    return ranks;
  }
  std::vector<int> rail(int stage, int local) const {
    std::vector<int> ranks;
    for (int i = 0; i < nodes(); ++i) ranks.push_back(rank(stage, i * gpus + local));
    return ranks;
  }
  std::vector<int> same_experts(int stage, int place) const {
    std::vector<int> ranks;
    for (int i = 0; i < expert_replicas(); ++i)
      ranks.push_back(rank(stage, i * parallel.expert + place));
    return ranks;
  }
};

/// Adds the instances of every label to a program.
class TransferBuilder {
 public:
  TransferBuilder(const TrainingInput& in, const Placement& placement, Program& program)
      : in_(in),
        placement_(placement),
        program_(program),
        groups_{in.job.parallel, placement.gpus_per_node} {}

  void add_expert_exchanges(int stage) {
    const double hidden = in_.model.hidden;
    for (int group = 0; group < groups_.expert_replicas(); ++group) {
      add_expert_exchange(kDispatch, groups_.expert_group(stage, group), hidden * kFp8);
      add_expert_exchange(kCombine, groups_.expert_group(stage, group), hidden * kBf16);
    }
  }

  void add_messages(int stage) {
    const Bytes payload = bytes(static_cast<double>(in_.job.batch.tokens_per_micro_batch()) *
                                in_.model.hidden * kBf16);
    for (int replica = 0; replica < in_.job.parallel.data; ++replica) {
      const int here = groups_.rank(stage, replica);
      const int next = groups_.rank(stage + 1, replica);
      add_message(kForwardMessage, here, next, payload);
      add_message(kBackwardMessage, next, here, payload);
    }
  }

  /// Reduce-scatter of gradients and all-gather of parameters: hierarchical (NVLink ring, then a
  /// ring on each rail over its share) for what every rank of the stage holds, one ring for
  /// experts.
  void add_optimizer_exchanges(int stage, const RankParameters& parameters) {
    const spec::OptimizerSpec& o = in_.job.optimizer;
    for (const bool gather : {false, true}) {
      const double element = gather ? o.parameter_bytes : o.gradient_bytes;
      for (int node = 0; node < groups_.nodes(); ++node) {
        add_ring(gather ? kParameterNode : kGradientNode, groups_.node(stage, node),
                 parameters.shared * element);
      }
      for (int local = 0; local < groups_.gpus; ++local) {
        add_ring(gather ? kParameterRail : kGradientRail, groups_.rail(stage, local),
                 parameters.shared * element / groups_.gpus);
      }
      for (int place = 0; place < in_.job.parallel.expert; ++place) {
        add_ring(gather ? kExpertParameter : kExpertGradient, groups_.same_experts(stage, place),
                 parameters.expert * element);
      }
    }
  }

  /// Each rank of the first and last stage swaps its share of the embedding's gradients with the
  /// other.
  void add_embedding_exchange(const model::ModelSize& size) {
    const spec::CollectiveCurve& curve = curve_of(kEmbeddingGradient);
    const Bytes share = bytes(static_cast<double>(size.input_embedding) / in_.job.parallel.data *
                              in_.job.optimizer.gradient_bytes);
    for (int replica = 0; replica < in_.job.parallel.data; ++replica) {
      const int first = groups_.rank(0, replica);
      const int last = groups_.rank(in_.job.parallel.pipeline - 1, replica);
      program_.transfers.push_back({.label = kEmbeddingGradient,
                                    .members = {first, last},
                                    .flows = {wire_flow(first, last, share, placement_, curve),
                                              wire_flow(last, first, share, placement_, curve)},
                                    .latency = curve.latency});
    }
  }

  /// A sum of one number over all ranks, up and down a binary tree: latency only.
  void add_gradient_norm() {
    const auto ranks = static_cast<unsigned>(program_.rank_count());
    const auto depth = static_cast<double>(std::bit_width(ranks - 1));
    Transfer norm{.label = kGradientNorm, .tail = 2 * depth * curve_of(kGradientNorm).latency};
    for (int rank = 0; rank < program_.rank_count(); ++rank) norm.members.push_back(rank);
    program_.transfers.push_back(std::move(norm));
  }

 private:
  const spec::CollectiveCurve& curve_of(LabelIndex label) const {
    const auto* curve = spec::find_collective(in_.profile, kLabels[label].collective);
    PW_CHECK(curve != nullptr);
    return *curve;
  }

  void add_expert_exchange(LabelIndex label, std::vector<int> ranks, double bytes_per_token) {
    const spec::CollectiveCurve& curve = curve_of(label);
    const spec::MoeSpec& moe = *in_.model.moe;
    const MoeTraffic traffic{.ranks = std::move(ranks),
                             .tokens = static_cast<double>(in_.job.batch.tokens_per_micro_batch()),
                             .nodes_per_token = in_.job.routing.nodes_per_token,
                             .experts_per_token = moe.experts_per_token,
                             .routed_experts = moe.routed_experts,
                             .bytes_per_token = bytes_per_token};
    std::vector<RankFlow> flows = dispatch_flows(traffic, placement_, curve);
    // The last chunk crosses its second hop after everything else has arrived.
    const Seconds tail = bytes(static_cast<double>(curve.chunk_tokens) * bytes_per_token) /
                         (in_.nodes.nvlink_rate * curve.nvlink_efficiency);
    program_.transfers.push_back({.label = label,
                                  .members = traffic.ranks,
                                  .flows = label == kCombine ? reversed(std::move(flows)) : flows,
                                  .latency = curve.latency,
                                  .tail = tail});
  }

  void add_message(LabelIndex label, int source, int destination, Bytes payload) {
    const spec::CollectiveCurve& curve = curve_of(label);
    program_.transfers.push_back(
        {.label = label,
         .members = {source, destination},
         .flows = {wire_flow(source, destination, payload, placement_, curve)},
         .latency = curve.latency});
  }

  /// A ring over n ranks sends (n-1)/n of `size` bytes a rank in n-1 steps.
  void add_ring(LabelIndex label, const std::vector<int>& ranks, double size) {
    const spec::CollectiveCurve& curve = curve_of(label);
    const double steps = static_cast<double>(ranks.size()) - 1;
    const Bytes each = bytes(size * steps / static_cast<double>(ranks.size()));
    program_.transfers.push_back({.label = label,
                                  .members = ranks,
                                  .flows = ring_flows(ranks, each, placement_, curve),
                                  .latency = steps * curve.latency});
  }

  const TrainingInput& in_;
  const Placement& placement_;
  Program& program_;
  Groups groups_;
};

Chunk optimizer_chunk(const StagePlace& stage, int optimizer_block, bool shares) {
  Chunk chunk{.name = "optimizer"};
  append(chunk.steps,
         {exchange(kGradientNode), exchange(kGradientRail), exchange(kExpertGradient)});
  if (shares && (stage.first || stage.last)) chunk.steps.push_back(exchange(kEmbeddingGradient));
  append(chunk.steps, {exchange(kGradientNorm), compute(optimizer_block), exchange(kParameterRail),
                       exchange(kParameterNode), exchange(kExpertParameter)});
  return chunk;
}

StageProgram stage_program(const StagePlace& place, const std::vector<PipelineSlot>& slots,
                           Chunk optimizer) {
  StageProgram program;
  program.chunks = {forward_chunk(place), backward_chunk(place), std::move(optimizer)};
  program.slots.reserve(slots.size() + 1);
  for (const PipelineSlot& slot : slots) {
    program.slots.push_back({slot.phase, slot.pass == Pass::forward ? 0 : 1});
  }
  program.slots.push_back({Phase::optimizer, 2});
  return program;
}

std::vector<Label> make_labels(const spec::ProfileSpec& profile) {
  std::vector<Label> labels;
  for (const LabelText& text : kLabels) {
    const spec::CollectiveCurve* curve = spec::find_collective(profile, text.collective);
    PW_CHECK(curve != nullptr);
    labels.push_back({.name = text.name,
                      .collective = text.collective,
                      .evidence = curve->evidence,
                      .is_message = text.is_message});
  }
  return labels;
}

}  // namespace

ProfileNeeds training_needs(const spec::JobSpec& job, const spec::ModelSpec& model) {
  std::vector<Block> blocks = layer_blocks(job, model);
  blocks.push_back(optimizer_update(1, job.optimizer));
  ProfileNeeds needs{.operators = operator_ids(blocks)};
  for (const LabelText& text : kLabels) {
    const auto found =
        std::find(needs.collectives.begin(), needs.collectives.end(), text.collective);
    if (found == needs.collectives.end()) needs.collectives.emplace_back(text.collective);
  }
  return needs;
}

std::vector<StageContent> stage_contents(const spec::JobSpec& job, const spec::ModelSpec& model) {
  PW_CHECK(model.moe.has_value());
  std::vector<StageContent> stages;
  std::int64_t first_layer = 0;
  for (const std::int64_t layers : job.parallel.layers_per_stage) {
    const std::int64_t dense =
        std::clamp<std::int64_t>(model.moe->first_dense_layers - first_layer, 0, layers);
    stages.push_back({.dense_layers = dense, .moe_layers = layers - dense});
    first_layer += layers;
  }
  stages.front().embedding = true;
  stages.back().head = true;
  stages.back().mtp = model.mtp_depth > 0;
  return stages;
}

RankParameters rank_parameters(const StageContent& stage, const model::ModelSize& size,
                               int expert_ranks) {
  std::int64_t shared = stage.dense_layers * size.dense_layer.non_expert() +
                        stage.moe_layers * size.moe_layer.non_expert();
  std::int64_t experts = stage.moe_layers * size.moe_layer.routed_experts;
  const std::int64_t head = size.head == 0 ? size.input_embedding : size.head;
  if (stage.embedding) shared += size.input_embedding;
  if (stage.head) shared += (stage.embedding && size.head == 0 ? 0 : head) + size.final_norm;
  if (stage.mtp) {
    const model::MtpSize& mtp = size.mtp_module;
    shared += mtp.projection + mtp.norms + mtp.layer.non_expert();
    shared += stage.embedding || size.head == 0 ? 0 : size.input_embedding;
    experts += mtp.layer.routed_experts;
  }
  return {.shared = static_cast<double>(shared),
          .expert = static_cast<double>(experts) / expert_ranks};
}

Placement place_job(const spec::ParallelSpec& parallel, int gpus_per_node) {
  if (parallel.layout == spec::GroupLayout::packed) {
    return place_in_order(parallel.ranks(), gpus_per_node);
  }
  return place_apart(parallel.ranks(), parallel.expert, gpus_per_node);
}

Program training_program(const TrainingInput& in, const Placement& placement) {
  const spec::ParallelSpec& parallel = in.job.parallel;
  const model::ModelSize size = model::model_size(in.model);
  const std::vector<StageContent> contents = stage_contents(in.job, in.model);
  const bool shares = shares_embedding(in.job, in.model);
  Program program;
  program.labels = make_labels(in.profile);
  program.blocks = layer_blocks(in.job, in.model);
  for (int stage = 0; stage < parallel.pipeline; ++stage) {
    program.stage_of_rank.insert(program.stage_of_rank.end(),
                                 static_cast<std::size_t>(parallel.data), stage);
  }
  TransferBuilder transfers(in, placement, program);
  for (int stage = 0; stage < parallel.pipeline; ++stage) {
    const StagePlace place{.content = contents[static_cast<std::size_t>(stage)],
                           .first = stage == 0,
                           .last = stage + 1 == parallel.pipeline};
    const RankParameters parameters = rank_parameters(place.content, size, parallel.expert);
    const int expert_replicas = parallel.data / parallel.expert;
    const double share = parameters.shared / parallel.data + parameters.expert / expert_replicas;
    program.blocks.push_back(optimizer_update(share, in.job.optimizer));
    program.blocks.back().name += ", stage " + std::to_string(stage);
    program.stages.push_back(
        stage_program(place,
                      one_f_one_b_slots({.stage_count = parallel.pipeline,
                                         .stage = stage,
                                         .micro_batches = in.job.batch.micro_batches}),
                      optimizer_chunk(place, kFirstOptimizer + stage, shares)));
    transfers.add_expert_exchanges(stage);
    if (!place.last) transfers.add_messages(stage);
    transfers.add_optimizer_exchanges(stage, parameters);
  }
  if (shares) transfers.add_embedding_exchange(size);
  transfers.add_gradient_norm();
  for (Block& block : program.blocks) time_block(block, in.profile);
  return program;
}

}  // namespace planewise::workload
