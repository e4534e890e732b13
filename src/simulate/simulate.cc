#include "simulate/simulate.h"

#include <algorithm>
#include <map>

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
  std::map<fabric::LinkKind, LinkLoad> busiest;
  std::map<fabric::LinkKind, std::int32_t> which;
  for (std::size_t i = 0; i < system.links.size(); ++i) {
    const SystemLink& link = system.links[i];
    const double load = step.carried[i].in(link.capacity * step.step_time);
    LinkLoad& best = busiest[link.kind];
    if (load <= best.mean_load) continue;
    best = {.kind = link.kind, .carried = step.carried[i], .mean_load = load};
    which[link.kind] = link.router_link;
  }
  std::vector<LinkLoad> loads;
  for (auto& [kind, load] : busiest) {
    if (load.mean_load == 0) continue;
    load.name = router.link_name(which[kind]);
    loads.push_back(std::move(load));
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
      const bool is_estimate = program.labels[label].evidence == spec::Evidence::estimated;
      if (is_estimate) estimated += rank.exposed[label] * weight;
    }
  }
  return all > Seconds{} ? estimated.in(all) : 0;
}

}  // namespace

Result simulate(const workload::Program& program, const workload::Placement& placement,
                const fabric::Fabric& fabric, const SimulationOptions& options) {
  PW_CHECK(fabric.gpu_count() == program.rank_count());
  const fabric::Router router(fabric, fabric.topology.fabric.routing);
  const System system = make_system(program, placement, router, options.seed);
  const ReducedSystem driven =
      options.symmetry ? reduce(system)
                       : ReducedSystem{.system = system, .symmetry = no_symmetry(system)};
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
