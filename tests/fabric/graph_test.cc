// The graph against the closed form, and as a fat tree: planes apart, few hops, full bisection.
#include "fabric/graph.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/graph/breadth_first_search.hpp>
#include <boost/graph/connected_components.hpp>
#include <boost/graph/push_relabel_max_flow.hpp>
#include <vector>

#include "fabric/make_topology.h"
#include "fabric/random_topology.h"

namespace planewise::fabric {
namespace {

using spec::Family;
using test::make_topology;
using VertexId = boost::graph_traits<Graph>::vertex_descriptor;

auto vertices_of(const Graph& graph) { return boost::make_iterator_range(boost::vertices(graph)); }
auto edges_of(const Graph& graph) { return boost::make_iterator_range(boost::edges(graph)); }

void expect_same_counts(const Counts& graph, const Counts& closed_form) {
  EXPECT_EQ(graph.endpoints, closed_form.endpoints);
  EXPECT_EQ(graph.leaf_switches, closed_form.leaf_switches);
  EXPECT_EQ(graph.spine_switches, closed_form.spine_switches);
  EXPECT_EQ(graph.core_switches, closed_form.core_switches);
  EXPECT_EQ(graph.inter_switch_links, closed_form.inter_switch_links);
  EXPECT_EQ(graph.endpoint_links, closed_form.endpoint_links);
  EXPECT_EQ(graph.unused_switch_ports, closed_form.unused_switch_ports);
}

TEST(Graph, LargestPublishedSizeHasTheClosedFormsCounts) {
  const Fabric fabric = lay_out(make_topology({.layers = 3, .radix = 64, .nodes = 8192}));
  expect_same_counts(count(make_graph(fabric), fabric), count(fabric));
}

TEST(GraphLaw, CountsAndPortsAreThoseOfTheClosedForm) {
  const std::uint64_t seed = test::seed_or(11);
  Random random(seed);
  for (int round = 0; round < 500; ++round) {
    const spec::TopologySpec topology = test::random_topology(random, 600);
    SCOPED_TRACE(test::describe(seed, topology));
    const Fabric fabric = lay_out(topology);
    const Graph graph = make_graph(fabric);
    expect_same_counts(count(graph, fabric), count(fabric));
    std::int64_t ports_used = 0;
    for (const VertexId vertex : vertices_of(graph)) {
      const auto degree = static_cast<std::int64_t>(boost::out_degree(vertex, graph));
      if (graph[vertex].kind == VertexKind::endpoint) {
        ASSERT_EQ(degree, 1);
        continue;
      }
      ASSERT_LE(degree, topology.fabric.radix);
      ports_used += degree;
    }
    const Counts counts = count(fabric);
    ASSERT_EQ(ports_used, counts.switches() * topology.fabric.radix - counts.unused_switch_ports);
    if (::testing::Test::HasFailure()) return;
  }
}

TEST(GraphLaw, PlanesAreConnectedAndApart) {
  const std::uint64_t seed = test::seed_or(12);
  Random random(seed);
  for (int round = 0; round < 500; ++round) {
    const spec::TopologySpec topology = test::random_topology(random, 600);
    SCOPED_TRACE(test::describe(seed, topology));
    const Graph graph = make_graph(lay_out(topology));
    std::vector<int> component(boost::num_vertices(graph));
    const int components = boost::connected_components(graph, component.data());
    ASSERT_EQ(components, topology.fabric.planes);
    std::vector<int> component_of_plane(static_cast<std::size_t>(components), -1);
    for (const VertexId vertex : vertices_of(graph)) {
      int& known = component_of_plane[static_cast<std::size_t>(graph[vertex].plane)];
      if (known < 0) known = component[vertex];
      ASSERT_EQ(component[vertex], known);
    }
  }
}

/// Links on the longest of the shortest paths from `leaf` to another leaf of its plane.
int farthest_leaf(const Graph& graph, VertexId leaf) {
  std::vector<int> distance(boost::num_vertices(graph));
  boost::breadth_first_search(graph, leaf,
                              boost::visitor(boost::make_bfs_visitor(boost::record_distances(
                                  distance.data(), boost::on_tree_edge()))));
  int farthest = 0;
  for (const VertexId vertex : vertices_of(graph)) {
    if (graph[vertex].kind == VertexKind::leaf) farthest = std::max(farthest, distance[vertex]);
  }
  return farthest;
}

TEST(GraphLaw, DiameterIsTwoLinksInAPodAndFourAcross) {
  const std::uint64_t seed = test::seed_or(13);
  Random random(seed);
  for (int round = 0; round < 200; ++round) {
    const spec::TopologySpec topology = test::random_topology(random, 150);
    SCOPED_TRACE(test::describe(seed, topology));
    const Fabric fabric = lay_out(topology);
    const Graph graph = make_graph(fabric);
    const int expected = fabric.plane.leaves == 1 ? 0 : fabric.plane.pods == 1 ? 2 : 4;
    for (const VertexId vertex : vertices_of(graph)) {
      if (graph[vertex].kind != VertexKind::leaf) continue;
      ASSERT_EQ(farthest_leaf(graph, vertex), expected);
    }
  }
}

using FlowTraits = boost::adjacency_list_traits<boost::vecS, boost::vecS, boost::directedS>;
using FlowGraph = boost::adjacency_list<
    boost::vecS, boost::vecS, boost::directedS, boost::no_property,
    boost::property<
        boost::edge_capacity_t, long,
        boost::property<boost::edge_residual_capacity_t, long,
                        boost::property<boost::edge_reverse_t, FlowTraits::edge_descriptor>>>>;

struct Arc {
  VertexId from = 0;
  VertexId to = 0;
};
/// An arc for one unit, and the empty one back that Boost wants; it refuses one that has a capacity
/// itself.
void add_arc(FlowGraph& flow, const Arc& arc) {
  const auto there = boost::add_edge(arc.from, arc.to, flow).first;
  const auto back = boost::add_edge(arc.to, arc.from, flow).first;
  boost::put(boost::edge_capacity, flow, there, 1);
  boost::put(boost::edge_capacity, flow, back, 0);
  boost::put(boost::edge_reverse, flow, there, back);
  boost::put(boost::edge_reverse, flow, back, there);
}

/// Most links' worth of traffic from the endpoints of the leaves in `half` to those of all others.
long max_flow(const Graph& graph, const std::vector<bool>& half) {
  const std::size_t size = boost::num_vertices(graph);
  FlowGraph flow(size + 2);
  for (const auto edge : edges_of(graph)) {
    const VertexId lower = boost::source(edge, graph);
    const VertexId upper = boost::target(edge, graph);
    add_arc(flow, {.from = lower, .to = upper});
    add_arc(flow, {.from = upper, .to = lower});
    if (graph[edge].kind != EdgeKind::endpoint) continue;
    const bool sends = half[static_cast<std::size_t>(graph[upper].index)];
    if (sends) add_arc(flow, {.from = size, .to = lower});
    if (!sends) add_arc(flow, {.from = lower, .to = size + 1});
  }
  return boost::push_relabel_max_flow(flow, size, size + 1);
}

/// The least max_flow() over all halves of the leaves; `leaves` is even.
long bisection(const Graph& graph, std::int64_t leaves) {
  std::vector<bool> half(static_cast<std::size_t>(leaves));
  std::fill(half.begin() + leaves / 2, half.end(), true);
  long least = max_flow(graph, half);
  while (std::next_permutation(half.begin(), half.end())) {
    least = std::min(least, max_flow(graph, half));
  }
  return least;
}

TEST(Graph, BisectionOfFullSizesIsHalfTheEndpoints) {
  struct Case {
    test::TopologyOptions options;
    long bisection = 0;  // Endpoints / 2 / oversubscription of the leaves.
  };
  const std::vector<Case> cases = {
      {{.layers = 2, .radix = 4, .nodes = 4, .gpus = 2}, 4},
      {{.layers = 2, .radix = 8, .nodes = 8, .gpus = 4}, 16},
      {{.family = Family::mpft, .layers = 2, .planes = 2, .radix = 4, .nodes = 8, .gpus = 2}, 8},
      {{.family = Family::mrft, .layers = 2, .radix = 8, .nodes = 8, .gpus = 4}, 16},
      {{.layers = 3, .radix = 4, .nodes = 8, .gpus = 2}, 8},
      // 6 ports at 2:1 are 4 down and 2 up: 6 leaves, 24 endpoints, 12 / 2.
      {{.layers = 2, .radix = 6, .nodes = 6, .gpus = 4, .leaf_oversubscription = 2}, 6},
  };
  for (const Case& one : cases) {
    const Fabric fabric = lay_out(make_topology(one.options));
    SCOPED_TRACE(test::describe(0, fabric.topology));
    EXPECT_EQ(fabric.topology.nodes.count, spec::node_capacity(fabric.topology));
    EXPECT_EQ(bisection(make_graph(fabric), fabric.plane.leaves), one.bisection);
  }
}

TEST(Graph, OversubscribedSpinesHalveTheTrafficBetweenPods) {
  // k = 6: leaves 3 down, 3 up; spines at 2:1 4 down, 2 up. 6 pods of 4 leaves: 72 endpoints.
  // Between three pods and the others pass 3 pods * 3 spines * 2 links = 18 = 36 / 2.
  const Fabric fabric = lay_out(make_topology(
      {.layers = 3, .radix = 6, .nodes = 24, .gpus = 3, .spine_oversubscription = 2}));
  ASSERT_EQ(fabric.plane.pods, 6);
  std::vector<bool> half(24);
  std::fill(half.begin(), half.begin() + 12, true);
  EXPECT_EQ(max_flow(make_graph(fabric), half), 18);
}

}  // namespace
}  // namespace planewise::fabric
