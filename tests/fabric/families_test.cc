// Every family that is no tree: the graph against the closed form, and what makes each what it is.
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/graph/connected_components.hpp>
#include <map>
#include <set>
#include <vector>

#include "fabric/graph.h"
#include "fabric/graph_metrics.h"
#include "fabric/random_shape.h"
#include "fabric/wiring.h"

namespace planewise::fabric {
namespace {

using spec::Family;
using test::make_shape;
using VertexId = boost::graph_traits<Graph>::vertex_descriptor;

auto vertices_of(const Graph& graph) { return boost::make_iterator_range(boost::vertices(graph)); }

Fabric full(spec::TopologySpec topology) {
  topology.nodes.count = spec::node_capacity(topology);
  return lay_out(topology);
}

TEST(FamiliesLaw, CountsAndPortsAreThoseOfTheClosedForm) {
  const std::uint64_t seed = test::seed_or(14);
  Random random(seed);
  for (int round = 0; round < 700; ++round) {
    const spec::TopologySpec topology = test::random_shape(random);
    SCOPED_TRACE(test::describe_shape(seed, topology));
    const Fabric fabric = lay_out(topology);
    const Graph graph = make_graph(fabric);
    const Counts closed_form = count(fabric);
    const Counts counted = count(graph, fabric);
    ASSERT_EQ(counted.endpoints, closed_form.endpoints);
    ASSERT_EQ(counted.leaf_switches, closed_form.leaf_switches);
    ASSERT_EQ(counted.spine_switches, closed_form.spine_switches);
    ASSERT_EQ(counted.core_switches, closed_form.core_switches);
    ASSERT_EQ(counted.inter_switch_links, closed_form.inter_switch_links);
    ASSERT_EQ(counted.endpoint_links, closed_form.endpoint_links);
    ASSERT_EQ(counted.unused_switch_ports, closed_form.unused_switch_ports);
    ASSERT_LE(closed_form.endpoints, closed_form.endpoint_capacity);
    // Ports used = ports there are - ports reported unused; no switch has more than its radix.
    std::int64_t used = 0;
    for (const VertexId vertex : vertices_of(graph)) {
      if (graph[vertex].kind == VertexKind::endpoint) {
        ASSERT_EQ(boost::out_degree(vertex, graph), 1U);
        continue;
      }
      std::int64_t ports = 0;
      for (const auto edge : boost::make_iterator_range(boost::out_edges(vertex, graph))) {
        const bool to_endpoint = graph[edge].kind == EdgeKind::endpoint;
        ports += to_endpoint ? 1 : topology.fabric.ports_per_uplink();
      }
      ASSERT_LE(ports, topology.fabric.radix);
      used += ports;
    }
    ASSERT_EQ(used,
              topology.fabric.planes * fabric.plane.switch_ports - closed_form.unused_switch_ports);
  }
}

TEST(FamiliesLaw, PlanesAreConnectedAndNoFartherThanTheDiameter) {
  const std::uint64_t seed = test::seed_or(15);
  Random random(seed);
  for (int round = 0; round < 400; ++round) {
    const spec::TopologySpec topology = test::random_shape(random);
    SCOPED_TRACE(test::describe_shape(seed, topology));
    const Fabric fabric = lay_out(topology);
    const Graph graph = make_graph(fabric);
    std::vector<int> component(boost::num_vertices(graph));
    ASSERT_EQ(boost::connected_components(graph, component.data()), topology.fabric.planes);
    ASSERT_LE(graph_diameter(fabric), diameter(fabric));
  }
}

TEST(FamiliesLaw, EveryEndpointHasAPortOfItsOwn) {
  const std::uint64_t seed = test::seed_or(16);
  Random random(seed);
  for (int round = 0; round < 400; ++round) {
    const spec::TopologySpec topology = test::random_shape(random);
    SCOPED_TRACE(test::describe_shape(seed, topology));
    const Fabric fabric = lay_out(topology);
    std::set<std::array<std::int64_t, 3>> taken;
    std::map<std::array<std::int64_t, 3>, std::int64_t> on_leaf;  // Plane, leaf, node.
    const std::int64_t per_node = fabric.endpoint_count() / topology.nodes.count;
    for (std::int64_t endpoint = 0; endpoint < fabric.endpoint_count(); ++endpoint) {
      const Attachment at = attach(fabric, endpoint);
      ASSERT_LT(at.plane, topology.fabric.planes);
      ASSERT_LT(at.leaf, fabric.plane.leaves);
      ASSERT_TRUE(taken.insert({at.plane, at.leaf, at.port}).second);
      ++on_leaf[{at.plane, at.leaf, endpoint / per_node}];
    }
    // The bundles of nodes say the same.
    for (std::int64_t plane = 0; plane < topology.fabric.planes; ++plane) {
      visit_node_bundles(fabric, plane, [&](std::span<const NodeBundle> bundles) {
        for (const NodeBundle& bundle : bundles) {
          EXPECT_EQ((on_leaf[{plane, bundle.leaf, bundle.node}]), bundle.links);
          const bool two_ports = topology.fabric.family == Family::dual_tor;
          for (std::int64_t link = 0; link < bundle.links; ++link) {
            const std::int64_t nic = bundle.first_nic + link * topology.fabric.planes;
            const std::int64_t gpu = bundle.node * std::int64_t{topology.nodes.nics} + nic;
            const Attachment at = attach(fabric, two_ports ? 2 * gpu + plane : gpu);
            EXPECT_EQ(at.plane, plane);
            EXPECT_EQ(at.leaf, bundle.leaf);
          }
          on_leaf.erase({plane, bundle.leaf, bundle.node});
        }
      });
    }
    ASSERT_TRUE(on_leaf.empty());
  }
}

/// The least flow between any half of the leaves (of an even number) and the other half.
std::int64_t least_cut(const Fabric& fabric) {
  std::vector<bool> half(static_cast<std::size_t>(fabric.plane.leaves));
  std::fill(half.begin() + fabric.plane.leaves / 2, half.end(), true);
  std::int64_t least = graph_flow(fabric, half);
  while (std::next_permutation(half.begin(), half.end())) {
    least = std::min(least, graph_flow(fabric, half));
  }
  return least;
}

struct BisectionCase {
  std::string name{};
  spec::TopologySpec topology{};
  double links = 0;  ///< Worked out by hand, of all planes.
};

std::vector<BisectionCase> bisection_cases() {
  // Enough endpoints a switch that links between switches are what limits.
  return {
      {"torus 4 x 4: 2 x 16 / 4",
       make_shape(Family::torus, spec::TorusSpec{.extents = {4, 4}, .endpoints_per_switch = 8}, 12,
                  8),
       8},
      {"torus of 8: 2",
       make_shape(Family::torus, spec::TorusSpec{.extents = {8}, .endpoints_per_switch = 8}, 12, 8),
       2},
      {"HyperX 4 x 3: 3 lines x 2 x 2 pairs",
       make_shape(Family::hyperx,
                  spec::HyperXSpec{
                      .extents = {4, 3}, .parallel_links = {1, 2}, .endpoints_per_switch = 16},
                  64, 8),
       12},
      {"HyperX of 6, doubled: 3 x 3 pairs x 2",
       make_shape(
           Family::hyperx,
           spec::HyperXSpec{.extents = {6}, .parallel_links = {2}, .endpoints_per_switch = 16}, 64,
           8),
       18},
      {"Dragonfly of 2 groups of 4, 1 global link each: 4",
       make_shape(Family::dragonfly,
                  spec::DragonflySpec{.endpoints_per_switch = 8,
                                      .switches_per_group = 4,
                                      .global_links_per_switch = 1,
                                      .groups = 2},
                  12, 8),
       4},
      {"Dragonfly+ of 2 groups of 2 leaves: 4 global links",
       make_shape(Family::dragonfly_plus, spec::DragonflyPlusSpec{.groups = 2}, 4, 2), 4},
      {"dual-ToR: 2 planes x 4 leaves x 1 uplink / 2",
       make_shape(Family::dual_tor,
                  spec::DualTorSpec{.segment_nodes = 4,
                                    .segments_per_pod = 4,
                                    .leaf_uplinks = 1,
                                    .spines_per_pod = 1,
                                    .spine_uplinks = 0},
                  64, 1),
       4},
  };
}

TEST(Families, BisectionIsTheLeastCutOfSmallGraphs) {
  for (const BisectionCase& one : bisection_cases()) {
    SCOPED_TRACE(one.name);
    const Fabric fabric = full(one.topology);
    const Rate link = fabric.topology.fabric.link_rate;
    EXPECT_DOUBLE_EQ(bisection(fabric).in(link), one.links);
    EXPECT_EQ(least_cut(fabric) * fabric.topology.fabric.planes, one.links);
  }
}

TEST(Families, BisectionIsAtMostHalfTheEndpoints) {
  const std::uint64_t seed = test::seed_or(17);
  Random random(seed);
  for (int round = 0; round < 300; ++round) {
    const Fabric fabric = lay_out(test::random_shape(random));
    SCOPED_TRACE(test::describe_shape(seed, fabric.topology));
    ASSERT_LE(bisection(fabric).in(fabric.topology.fabric.link_rate),
              static_cast<double>(fabric.endpoint_count()) / 2);
  }
}

TEST(SlimFly, HasDiameterTwoAndEvenDegreeForEveryField) {
  for (const std::int64_t q : {3, 4, 5, 7, 8, 9, 11, 13, 16, 17, 19, 23, 25, 27, 32}) {
    SCOPED_TRACE(q);
    const spec::SlimFlySpec shape{.q = q, .endpoints_per_switch = 1};
    const std::int64_t degree = spec::slim_fly_degree(q);
    const Fabric fabric =
        full(make_shape(Family::slim_fly, shape, static_cast<int>(degree + 1), 1));
    EXPECT_EQ(graph_diameter(fabric), 2);
    const Graph graph = make_graph(fabric);
    EXPECT_EQ(fabric.plane.leaves, 2 * q * q);
    for (const VertexId vertex : vertices_of(graph)) {
      if (graph[vertex].kind == VertexKind::endpoint) continue;
      ASSERT_EQ(boost::out_degree(vertex, graph), static_cast<std::size_t>(degree + 1));
    }
  }
}

TEST(SlimFly, QFiveIsTheHoffmanSingletonGraph) {
  // The only graph of degree 7 and diameter 2 with 50 vertices: no triangles, no squares.
  const Fabric fabric = full(
      make_shape(Family::slim_fly, spec::SlimFlySpec{.q = 5, .endpoints_per_switch = 1}, 8, 1));
  std::set<std::pair<std::int32_t, std::int32_t>> joined;
  visit_bundles(fabric, [&](std::span<const Bundle> bundles) {
    for (const Bundle& bundle : bundles) {
      joined.insert({bundle.lower, bundle.upper});
      joined.insert({bundle.upper, bundle.lower});
    }
  });
  EXPECT_EQ(joined.size(), 2U * 175);
  for (std::int32_t a = 0; a < 50; ++a) {
    for (std::int32_t b = a + 1; b < 50; ++b) {
      int common = 0;
      for (std::int32_t c = 0; c < 50; ++c) {
        if (joined.contains({a, c}) && joined.contains({b, c})) ++common;
      }
      ASSERT_EQ(common, joined.contains({a, b}) ? 0 : 1) << a << " " << b;
    }
  }
}

TEST(Dragonfly, EveryPairOfGroupsIsJoinedAndAlike) {
  for (std::int64_t a = 1; a <= 5; ++a) {
    for (std::int64_t h = 1; h <= 4; ++h) {
      for (std::int64_t g = 2; g <= a * h + 1; ++g) {
        SCOPED_TRACE(std::to_string(a) + " switches, " + std::to_string(h) + " links, " +
                     std::to_string(g) + " groups");
        const Fabric fabric = full(make_shape(Family::dragonfly,
                                              spec::DragonflySpec{.endpoints_per_switch = 1,
                                                                  .switches_per_group = a,
                                                                  .global_links_per_switch = h,
                                                                  .groups = g},
                                              64, 1));
        std::map<std::pair<std::int64_t, std::int64_t>, std::int64_t> links;
        std::map<std::int32_t, std::int64_t> ports;
        visit_bundles(fabric, [&](std::span<const Bundle> bundles) {
          for (const Bundle& bundle : bundles) {
            if (bundle.kind != EdgeKind::global) continue;
            const std::int64_t from = bundle.lower / a;
            const std::int64_t to = bundle.upper / a;
            ++links[{std::min(from, to), std::max(from, to)}];
            ++ports[bundle.lower];
            ++ports[bundle.upper];
          }
        });
        ASSERT_EQ(links.size(), static_cast<std::size_t>(g * (g - 1) / 2));
        const std::int64_t least = a * h / (g - 1);
        for (const auto& [pair, count] : links) {
          ASSERT_GE(count, least);
          // Two groups left over ports may join twice over: as neighbours both ways round.
          ASSERT_LE(count, least + (a * h % (g - 1) == 0 ? 0 : 1));
        }
        for (const auto& [number, count] : ports) ASSERT_LE(count, h);
      }
    }
  }
}

TEST(Families, DiametersOfFullSizesAreThoseOfTheTable) {
  const auto of = [](Family family, spec::Shape shape, int radix) {
    return full(make_shape(family, std::move(shape), radix, 1));
  };
  const Fabric dragonfly = of(Family::dragonfly,
                              spec::DragonflySpec{.endpoints_per_switch = 2,
                                                  .switches_per_group = 4,
                                                  .global_links_per_switch = 2,
                                                  .groups = 9},
                              7);
  EXPECT_EQ(diameter(dragonfly), 3);
  EXPECT_EQ(graph_diameter(dragonfly), 3);
  const Fabric plus = of(Family::dragonfly_plus, spec::DragonflyPlusSpec{.groups = 5}, 4);
  EXPECT_EQ(diameter(plus), 3);
  EXPECT_EQ(graph_diameter(plus), 3);
  const Fabric hyperx =
      of(Family::hyperx,
         spec::HyperXSpec{
             .extents = {3, 4, 2}, .parallel_links = {1, 1, 1}, .endpoints_per_switch = 1},
         64);
  EXPECT_EQ(diameter(hyperx), 3);
  EXPECT_EQ(graph_diameter(hyperx), 3);
  const Fabric torus =
      of(Family::torus, spec::TorusSpec{.extents = {5, 4, 3}, .endpoints_per_switch = 1}, 7);
  EXPECT_EQ(diameter(torus), 2 + 2 + 1);
  EXPECT_EQ(graph_diameter(torus), 5);
  const spec::DualTorSpec dual{.segment_nodes = 2,
                               .segments_per_pod = 3,
                               .leaf_uplinks = 2,
                               .spines_per_pod = 2,
                               .spine_uplinks = 1};
  const Fabric one_pod = of(Family::dual_tor, dual, 64);
  EXPECT_EQ(diameter(one_pod), 4);
  EXPECT_EQ(graph_diameter(one_pod), 4);
}

TEST(DualTor, CountsOfAnHpnPod) {
  // Alibaba HPN, SIGCOMM 2024: 15 segments of 128 hosts with 8 NICs of two 200G ports; a 51.2T ToR
  // has 128 of them down and 60 uplinks of 400G; 60 aggregation switches a plane, 120 down and 8
  // up.
  spec::TopologySpec topology = make_shape(Family::dual_tor,
                                           spec::DualTorSpec{.segment_nodes = 128,
                                                             .segments_per_pod = 15,
                                                             .leaf_uplinks = 60,
                                                             .spines_per_pod = 60,
                                                             .spine_uplinks = 8},
                                           256, 8);
  topology.fabric.uplink_rate = gigabits_per_second(800);
  topology.nodes.count = 15 * 128;
  const Fabric pod = lay_out(topology);
  EXPECT_EQ(pod.gpu_count(), 15360);
  EXPECT_EQ(count(pod).endpoints, 30720);
  EXPECT_EQ(count(pod).leaf_switches, 2 * 8 * 15);
  EXPECT_EQ(count(pod).spine_switches, 2 * 60);
  EXPECT_EQ(count(pod).core_switches, 0);
  EXPECT_EQ(count(pod).inter_switch_links, 2 * 8 * 15 * 60);
  EXPECT_EQ(diameter(pod), 2);
  topology.nodes.count *= 2;
  // Two pods: 2 x 120 aggregation switches with 8 uplinks on cores of 128 fast ports.
  EXPECT_EQ(count(lay_out(topology)).core_switches, 2 * 2 * 60 * 8 / 128 + 1);
}

TEST(NvlinkDomain, GraphHasTheCountedSwitchesAndLinks) {
  struct Case {
    int gpus, switches, ports, links, ports_used;
  };
  // HGX H100: 18 links a GPU over 4 chips of 64 ports; NVL72: 18 chips of 72, all ports used.
  for (const Case& one : {Case{8, 4, 64, 18, 36}, Case{72, 18, 72, 18, 72}}) {
    spec::TopologySpec topology = test::make_topology({.nodes = 2, .gpus = one.gpus});
    topology.nodes.nvlink = spec::NvlinkSwitchSpec{
        .switches = one.switches, .ports = one.ports, .links_per_gpu = one.links};
    topology.fabric.radix = 2 * one.gpus;
    const Counts counts = count(lay_out(topology));
    EXPECT_EQ(counts.nvlink_switches, 2 * one.switches);
    EXPECT_EQ(counts.nvlink_links, 2 * one.gpus * one.links);
    const Graph domain = make_nvlink_domain(topology.nodes);
    EXPECT_EQ(static_cast<std::int64_t>(boost::num_edges(domain)), one.gpus * one.links);
    for (const VertexId vertex : vertices_of(domain)) {
      const bool is_gpu = domain[vertex].kind == VertexKind::endpoint;
      ASSERT_EQ(boost::out_degree(vertex, domain),
                static_cast<std::size_t>(is_gpu ? one.links : one.ports_used));
    }
  }
}

}  // namespace
}  // namespace planewise::fabric
