// Traffic workloads on small fabrics, simulated; what the tests of collectives and matrices vary.
#pragma once

#include <string>

#include "fabric/make_topology.h"
#include "simulate/simulate.h"
#include "workload/collective_time.h"
#include "workload/traffic_program.h"

namespace planewise::test {

inline spec::TrafficSpec traffic_of(std::vector<spec::TrafficStep> steps, int ranks) {
  for (spec::TrafficStep& step : steps) {
    if (step.group == 0) step.group = ranks;
  }
  return {.name = "test", .ranks = ranks, .steps = std::move(steps)};
}

inline simulate::Result simulate_traffic(const spec::TrafficSpec& traffic,
                                         const spec::TopologySpec& topology,
                                         const simulate::SimulationOptions& how = {},
                                         const spec::ProfileSpec* profile = nullptr) {
  const workload::Placement placement = workload::place_traffic(traffic, topology.nodes.gpus);
  const workload::Program program =
      workload::traffic_program({.traffic = traffic, .profile = profile}, placement);
  return simulate::simulate(program, placement, fabric::lay_out(topology), how);
}

/// One leaf over `nodes` nodes: every path between nodes goes through one switch. NICs of 50 GB/s
/// and 1 us, NVLink of 160 GB/s and 2 us.
inline spec::TopologySpec one_switch(std::int64_t nodes, int gpus) {
  return make_topology({.radix = 256, .nodes = nodes, .gpus = gpus});
}

}  // namespace planewise::test
