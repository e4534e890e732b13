// One operating point of a decode unit, and a curve of twenty: DeepSeek-V3 over 144 H800.
#include <benchmark/benchmark.h>

#include <cstdint>

#include "fabric/fabric.h"
#include "simulate/simulate.h"
#include "workload/make_serving.h"

namespace planewise::bench {
namespace {

/// As `planewise run` does of every point: as it is, and with twice of each resource.
void simulate_point(const test::LoadedServing& loaded, const fabric::Fabric& fabric,
                    std::int64_t sequences) {
  const workload::Placement placement =
      workload::place_unit(loaded.spec.decode->unit, loaded.topology.nodes.gpus);
  const workload::Program program = workload::decode_program(loaded.input(), sequences, placement);
  benchmark::DoNotOptimize(simulate::simulate(program, placement, fabric, {}).step_time);
  for (int i = 0; i < workload::kResourceCount; ++i) {
    const workload::Program other =
        workload::with_twice(program, static_cast<workload::Resource>(i));
    benchmark::DoNotOptimize(simulate::simulate(other, placement, fabric, {}).step_time);
  }
}

/// The argument is how many points.
void time_curve(benchmark::State& state) {
  const test::LoadedServing loaded = test::ep144();
  const fabric::Fabric fabric = fabric::lay_out(loaded.topology);
  for (auto _ : state) {
    for (std::int64_t point = 1; point <= state.range(0); ++point) {
      simulate_point(loaded, fabric, 6 * point);
    }
  }
}
BENCHMARK(time_curve)->Name("serving/ep144/points")->Arg(1)->Arg(20)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace planewise::bench
