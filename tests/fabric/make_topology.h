// Topologies made in code, for tests that need no file.
#pragma once

#include <cstdint>

#include "spec/topology.h"

namespace planewise::test {

/// What tests vary; GPUs and NICs a node are one number.
struct TopologyOptions {
  spec::Family family = spec::Family::fat_tree;
  int layers = 2;
  int planes = 1;
  int radix = 64;
  std::int64_t nodes = 1;
  int gpus = 8;
  double leaf_oversubscription = 1;
  double spine_oversubscription = 1;
  spec::Striping striping = spec::Striping::even;
  std::int64_t unit_nodes = 0;
  spec::Routing routing = spec::Routing::spray;
};

/// Returns the topology of `options`: links of 400 Gb/s and 1 us a switch, NVLink of 160 GB/s and 2
/// us. Rates and latencies are round numbers that differ, so that a test sees which one was used.
inline spec::TopologySpec make_topology(const TopologyOptions& options) {
  spec::TopologySpec topology;
  topology.origin.path = "made-in-code.yaml";
  topology.name = "made in code";
  topology.nodes = {.count = options.nodes,
                    .gpus = options.gpus,
                    .nics = options.gpus,
                    .nvlink_rate = gigabytes_per_second(160),
                    .nvlink_latency = microseconds(2),
                    .source = "test"};
  topology.fabric = {
      .family = options.family,
      .planes = options.planes,
      .radix = options.radix,
      .link_rate = gigabits_per_second(400),
      .uplink_rate = gigabits_per_second(400),
      .switch_latency = microseconds(1),
      .routing = options.routing,
      .shape = spec::TreeSpec{.layers = options.layers,
                              .leaf_oversubscription = options.leaf_oversubscription,
                              .spine_oversubscription = options.spine_oversubscription,
                              .striping = options.striping,
                              .unit_nodes = options.unit_nodes},
      .source = "test"};
  return topology;
}

}  // namespace planewise::test
