// One small fabric of each family.
#pragma once

#include <string>
#include <vector>

#include "fabric/random_shape.h"

namespace planewise::test {

inline spec::CustomSpec small_custom() {
  return {.switches = {{.name = "row a & <b>", .radix = 64, .endpoints = 16},
                       {.name = "row \"c\"", .radix = 64, .endpoints = 16},
                       {.name = "hall", .layer = spec::Layer::spine, .radix = 64}},
          .links = {{.from = 0, .to = 2, .links = 4},
                    {.from = 1, .to = 2, .links = 4},
                    {.from = 0, .to = 1, .links = 1}}};
}

inline std::vector<spec::TopologySpec> one_of_each_family() {
  using spec::Family;
  const auto of = [](Family family, spec::Shape shape, int radix, int gpus) {
    spec::TopologySpec topology = make_shape(family, std::move(shape), radix, gpus);
    topology.nodes.count = spec::node_capacity(topology);
    return topology;
  };
  std::vector<spec::TopologySpec> topologies = {
      make_topology({.radix = 16, .nodes = 12}),
      make_topology({.layers = 3, .radix = 8, .nodes = 8, .gpus = 4}),
      make_topology({.family = Family::mpft, .planes = 4, .radix = 16, .nodes = 20, .gpus = 4}),
      make_topology({.family = Family::mrft, .radix = 16, .nodes = 16, .gpus = 4}),
      make_topology(
          {.family = Family::rail_only, .planes = 4, .radix = 32, .nodes = 16, .gpus = 4}),
      of(Family::dragonfly,
         spec::DragonflySpec{.endpoints_per_switch = 2,
                             .switches_per_group = 4,
                             .global_links_per_switch = 2,
                             .groups = 9},
         7, 4),
      of(Family::dragonfly_plus, spec::DragonflyPlusSpec{.groups = 5}, 4, 2),
      of(Family::slim_fly, spec::SlimFlySpec{.q = 5, .endpoints_per_switch = 4}, 11, 4),
      of(Family::hyperx,
         spec::HyperXSpec{.extents = {3, 4}, .parallel_links = {1, 2}, .endpoints_per_switch = 4},
         16, 4),
      of(Family::torus, spec::TorusSpec{.extents = {4, 4}, .endpoints_per_switch = 4}, 8, 4),
      of(Family::dual_tor,
         spec::DualTorSpec{.segment_nodes = 4,
                           .segments_per_pod = 3,
                           .leaf_uplinks = 4,
                           .spines_per_pod = 2,
                           .spine_uplinks = 2},
         32, 4),
      of(Family::custom, small_custom(), 64, 8)};
  topologies[10].nodes.count = 20;  // Two pods.
  return topologies;
}

}  // namespace planewise::test
