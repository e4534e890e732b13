#include "spec/cross_check.h"

#include <fmt/format.h>

#include <algorithm>

#include "spec/ports.h"

namespace planewise::spec {

void check_prices(const TopologySpec& topology, const PriceBookSpec& book,
                  Diagnostics& diagnostics) {
  if (!book.roles) {
    if (topology.fabric.as_printed) {
      diagnostics.add(topology.origin.diagnose(
          "fabric.as_printed",
          fmt::format("there is no graph, and so no cable, that price book '{}' could price",
                      book.name),
          "use a price book of roles (--prices)"));
    } else if (!topology.equipment) {
      diagnostics.add(topology.origin.diagnose(
          "equipment",
          fmt::format("price book '{}' prices parts, but the topology names none", book.name),
          "add 'equipment:' with a catalogue, the switches and the NIC"));
    }
    return;
  }
  if (book.roles->switch_radix == topology.fabric.radix) return;
  diagnostics.add(topology.origin.diagnose(
      "fabric.radix",
      fmt::format("{}-port switches, but price book '{}' prices switches of {} ports",
                  topology.fabric.radix, book.name, book.roles->switch_radix),
      fmt::format("use {}-port switches or another price book (--prices)",
                  book.roles->switch_radix)));
}

namespace {

/// A sprayed flow is simulated on one trunk for all parallel links, which is exact only if they are
/// alike, and known for trees alone.
void check_spray(const TopologySpec& topology, Diagnostics& diagnostics) {
  if (topology.fabric.routing != Routing::spray) return;
  if (!is_tree(topology.fabric)) {
    diagnostics.add(topology.origin.diagnose(
        "fabric.routing",
        fmt::format("'spray' is simulated over fat trees only, not over family '{}'",
                    family_word(topology.fabric.family)),
        "write 'ecmp', 'adaptive' or 'static'"));
  } else if (topology.fabric.tree().striping != Striping::even) {
    diagnostics.add(
        topology.origin.diagnose("fabric.routing",
                                 "'spray' is simulated for even striping only; under "
                                 "greedy striping spines have unlike numbers of links",
                                 "write 'ecmp', 'adaptive' or 'static', or 'striping: even'"));
  }
}

void check_has_graph(const TopologySpec& topology, Diagnostics& diagnostics) {
  if (!topology.fabric.as_printed) return;
  diagnostics.add(topology.origin.diagnose("fabric.as_printed",
                                           "counts of a published table have no graph to simulate",
                                           "remove it, with a size that can be built"));
}

}  // namespace

void check_can_be_simulated(const TopologySpec& topology, Diagnostics& diagnostics) {
  check_spray(topology, diagnostics);
  check_has_graph(topology, diagnostics);
}

namespace {

void check_step_and_nodes(const TrafficSpec& traffic, std::size_t index, int gpus,
                          Diagnostics& diagnostics) {
  const TrafficStep& step = traffic.steps[index];
  const bool needs_nodes =
      step.layout == GroupLayout::spread || step.algorithm == Algorithm::node_limited ||
      step.algorithm == Algorithm::two_hop || step.algorithm == Algorithm::hierarchical;
  if (step.is_compute || !needs_nodes || step.group % gpus == 0) return;
  const std::string why = step.layout == GroupLayout::spread
                              ? "'layout: spread'"
                              : fmt::format("'algorithm: {}'", algorithm_word(step.algorithm));
  diagnostics.add(traffic.origin.diagnose(
      fmt::format("steps[{}].group", index),
      fmt::format("groups of {} ranks do not fill nodes of {} GPUs, which {} needs", step.group,
                  gpus, why),
      fmt::format("use a multiple of {}", gpus)));
}

}  // namespace

void check_traffic_and_topology(const TrafficSpec& traffic, const TopologySpec& topology,
                                Diagnostics& diagnostics) {
  check_can_be_simulated(topology, diagnostics);
  const std::int64_t gpus = topology.nodes.count * topology.nodes.gpus;
  if (traffic.ranks > gpus) {
    diagnostics.add(traffic.origin.diagnose(
        traffic.matrix ? "" : "ranks",
        fmt::format("{} {}, but {} has {} x {} = {} GPUs", traffic.ranks,
                    traffic.matrix ? "hosts" : "ranks", topology.origin.path, topology.nodes.count,
                    topology.nodes.gpus, gpus),
        traffic.matrix ? "host i is GPU i" : "rank i is GPU i"));
  }
  for (std::size_t i = 0; i < traffic.steps.size(); ++i) {
    check_step_and_nodes(traffic, i, topology.nodes.gpus, diagnostics);
  }
}

namespace {

constexpr const char* kMergeHint =
    "planewise-calibrate merge {} calibration/profiles/h800_published.yaml -o OTHER.yaml takes "
    "what "
    "is missing from another profile, as an estimate";

/// ` (not measured: no second GPU)` if the profile says so of `id`, else nothing.
std::string why_missing(const ProfileSpec& profile, const std::string& id) {
  for (const NotMeasuredEntry& entry : profile.not_measured) {
    if (entry.id == id) return fmt::format(" (not measured: {})", entry.reason);
  }
  return "";
}

}  // namespace

void check_profile(const ProfileSpec& profile, const std::vector<std::string>& operators,
                   const std::vector<std::string>& collectives, Diagnostics& diagnostics) {
  const auto report = [&](const char* key, const char* kind, const std::string& id) {
    diagnostics.add(profile.origin.diagnose(
        key,
        fmt::format("no {} '{}', which the workload runs{}", kind, id, why_missing(profile, id)),
        fmt::format(kMergeHint, profile.origin.path)));
  };
  for (const std::string& id : operators) {
    if (find_operator(profile, id) == nullptr) report("operators", "operator", id);
  }
  for (const std::string& id : collectives) {
    if (find_collective(profile, id) == nullptr) report("collectives", "collective", id);
  }
}

void check_proxies(const ProfileSpec& profile, const std::vector<std::string>& operators,
                   Diagnostics& diagnostics) {
  for (std::size_t i = 0; i < profile.operators.size(); ++i) {
    const OperatorCurve& curve = profile.operators[i];
    const bool is_run = std::find(operators.begin(), operators.end(), curve.id) != operators.end();
    if (curve.proxy.empty() || !is_run) continue;
    diagnostics.add(profile.origin.diagnose(
        fmt::format("operators[{}].proxy", i),
        fmt::format("{}: timed as '{}'", curve.id, curve.proxy),
        "measure on a GPU that runs the operator itself, or pass --allow-proxy"));
  }
}

}  // namespace planewise::spec
