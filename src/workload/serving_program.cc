#include "workload/serving_program.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/check.h"
#include "workload/cached_lengths.h"
#include "workload/expert_placement.h"
#include "workload/operator_time.h"
#include "workload/rank_grid.h"
#include "workload/serving_exchanges.h"
#include "workload/serving_operators.h"

namespace planewise::workload {
namespace {

std::size_t at(ServedPiece piece) { return static_cast<std::size_t>(piece); }

/// Tokens and sequences of one micro-batch of a replica.
struct MicroBatch {
  std::int64_t tokens = 0;
  std::int64_t sequences = 0;
};

/// Of the replica with the most cached tokens: in an exchange of experts all wait for it.
double attended_in_decode(const spec::InferenceSpec& spec, std::int64_t sequences,
                          std::uint64_t seed) {
  const spec::ParallelSpec& p = spec.decode->unit.parallel;
  return most_cached(
      spec.requests,
      {.sequences = sequences, .replicas = std::max(1, p.expert / p.tensor), .seed = seed});
}

ServedInput served_input(const spec::InferenceSpec& spec, const spec::ModelSpec& model,
                         bool is_decode, const MicroBatch& batch, std::uint64_t seed) {
  const spec::MeanRequest mean = spec::mean_request(spec.requests);
  const double hit = spec.prefix_hit_rate;
  return {.model = model,
          .spec = spec,
          .unit = is_decode ? spec.decode->unit : spec.prefill->unit,
          .is_decode = is_decode,
          .tokens = batch.tokens,
          .sequences = batch.sequences,
          .attended = is_decode ? attended_in_decode(spec, batch.sequences, seed)
                                : mean.prompt_square / mean.prompt * (1 + hit) / 2,
          .cached_per_token = is_decode ? 0 : hit / (1 - hit)};
}

/// Indexes of the program's blocks, by piece; -1: none.
using PieceBlocks = std::array<int, kServedPieceCount>;

/// What the writers of steps need of one size of micro-batch.
struct Micro {
  PieceBlocks blocks{};
  ServingLabels labels{};
};

/// Writes the steps of layers.
class LayerWriter {
 public:
  void compute(const Micro& micro, ServedPiece piece) {
    const int block = micro.blocks[at(piece)];
    if (block >= 0) steps_.push_back({StepKind::compute, block});
  }
  void attention_in(const Micro& m) { compute(m, ServedPiece::attention_in); }
  void attention_core(const Micro& m) {
    compute(m, ServedPiece::attention_core);
    exchange(m.labels.tensor_reduce);
  }
  /// What comes before the dispatch of a layer with experts.
  void core_and_router(const Micro& m) {
    attention_core(m);
    compute(m, ServedPiece::router);
  }
  void shared(const Micro& m) { compute(m, ServedPiece::shared); }
  void experts(const Micro& m) { compute(m, ServedPiece::experts); }
  void start_dispatch(const Micro& m) {
    compute(m, ServedPiece::dispatch_send);
    start(m.labels.dispatch);
  }
  void wait_dispatch(const Micro& m) {
    wait(m.labels.dispatch);
    compute(m, ServedPiece::dispatch_receive);
  }
  void start_combine(const Micro& m) {
    compute(m, ServedPiece::combine_send);
    start(m.labels.combine);
  }
  void wait_combine(const Micro& m) {
    wait(m.labels.combine);
    compute(m, ServedPiece::combine_receive);
    if (m.labels.dispatch >= 0) {
      exchange(m.labels.tensor_gather);
    } else {
      exchange(m.labels.tensor_reduce);
    }
  }

  void dense_layer(const Micro& m) {
    attention_in(m);
    attention_core(m);
    compute(m, ServedPiece::dense);
    exchange(m.labels.tensor_reduce);
  }
  void moe_layer(const Micro& m) {
    attention_in(m);
    core_and_router(m);
    start_dispatch(m);
    shared(m);
    wait_dispatch(m);
    experts(m);
    start_combine(m);
    wait_combine(m);
  }

  void decode_pair(const Micro& m, int layers);
  void prefill_pair(const Micro& m, int layers);

  std::vector<Step> take() { return std::exchange(steps_, {}); }

 private:
  void exchange(int label) {
    if (label >= 0) steps_.push_back({StepKind::exchange, label});
  }
  void start(int label) {
    if (label >= 0) steps_.push_back({StepKind::start, label});
  }
  void wait(int label) {
    if (label >= 0) steps_.push_back({StepKind::wait, label});
  }

  std::vector<Step> steps_;
};

/// Two equal micro-batches, the second half a layer behind the first.
void LayerWriter::decode_pair(const Micro& m, int layers) {
  attention_in(m);
  core_and_router(m);
  for (int layer = 0; layer < layers; ++layer) {
    for (const bool is_first : {true, false}) {
      // What the other micro-batch does next: the second its own layer, the first the next one.
      const bool other_goes_on = is_first || layer + 1 < layers;
      start_dispatch(m);
      shared(m);
      if (other_goes_on) attention_in(m);
      wait_dispatch(m);
      experts(m);
      start_combine(m);
      if (other_goes_on) core_and_router(m);
      wait_combine(m);
    }
  }
}

/// The second micro-batch first, as drawn in the source. Combines of a layer are waited for in the
/// next one.
void LayerWriter::prefill_pair(const Micro& m, int layers) {
  const auto attention = [&] {
    attention_in(m);
    core_and_router(m);
  };
  for (int layer = 0; layer < layers; ++layer) {
    if (layer > 0) wait_combine(m);
    attention();
    start_dispatch(m);
    if (layer > 0) {
      shared(m);
      wait_combine(m);
    }
    attention();
    start_dispatch(m);
    wait_dispatch(m);
    experts(m);
    start_combine(m);
    wait_dispatch(m);
    experts(m);
    start_combine(m);
    shared(m);
  }
  wait_combine(m);
  shared(m);
  wait_combine(m);
}

int dense_layers(const spec::ModelSpec& model) {
  return model.moe ? model.moe->first_dense_layers : model.layers;
}

/// Builds one iteration.
class IterationBuilder {
 public:
  IterationBuilder(const ServingInput& in, const spec::ServingUnit& unit, bool is_decode,
                   const Placement& placement)
      : in_(in),
        unit_(unit),
        is_decode_(is_decode),
        grid_(unit.parallel),
        exchanges_({.spec = in.spec,
                    .unit = unit,
                    .model = in.model,
                    .profile = in.profile,
                    .grid = grid_,
                    .placement = placement,
                    .nic_rate = nic_rate(in.topology),
                    .nvlink_rate = in.topology.nodes.nvlink_rate},
                   program_) {
    program_.in_step = true;
    program_.stage_of_rank.assign(static_cast<std::size_t>(grid_.rank_count()), 0);
    program_.stages.resize(1);
    for (int chunk = 0; chunk < kServedChunkCount; ++chunk) {
      static constexpr const char* kNames[] = {"layers", "head", "mtp", "host"};
      stage().chunks.push_back({.name = kNames[chunk]});
    }
  }

  void add_layers(const MicroBatch& batch);
  void add_drafts(std::int64_t drafts, std::int64_t sequences);
  void add_host_time();
  Program take() { return std::move(program_); }

 private:
  StageProgram& stage() { return program_.stages.front(); }
  bool overlaps() const { return unit_.micro_batches > 1 && in_.model.moe && has_exchange(); }
  bool has_exchange() const { return unit_.parallel.expert > 1; }

  Micro micro(const MicroBatch& batch, const std::string& prefix);
  /// Of one micro-batch, see busiest_load.
  double busiest(const MicroBatch& batch) const;
  spec::OperatorPlace place(ServedPiece piece) const;
  /// Whether layers, or with a prefix drafts, have the piece.
  bool runs(ServedPiece piece, const std::string& prefix) const {
    if (prefix.empty()) return piece != ServedPiece::mtp_input;
    return piece != ServedPiece::embedding && (piece != ServedPiece::dense || !in_.model.moe);
  }
  void add_chunk(ServedChunk chunk, std::vector<Step> steps);

  const ServingInput& in_;
  const spec::ServingUnit& unit_;
  bool is_decode_;
  RankGrid grid_;
  Program program_;
  ServingExchanges exchanges_;
  LayerWriter writer_;
};

/// Pieces of layers with experts run beside normal exchanges, on the SMs that those leave.
spec::OperatorPlace IterationBuilder::place(ServedPiece piece) const {
  const bool is_layer = piece == ServedPiece::attention_in ||
                        piece == ServedPiece::attention_core || piece == ServedPiece::router ||
                        piece == ServedPiece::shared || piece == ServedPiece::experts;
  const bool beside = is_layer && overlaps() && unit_.exchange == spec::ExchangeMode::normal;
  if (!beside) return {.in_step = true};
  return {.sms = in_.profile.gpu.sms - unit_.communication_sms,
          .beside = spec::Beside::communication,
          .in_step = true};
}

double IterationBuilder::busiest(const MicroBatch& batch) const {
  if (!in_.model.moe || !has_exchange()) return 1;
  const spec::MoeSpec& moe = *in_.model.moe;
  const double own = static_cast<double>(batch.tokens) / unit_.parallel.tensor;
  return busiest_load({.model = in_.model,
                       .routing = in_.spec.routing,
                       .slots = static_cast<int>(spec::expert_slots(unit_, moe.routed_experts)),
                       .ranks = unit_.parallel.expert,
                       .pairs = own * exchanged_experts(moe, unit_),
                       .seed = in_.seed});
}

Micro IterationBuilder::micro(const MicroBatch& batch, const std::string& prefix) {
  ServedInput input = served_input(in_.spec, in_.model, is_decode_, batch, in_.seed);
  input.busiest = busiest(batch);
  std::vector<Block> blocks = served_blocks(input);
  name_as_profiled(blocks, in_.profile);
  Micro micro;
  micro.blocks.fill(-1);
  for (int piece = 0; piece < kServedPieceCount; ++piece) {
    Block& block = blocks[static_cast<std::size_t>(piece)];
    if (block.operators.empty() || !runs(static_cast<ServedPiece>(piece), prefix)) continue;
    block.name = prefix + block.name;
    time_block(block, in_.profile, place(static_cast<ServedPiece>(piece)));
    micro.blocks[static_cast<std::size_t>(piece)] = static_cast<int>(program_.blocks.size());
    program_.blocks.push_back(std::move(block));
  }
  const auto time_of = [&](ServedPiece piece) {
    const int block = micro.blocks[at(piece)];
    return block < 0 ? Seconds{} : program_.blocks[static_cast<std::size_t>(block)].time;
  };
  micro.labels = exchanges_.add({.tokens = static_cast<double>(batch.tokens),
                                 .beside = overlaps() ? spec::Beside::compute : spec::Beside::alone,
                                 .prefix = prefix,
                                 .busiest = input.busiest,
                                 .dispatch_kernels = time_of(ServedPiece::dispatch_send) +
                                                     time_of(ServedPiece::dispatch_receive),
                                 .combine_kernels = time_of(ServedPiece::combine_send) +
                                                    time_of(ServedPiece::combine_receive)});
  return micro;
}

void IterationBuilder::add_chunk(ServedChunk chunk, std::vector<Step> steps) {
  if (steps.empty()) return;
  const int index = static_cast<int>(chunk);
  std::vector<Step>& all = stage().chunks[static_cast<std::size_t>(index)].steps;
  all.insert(all.end(), steps.begin(), steps.end());
  stage().slots.push_back({Phase::overlapped_1f1b, index});
}

void IterationBuilder::add_layers(const MicroBatch& batch) {
  const Micro m = micro(batch, "");
  const int dense = dense_layers(in_.model);
  const int moe = in_.expert_layers > 0 ? in_.expert_layers : in_.model.layers - dense;
  for (int layer = 0; layer < dense; ++layer) {
    for (int i = 0; i < unit_.micro_batches; ++i) writer_.dense_layer(m);
  }
  if (moe > 0 && overlaps()) {
    is_decode_&& unit_.exchange == spec::ExchangeMode::low_latency ? writer_.decode_pair(m, moe)
                                                                   : writer_.prefill_pair(m, moe);
  } else {
    for (int layer = 0; layer < moe; ++layer) {
      for (int i = 0; i < unit_.micro_batches; ++i) writer_.moe_layer(m);
    }
  }
  add_chunk(ServedChunk::layers, writer_.take());
  for (int i = 0; i < unit_.micro_batches; ++i) {
    writer_.compute(m, ServedPiece::embedding);
    writer_.compute(m, ServedPiece::head);
  }
  add_chunk(ServedChunk::head, writer_.take());
}

void IterationBuilder::add_drafts(std::int64_t drafts, std::int64_t sequences) {
  if (drafts == 0) return;
  const Micro m = micro({.tokens = sequences, .sequences = sequences}, "draft ");
  for (std::int64_t draft = 0; draft < drafts; ++draft) {
    writer_.compute(m, ServedPiece::mtp_input);
    in_.model.moe ? writer_.moe_layer(m) : writer_.dense_layer(m);
    writer_.compute(m, ServedPiece::head);
  }
  add_chunk(ServedChunk::mtp, writer_.take());
}

void IterationBuilder::add_host_time() {
  if (unit_.host_time == Seconds{}) return;
  program_.blocks.push_back(
      {.name = "host", .time = unit_.host_time, .estimated_time = unit_.host_time});
  add_chunk(ServedChunk::host, {{StepKind::compute, static_cast<int>(program_.blocks.size()) - 1}});
}

std::vector<Block> needed_blocks(const spec::InferenceSpec& spec, const spec::ModelSpec& model,
                                 bool is_decode) {
  return served_blocks(served_input(spec, model, is_decode, {.tokens = 64, .sequences = 64}, 1));
}

}  // namespace

Program decode_program(const ServingInput& in, std::int64_t sequences, const Placement& placement) {
  const spec::DecodeSpec& decode = *in.spec.decode;
  PW_CHECK(sequences % decode.unit.micro_batches == 0);
  const std::int64_t in_each = sequences / decode.unit.micro_batches;
  const std::int64_t computed = spec::tokens_computed(decode);
  IterationBuilder builder(in, decode.unit, true, placement);
  builder.add_layers({.tokens = in_each * computed, .sequences = in_each});
  builder.add_drafts(computed - 1, sequences);
  builder.add_host_time();
  return builder.take();
}

Program prefill_program(const ServingInput& in, const Placement& placement) {
  const spec::PrefillSpec& prefill = *in.spec.prefill;
  const std::int64_t tokens = prefill.tokens / prefill.unit.micro_batches;
  const double new_tokens =
      spec::mean_request(in.spec.requests).prompt * (1 - in.spec.prefix_hit_rate);
  const auto prompts = static_cast<std::int64_t>(static_cast<double>(tokens) / new_tokens + 0.5);
  IterationBuilder builder(in, prefill.unit, false, placement);
  builder.add_layers({.tokens = tokens, .sequences = std::max<std::int64_t>(1, prompts)});
  builder.add_host_time();
  return builder.take();
}

Program transfer_program(const ServingInput& in, Bytes cache, const Placement& placement) {
  const auto sources = static_cast<int>(in.spec.prefill->unit.parallel.ranks());
  const auto sinks = static_cast<int>(in.spec.decode->unit.parallel.ranks());
  const spec::CollectiveCurve* found =
      spec::find_collective(in.profile, "point_to_point", spec::Beside::alone);
  PW_CHECK(found != nullptr);
  const spec::CollectiveCurve curve = spec::at_size(*found, cache);
  Program program;
  program.labels = {{.name = "cache transfer", .collective = curve.id, .evidence = curve.evidence}};
  program.stage_of_rank.assign(static_cast<std::size_t>(sources + sinks), 0);
  program.stages = {{.chunks = {{.name = "transfer", .steps = {{StepKind::exchange, 0}}}},
                     .slots = {{Phase::overlapped_1f1b, 0}}}};
  Transfer transfer{.label = 0, .latency = curve.latency};
  for (int rank = 0; rank < sources + sinks; ++rank) transfer.members.push_back(rank);
  for (int pair = 0; pair < std::min(sources, sinks); ++pair) {
    transfer.flows.push_back(
        {.source = pair, .destination = sources + pair, .size = cache / curve.rail_efficiency});
  }
  PW_CHECK(placement.gpu_of_rank.size() == program.stage_of_rank.size());
  program.transfers = {std::move(transfer)};
  return program;
}

Placement place_unit(const spec::ServingUnit& unit, int gpus_per_node) {
  return place_job(unit.parallel, gpus_per_node);
}

Rate nic_rate(const spec::TopologySpec& topology) {
  return topology.fabric.link_rate *
         (static_cast<double>(topology.nodes.nics) / topology.nodes.gpus);
}

ProfileNeeds serving_needs(const spec::InferenceSpec& spec, const spec::ModelSpec& model,
                           const spec::ProfileSpec& profile) {
  ProfileNeeds needs;
  std::vector<Block> blocks;
  const auto add_unit = [&](const spec::ServingUnit& unit, bool is_decode) {
    for (Block& block : needed_blocks(spec, model, is_decode)) blocks.push_back(std::move(block));
    for (std::string& id : serving_collectives(unit, model)) {
      const bool is_new = std::find(needs.collectives.begin(), needs.collectives.end(), id) ==
                          needs.collectives.end();
      if (is_new) needs.collectives.push_back(std::move(id));
    }
  };
  if (spec.decode) add_unit(spec.decode->unit, true);
  if (spec.prefill) add_unit(spec.prefill->unit, false);
  if (spec.decode && spec.prefill && !spec.shares_gpus) {
    needs.collectives.emplace_back("point_to_point");
  }
  name_as_profiled(blocks, profile);
  needs.operators = operator_ids(blocks);
  return needs;
}

Program with_twice(Program program, Resource resource) {
  const auto halves = [resource](const Operator& op) {
    const Seconds by_size = op.time - op.fixed;
    switch (resource) {
      case Resource::memory:
        return op.memory_bound ? by_size / 2 : Seconds{};
      case Resource::compute:
        return op.memory_bound ? Seconds{} : by_size / 2;
      case Resource::launches:
        return op.fixed / 2;
      case Resource::network_latency:
      case Resource::network_bandwidth:
        return Seconds{};
    }
    PW_UNREACHABLE("Resource has five values");
  };
  for (Block& block : program.blocks) {
    if (block.operators.empty() && resource == Resource::launches) block.time = block.time / 2;
    for (const Operator& op : block.operators) {
      block.time = block.time - halves(op);
      if (op.routed) block.routed_time = block.routed_time - halves(op);
    }
  }
  for (Transfer& transfer : program.transfers) {
    if (resource == Resource::network_latency) transfer.latency = transfer.latency / 2;
    if (resource != Resource::network_bandwidth) continue;
    transfer.tail = transfer.tail / 2;
    for (RankFlow& flow : transfer.flows) flow.size = flow.size / 2;
    if (!transfer.all_pairs) continue;
    transfer.all_pairs->in_node = transfer.all_pairs->in_node / 2;
    transfer.all_pairs->between_nodes = transfer.all_pairs->between_nodes / 2;
  }
  return program;
}

}  // namespace planewise::workload
