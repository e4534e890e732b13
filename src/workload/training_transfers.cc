#include "workload/training_transfers.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/check.h"
#include "base/random.h"
#include "workload/element_size.h"
#include "workload/token_routing.h"
#include "workload/traffic.h"

namespace planewise::workload {
namespace {

/// What a ring over `ranks` makes each of them send to gather or scatter `bytes` once.
double ring_bytes(double bytes, std::size_t ranks) {
  return bytes * static_cast<double>(ranks - 1) / static_cast<double>(ranks);
}

bool is_dispatch(ExpertExchange kind) {
  return kind == ExpertExchange::dispatch || kind == ExpertExchange::combine_backward;
}

/// Elements of keys and values that one token leaves on a rank, which has its part of the heads.
double key_value_width(const spec::ModelSpec& model, int tensor) {
  const spec::AttentionSpec& a = model.attention;
  if (a.kind == spec::AttentionKind::mla) {
    return static_cast<double>(a.heads) / tensor *
           (a.qk_nope_head_dim + a.qk_rope_head_dim + a.v_head_dim);
  }
  const int heads = a.kind == spec::AttentionKind::mha ? a.heads : a.kv_heads;
  return 2.0 * std::max(1, heads / tensor) * a.head_dim;
}

}  // namespace

double TransferBuilder::tokens() const {
  const spec::ParallelSpec& p = in_.job.parallel;
  return static_cast<double>(in_.job.batch.tokens_per_micro_batch()) / p.context / p.tensor;
}

void TransferBuilder::add_balanced_experts(int pipeline) {
  for (const std::vector<int>& ranks : in_.grid.expert_groups(pipeline)) {
    const ExpertGroup group{.ranks = ranks, .tokens = tokens()};
    const GroupShape shape = group_shape(ranks, in_.placement);
    add_exchanges(group,
                  balanced_tokens(group, shape,
                                  {.routed_experts = in_.model.moe->routed_experts,
                                   .experts_per_token = in_.model.moe->experts_per_token,
                                   .nodes_per_token = in_.job.routing.nodes_per_token}),
                  {});
  }
}

void TransferBuilder::add_drawn_experts(int moe_layer, const std::vector<MoeHolder>& holders) {
  const RankGrid::Groups first = in_.grid.expert_groups(holders.front().pipeline);
  const GroupShape shape = group_shape(first.front(), in_.placement);
  const TokenPool pool({.model = in_.model,
                        .routing = in_.job.routing,
                        .shape = shape,
                        .seed = in_.seed,
                        .moe_layer = moe_layer});
  for (const MoeHolder& holder : holders) {
    std::vector<double>& loads =
        program_.loads[static_cast<std::size_t>(in_.labels.load(holder.position))];
    for (const std::vector<int>& ranks : in_.grid.expert_groups(holder.pipeline)) {
      PW_CHECK(group_shape(ranks, in_.placement) == shape);
      const ExpertGroup group{.ranks = ranks, .tokens = tokens()};
      const RoutedTokens routed = drawn_tokens(
          group, pool, shape, fold_bits(in_.seed, static_cast<std::uint64_t>(moe_layer)));
      const std::vector<double> rows = relative_rows(routed);
      for (std::size_t i = 0; i < ranks.size(); ++i) {
        loads[static_cast<std::size_t>(ranks[i])] = rows[i];
      }
      add_exchanges(group, routed, holder.position);
    }
  }
}

void TransferBuilder::add_exchanges(const ExpertGroup& group, const RoutedTokens& routed,
                                    MoePosition position) {
  const bool quantises = in_.job.precision == spec::Precision::fp8_blockwise;
  for (const Setting setting : {Setting::alone, Setting::paired}) {
    if (setting == Setting::paired && !in_.labels.shape().has_pairs) continue;
    for (int k = 0; k < kExpertExchangeCount; ++k) {
      const auto kind = static_cast<ExpertExchange>(k);
      const int label = in_.labels.expert(position, setting)[static_cast<std::size_t>(k)];
      const double bytes_per_token =
          in_.model.hidden * (is_dispatch(kind) && quantises ? kFp8 : kBf16);
      const spec::CollectiveCurve curve =
          spec::at_size(in_.labels.curve(label), bytes(group.tokens * bytes_per_token));
      std::vector<RankFlow> flows = exchange_flows({.group = group,
                                                    .tokens = routed,
                                                    .transport = in_.job.routing.transport,
                                                    .bytes_per_token = bytes_per_token},
                                                   in_.placement, curve);
      if (!is_dispatch(kind)) flows = reversed(std::move(flows));
      // The last chunk crosses its second hop after everything else has arrived.
      const Seconds tail = bytes(static_cast<double>(curve.chunk_tokens) * bytes_per_token) /
                           (in_.nodes.nvlink_rate * curve.nvlink_efficiency);
      program_.transfers.push_back({.label = label,
                                    .members = group.ranks,
                                    .flows = std::move(flows),
                                    .latency = curve.latency,
                                    .tail = tail});
    }
  }
}

void TransferBuilder::add_inner_groups(int pipeline) {
  const FixedLabels& f = in_.labels.fixed();
  const spec::ParallelSpec& p = in_.job.parallel;
  const double tokens_of_context =
      static_cast<double>(in_.job.batch.tokens_per_micro_batch()) / p.context;
  if (f.tensor_gather >= 0) {
    const double activation = tokens_of_context * in_.model.hidden * kBf16;
    for (const std::vector<int>& group : in_.grid.tensor_groups(pipeline)) {
      add_ring(f.tensor_gather, group, {.bytes = activation});
      add_ring(f.tensor_scatter, group, {.bytes = activation});
    }
  }
  if (f.context_forward >= 0) {
    const double cached = static_cast<double>(in_.job.batch.tokens_per_micro_batch()) *
                          key_value_width(in_.model, p.tensor) * kBf16;
    for (const std::vector<int>& group : in_.grid.context_groups(pipeline)) {
      add_ring(f.context_forward, group, {.bytes = cached});
      // Keys and values once more, and their gradients; gathered ones are kept.
      const bool ring = p.context_exchange == spec::ContextExchange::ring;
      add_ring(f.context_backward, group, {.bytes = cached * (ring ? 2 : 1)});
    }
  }
  if (f.expert_tensor_gather >= 0) {
    const double rows = tokens() * in_.model.moe->experts_per_token * p.expert_tensor;
    for (const std::vector<int>& group : in_.grid.expert_tensor_groups(pipeline)) {
      add_ring(f.expert_tensor_gather, group, {.bytes = rows * in_.model.hidden * kBf16});
      add_ring(f.expert_tensor_scatter, group, {.bytes = rows * in_.model.hidden * kBf16});
    }
  }
}

void TransferBuilder::add_message(int label, int source, int destination, double payload) {
  const spec::CollectiveCurve curve = spec::at_size(in_.labels.curve(label), bytes(payload));
  program_.transfers.push_back(
      {.label = label,
       .members = {source, destination},
       .flows = {wire_flow(source, destination, bytes(payload), in_.placement, curve)},
       .latency = curve.latency});
}

void TransferBuilder::add_messages(int from, int to, int chunk, int to_chunk) {
  const double payload = tokens() * in_.model.hidden * kBf16;
  for (const int rank : in_.grid.stages()[static_cast<std::size_t>(from)]) {
    const int other = in_.grid.at_pipeline(rank, to);
    add_message(in_.labels.forward_message(chunk), rank, other, payload);
    add_message(in_.labels.backward_message(to_chunk), other, rank, payload);
  }
}

/// A ring over n ranks sends (n-1)/n of the bytes a rank in n-1 steps. The latency of `ring` and of
/// messages is a step's, that of the profile's other collectives the whole one's; messages are of
/// an n-th each.
void TransferBuilder::add_ring(int label, const std::vector<int>& ranks, const Ring& ring) {
  const double each = ring.bytes / ring.parts;
  const bool by_message = in_.labels.curve(label).id == "point_to_point";
  const double at_once = by_message ? each / static_cast<double>(ranks.size()) : each;
  const spec::CollectiveCurve curve = spec::at_size(in_.labels.curve(label), bytes(at_once));
  const double steps = static_cast<double>(ranks.size()) - 1;
  Transfer transfer{.label = label, .members = ranks};
  if (steps > 0 && each > 0) {  // nothing is moved of what a rank does not hold
    transfer.flows = ring_flows(ranks, bytes(ring_bytes(each, ranks.size())), in_.placement, curve);
    transfer.latency = by_message || curve.id == "ring" ? steps * curve.latency : curve.latency;
  }
  program_.transfers.push_back(std::move(transfer));
}

double TransferBuilder::parts_of(bool gather, const PipelineHolding& holding) const {
  const bool by_layer = in_.job.optimizer.sharding == spec::Sharding::fsdp ||
                        (gather ? in_.job.overlap.parameters : in_.job.overlap.gradients);
  return by_layer && holding.layers > 0 ? static_cast<double>(holding.layers) : 1;
}

/// In the node first, then each rail over its share; one ring where nodes hold one rank each, or
/// unlike numbers.
void TransferBuilder::add_replica_group(const std::vector<int>& group,
                                        const PipelineHolding& holding) {
  const FixedLabels& f = in_.labels.fixed();
  const spec::OptimizerSpec& o = in_.job.optimizer;
  std::vector<std::vector<int>> nodes = by_node(group, in_.placement);
  const bool is_flat = nodes.empty() || nodes.front().size() == 1;
  for (const bool gather : {false, true}) {
    const bool replicates = o.sharding == spec::Sharding::none;
    const double element = gather && !replicates ? o.parameter_bytes : o.gradient_bytes;
    const double parts = parts_of(gather, holding);
    const double held = holding.parameters.shared * element;
    const int in_node = gather ? f.parameter_node : f.gradient_node;
    const int on_rail = gather ? f.parameter_rail : f.gradient_rail;
    if (is_flat) {
      for (const int rank : group) add_ring(in_node, {rank}, {});
      add_ring(on_rail, group, {.bytes = held, .parts = parts});
      continue;
    }
    const std::size_t rails = nodes.front().size();
    for (const std::vector<int>& node : nodes) {
      add_ring(in_node, node, {.bytes = held, .parts = parts});
    }
    for (std::size_t rail = 0; rail < rails; ++rail) {
      std::vector<int> ranks;
      for (const std::vector<int>& node : nodes) ranks.push_back(node[rail]);
      add_ring(on_rail, ranks, {.bytes = held / static_cast<double>(rails), .parts = parts});
    }
  }
}

void TransferBuilder::add_gradients(const PipelineHolding& holding) {
  const auto joined = [&](auto groups_of) {
    RankGrid::Groups groups = groups_of(holding.pipeline);
    if (holding.mate == holding.pipeline) return groups;
    const RankGrid::Groups others = groups_of(holding.mate);
    for (std::size_t i = 0; i < groups.size(); ++i) {
      groups[i].insert(groups[i].end(), others[i].begin(), others[i].end());
    }
    return groups;
  };
  for (const auto& group : joined([&](int p) { return in_.grid.replica_groups(p); })) {
    add_replica_group(group, holding);
  }
  if (in_.labels.fixed().expert_gradient < 0) return;
  const spec::OptimizerSpec& o = in_.job.optimizer;
  const bool replicates = o.sharding == spec::Sharding::none;
  for (const auto& group : joined([&](int p) { return in_.grid.expert_replica_groups(p); })) {
    add_ring(
        in_.labels.fixed().expert_gradient, group,
        {.bytes = holding.parameters.expert * o.gradient_bytes, .parts = parts_of(false, holding)});
    add_ring(
        in_.labels.fixed().expert_parameter, group,
        {.bytes = holding.parameters.expert * (replicates ? o.gradient_bytes : o.parameter_bytes),
         .parts = parts_of(true, holding)});
  }
}

/// Each rank of the first and last pipeline rank swaps its share of the embedding's gradients with
/// its counterpart.
void TransferBuilder::add_embedding(double parameters) {
  const int label = in_.labels.fixed().embedding_gradient;
  const spec::ParallelSpec& p = in_.job.parallel;
  const Bytes share =
      bytes(parameters / p.tensor / p.context / p.data * in_.job.optimizer.gradient_bytes);
  const spec::CollectiveCurve curve = spec::at_size(in_.labels.curve(label), share);
  for (const int first : in_.grid.stages().front()) {
    const int last = in_.grid.at_pipeline(first, p.pipeline - 1);
    program_.transfers.push_back({.label = label,
                                  .members = {first, last},
                                  .flows = {wire_flow(first, last, share, in_.placement, curve),
                                            wire_flow(last, first, share, in_.placement, curve)},
                                  .latency = curve.latency});
  }
}

/// A sum of one number over all ranks, up and down a binary tree: latency only.
void TransferBuilder::add_gradient_norm() {
  const int label = in_.labels.fixed().gradient_norm;
  const auto ranks = static_cast<unsigned>(program_.rank_count());
  const auto depth = static_cast<double>(std::bit_width(ranks - 1));
  Transfer norm{.label = label, .tail = 2 * depth * in_.labels.curve(label).latency};
  for (int rank = 0; rank < program_.rank_count(); ++rank) norm.members.push_back(rank);
  program_.transfers.push_back(std::move(norm));
}

}  // namespace planewise::workload
