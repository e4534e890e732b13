// Small jobs on small fabrics, simulated; what the tests of simulate/ vary.
#pragma once

#include "fabric/make_topology.h"
#include "simulate/simulate.h"
#include "workload/make_job.h"

namespace planewise::test {

struct Simulated {
  workload::Program program{};
  simulate::Result result{};
};

inline Simulated simulate_small(const SmallJob& small, const TopologyOptions& options,
                                const simulate::SimulationOptions& how = {}) {
  const spec::JobSpec job = small_job(small);
  const spec::ModelSpec model = small_model(small.pipeline * small.layers_per_stage);
  const spec::ProfileSpec profile = round_profile(job, model);
  const spec::TopologySpec topology = make_topology(options);
  const workload::Placement placement =
      workload::place_in_order(job.parallel.ranks(), topology.nodes.gpus);
  Simulated simulated;
  simulated.program = workload::training_program(
      {.job = job, .model = model, .profile = profile, .nodes = topology.nodes}, placement);
  simulated.result =
      simulate::simulate(simulated.program, placement, fabric::lay_out(topology), how);
  return simulated;
}

/// Fabrics for 8 nodes of 4 GPUs (32 ranks) with real routing: several leaves, and pods where there
/// are three layers.
inline std::vector<TopologyOptions> small_fabrics(spec::Routing routing) {
  using spec::Family;
  return {
      {.family = Family::mpft, .planes = 4, .radix = 8, .nodes = 8, .gpus = 4, .routing = routing},
      {.family = Family::mrft, .radix = 16, .nodes = 8, .gpus = 4, .routing = routing},
      {.family = Family::fat_tree, .radix = 16, .nodes = 8, .gpus = 4, .routing = routing},
      {.family = Family::fat_tree,
       .layers = 3,
       .radix = 8,
       .nodes = 8,
       .gpus = 4,
       .routing = routing},
      {.family = Family::fat_tree,
       .radix = 12,
       .nodes = 8,
       .gpus = 4,
       .leaf_oversubscription = 2,
       .routing = routing},
  };
}

}  // namespace planewise::test
