// Every route is a walk in the graph, from the right GPU to the right GPU, in every policy.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <vector>

#include "fabric/graph.h"
#include "fabric/graph_metrics.h"
#include "fabric/make_topology.h"
#include "fabric/random_shape.h"
#include "fabric/random_topology.h"
#include "fabric/router.h"

namespace planewise::fabric {
namespace {

using spec::Routing;
using VertexId = boost::graph_traits<Graph>::vertex_descriptor;
constexpr std::array<Routing, 4> kPolicies{Routing::static_path, Routing::ecmp, Routing::adaptive,
                                           Routing::spray};

struct Ends {
  VertexId lower = 0;
  VertexId upper = 0;
};
constexpr Ends kNone{.lower = static_cast<VertexId>(-1), .upper = static_cast<VertexId>(-1)};

/// The graph's edges by kind and index, and which of them a Router's link stands for.
class Wiring {
 public:
  explicit Wiring(const Fabric& fabric) : fabric_(fabric), graph_(make_graph(fabric)) {
    for (const auto edge : boost::make_iterator_range(boost::edges(graph_))) {
      std::vector<Ends>& ends = ends_[static_cast<std::size_t>(graph_[edge].kind)];
      // Each index of a kind is there once, from 0 without a gap.
      const auto index = static_cast<std::size_t>(graph_[edge].index);
      if (ends.size() <= index) ends.resize(index + 1, kNone);
      EXPECT_EQ(ends[index].lower, kNone.lower);
      ends[index] = {.lower = boost::source(edge, graph_), .upper = boost::target(edge, graph_)};
    }
    for (const std::vector<Ends>& ends : ends_) {
      for (const Ends& both : ends) EXPECT_NE(both.lower, kNone.lower);
    }
  }

  const Graph& graph() const { return graph_; }

  /// Edges under `link` of a fabric: one, or all that a trunk of `spray` stands for.
  std::vector<Ends> under(const Link& link, Routing routing) const {
    const bool trunk = routing == Routing::spray;
    const PlaneLayout& plane = fabric_.plane;
    const EdgeKind kind = edge_kind(link.kind);
    std::int64_t size = 1;
    if (trunk && kind == EdgeKind::leaf) size = plane.leaf_ports.up;
    if (trunk && kind == EdgeKind::spine) size = plane.spines_per_pod * plane.spine_ports.up;
    const auto first = ends_[static_cast<std::size_t>(kind)].begin() + link.index * size;
    return {first, first + size};
  }

 private:
  const Fabric& fabric_;
  Graph graph_;
  std::array<std::vector<Ends>, 5> ends_;
};

bool is_nvlink(LinkKind kind) {
  return kind == LinkKind::nvlink_up || kind == LinkKind::nvlink_down;
}
bool is_upwards(LinkKind kind) {
  return kind == LinkKind::nic_up || kind == LinkKind::leaf_up || kind == LinkKind::spine_up ||
         kind == LinkKind::local_up || kind == LinkKind::global_up;
}

/// Follows `route` over the edges; a sprayed flow is at several switches at once.
void expect_walk(const Wiring& wiring, const Router& router, const Route& route,
                 std::array<std::int64_t, 2> gpus, const Fabric& fabric) {
  const Routing routing = fabric.topology.fabric.routing;
  const int node_gpus = fabric.topology.nodes.gpus;
  // GPU i is its endpoint i, vertex i; or it has two, and the route says which it takes.
  const std::int64_t ports = fabric.topology.fabric.family == spec::Family::dual_tor ? 2 : 1;
  std::set<VertexId> at{static_cast<VertexId>(gpus[0])};
  int switches = 0;
  int nvlink_hops = 0;
  for (const std::int32_t number : route.links) {
    const Link& link = router.links()[static_cast<std::size_t>(number)];
    if (is_nvlink(link.kind)) {
      ASSERT_EQ(at.size(), 1U);
      const auto gpu = static_cast<std::int64_t>(*at.begin());
      if (link.kind == LinkKind::nvlink_up) {
        ASSERT_EQ(link.index, gpu);
      } else {
        ASSERT_EQ(link.index / node_gpus, gpu / node_gpus);
        at = {static_cast<VertexId>(link.index)};
        ++nvlink_hops;
      }
      continue;
    }
    std::set<VertexId> near;
    std::set<VertexId> far;
    for (const Ends& ends : wiring.under(link, routing)) {
      near.insert(is_upwards(link.kind) ? ends.lower : ends.upper);
      far.insert(is_upwards(link.kind) ? ends.upper : ends.lower);
    }
    if (link.kind == LinkKind::nic_up && ports == 2) {
      ASSERT_EQ(*near.begin() / 2, *at.begin());
      at = near;
    }
    // Spread over all of a trunk's links, a flow needs each of their near ends and reaches each far
    // end.
    ASSERT_EQ(near, at);
    ASSERT_EQ(wiring.graph()[*near.begin()].plane, wiring.graph()[*far.begin()].plane);
    at = far;
    if (wiring.graph()[*at.begin()].kind != VertexKind::endpoint) ++switches;
  }
  ASSERT_EQ(at.size(), 1U);
  if (ports == 2 && switches > 0) at = {*at.begin() / 2};
  ASSERT_EQ(at, std::set<VertexId>{static_cast<VertexId>(gpus[1])});
  ASSERT_EQ(route.switches, switches);
  const Seconds latency = fabric.topology.fabric.switch_latency * switches +
                          fabric.topology.nodes.nvlink_latency * nvlink_hops;
  ASSERT_NEAR(route.latency.in(microseconds(1)), latency.in(microseconds(1)), 1e-9);
}

TEST(RouterLaw, EveryRouteIsAWalkInTheGraph) {
  const std::uint64_t seed = test::seed_or(21);
  Random random(seed);
  for (int round = 0; round < 500; ++round) {
    spec::TopologySpec topology = test::random_topology(random, 400);
    SCOPED_TRACE(test::describe(seed, topology));
    for (const Routing routing : kPolicies) {
      topology.fabric.routing = routing;
      const Fabric fabric = lay_out(topology);
      const Wiring wiring(fabric);
      const Router router(fabric, routing);
      for (int flow = 0; flow < 40; ++flow) {
        const std::int64_t from = random.integer(0, fabric.gpu_count() - 1);
        const std::int64_t to = random.integer(0, fabric.gpu_count() - 1);
        const Route route = router.route(from, to, {.seed = random.bits(), .queue = random.bits()});
        expect_walk(wiring, router, route, {from, to}, fabric);
        if (::testing::Test::HasFatalFailure()) return;
        ASSERT_EQ(route.links.empty(), from == to);
      }
    }
  }
}

TEST(RouterLaw, EveryRouteOverAnyShapeIsAShortWalk) {
  const std::uint64_t seed = test::seed_or(23);
  Random random(seed);
  for (int round = 0; round < 500; ++round) {
    spec::TopologySpec topology = test::random_shape(random);
    SCOPED_TRACE(test::describe_shape(seed, topology));
    for (const Routing routing : {Routing::static_path, Routing::ecmp}) {
      topology.fabric.routing = routing;
      const Fabric fabric = lay_out(topology);
      const Wiring wiring(fabric);
      const Router router(fabric, routing);
      const int farthest = graph_diameter(fabric);
      for (int flow = 0; flow < 40; ++flow) {
        const std::int64_t from = random.integer(0, fabric.gpu_count() - 1);
        const std::int64_t to = random.integer(0, fabric.gpu_count() - 1);
        const Route route = router.route(from, to, {.seed = random.bits(), .queue = random.bits()});
        expect_walk(wiring, router, route, {from, to}, fabric);
        if (::testing::Test::HasFatalFailure()) return;
        ASSERT_LE(route.switches, farthest + 1);
        for (const std::int32_t link : route.links) ASSERT_FALSE(router.link_name(link).empty());
      }
    }
  }
}

TEST(Router, ParallelPathsOfAnyShapeAreAllUsed) {
  // Two switches joined by three links, and by two over a third switch, which are a step longer.
  spec::CustomSpec custom;
  custom.switches = {{.name = "a", .radix = 64, .endpoints = 8},
                     {.name = "b", .radix = 64, .endpoints = 8},
                     {.name = "c", .layer = spec::Layer::spine, .radix = 64}};
  custom.links = {{.from = 0, .to = 1, .links = 3},
                  {.from = 0, .to = 2, .links = 2},
                  {.from = 1, .to = 2, .links = 2}};
  spec::TopologySpec topology = test::make_shape(spec::Family::custom, custom, 64, 8);
  topology.nodes.count = 2;
  for (const Routing routing : {Routing::static_path, Routing::ecmp}) {
    const Router router(lay_out(topology), routing);
    std::set<std::string> used;
    for (std::int64_t gpu = 0; gpu < 64; ++gpu) {
      const Route route =
          router.route(gpu % 8, 8 + gpu / 8, {.queue = static_cast<std::uint64_t>(gpu)});
      ASSERT_EQ(route.links.size(), 3U);
      used.insert(router.link_name(route.links[1]));
    }
    EXPECT_EQ(used, (std::set<std::string>{"plane 0 a -> b, link 0", "plane 0 a -> b, link 1",
                                           "plane 0 a -> b, link 2"}));
  }
}

TEST(Router, DualTorFlowsTakeBothPorts) {
  spec::TopologySpec topology = test::make_shape(spec::Family::dual_tor,
                                                 spec::DualTorSpec{.segment_nodes = 2,
                                                                   .segments_per_pod = 2,
                                                                   .leaf_uplinks = 2,
                                                                   .spines_per_pod = 2,
                                                                   .spine_uplinks = 1},
                                                 64, 2);
  topology.nodes.count = 8;
  for (const Routing routing : {Routing::static_path, Routing::ecmp}) {
    const Router router(lay_out(topology), routing);
    std::set<std::int32_t> endpoints;
    for (std::int64_t to = 2; to < 16; ++to) {
      const Route route = router.route(0, to, {});
      const Link& link = router.links()[static_cast<std::size_t>(route.links.front())];
      if (link.kind == LinkKind::nic_up) endpoints.insert(link.index);
    }
    EXPECT_EQ(endpoints, (std::set<std::int32_t>{0, 1}));
  }
}

TEST(RouterLaw, LinksCoverTheGraphAndTrunksAddUp) {
  const std::uint64_t seed = test::seed_or(22);
  Random random(seed);
  for (int round = 0; round < 500; ++round) {
    const spec::TopologySpec topology = test::random_topology(random, 400);
    SCOPED_TRACE(test::describe(seed, topology));
    const Fabric fabric = lay_out(topology);
    const Wiring wiring(fabric);
    for (const Routing routing : kPolicies) {
      const Router router(fabric, routing);
      std::size_t directed_edges = 0;
      std::int64_t nvlinks = 0;
      for (const Link& link : router.links()) {
        if (is_nvlink(link.kind)) {
          ASSERT_EQ(link.capacity, topology.nodes.nvlink_rate);
          ++nvlinks;
          continue;
        }
        const std::vector<Ends> edges = wiring.under(link, routing);
        // 400 Gb/s is a whole number of bytes a second, so that the sums are exact.
        ASSERT_EQ(link.capacity, topology.fabric.link_rate * static_cast<double>(edges.size()));
        directed_edges += edges.size();
      }
      ASSERT_EQ(nvlinks, 2 * fabric.gpu_count());
      ASSERT_EQ(directed_edges, 2 * boost::num_edges(wiring.graph()));
    }
  }
}

}  // namespace
}  // namespace planewise::fabric
