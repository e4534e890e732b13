#include "spec/check_inference.h"

#include <fmt/format.h>

#include <string>

#include "spec/cross_check.h"

namespace planewise::spec {
namespace {

/// A unit and the key that it is under.
struct NamedUnit {
  std::string key{};
  const ServingUnit& unit;
};

std::vector<NamedUnit> units_of(const InferenceSpec& spec) {
  std::vector<NamedUnit> units;
  if (spec.decode) units.push_back({"decode", spec.decode->unit});
  if (spec.prefill) units.push_back({"prefill", spec.prefill->unit});
  return units;
}

/// Reports mistakes at keys of one workload.
class Refusals {
 public:
  Refusals(const InferenceSpec& spec, Diagnostics& diagnostics)
      : spec_(spec), diagnostics_(diagnostics) {}

  void add(const std::string& key, const std::string& message, const std::string& hint = {}) {
    diagnostics_.add(spec_.origin.diagnose(key, message, hint));
  }
  void divides(const std::string& key, std::int64_t count, const std::string& what, int ranks) {
    if (count % ranks == 0) return;
    int fits = ranks;
    while (count % fits != 0) --fits;
    add(key, fmt::format("{} {} do not divide over {} ranks", count, what, ranks),
        fmt::format("write {} or another divisor of {}", fits, count));
  }

 private:
  const InferenceSpec& spec_;
  Diagnostics& diagnostics_;
};

void check_tensor(const NamedUnit& named, const ModelSpec& model, Refusals& refusals) {
  const int tensor = named.unit.parallel.tensor;
  const std::string key = named.key + ".tensor";
  refusals.divides(key, model.attention.heads, "attention heads", tensor);
  const bool has_dense = !model.moe || model.moe->first_dense_layers > 0;
  if (has_dense) {
    refusals.divides(key, model.intermediate, "columns of the feed-forward", tensor);
  }
  const bool unspread = model.moe && tensor > 1 && named.unit.parallel.expert == 1;
  if (unspread) {
    refusals.add(key, "experts are not cut by 'tensor'; they are spread over ranks by 'expert'",
                 fmt::format("write 'expert: {}'", tensor));
  }
}

/// Experts and their copies fill the ranks of an expert group.
void check_experts(const NamedUnit& named, const MoeSpec& moe, Refusals& refusals) {
  const ServingUnit& unit = named.unit;
  const std::int64_t ranks = unit.parallel.expert;
  const std::int64_t slots = expert_slots(unit, moe.routed_experts);
  if (slots % ranks != 0) {
    const std::int64_t each = (slots + ranks - 1) / ranks;
    refusals.add(named.key + ".expert",
                 fmt::format("{} routed and {} redundant experts do not fill {} ranks evenly",
                             moe.routed_experts, unit.redundant_experts, ranks),
                 fmt::format("write 'redundant_experts: {}', for {} on each rank",
                             each * ranks - moe.routed_experts, each));
  }
  if (unit.redundant_experts > 0 && ranks == 1) {
    refusals.add(named.key + ".redundant_experts", "copies are of use on other ranks only",
                 "leave it out");
  }
  if (unit.shared_experts == SharedExperts::routed && moe.shared_experts == 0) {
    refusals.add(named.key + ".shared_experts", "the model has no shared experts", "leave it out");
  }
}

void check_no_experts(const NamedUnit& named, const ModelSpec& model, Refusals& refusals) {
  const ServingUnit& unit = named.unit;
  const std::string why = fmt::format("the model {} has no routed experts", model.name);
  if (unit.parallel.expert > 1) refusals.add(named.key + ".expert", why, "leave it out");
  if (unit.redundant_experts > 0) {
    refusals.add(named.key + ".redundant_experts", why, "leave it out");
  }
}

void check_counts(const InferenceSpec& spec, const ModelSpec& model, Refusals& refusals) {
  if (spec.routing.tokens != TokenRouting::counts) return;
  const MoeSpec& moe = *model.moe;
  const auto layers =
      static_cast<std::size_t>(model.layers - moe.first_dense_layers + model.mtp_depth);
  const std::size_t experts = spec.routing.counts.front().size();
  if (spec.routing.counts.size() == layers &&
      experts == static_cast<std::size_t>(moe.routed_experts)) {
    return;
  }
  refusals.add("routing.counts",
               fmt::format("{} counts {} layers of {} experts; the model has {} layers of {}",
                           spec.routing.counts_path, spec.routing.counts.size(), experts, layers,
                           moe.routed_experts),
               "count every MoE layer, and the MTP module's after the last");
}

}  // namespace

void check_inference_and_model(const InferenceSpec& spec, const ModelSpec& model,
                               Diagnostics& diagnostics) {
  Refusals refusals(spec, diagnostics);
  for (const NamedUnit& named : units_of(spec)) {
    check_tensor(named, model, refusals);
    if (model.moe) {
      check_experts(named, *model.moe, refusals);
    } else {
      check_no_experts(named, model, refusals);
    }
  }
  if (spec.decode && spec.decode->draft && model.mtp_depth == 0) {
    refusals.add("decode.mtp", fmt::format("the model {} has no MTP module", model.name),
                 "leave it out");
  }
  if (model.moe && !spec.has_routing) {
    refusals.add("routing", fmt::format("missing; {} has routed experts", model.name),
                 "add 'routing' with 'tokens', 'nodes_per_token' and 'source'");
  } else if (!model.moe && spec.has_routing) {
    refusals.add("routing", fmt::format("the model {} has no routed experts", model.name),
                 "leave out 'routing'");
  } else if (model.moe) {
    check_counts(spec, model, refusals);
  }
  if (!model.moe && spec.expert_memory == ExpertMemory::host) {
    refusals.add("expert_memory", fmt::format("the model {} has no routed experts", model.name),
                 "leave it out");
  }
}

void check_inference_and_topology(const InferenceSpec& spec, const TopologySpec& topology,
                                  Diagnostics& diagnostics) {
  check_can_be_simulated(topology, diagnostics);
  const std::int64_t gpus = topology.nodes.count * topology.nodes.gpus;
  std::int64_t nodes = 0;
  for (const NamedUnit& named : units_of(spec)) {
    const ParallelSpec& p = named.unit.parallel;
    const int on_node = ranks_per_node(p, topology.nodes.gpus);
    const std::int64_t needed = (p.ranks() + on_node - 1) / on_node;
    nodes = spec.shares_gpus ? std::max(nodes, needed) : nodes + needed;
    if (nodes > topology.nodes.count) {
      diagnostics.add(spec.origin.diagnose(
          named.key + ".data",
          fmt::format("{} ranks need {} nodes of {}{}, but {} has {} x {} = {} GPUs", p.ranks(),
                      needed, on_node,
                      nodes > needed ? fmt::format(" ({} with the other unit)", nodes) : "",
                      topology.origin.path, topology.nodes.count, topology.nodes.gpus, gpus),
          "every rank runs on a GPU of its own"));
    }
    const bool exchanges = p.expert > 1 && named.unit.exchange == ExchangeMode::normal;
    if (exchanges && p.expert > on_node && p.expert % on_node != 0) {
      diagnostics.add(spec.origin.diagnose(
          named.key + ".expert", fmt::format("expert groups of {} do not fill nodes of {} GPUs, "
                                             "which 'exchange: normal' needs",
                                             p.expert, on_node)));
    }
    if (p.layout == GroupLayout::spread && p.expert % topology.nodes.gpus != 0) {
      diagnostics.add(spec.origin.diagnose(
          named.key + ".expert",
          fmt::format("expert groups of {} do not fill nodes of {} GPUs, which 'layout: spread' "
                      "needs",
                      p.expert, topology.nodes.gpus),
          fmt::format("use a multiple of {}", topology.nodes.gpus)));
    }
  }
}

}  // namespace planewise::spec
