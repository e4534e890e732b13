// A cluster's fabric as built: switches by layer, links, unused ports; closed form without a graph.
//
// Source: C. Leiserson, "Fat-trees" (1985); the folded three-layer form is Al-Fares et al., SIGCOMM
// 2008; multi-plane trees arXiv 2505.09343, section 5. The tests check every count against the
// graph.
#pragma once

#include <cstdint>

#include "spec/ports.h"
#include "spec/topology.h"

namespace planewise::fabric {

/// Position of a switch in its plane. Spelled as in YAML and JSON.
enum class Layer : std::uint8_t { leaf, spine, core };

/// One plane: a two- or three-layer fat tree. All switches of a layer are wired alike.
///
/// Three layers: `pods` groups of leaves and spines; spine j of every pod belongs to core plane j
/// and has its uplinks on that plane's cores. Two layers are one pod without cores. A single leaf
/// needs no spine and a single pod no core: ports up that lead nowhere are unused.
struct PlaneLayout {
  std::int64_t endpoints = 0;  ///< NIC ports that are populated.
  spec::PortSplit leaf_ports{};
  spec::PortSplit spine_ports{};  ///< `up` is 0 in two layers.
  std::int64_t leaves = 0;
  std::int64_t pods = 1;
  std::int64_t leaves_per_pod = 0;  ///< Of every pod but perhaps the last, which may have fewer.
  std::int64_t spines_per_pod = 0;
  /// Cores of one core plane; there are spines_per_pod of those.
  std::int64_t cores_per_spine_index = 0;

  std::int64_t spines() const { return pods * spines_per_pod; }
  std::int64_t cores() const { return spines_per_pod * cores_per_spine_index; }
  std::int64_t leaf_spine_links() const { return spines_per_pod == 0 ? 0 : leaves * leaf_ports.up; }
  std::int64_t spine_core_links() const {
    return cores_per_spine_index == 0 ? 0 : spines() * spine_ports.up;
  }
};

/// A topology and the layout of each of its (equal) planes.
struct Fabric {
  spec::TopologySpec topology;
  PlaneLayout plane;

  std::int64_t gpu_count() const { return topology.nodes.count * topology.nodes.gpus; }
};

/// Totals over all planes. `endpoint_capacity` is what the same leaves could serve at most.
struct Counts {
  std::int64_t endpoints = 0;
  std::int64_t endpoint_capacity = 0;
  std::int64_t leaf_switches = 0;
  std::int64_t spine_switches = 0;
  std::int64_t core_switches = 0;
  std::int64_t inter_switch_links = 0;
  std::int64_t endpoint_links = 0;
  std::int64_t unused_switch_ports = 0;

  std::int64_t switches() const { return leaf_switches + spine_switches + core_switches; }
};

/// Lays out `topology`. Requires: it came from spec/, which refuses what cannot be built.
///
/// Leaves = ceil(endpoints / down). Spines a pod: with `even` striping the smallest divisor of a
/// leaf's uplinks that is at least ceil(leaves * up / ports down of a spine), with `greedy` that
/// bound itself. Cores follow the same rule one layer up. Three layers spread the leaves evenly
/// over the fewest pods; under `mrft` a pod holds the leaves of all rails of its nodes, if it has
/// that many.
Fabric lay_out(const spec::TopologySpec& topology);

/// Returns the totals of `fabric` by closed form; takes microseconds at any size.
Counts count(const Fabric& fabric);

}  // namespace planewise::fabric
