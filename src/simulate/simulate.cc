#include "simulate/simulate.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

#include "base/check.h"

namespace planewise::simulate {
namespace {

EngineFactory factory_of(const SimulationOptions& options) {
  switch (options.engine) {
    case EngineKind::fast:
      return [fast = engine::FastOptions{.threads = options.threads,
                                         .time_tolerance = options.time_tolerance}](
                 std::vector<Rate> capacities, engine::Events events) {
        return engine::make_fast_engine_with(fast, std::move(capacities), std::move(events));
      };
    case EngineKind::simgrid:
      return engine::make_simgrid_engine;
  }
  PW_UNREACHABLE("EngineKind has two values");
}

/// Loads of all links over the whole step, in the system's order.
std::vector<double> mean_loads(const System& system, const DrivenStep& step) {
  std::vector<double> loads;
  for (std::size_t link = 0; link < system.links.size(); ++link) {
    loads.push_back(step.carried[link].in(system.links[link].capacity * step.step_time));
  }
  return loads;
}

/// The busiest link of each kind that carried anything.
std::vector<LinkLoad> busiest_links(const System& system, const DrivenStep& step,
                                    const fabric::Router& router) {
  const std::vector<double> loads = mean_loads(system, step);
  std::map<fabric::LinkKind, std::size_t> busiest;
  for (std::size_t link = 0; link < system.links.size(); ++link) {
    const auto [entry, is_first] = busiest.try_emplace(system.links[link].kind, link);
    if (!is_first && loads[link] > loads[entry->second]) entry->second = link;
  }
  std::vector<LinkLoad> found;
  for (const auto& [kind, link] : busiest) {
    if (loads[link] == 0) continue;
    found.push_back({.kind = kind,
                     .name = router.link_name(system.links[link].router_link),
                     .carried = step.carried[link],
                     .mean_load = loads[link]});
  }
  return found;
}

/// The busiest links of all kinds, and when they were busiest.
std::vector<BusyLink> busiest_of_all(const System& system, const DrivenStep& step,
                                     const fabric::Router& router, const LinkLoads& over_time,
                                     std::size_t count) {
  const std::vector<double> loads = mean_loads(system, step);
  std::vector<std::size_t> order(loads.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return loads[a] > loads[b]; });
  order.resize(std::min(count, order.size()));
  std::vector<BusyLink> busiest;
  for (const std::size_t link : order) {
    BusyLink busy{.load = {.kind = system.links[link].kind,
                           .name = router.link_name(system.links[link].router_link),
                           .carried = step.carried[link],
                           .mean_load = loads[link]},
                  .links = system.links[link].count};
    for (std::size_t bin = 0; bin < over_time.bin_count(); ++bin) {
      if (over_time.load(link, bin) <= busy.peak_load) continue;
      busy.peak_load = over_time.load(link, bin);
      busy.peak_began = over_time.bin_width() * static_cast<double>(bin);
    }
    busiest.push_back(std::move(busy));
  }
  return busiest;
}

/// The observers that Watch asks for.
struct Watchers {
  LinkLoads loads;
  Completion completion;
  CriticalPath path;
  TransferTimes times;

  Observers with(const Watch& watch, Observers observers) {
    if (watch.loads) observers.push_back(&loads);
    if (watch.completion) observers.push_back(&completion);
    if (watch.explanation) observers.insert(observers.end(), {&path, &times});
    return observers;
  }
};

/// Adds what the watchers saw.
void add_watched(Result& result, const Watchers& seen, const Watch& watch, const System& system,
                 const DrivenStep& step, const fabric::Router& router) {
  if (watch.loads) {
    result.loads = seen.loads.by_kind();
    result.busiest = busiest_of_all(system, step, router, seen.loads, watch.busiest);
  }
  if (watch.completion) result.completion = seen.completion.by_label();
  if (watch.explanation && result.is_complete()) {
    result.explanation = explain(seen.path.segments(), system, watch.longest);
    result.transfers = seen.times.by_label();
  }
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
  for (const std::int64_t gpu : placement.gpu_of_rank) PW_CHECK(gpu < fabric.gpu_count());
  const auto enter = [&](Part part) {
    if (options.on_part) options.on_part(part);
  };
  enter(Part::route);
  const fabric::Router router(fabric, fabric.topology.fabric.routing);
  const bool routes_at_start =
      router.routing() == spec::Routing::adaptive || options.faults != nullptr;
  System system = make_system(program, placement, router,
                              {.seed = options.seed,
                               .queue_pairs = fabric.topology.fabric.queue_pairs,
                               .routes_at_start = routes_at_start});
  // Routes that change at the start of a flow leave no bound to compare with.
  if (options.watch.explanation && !routes_at_start) find_bounds(system);
  enter(Part::symmetry);
  const Symmetry unreduced = no_symmetry(system);
  const bool uneven_loads = !program.loads.empty();
  const bool reduces =
      options.symmetry && !routes_at_start && !uneven_loads && program.size_spread == 0;
  const ReducedSystem driven =
      reduces ? reduce(system) : ReducedSystem{.system = std::move(system), .symmetry = unreduced};
  enter(Part::drive);
  const PathOptions paths{.fabric = fabric,
                          .router = router,
                          .placement = placement,
                          .seed = options.seed,
                          .faults = options.faults};
  Watchers watchers;
  DrivenStep step =
      drive(driven.system, factory_of(options), options.progress,
            watchers.with(options.watch, options.observers), routes_at_start ? &paths : nullptr);
  Result result{.step_time = step.step_time,
                .ranks = std::move(step.ranks),
                .chunks = std::move(step.chunks),
                .symmetry = driven.symmetry,
                .routes_at_start = routes_at_start,
                .uneven_loads = uneven_loads,
                .faults = std::move(step.faults),
                .statistics = step.statistics};
  add_watched(result, watchers, options.watch, driven.system, step, router);
  if (result.is_complete()) result.busiest_links = busiest_links(driven.system, step, router);
  result.estimated_share = estimated_share(result.ranks, program);
  for (const workload::Label& label : program.labels) result.labels.push_back(label.name);
  std::stable_sort(result.ranks.begin(), result.ranks.end(),
                   [](const RankResult& a, const RankResult& b) { return a.rank < b.rank; });
  return result;
}

}  // namespace planewise::simulate
