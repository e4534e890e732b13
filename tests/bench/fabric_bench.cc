#include <benchmark/benchmark.h>

#include "bench/memory.h"
#include "fabric/fabric.h"
#include "fabric/graph.h"
#include "fabric/make_topology.h"
#include "fabric/ports.h"

namespace planewise::bench {
namespace {

/// FT3 of arXiv 2505.09343, Table 3: a full three-layer fat tree of 65,536 endpoints.
spec::TopologySpec ft3_65536() {
  return test::make_topology({.layers = 3, .radix = 64, .nodes = 8192});
}

void counts_ft3_65536(benchmark::State& state) {
  const spec::TopologySpec topology = ft3_65536();
  for (auto _ : state) benchmark::DoNotOptimize(fabric::count(fabric::lay_out(topology)));
}
BENCHMARK(counts_ft3_65536);

void graph_ft3_65536(benchmark::State& state) {
  const fabric::Fabric fabric = fabric::lay_out(ft3_65536());
  const auto build = [&] { benchmark::DoNotOptimize(fabric::make_graph(fabric)); };
  for (auto _ : state) build();
  state.counters["peak_MB"] = static_cast<double>(peak_bytes(build)) / 1e6;
}
BENCHMARK(graph_ft3_65536)->Unit(benchmark::kMillisecond);

/// Names and ports of 196,608 links, without a graph.
void cables_ft3_65536(benchmark::State& state) {
  const fabric::Fabric fabric = fabric::lay_out(ft3_65536());
  for (auto _ : state) {
    std::size_t cables = 0;
    fabric::visit_cables(fabric,
                         [&](std::span<const fabric::Cable> some) { cables += some.size(); });
    benchmark::DoNotOptimize(cables);
  }
}
BENCHMARK(cables_ft3_65536)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace planewise::bench
