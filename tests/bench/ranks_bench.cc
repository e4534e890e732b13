// What ranks cost before and between what they measure: finding each other, and one point.
#include <benchmark/benchmark.h>

#include "calibration/comm/comm_run.h"
#include "calibration/ranks/forked_ranks.h"

namespace planewise::calibration {
namespace {

/// Fork, connect all with all, and end.
void bootstrap(benchmark::State& state) {
  const int ranks = static_cast<int>(state.range(0));
  for (auto _ : state) {
    const auto ends = test::run_forked(ranks, [](Store& store) {
      const auto transport = make_socket_transport(store, {});
      store.barrier();
      return transport->name();
    });
    for (const auto& end : ends) {
      if (end.code != 0) state.SkipWithError(end.text.c_str());
    }
  }
}
BENCHMARK(bootstrap)
    ->Name("ranks/bootstrap")
    ->Arg(4)
    ->Arg(16)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

/// A point beyond its operations and checks, on rank 0: `overhead_us`.
void overhead(benchmark::State& state) {
  const int ranks = static_cast<int>(state.range(0));
  double us = 0;
  for (auto _ : state) {
    const auto ends = test::run_forked(ranks, [](Store& store) {
      const auto transport = make_socket_transport(store, {});
      const Cluster cluster = find_cluster(store, {.host = "node"});
      CommRunner runner(store, *transport, cluster, store.size());
      for (const CommTask& task : sweep_tasks(cluster, {.most = bytes(1 << 16)})) {
        runner.measure(task, {.iterations = 5, .warm_up = 2});
      }
      store.barrier();
      return std::to_string(runner.cost().overhead_each().in(microseconds(1)));
    });
    us = std::stod(ends.front().text);
  }
  state.counters["overhead_us"] = us;
}
BENCHMARK(overhead)
    ->Name("ranks/point")
    ->Arg(2)
    ->Arg(8)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace
}  // namespace planewise::calibration
