// Small jobs on small fabrics, simulated; what the tests of simulate/ vary.
#pragma once

#include "fabric/random_shape.h"
#include "simulate/simulate.h"
#include "workload/make_job.h"

namespace planewise::test {

struct Simulated {
  workload::Program program{};
  simulate::Result result{};
};

inline Simulated simulate_small(const SmallJob& small, const spec::TopologySpec& topology,
                                const simulate::SimulationOptions& how = {}) {
  const spec::JobSpec job = small_job(small);
  const spec::ModelSpec model = small_model(small.pipeline * small.layers_per_stage);
  const spec::ProfileSpec profile = round_profile(job, model);
  const workload::Placement placement =
      workload::place_in_order(job.parallel.ranks(), topology.nodes.gpus);
  Simulated simulated;
  simulated.program = workload::training_program(
      {.job = job, .model = model, .profile = profile, .nodes = topology.nodes}, placement);
  simulated.result =
      simulate::simulate(simulated.program, placement, fabric::lay_out(topology), how);
  return simulated;
}

inline Simulated simulate_small(const SmallJob& small, const TopologyOptions& options,
                                const simulate::SimulationOptions& how = {}) {
  return simulate_small(small, make_topology(options), how);
}

/// Fabrics for 8 nodes of 4 GPUs of the families that are no trees, with few links to share.
inline std::vector<spec::TopologySpec> small_shapes() {
  using spec::Family;
  std::vector<spec::TopologySpec> shapes = {
      make_shape(Family::dragonfly,
                 spec::DragonflySpec{.endpoints_per_switch = 2,
                                     .switches_per_group = 4,
                                     .global_links_per_switch = 1,
                                     .groups = 5},
                 6, 4),
      make_shape(Family::dragonfly_plus, spec::DragonflyPlusSpec{.groups = 4}, 6, 4),
      make_shape(Family::slim_fly, spec::SlimFlySpec{.q = 3, .endpoints_per_switch = 2}, 7, 4),
      make_shape(
          Family::hyperx,
          spec::HyperXSpec{.extents = {4, 3}, .parallel_links = {1, 2}, .endpoints_per_switch = 4},
          16, 4),
      make_shape(Family::torus, spec::TorusSpec{.extents = {3, 2, 3}, .endpoints_per_switch = 2}, 8,
                 4),
      make_shape(Family::dual_tor,
                 spec::DualTorSpec{.segment_nodes = 2,
                                   .segments_per_pod = 2,
                                   .leaf_uplinks = 2,
                                   .spines_per_pod = 2,
                                   .spine_uplinks = 1},
                 64, 4)};
  for (spec::TopologySpec& topology : shapes) topology.nodes.count = 8;
  return shapes;
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
