// A cluster's fabric as built: switches by layer, links, unused ports; closed form without a graph.
//
// Sources: C. Leiserson, "Fat-trees" (1985); the folded three-layer form is Al-Fares et al.,
// SIGCOMM 2008; multi-plane trees arXiv 2505.09343, section 5; those of the other families stand in
// spec/topology.h. The tests check every count against the graph.
#pragma once

#include <cstdint>
#include <vector>

#include "spec/ports.h"
#include "spec/topology.h"

namespace planewise::fabric {

using spec::Layer;

/// What a link joins.
enum class EdgeKind : std::uint8_t {
  endpoint,  ///< An endpoint and a leaf.
  leaf,      ///< A leaf and a switch above it.
  spine,     ///< A spine and a core.
  local,     ///< Two switches of a layer, in one pod.
  global,    ///< Two switches of a layer, in two pods.
};

/// One plane. Its switches are numbered by layer: leaves, then spines, then cores.
///
/// Pods are the parts that stand together. Three-layer trees: leaves and spines that are joined
/// without a core; spine j of every pod belongs to core plane j and has its uplinks on that plane's
/// cores. Two-layer trees and custom fabrics: one pod. Dragonflies: the groups. Slim Fly: the 2q
/// columns of q switches. HyperX and torus of several dimensions: the switches with one last
/// coordinate. A single leaf of a tree needs no spine and a single pod no core: ports up that lead
/// nowhere are unused.
struct PlaneLayout {
  std::int64_t endpoints = 0;  ///< NIC ports that are populated.
  std::int64_t endpoint_capacity = 0;
  std::int64_t leaves = 0;
  std::int64_t pods = 1;
  std::int64_t leaves_per_pod = 0;  ///< Of every pod but perhaps the last, which may have fewer.
  std::int64_t spines_per_pod = 0;
  std::int64_t cores = 0;
  // Links between switches, by kind.
  std::int64_t leaf_links = 0;
  std::int64_t spine_links = 0;
  std::int64_t local_links = 0;
  std::int64_t global_links = 0;
  std::int64_t switch_ports = 0;  ///< Of all switches, at the link rate.

  spec::PortSplit leaf_ports{};   ///< `down` to endpoints, `up` to spines. Not of custom fabrics.
  spec::PortSplit spine_ports{};  ///< Trees and dual-ToR; `up` is 0 in two layers.
  /// Trees: cores of one core plane; there are spines_per_pod of those.
  std::int64_t cores_per_spine_index = 0;
  /// Custom: the first endpoint of each leaf, and their number behind them.
  std::vector<std::int64_t> first_endpoint{};

  std::int64_t spines() const { return pods * spines_per_pod; }
  std::int64_t switches() const { return leaves + spines() + cores; }
  std::int64_t inter_switch_links() const {
    return leaf_links + spine_links + local_links + global_links;
  }
  std::int64_t links(EdgeKind kind) const;
  /// Of a switch by its number.
  Layer layer_of(std::int64_t number) const;
};

/// A topology and the layout of each of its (equal) planes.
struct Fabric {
  spec::TopologySpec topology;
  PlaneLayout plane;

  std::int64_t gpu_count() const { return topology.nodes.count * topology.nodes.gpus; }
  std::int64_t endpoint_count() const { return topology.fabric.planes * plane.endpoints; }
  std::int64_t switch_count() const { return topology.fabric.planes * plane.switches(); }
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
  std::int64_t unused_switch_ports = 0;  ///< At the link rate; a faster link takes several ports.
  // Inside the NVLink domains; 0 if the topology does not say what is there.
  std::int64_t nvlink_switches = 0;
  std::int64_t nvlink_links = 0;

  std::int64_t switches() const { return leaf_switches + spine_switches + core_switches; }
};

/// Lays out `topology`. Requires: it came from spec/, which refuses what cannot be built.
///
/// Trees: leaves = ceil(endpoints / down). Spines a pod: with `even` striping the smallest divisor
/// of a leaf's uplinks that is at least ceil(leaves * up / ports down of a spine), with `greedy`
/// that bound itself. Cores follow the same rule one layer up. Three layers spread the leaves
/// evenly over the fewest pods; under `mrft` a pod holds the leaves of all rails of its nodes, if
/// it has that many. The other families have all the switches that their numbers say, however few
/// endpoints there are, but for `dual_tor`, which has the segments that the nodes fill.
Fabric lay_out(const spec::TopologySpec& topology);

/// Returns the totals of `fabric` by closed form; takes microseconds at any size.
Counts count(const Fabric& fabric);

/// Ports of a switch, by its number in its plane, at the link rate.
int switch_radix(const Fabric& fabric, std::int64_t number);

/// The most links between switches on a shortest path from leaf to leaf of one plane, at full size;
/// a fabric with few pods or several links a pair of pods can do with fewer. Custom: from the
/// graph.
int diameter(const Fabric& fabric);

/// What half of the endpoints can send to the other half at once, all planes together, one way.
///
/// Trees and dual-ToR: half of the links of the narrowest layer. The others: the links cut by the
/// most even division along whole pods or a dimension; exact for tori and HyperX whose cut
/// dimension is even. Where pods are even in number the true value is no higher; where they are odd
/// the two sides differ by one, and it may be. Slim Fly: the cut through half the columns of each
/// kind. At most half the endpoints' rate. Custom: the most flow from the first half of the
/// endpoints, as listed, to the second.
Rate bisection(const Fabric& fabric);

}  // namespace planewise::fabric
