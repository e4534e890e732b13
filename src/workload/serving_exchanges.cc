#include "workload/serving_exchanges.h"

#include <algorithm>

#include "base/check.h"
#include "workload/element_size.h"
#include "workload/operator_parts.h"
#include "workload/serving_operators.h"
#include "workload/token_routing.h"
#include "workload/traffic.h"
#include "workload/traffic_program.h"

namespace planewise::workload {
namespace {

constexpr double kMessageHeader = 16;  // Of DeepEP's low-latency dispatch: the token's index.

bool exchanges_experts(const spec::ServingUnit& unit, const spec::ModelSpec& model) {
  return model.moe && unit.parallel.expert > 1;
}

bool is_low_latency(const spec::ServingUnit& unit) {
  return unit.exchange == spec::ExchangeMode::low_latency;
}

std::string exchange_id(const spec::ServingUnit& unit, bool is_dispatch) {
  std::string id = is_dispatch ? "ep_dispatch" : "ep_combine";
  if (!is_low_latency(unit)) return id;
  return id + (unit.posting == spec::Posting::ibgda ? "_low_latency" : "_cpu_proxy");
}

/// Payload of a token as dispatch sends it: in the products' format where that is FP8.
double dispatch_bytes(const spec::InferenceSpec& spec, const spec::ServingUnit& unit,
                      const spec::ModelSpec& model) {
  const double row = formats_of(spec.precision).rows * model.hidden;
  const bool has_header = is_low_latency(unit) && spec.precision == spec::Precision::fp8_blockwise;
  return row + (has_header ? kMessageHeader : 0);
}

}  // namespace

std::vector<std::string> serving_collectives(const spec::ServingUnit& unit,
                                             const spec::ModelSpec& model) {
  std::vector<std::string> ids;
  if (exchanges_experts(unit, model)) {
    ids = {exchange_id(unit, true), exchange_id(unit, false)};
  }
  if (unit.parallel.tensor > 1) {
    ids.emplace_back("tensor_all_reduce");
    if (exchanges_experts(unit, model)) ids.emplace_back("all_gather");
  }
  return ids;
}

ServingExchanges::ServingExchanges(const ServingExchangeInput& in, Program& program)
    : in_(in), program_(program) {}

int ServingExchanges::add_label(const std::string& name, const spec::CollectiveCurve& curve) {
  program_.labels.push_back({.name = name, .collective = curve.id, .evidence = curve.evidence});
  return static_cast<int>(program_.labels.size()) - 1;
}

const spec::CollectiveCurve& ServingExchanges::curve(const std::string& id, spec::Beside beside,
                                                     const RankGrid::Groups& groups) const {
  const spec::CollectiveCurve* found =
      spec::find_collective(in_.profile, id, beside, reach_of(groups, in_.placement));
  PW_CHECK(found != nullptr);
  return *found;
}

ServingLabels ServingExchanges::add(const MicroBatch& batch) {
  ServingLabels labels;
  if (exchanges_experts(in_.unit, in_.model)) {
    const Exchange dispatch{.what = "dispatch",
                            .bytes_per_token = dispatch_bytes(in_.spec, in_.unit, in_.model),
                            .is_dispatch = true,
                            .kernels = batch.dispatch_kernels};
    const Exchange combine{.what = "combine",
                           .bytes_per_token = kBf16 * in_.model.hidden,
                           .is_dispatch = false,
                           .kernels = batch.combine_kernels};
    labels.dispatch = add_expert_label(dispatch, batch);
    labels.combine = add_expert_label(combine, batch);
  }
  if (in_.unit.parallel.tensor > 1) add_tensor(labels, batch.tokens, batch.prefix);
  return labels;
}

int ServingExchanges::add_expert_label(const Exchange& exchange, const MicroBatch& batch) {
  // Low-latency kernels were timed alone; they leave the SMs to what runs beside them.
  const bool is_low = is_low_latency(in_.unit);
  const RankGrid::Groups groups = in_.grid.expert_groups(0);
  const spec::CollectiveCurve& all = curve(exchange_id(in_.unit, exchange.is_dispatch),
                                           is_low ? spec::Beside::alone : batch.beside, groups);
  const double own = batch.tokens / in_.unit.parallel.tensor;
  spec::CollectiveCurve used = spec::at_size(
      all, bytes(own * exchanged_experts(*in_.model.moe, in_.unit) * exchange.bytes_per_token));
  used.latency = std::max(Seconds{}, used.latency - exchange.kernels);
  const int label = add_label(batch.prefix + exchange.what, used);
  for (const std::vector<int>& group : groups) {
    Transfer transfer = is_low ? low_latency(group, exchange, own * batch.busiest, used)
                               : normal(group, exchange, own * batch.busiest, used);
    transfer.label = label;
    program_.transfers.push_back(std::move(transfer));
  }
  return label;
}

/// A host thread posts one message after the other: what goes to other nodes takes at least as long
/// as that, which is written as a larger flow.
Transfer ServingExchanges::low_latency(const std::vector<int>& group, const Exchange& exchange,
                                       double tokens, const spec::CollectiveCurve& curve) const {
  const auto ranks = static_cast<double>(group.size());
  const double pairs = tokens * exchanged_experts(*in_.model.moe, in_.unit);
  const double to_each = pairs / (in_.unit.all_remote ? ranks - 1 : ranks);
  const Bytes payload = bytes(to_each * exchange.bytes_per_token);
  const Bytes posted = in_.nic_rate * (to_each * curve.message_time);
  return {.members = group,
          .all_pairs = AllPairs{.in_node = payload / curve.nvlink_efficiency,
                                .between_nodes = std::max(payload / curve.rail_efficiency, posted)},
          .latency = curve.latency};
}

Transfer ServingExchanges::normal(const std::vector<int>& ranks, const Exchange& exchange,
                                  double tokens, const spec::CollectiveCurve& curve) const {
  const spec::MoeSpec& moe = *in_.model.moe;
  const ExpertGroup group{.ranks = ranks, .tokens = tokens};
  const GroupShape shape = group_shape(ranks, in_.placement);
  const RoutedTokens routed = balanced_tokens(
      group, shape,
      {.routed_experts = static_cast<int>(spec::expert_slots(in_.unit, moe.routed_experts)),
       .experts_per_token = exchanged_experts(moe, in_.unit),
       .nodes_per_token = in_.spec.routing.nodes_per_token});
  std::vector<RankFlow> flows = exchange_flows({.group = group,
                                                .tokens = routed,
                                                .transport = in_.spec.routing.transport,
                                                .bytes_per_token = exchange.bytes_per_token},
                                               in_.placement, curve);
  if (!exchange.is_dispatch) flows = reversed(std::move(flows));
  const Seconds tail = bytes(static_cast<double>(curve.chunk_tokens) * exchange.bytes_per_token) /
                       (in_.nvlink_rate * curve.nvlink_efficiency);
  return {.members = ranks, .flows = std::move(flows), .latency = curve.latency, .tail = tail};
}

/// Each rank sums a part that all others send it, and sends the sum to all: twice 1 / ranks of the
/// activations to each other rank. A gather is the second half.
void ServingExchanges::add_tensor(ServingLabels& labels, double tokens, const std::string& prefix) {
  const Bytes all = bytes(tokens * in_.model.hidden * kBf16);
  const auto ranks = static_cast<double>(in_.unit.parallel.tensor);
  const auto add_group = [&](const std::string& id, const std::string& name, double parts) {
    const RankGrid::Groups groups = in_.grid.tensor_groups(0);
    const spec::CollectiveCurve used =
        spec::at_size(curve(id, spec::Beside::alone, groups), all * (parts * (ranks - 1) / ranks));
    const int label = add_label(prefix + name, used);
    for (const std::vector<int>& group : groups) {
      const Bytes each = all * (parts / ranks);
      program_.transfers.push_back(
          {.label = label,
           .members = group,
           .all_pairs = AllPairs{.in_node = each / used.nvlink_efficiency,
                                 .between_nodes = each / used.rail_efficiency},
           .latency = used.latency});
    }
    return label;
  };
  labels.tensor_reduce = add_group("tensor_all_reduce", "tensor all-reduce", 2);
  if (exchanges_experts(in_.unit, in_.model)) {
    labels.tensor_gather = add_group("all_gather", "tensor gather", 1);
  }
}

}  // namespace planewise::workload
