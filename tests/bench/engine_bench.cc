// The engines on whole exchanges. Rows called table/... are those of tools/bench_table.py, which
// takes their goals from the issue; scaling/... those of tools/scaling.sh. Both take from seconds
// to many minutes and are left out of the tests, where small/... stands for them.
#include <benchmark/benchmark.h>
#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "bench/engine_cases.h"
#include "bench/memory.h"
#include "engine/engine.h"
#include "fabric/fabric.h"
#include "fabric/make_topology.h"
#include "simulate/simulate.h"

namespace planewise::bench {
namespace {

// Ten times the longest goal; a row that takes longer says so.
constexpr Seconds kFastLimit = seconds(600);
// SimGrid takes 10 to 20 s for node-limited exchanges, and ends 2 to 70 events a second of direct
// ones.
constexpr Seconds kSimgridLimit = seconds(200);
constexpr Seconds kSimgridShortLimit = seconds(60);

double megabytes(std::int64_t count) { return static_cast<double>(count) / 1e6; }

void report(benchmark::State& state, const Traffic& traffic, const Played& played) {
  state.counters["flows"] = static_cast<double>(traffic.flow_count());
  state.counters["events"] = played.events;
  state.counters["events_per_s"] = played.events_per_second;
  state.counters["solves"] = static_cast<double>(played.statistics.solves);
  state.counters["full_solves"] = static_cast<double>(played.statistics.full_solves);
  state.counters["merged"] = static_cast<double>(played.statistics.flows_merged);
  state.counters["complete"] = played.complete ? 1 : 0;
}

/// Plays `traffic`; peak_MB is what the engine holds on the heap and the traffic's own arrays.
void time_fast(benchmark::State& state, const Traffic& traffic,
               const engine::FastOptions& options = {}) {
  const auto make = [&](std::vector<Rate> capacities, engine::Events events) {
    return engine::make_fast_engine_with(options, std::move(capacities), std::move(events));
  };
  Played played;
  std::int64_t peak = 0;
  for (auto _ : state) {
    peak = peak_bytes([&] { played = play(traffic, make, kFastLimit); });
  }
  report(state, traffic, played);
  state.counters["peak_MB"] = megabytes(peak + traffic.held_bytes());
  state.counters["bound"] = played.statistics.time_error;
}

/// The same by SimGrid; peak_MB is the resident size of the largest SimGrid process so far.
void time_simgrid(benchmark::State& state, const Traffic& traffic, Seconds limit = kSimgridLimit) {
  Played played;
  for (auto _ : state) played = play(traffic, engine::make_simgrid_engine, limit);
  report(state, traffic, played);
  rusage usage{};
  getrusage(RUSAGE_CHILDREN, &usage);
  state.counters["peak_MB"] = static_cast<double>(usage.ru_maxrss) * 1024 / 1e6;
}

void time_simulate(benchmark::State& state, const workload::Program& program,
                   const workload::Placement& placement, const spec::TopologySpec& topology) {
  const fabric::Fabric fabric = fabric::lay_out(topology);
  simulate::Result result;
  std::int64_t peak = 0;
  for (auto _ : state) {
    peak = peak_bytes([&] { result = simulate::simulate(program, placement, fabric, {}); });
  }
  state.counters["flows"] = static_cast<double>(result.symmetry.flows);
  state.counters["flow_classes"] = static_cast<double>(result.symmetry.flow_classes);
  state.counters["events"] = static_cast<double>(result.statistics.events);
  state.counters["complete"] = 1;
  state.counters["peak_MB"] = megabytes(peak);
}

/// Exact, then with ends that come together, whose times are then compared.
void time_exact_and_bounded(benchmark::State& state, int ranks, double tolerance) {
  const Traffic traffic = all_to_all({.ranks = ranks, .size = bytes(3.67e6)});
  time_fast(state, traffic);
  const Played exact = play(traffic, engine::make_fast_engine, kFastLimit);
  const auto make = [&](std::vector<Rate> capacities, engine::Events events) {
    return engine::make_fast_engine_with({.time_tolerance = tolerance}, std::move(capacities),
                                         std::move(events));
  };
  const Played bounded = play(traffic, make, kFastLimit);
  double error = 0;
  for (std::size_t flow = 0; flow < traffic.flow_count(); ++flow) {
    if (exact.ends[flow] == Seconds{}) continue;
    error = std::max(error, std::abs(bounded.ends[flow].in(exact.ends[flow]) - 1));
  }
  state.counters["tolerance"] = tolerance;
  state.counters["bounded_s"] = bounded.wall.base();
  state.counters["bounded_error"] = error;
  state.counters["bounded_bound"] = bounded.statistics.time_error;
}

constexpr GroupOptions kSpread{};
constexpr GroupOptions kPacked{.layout = Layout::packed};
constexpr GroupOptions kPacked1024{.gpus = 1024, .layout = Layout::packed};
// Ends are at most some five tolerances off: bounded_error of all_to_all_512 shows it.
constexpr double kTolerance = 2e-4;

using Row = std::function<void(benchmark::State&)>;

void add_row(const std::string& name, const Row& row, int iterations) {
  auto* const benchmark =
      benchmark::RegisterBenchmark(name.c_str(), [row](benchmark::State& state) { row(state); });
  benchmark->Unit(benchmark::kMillisecond)->UseRealTime();
  if (iterations > 0) benchmark->Iterations(iterations);
}

void add_both(const std::string& name, const std::function<Traffic()>& make, int iterations,
              Seconds simgrid_limit) {
  add_row(
      name + "/fast", [make](benchmark::State& state) { time_fast(state, make()); }, iterations);
  add_row(
      name + "/simgrid",
      [=](benchmark::State& state) { time_simgrid(state, make(), simgrid_limit); }, 1);
}

void add_table() {
  add_both(
      "table/node_limited_spread", [] { return node_limited(kSpread); }, 10, kSimgridLimit);
  add_both(
      "table/node_limited_packed", [] { return node_limited(kPacked); }, 10, kSimgridLimit);
  add_both(
      "table/direct_packed_1024", [] { return direct_in_groups(kPacked1024); }, 3,
      kSimgridShortLimit);
  add_both(
      "table/direct_spread", [] { return direct_in_groups(kSpread); }, 3, kSimgridShortLimit);
  add_row(
      "table/all_to_all_2048_equal/fast",
      [](benchmark::State& state) {
        time_simulate(state, one_all_to_all(2048), workload::place_in_order(2048, 1),
                      test::make_topology({.nodes = 2048, .gpus = 1}));
      },
      3);
  add_row(
      "table/all_to_all_512/fast",
      [](benchmark::State& state) { time_exact_and_bounded(state, 512, kTolerance); }, 1);
  add_row(
      "table/all_to_all_2048_bounded/fast",
      [](benchmark::State& state) {
        time_fast(state, all_to_all({.ranks = 2048}), {.time_tolerance = kTolerance});
      },
      1);
  add_row(
      "table/layers_4/fast",
      [](benchmark::State& state) {
        time_simulate(state, dispatch_and_combine(2048, 4), place_groups(2048, Layout::packed),
                      group_fabric(2048, spec::Routing::spray));
      },
      3);
}

void add_scaling() {
  for (std::int64_t gpus = 64; gpus <= 65'536; gpus *= 2) {
    const std::string size = std::to_string(gpus);
    const auto traffic = [gpus] { return node_limited({.gpus = gpus}); };
    add_row(
        "scaling/fast/" + size, [=](benchmark::State& state) { time_fast(state, traffic()); },
        gpus <= 2048 ? 5 : 1);
    add_row(
        "scaling/symmetry/" + size,
        [gpus](benchmark::State& state) {
          time_simulate(state, one_dispatch(gpus), place_groups(gpus, Layout::spread),
                        group_fabric(gpus, spec::Routing::spray));
        },
        gpus <= 2048 ? 5 : 1);
    if (gpus > 2048) continue;
    add_row(
        "scaling/simgrid/" + size, [=](benchmark::State& state) { time_simgrid(state, traffic()); },
        1);
  }
}

void add_small() {
  for (const Layout layout : {Layout::packed, Layout::spread}) {
    const std::string name = layout == Layout::packed ? "packed" : "spread";
    const auto traffic = [layout] { return node_limited({.gpus = 128, .layout = layout}); };
    add_row(
        "small/node_limited_" + name + "/fast",
        [=](benchmark::State& state) { time_fast(state, traffic()); }, 0);
  }
  add_row(
      "small/node_limited_spread/simgrid",
      [](benchmark::State& state) { time_simgrid(state, node_limited({.gpus = 64})); }, 1);
  add_row(
      "small/all_to_all_32/fast",
      [](benchmark::State& state) { time_exact_and_bounded(state, 32, kTolerance); }, 1);
  add_row(
      "small/layers_2/fast",
      [](benchmark::State& state) {
        time_simulate(state, dispatch_and_combine(128, 2), place_groups(128, Layout::spread),
                      group_fabric(128, spec::Routing::spray));
      },
      1);
}

[[maybe_unused]] const bool added = [] {
  add_small();
  add_table();
  add_scaling();
  return true;
}();

}  // namespace
}  // namespace planewise::bench
