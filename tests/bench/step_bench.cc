// Whole training steps of DeepSeek-V3 as bundled: 16 stages, groups of 64, 120 micro-batches. Rows
// of tools/bench_table.py; see engine_bench.cc.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>

#include "bench/engine_cases.h"
#include "bench/memory.h"
#include "fabric/fabric.h"
#include "fabric/make_topology.h"
#include "simulate/simulate.h"
#include "workload/make_job.h"
#include "workload/training.h"

namespace planewise::bench {
namespace {

struct StepOptions {
  simulate::EngineKind engine = simulate::EngineKind::fast;
  std::int64_t gpus = 2048;
  int threads = 1;
  Layout layout = Layout::packed;
  spec::TopologySpec topology{};
  double size_spread = 0;
  bool symmetry = true;
  Seconds limit = seconds(600);
};

/// Thrown through simulate() when the time is over.
struct TimeIsOver {};

/// Counter `share` is how much of the step was simulated within the limit.
void time_step(benchmark::State& state, const StepOptions& options) {
  test::Loaded loaded = test::load_bundled("workloads/deepseek_v3_train_2048_h800_1f1b.yaml");
  loaded.job.parallel.data *= static_cast<int>(options.gpus / loaded.job.parallel.ranks());
  const workload::Placement placement = place_groups(options.gpus, options.layout);
  workload::Program program = workload::training_program({.job = loaded.job,
                                                          .model = loaded.model,
                                                          .profile = loaded.profile,
                                                          .nodes = options.topology.nodes},
                                                         placement);
  program.size_spread = options.size_spread;
  const fabric::Fabric fabric = fabric::lay_out(options.topology);
  simulate::Result result;
  double share = 0;
  const auto simulate = [&] {
    const auto start = std::chrono::steady_clock::now();
    const auto progress = [&](const simulate::Moment& moment) {
      share = moment.share;
      const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;
      if (seconds(wall.count()) > options.limit) throw TimeIsOver{};
    };
    try {
      result = simulate::simulate(program, placement, fabric,
                                  {.engine = options.engine,
                                   .symmetry = options.symmetry,
                                   .threads = options.threads,
                                   .progress = progress});
      share = 1;
    } catch (const TimeIsOver&) {
    }
  };
  std::int64_t peak = 0;
  for (auto _ : state) peak = std::max(peak, peak_bytes(simulate));
  state.counters["share"] = share;
  state.counters["complete"] = share == 1 ? 1 : 0;
  state.counters["size_spread"] = options.size_spread;
  state.counters["flows"] = static_cast<double>(result.statistics.flows_started);
  state.counters["events"] = static_cast<double>(result.statistics.events);
  state.counters["peak_MB"] = static_cast<double>(peak) / 1e6;
  state.counters["step_time_s"] = result.step_time.base();
}

void add_row(const std::string& name, const StepOptions& options) {
  benchmark::RegisterBenchmark(name.c_str(),
                               [options](benchmark::State& state) { time_step(state, options); })
      ->Unit(benchmark::kMillisecond)
      ->UseRealTime()
      ->Iterations(1);
}

void add_every_flow(const std::string& name, Layout layout) {
  StepOptions options{.threads = 2,
                      .layout = layout,
                      .topology = group_fabric(2048, spec::Routing::ecmp),
                      .size_spread = 0.2,
                      .symmetry = false};
  add_row(name + "/fast", options);
  options.engine = simulate::EngineKind::simgrid;
  options.limit = seconds(60);
  add_row(name + "/simgrid", options);
}

[[maybe_unused]] const bool added = [] {
  add_every_flow("table/v3_spread", Layout::spread);
  add_every_flow("table/v3_packed", Layout::packed);
  add_row("table/v3_balanced/fast", {.topology = group_fabric(2048, spec::Routing::spray)});
  add_row("table/v3_balanced_16384_mpft/fast",
          {.gpus = 16'384, .topology = group_fabric(16'384, spec::Routing::spray)});
  add_row("table/v3_balanced_16384_ft3/fast",
          {.gpus = 16'384, .topology = test::make_topology({.layers = 3, .nodes = 2048})});
  return true;
}();

}  // namespace
}  // namespace planewise::bench
