#include "simulate/simulate.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/check.h"

namespace planewise::simulate {
namespace {

EngineFactory factory_of(EngineKind kind) {
  switch (kind) {
    case EngineKind::fast:
      return engine::make_fast_engine;
    case EngineKind::simgrid:
      return engine::make_simgrid_engine;
  }
  PW_UNREACHABLE("EngineKind has two values");
}

std::vector<LinkLoad> busiest_links(const System& system, const DrivenStep& step,
                                    const fabric::Router& router) {
  const auto load_of = [&](std::size_t link) {
    return step.carried[link].in(system.links[link].capacity * step.step_time);
  };
  std::map<fabric::LinkKind, std::size_t> busiest;
  for (std::size_t link = 0; link < system.links.size(); ++link) {
    const auto [entry, is_first] = busiest.try_emplace(system.links[link].kind, link);
    if (!is_first && load_of(link) > load_of(entry->second)) entry->second = link;
  }
  std::vector<LinkLoad> loads;
  for (const auto& [kind, link] : busiest) {
    if (load_of(link) == 0) continue;
    loads.push_back({.kind = kind,
                     .name = router.link_name(system.links[link].router_link),
                     .carried = step.carried[link],
                     .mean_load = load_of(link)});
  }
  return loads;
}

double estimated_share(const std::vector<RankResult>& ranks, const workload::Program& program) {
  Seconds all{};
  Seconds estimated{};
  for (const RankResult& rank : ranks) {
    const auto weight = static_cast<double>(rank.rank_count);
    all += rank.compute * weight;
    estimated += rank.estimated_compute * weight;
    for (std::size_t label = 0; label < rank.exposed.size(); ++label) {
      all += rank.exposed[label] * weight;
      if (!spec::is_estimate(program.labels[label].evidence)) continue;
      estimated += rank.exposed[label] * weight;
    }
  }
  return all > Seconds{} ? estimated.in(all) : 0;
}

}  // namespace

Result simulate(const workload::Program& program, const workload::Placement& placement,
                const fabric::Fabric& fabric, const SimulationOptions& options) {
  PW_CHECK(fabric.gpu_count() == program.rank_count());
  const fabric::Router router(fabric, fabric.topology.fabric.routing);
  System system = make_system(program, placement, router, options.seed);
  const Symmetry unreduced = no_symmetry(system);
  const ReducedSystem driven =
      options.symmetry ? reduce(system)
                       : ReducedSystem{.system = std::move(system), .symmetry = unreduced};
  DrivenStep step = drive(driven.system, factory_of(options.engine), options.progress);
  Result result{.step_time = step.step_time,
                .ranks = std::move(step.ranks),
                .busiest_links = busiest_links(driven.system, step, router),
                .symmetry = driven.symmetry,
                .statistics = step.statistics};
  result.estimated_share = estimated_share(result.ranks, program);
  for (const workload::Label& label : program.labels) result.labels.push_back(label.name);
  std::stable_sort(result.ranks.begin(), result.ranks.end(),
                   [](const RankResult& a, const RankResult& b) { return a.rank < b.rank; });
  return result;
}

}  // namespace planewise::simulate
