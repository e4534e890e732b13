// What each policy promises: who chooses a path, how evenly, and what a flow crosses on its way.
#include "fabric/router.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "fabric/make_topology.h"
#include "fabric/random_topology.h"
#include "fabric/wiring.h"

namespace planewise::fabric {
namespace {

using spec::Family;
using spec::Routing;
using test::make_topology;

std::vector<LinkKind> kinds(const Router& router, const Route& route) {
  std::vector<LinkKind> result;
  for (const std::int32_t link : route.links) {
    result.push_back(router.links()[static_cast<std::size_t>(link)].kind);
  }
  return result;
}

std::vector<std::string> names(const Router& router, const Route& route) {
  std::vector<std::string> result;
  for (const std::int32_t link : route.links) result.push_back(router.link_name(link));
  return result;
}

/// Index of the route's link of `kind`, or -1.
std::int32_t index_of(const Router& router, const Route& route, LinkKind kind) {
  for (const std::int32_t number : route.links) {
    const Link& link = router.links()[static_cast<std::size_t>(number)];
    if (link.kind == kind) return link.index;
  }
  return -1;
}

TEST(Router, NodeInternalFlowsTakeNvlink) {
  const Fabric fabric = lay_out(make_topology({.nodes = 4}));
  const Router router(fabric, Routing::ecmp);
  const Route route = router.route(8 + 1, 8 + 6, {});
  EXPECT_EQ(names(router, route),
            (std::vector<std::string>{"node 1 gpu 1 nvlink up", "node 1 gpu 6 nvlink down"}));
  EXPECT_EQ(route.switches, 0);
  EXPECT_EQ(route.latency, microseconds(2));
  EXPECT_TRUE(router.route(9, 9, {}).links.empty());
}

TEST(Router, LengthsGrowFromLeafToPodToCore) {
  // k = 16: 8 endpoints a leaf, which are two nodes; 8 leaves a pod, 16 in all.
  const Fabric fabric = lay_out(make_topology({.layers = 3, .radix = 16, .nodes = 32, .gpus = 4}));
  ASSERT_EQ(fabric.plane.pods, 2);
  const Router router(fabric, Routing::static_path);
  const Route same_leaf = router.route(0, 4, {});
  EXPECT_EQ(kinds(router, same_leaf), (std::vector{LinkKind::nic_up, LinkKind::nic_down}));
  EXPECT_EQ(same_leaf.switches, 1);
  const Route same_pod = router.route(0, 8, {});
  EXPECT_EQ(kinds(router, same_pod), (std::vector{LinkKind::nic_up, LinkKind::leaf_up,
                                                  LinkKind::leaf_down, LinkKind::nic_down}));
  EXPECT_EQ(same_pod.switches, 3);
  const Route across = router.route(0, 127, {});
  EXPECT_EQ(kinds(router, across),
            (std::vector{LinkKind::nic_up, LinkKind::leaf_up, LinkKind::spine_up,
                         LinkKind::spine_down, LinkKind::leaf_down, LinkKind::nic_down}));
  EXPECT_EQ(across.switches, 5);
  EXPECT_NEAR(across.latency.in(microseconds(1)), 5, 1e-12);  // 1 us a switch.
}

TEST(Router, OtherPlanesAreReachedByNvlinkOnTheSourceSide) {
  const Fabric fabric = lay_out(make_topology({.family = Family::mpft, .planes = 8, .nodes = 64}));
  const Router router(fabric, Routing::ecmp);
  // GPU 3 of node 2 to GPU 5 of node 40: over to GPU 5 of node 2, then plane 5.
  const Route route = router.route(2 * 8 + 3, 40 * 8 + 5, {});
  const std::vector<std::string> hops = names(router, route);
  ASSERT_EQ(hops.size(), 6U);
  EXPECT_EQ(hops[0], "node 2 gpu 3 nvlink up");
  EXPECT_EQ(hops[1], "node 2 gpu 5 nvlink down");
  EXPECT_EQ(hops[2], "node 2 nic 5 -> plane 5 leaf 0");
  EXPECT_EQ(hops[5], "plane 5 leaf 1 -> node 40 nic 5");
  EXPECT_EQ(route.switches, 3);
  EXPECT_NEAR(route.latency.in(microseconds(1)), 2 + 3 * 1, 1e-12);
  // The own plane needs no such hop.
  EXPECT_EQ(router.route(2 * 8 + 5, 40 * 8 + 5, {}).links.size(), 4U);
}

TEST(Router, RailsOfOnePlaneNeedNoNvlink) {
  // NICs 1 and 5 are both in plane 1 of 4.
  const Fabric fabric = lay_out(make_topology({.family = Family::mpft, .planes = 4, .nodes = 64}));
  const Router router(fabric, Routing::static_path);
  EXPECT_EQ(kinds(router, router.route(1, 40 * 8 + 5, {})).front(), LinkKind::nic_up);
  EXPECT_EQ(kinds(router, router.route(1, 40 * 8 + 6, {})).front(), LinkKind::nvlink_up);
}

TEST(Router, OtherRailsOfASharedTreeAreReachedByTheOwnNic) {
  for (const Family family : {Family::fat_tree, Family::mrft}) {
    const Fabric fabric = lay_out(make_topology({.family = family, .nodes = 64}));
    const Router router(fabric, Routing::static_path);
    const Route route = router.route(2 * 8 + 3, 40 * 8 + 5, {});
    EXPECT_EQ(index_of(router, route, LinkKind::nic_up), 2 * 8 + 3);
    EXPECT_EQ(index_of(router, route, LinkKind::nic_down), 40 * 8 + 5);
    EXPECT_EQ(route.links.size(), 4U);
  }
}

TEST(RouterLaw, NoRouteCrossesPlanesInTheFabric) {
  const std::uint64_t seed = test::seed_or(31);
  Random random(seed);
  const Fabric fabric = lay_out(make_topology({.family = Family::mpft, .planes = 8, .nodes = 256}));
  for (const Routing routing : {Routing::static_path, Routing::ecmp, Routing::spray}) {
    const Router router(fabric, routing);
    for (int flow = 0; flow < 5000; ++flow) {
      const std::int64_t from = random.integer(0, 2047);
      const std::int64_t to = random.integer(0, 2047);
      if (from / 8 == to / 8) continue;
      const std::string plane = "plane " + std::to_string(to % 8);
      for (const std::string& name : names(router, router.route(from, to, {.seed = seed}))) {
        if (name.find("nvlink") != std::string::npos) continue;
        ASSERT_NE(name.find(plane + " "), std::string::npos)
            << "PLANEWISE_SEED=" << seed << ": " << from << " to " << to << " by " << name;
      }
    }
  }
}

/// Flows on each link if every GPU i sends to GPU i + shift.
std::vector<int> loads_of_shift(const Router& router, std::int64_t gpus, std::int64_t shift) {
  std::vector<int> loads(router.links().size());
  for (std::int64_t gpu = 0; gpu < gpus; ++gpu) {
    for (const std::int32_t link : router.route(gpu, (gpu + shift) % gpus, {}).links) {
      ++loads[static_cast<std::size_t>(link)];
    }
  }
  return loads;
}

TEST(Router, StaticRoutingNeverBlocksAShift) {
  // D-mod-k carries every shift permutation of a full 1:1 fat tree without two flows on a link
  // (Zahavi 2010).
  const std::vector<test::TopologyOptions> cases = {
      {.layers = 2, .radix = 8, .nodes = 32, .gpus = 1},
      {.layers = 2, .radix = 16, .nodes = 20, .gpus = 4},  // 10 leaves, 8 spines: parallel links.
      {.layers = 2, .radix = 16, .nodes = 4, .gpus = 4},   // 2 leaves, 1 spine: 8 parallel links.
      {.layers = 3, .radix = 8, .nodes = 32, .gpus = 4},
      {.layers = 3, .radix = 8, .nodes = 16, .gpus = 4},
      {.family = Family::mpft, .layers = 2, .planes = 1, .radix = 8, .nodes = 32, .gpus = 1},
  };
  for (const test::TopologyOptions& options : cases) {
    const Fabric fabric = lay_out(make_topology(options));
    SCOPED_TRACE(test::describe(0, fabric.topology));
    const Router router(fabric, Routing::static_path);
    for (std::int64_t shift = options.gpus; shift < fabric.gpu_count(); shift += options.gpus) {
      const std::vector<int> loads = loads_of_shift(router, fabric.gpu_count(), shift);
      ASSERT_EQ(*std::max_element(loads.begin(), loads.end()), 1) << "shift " << shift;
    }
  }
}

/// Links of a leaf by port up: loads must not differ by more than one.
using PortLoads = std::map<std::pair<std::int64_t, std::int64_t>, std::vector<int>>;

void expect_even(const PortLoads& loads) {
  for (const auto& [leaves, ports] : loads) {
    const auto [least, most] = std::minmax_element(ports.begin(), ports.end());
    ASSERT_LE(*most - *least, 1);
  }
}

TEST(RouterLaw, StaticRoutingSpreadsDestinationsEvenly) {
  const std::uint64_t seed = test::seed_or(32);
  Random random(seed);
  for (int round = 0; round < 500; ++round) {
    spec::TopologySpec topology = test::random_topology(random, 400);
    topology.fabric.tree().striping = spec::Striping::even;
    // A node with NICs on two leaves of a plane would leave by either.
    if (topology.fabric.family == Family::mpft) topology.fabric.planes = topology.nodes.nics;
    SCOPED_TRACE(test::describe(seed, topology));
    const Fabric fabric = lay_out(topology);
    const Router router(fabric, Routing::static_path);
    const std::int64_t up = fabric.plane.leaf_ports.up;
    const std::int64_t source = random.integer(0, fabric.gpu_count() - 1);
    // From one GPU to all of a leaf on which its node has no NIC. A leaf's populated ports are
    // consecutive, so each uplink of the source's leaf, and each link down of theirs, carries as
    // many flows, give or take one.
    std::set<std::pair<std::int64_t, std::int64_t>> own_leaves;
    const std::int64_t first_gpu = source / topology.nodes.gpus * topology.nodes.gpus;
    for (std::int64_t gpu = first_gpu; gpu < first_gpu + topology.nodes.gpus; ++gpu) {
      const Attachment at = attach(fabric, gpu);
      own_leaves.insert({at.plane, at.leaf});
    }
    PortLoads upwards;
    PortLoads downwards;
    for (std::int64_t to = 0; to < fabric.gpu_count(); ++to) {
      const Attachment at = attach(fabric, to);
      if (own_leaves.contains({at.plane, at.leaf})) continue;
      const Route route = router.route(source, to, {.seed = random.bits()});
      const std::int32_t leaf_up = index_of(router, route, LinkKind::leaf_up);
      const std::int32_t leaf_down = index_of(router, route, LinkKind::leaf_down);
      for (const auto& [loads, link] : {std::pair{&upwards, leaf_up}, {&downwards, leaf_down}}) {
        std::vector<int>& ports = (*loads)[{leaf_up / up, leaf_down / up}];
        ports.resize(static_cast<std::size_t>(up));
        ++ports[static_cast<std::size_t>(link % up)];
      }
      // Whoever sends, and with whatever key: the way down is the destination's.
      const std::int64_t other = random.integer(0, fabric.gpu_count() - 1);
      const Route again = router.route(other, to, {.seed = random.bits()});
      const std::int32_t other_down = index_of(router, again, LinkKind::leaf_down);
      ASSERT_TRUE(other_down < 0 || other_down == leaf_down);
    }
    expect_even(upwards);
    expect_even(downwards);
    if (::testing::Test::HasFatalFailure()) return;
  }
}

TEST(Router, EcmpChoosesByKeyAndIsRepeatable) {
  const Fabric fabric = lay_out(make_topology({.nodes = 256}));
  const Router router(fabric, Routing::ecmp);
  const Router same(fabric, Routing::ecmp);
  std::set<std::vector<std::int32_t>> by_queue;
  std::set<std::vector<std::int32_t>> by_seed;
  for (std::uint64_t i = 0; i < 32; ++i) {
    const FlowKey queue{.seed = 7, .queue = i};
    by_queue.insert(router.route(0, 2047, queue).links);
    by_seed.insert(router.route(0, 2047, {.seed = i, .queue = 7}).links);
    EXPECT_EQ(router.route(0, 2047, queue).links, same.route(0, 2047, queue).links);
  }
  // 32 draws from 32 paths hit 32 * (1 - 1/e) = 20 of them on average, and under 12 practically
  // never.
  EXPECT_GE(by_queue.size(), 12U);
  EXPECT_GE(by_seed.size(), 12U);
}

TEST(Router, EcmpChoicesAreUniformAndIndependent) {
  // k = 16: 9 leaves are pods of 5 and 4, with 8 uplinks a leaf to 8 spines, and 8 uplinks a spine.
  const Fabric fabric = lay_out(make_topology({.layers = 3, .radix = 16, .nodes = 18, .gpus = 4}));
  ASSERT_EQ(fabric.plane.pods, 2);
  ASSERT_EQ(fabric.plane.spines_per_pod, 8);
  const Router router(fabric, Routing::ecmp);
  constexpr int kFlows = 64 * 1000;
  std::vector<int> at_leaf_and_spine(64);
  std::vector<int> on_both_ways(64);
  for (int flow = 0; flow < kFlows; ++flow) {
    const Route route = router.route(0, 71, {.seed = 1, .queue = static_cast<std::uint64_t>(flow)});
    const auto leaf_up = static_cast<std::size_t>(index_of(router, route, LinkKind::leaf_up) % 8);
    const auto spine_up = static_cast<std::size_t>(index_of(router, route, LinkKind::spine_up) % 8);
    const auto spine_down =
        static_cast<std::size_t>(index_of(router, route, LinkKind::spine_down) % 8);
    ++at_leaf_and_spine[leaf_up * 8 + spine_up];
    ++on_both_ways[spine_up * 8 + spine_down];
  }
  // 1,000 a cell, standard deviation 32: six of those.
  for (const int flows : at_leaf_and_spine) EXPECT_NEAR(flows, 1000, 190);
  // A core plane of 2 pods has one core here, so all 8 links down are parallel.
  ASSERT_EQ(fabric.plane.cores_per_spine_index, 1);
  for (const int flows : on_both_ways) EXPECT_NEAR(flows, 1000, 190);
}

TEST(Router, SprayTrunksHoldAllPortsUp) {
  const Fabric fabric = lay_out(make_topology({.layers = 3, .radix = 16, .nodes = 32, .gpus = 4}));
  const Router router(fabric, Routing::spray);
  const Route route = router.route(0, 127, {.seed = 1, .queue = 2});
  EXPECT_EQ(route.links, router.route(0, 127, {.seed = 3, .queue = 4}).links);
  EXPECT_EQ(
      names(router, route),
      (std::vector<std::string>{"node 0 nic 0 -> plane 0 leaf 0", "plane 0 leaf 0 -> spines",
                                "plane 0 pod 0 -> cores", "plane 0 cores -> pod 1",
                                "plane 0 spines -> leaf 15", "plane 0 leaf 15 -> node 31 nic 3"}));
  const auto capacity = [&](std::size_t hop) {
    return router.links()[static_cast<std::size_t>(route.links[hop])].capacity;
  };
  EXPECT_EQ(capacity(1), gigabits_per_second(8 * 400));
  EXPECT_EQ(capacity(2), gigabits_per_second(8 * 8 * 400));  // 8 spines of 8 ports up.
}

TEST(Router, LinksBetweenSwitchesAreNamedByTheirEnds) {
  // 5 leaves of 8 uplinks on 4 spines: two parallel links each; uplink u of every leaf is on spine
  // u % 4.
  const Fabric fabric = lay_out(make_topology({.radix = 16, .nodes = 10, .gpus = 4}));
  ASSERT_EQ(fabric.plane.spines(), 4);
  const Router router(fabric, Routing::static_path);
  // Destination 39 is port 7 of leaf 4: uplink 39 % 8 = 7, spine 3, the second of the pair.
  const Route route = router.route(0, 39, {});
  EXPECT_EQ(names(router, route),
            (std::vector<std::string>{
                "node 0 nic 0 -> plane 0 leaf 0", "plane 0 leaf 0 -> spine 3, link 1",
                "plane 0 spine 3 -> leaf 4, link 1", "plane 0 leaf 4 -> node 9 nic 3"}));
}

}  // namespace
}  // namespace planewise::fabric
