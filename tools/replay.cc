#include "tools/replay.h"

#include <fmt/format.h>
#include <git_version.h>

#include <algorithm>
#include <cmath>

#include "fabric/fabric.h"
#include "print/interrupts.h"
#include "workload/collective_time.h"
#include "workload/measured_program.h"

namespace planewise::tools {
namespace {

/// Rates of links that differ by more than this are of different links.
constexpr double kSameRate = 0.05;

std::string name_of(const spec::MeasuredExchange& exchange) {
  return report::replay_group({.operation = exchange.operation,
                               .algorithm = exchange.algorithm,
                               .group = exchange.group,
                               .cadence = exchange.cadence,
                               .ranks = exchange.ranks,
                               .nodes = exchange.nodes,
                               .groups = exchange.groups});
}

/// Whether there is the same exchange in isolation, which is what is simulated.
bool has_isolated(const spec::ProfileSpec& profile, const spec::MeasuredExchange& exchange) {
  return std::any_of(
      profile.exchanges.begin(), profile.exchanges.end(), [&](const spec::MeasuredExchange& other) {
        return other.cadence == spec::Cadence::isolated && other.operation == exchange.operation &&
               other.algorithm == exchange.algorithm && other.group == exchange.group &&
               other.ranks == exchange.ranks && other.nodes == exchange.nodes &&
               other.groups == exchange.groups;
      });
}

/// Why an exchange of the profile cannot be simulated on the topology; empty if it can.
std::string problem_with(const spec::MeasuredExchange& exchange, const spec::ProfileSpec& profile,
                         const spec::TopologySpec& topology) {
  if (std::string problem = workload::replay_problem(exchange); !problem.empty()) return problem;
  if (exchange.ranks_per_node > topology.nodes.gpus) {
    return fmt::format("{} ranks a node, and nodes of {} have {} GPUs", exchange.ranks_per_node,
                       topology.name, topology.nodes.gpus);
  }
  if (workload::is_hierarchical(exchange) && exchange.ranks_per_node != topology.nodes.gpus) {
    return fmt::format("{} ranks a node fill no node of {}", exchange.ranks_per_node,
                       topology.name);
  }
  const std::int64_t nodes = workload::rank_count(exchange) / exchange.ranks_per_node;
  if (nodes > topology.nodes.count) {
    return fmt::format("{} nodes, and {} has {}", nodes, topology.name, topology.nodes.count);
  }
  const std::string id = workload::collective_id(exchange);
  if (spec::find_collective(profile, id) == nullptr) {
    return fmt::format("the profile has no collective '{}'", id);
  }
  return "";
}

/// What the links of the profile are, if the topology says otherwise.
void compare_links(const spec::ProfileSpec& profile, const spec::TopologySpec& topology,
                   std::vector<std::string>& notes) {
  if (!profile.links) return;
  const workload::IdleFabric fabric = workload::idle_fabric(topology);
  for (const auto& [name, measured, said] :
       {std::tuple{"rail", profile.links->rail, fabric.network_rate},
        std::tuple{"nvlink", profile.links->nvlink, fabric.nvlink_rate}}) {
    if (measured == Rate{} || std::fabs(said.in(measured)-1) <= kSameRate) continue;
    notes.push_back(fmt::format(
        "efficiencies are shares of a {} of {:.4g} GB/s, and {} has {:.4g} GB/s: simulated times "
        "are those of the topology; fit with --topology to count against its links",
        name, measured.in(gigabytes_per_second(1)), topology.name,
        said.in(gigabytes_per_second(1))));
  }
}

class Replay {
 public:
  Replay(const ReplayFlags& flags, const spec::ProfileSpec& profile,
         const spec::TopologySpec& topology)
      : flags_(flags), profile_(profile), topology_(topology), fabric_(fabric::lay_out(topology)) {}

  /// Adds a line for each time.
  void add(const spec::MeasuredExchange& exchange, report::Report& report) {
    const std::string id = workload::collective_id(exchange);
    const spec::CollectiveCurve& curve =
        *spec::find_collective(profile_, id, spec::Beside::alone, workload::reach_of(exchange));
    const workload::Placement placement = workload::place_in_part(
        workload::rank_count(exchange),
        {.gpus_per_node = topology_.nodes.gpus, .ranks_per_node = exchange.ranks_per_node});
    for (const spec::ExchangeTime& time : exchange.times) {
      if (interrupts_.interrupted()) throw Interrupted("interrupted; nothing was written");
      report.replay.push_back({.operation = exchange.operation,
                               .algorithm = exchange.algorithm,
                               .group = exchange.group,
                               .cadence = exchange.cadence,
                               .ranks = exchange.ranks,
                               .nodes = exchange.nodes,
                               .groups = exchange.groups,
                               .tokens = time.tokens,
                               .size = time.size,
                               .measured = time.time,
                               .simulated = simulate_time(exchange, time, placement, curve),
                               .is_fitted = time.is_fitted,
                               .collective = id});
    }
  }

 private:
  Seconds simulate_time(const spec::MeasuredExchange& exchange, const spec::ExchangeTime& time,
                        const workload::Placement& placement, const spec::CollectiveCurve& curve) {
    const spec::CollectiveCurve at_size =
        spec::at_size(curve, workload::sent_by_rank(exchange, time));
    const workload::Program program =
        workload::measured_program(exchange, time, placement, at_size);
    workload::Placement used = placement;
    used.gpu_of_rank.resize(program.stage_of_rank.size());
    return simulate::simulate(program, used, fabric_,
                              {.engine = flags_.simulation.engine,
                               .symmetry = !flags_.simulation.no_symmetry,
                               .seed = flags_.simulation.seed})
        .step_time;
  }

  const ReplayFlags& flags_;
  const spec::ProfileSpec& profile_;
  const spec::TopologySpec& topology_;
  fabric::Fabric fabric_;
  InterruptScope interrupts_;
};

}  // namespace

report::Report replay(const ReplayFlags& flags, Stopwatch& watch) {
  watch.begin("read");
  spec::Diagnostics diagnostics;
  const spec::ProfileSpec profile = spec::read_profile(flags.profile, diagnostics);
  const spec::TopologySpec topology = spec::read_topology(flags.topology, diagnostics);
  diagnostics.throw_if_any();
  if (profile.exchanges.empty()) {
    throw spec::InputError({profile.origin.diagnose(
        "name", fmt::format("{} has no 'exchanges' that could be simulated again", profile.name),
        "measure between ranks: planewise-calibrate run --only comm, then fit")});
  }
  watch.begin("drive");
  report::Report report;
  Replay replay(flags, profile, topology);
  int streaming = 0;
  for (const spec::MeasuredExchange& exchange : profile.exchanges) {
    std::string problem = problem_with(exchange, profile, topology);
    if (problem.empty() && exchange.cadence == spec::Cadence::streaming && !flags.all_cadences &&
        has_isolated(profile, exchange)) {
      ++streaming;
    } else if (problem.empty()) {
      replay.add(exchange, report);
    } else {
      report.header.left_out.push_back(name_of(exchange) + ": " + problem);
    }
  }
  if (report.replay.empty()) {
    throw spec::InputError({topology.origin.diagnose(
        "nodes",
        fmt::format("none of the exchanges of {} can be simulated on {}: {}", profile.name,
                    topology.name, report.header.left_out.front()),
        "give the topology of the cluster that was measured")});
  }
  if (streaming > 0) {
    report.header.left_out.push_back(fmt::format(
        "{} streaming exchanges that have isolated times, too; --all-cadences shows both",
        streaming));
  }
  compare_links(profile, topology, report.header.left_out);
  report.title = fmt::format("{} on {}: measured exchanges and ours", profile.name, topology.name);
  report.header.version = kPlanewiseVersion;
  report.header.engine = flags.simulation.engine == simulate::EngineKind::fast ? "fast" : "simgrid";
  report.header.seed = flags.simulation.seed;
  report.header.inputs = {{.path = profile.origin.path, .sha256 = profile.origin.sha256},
                          {.path = topology.origin.path, .sha256 = topology.origin.sha256}};
  return report;
}

}  // namespace planewise::tools
