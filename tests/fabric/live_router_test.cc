// Routes over what works and by what links carry: counts by hand, and what must hold of every one.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "fabric/make_topology.h"
#include "fabric/random_shape.h"
#include "fabric/random_topology.h"
#include "fabric/router.h"
#include "fabric/wiring.h"

namespace planewise::fabric {
namespace {

using spec::Family;
using spec::Routing;
using test::make_topology;

/// Two leaves of four one-GPU nodes, joined over one spine by four links each.
spec::TopologySpec two_leaves(Routing routing) {
  return make_topology({.radix = 8, .nodes = 8, .gpus = 1, .routing = routing});
}

std::int32_t link_of(const Router& router, const Route& route, LinkKind kind) {
  for (const std::int32_t link : route.links) {
    if (router.links()[static_cast<std::size_t>(link)].kind == kind) {
      return router.links()[static_cast<std::size_t>(link)].index;
    }
  }
  return -1;
}

void count(const Router& router, const Route& route, std::int64_t flows, LiveRoutes& live) {
  for (const std::int32_t number : route.links) {
    const Link& link = router.links()[static_cast<std::size_t>(number)];
    live.add_flows(link.kind, link.index, flows);
  }
}

TEST(Adaptive, FourFlowsOfALeafTakeItsFourUplinks) {
  const Fabric fabric = lay_out(two_leaves(Routing::adaptive));
  ASSERT_EQ(fabric.plane.leaves, 2);
  const Router router(fabric, Routing::adaptive);
  LiveRoutes live(fabric);
  std::set<std::int32_t> uplinks;
  for (std::int64_t gpu = 0; gpu < 4; ++gpu) {
    const Route route = router.route(gpu, 4 + gpu, {}, live).value();
    uplinks.insert(link_of(router, route, LinkKind::leaf_up));
    count(router, route, 1, live);
  }
  EXPECT_EQ(uplinks.size(), 4U);
  // One leaves: the next takes the link that it left.
  const Route first = router.route(0, 4, {.queue = 1}, live).value();
  count(router, first, 1, live);
  const std::int32_t doubled = link_of(router, first, LinkKind::leaf_up);
  count(router, first, -2, live);
  EXPECT_EQ(link_of(router, router.route(1, 5, {}, live).value(), LinkKind::leaf_up), doubled);
}

TEST(Adaptive, AHalvedLinkCountsAsTwiceAsCrowded) {
  const Fabric fabric = lay_out(two_leaves(Routing::adaptive));
  const Router router(fabric, Routing::adaptive);
  LiveRoutes live(fabric);
  for (std::int64_t uplink = 1; uplink < 4; ++uplink) {
    live.set_factor({.kind = LinkKind::leaf_up, .index = uplink}, 0.5);
  }
  // One more on the whole link would make 2 flows of it, on a half one 1 / 0.5 = 2: alike. Two more
  // would make 3, so that the halves come first.
  const auto uplink = [&] {
    const Route route = router.route(0, 4, {}, live).value();
    count(router, route, 1, live);
    return link_of(router, route, LinkKind::leaf_up);
  };
  EXPECT_EQ(uplink(), 0);
  std::multiset<std::int32_t> next;
  for (int flow = 0; flow < 4; ++flow) next.insert(uplink());
  EXPECT_EQ(next, (std::multiset<std::int32_t>{0, 1, 2, 3}));
}

TEST(Adaptive, DoesNotAlwaysPickTheFirstOfEqualLinks) {
  const Fabric fabric = lay_out(two_leaves(Routing::adaptive));
  const Router router(fabric, Routing::adaptive);
  LiveRoutes live(fabric);
  std::map<std::int32_t, int> picked;
  for (std::uint64_t queue = 0; queue < 400; ++queue) {
    ++picked[link_of(router, router.route(0, 4, {.queue = queue}, live).value(),
                     LinkKind::leaf_up)];
  }
  // Binomial with 400 tries of 1/4: 100, standard deviation 8.7.
  for (std::int32_t uplink = 0; uplink < 4; ++uplink) EXPECT_NEAR(picked[uplink], 100, 45);
}

TEST(Pxn, AlwaysStaysOnTheLeavesOfOneRail) {
  spec::TopologySpec topology = make_topology({.family = Family::mrft, .nodes = 64});
  const Router needed(lay_out(topology), Routing::static_path);
  topology.fabric.pxn = spec::Pxn::always;
  const Router always(lay_out(topology), Routing::static_path);
  // GPU 3 of node 2 to GPU 5 of node 20, in one scalable unit of 32 nodes.
  EXPECT_EQ(needed.route(2 * 8 + 3, 20 * 8 + 5, {}).switches, 3);
  const Route route = always.route(2 * 8 + 3, 20 * 8 + 5, {});
  EXPECT_EQ(route.switches, 1);
  EXPECT_EQ(always.link_name(route.links[1]), "node 2 gpu 5 nvlink down");
  EXPECT_EQ(always.link_name(route.links[2]), "node 2 nic 5 -> plane 0 leaf 5");
  // On its own rail a flow needs no NVLink.
  EXPECT_EQ(always.route(2 * 8 + 5, 20 * 8 + 5, {}).links.size(), 2U);
}

std::vector<std::string> names(const Router& router, const Route& route) {
  std::vector<std::string> result;
  for (const std::int32_t link : route.links) result.push_back(router.link_name(link));
  return result;
}

TEST(Detour, AroundAFailedUplinkStaysInThePlane) {
  for (const Routing routing : {Routing::static_path, Routing::ecmp}) {
    const Fabric fabric = lay_out(two_leaves(routing));
    const Router router(fabric, routing);
    LiveRoutes live(fabric);
    const Route first = router.route(0, 4, {}, live).value();
    const std::int32_t uplink = link_of(router, first, LinkKind::leaf_up);
    live.set_factor({.kind = LinkKind::leaf_up, .index = uplink}, 0);
    const Route detour = router.route(0, 4, {}, live).value();
    EXPECT_EQ(detour.links.size(), 4U);
    EXPECT_NE(link_of(router, detour, LinkKind::leaf_up), uplink);
    live.set_factor({.kind = LinkKind::leaf_up, .index = uplink}, 1);
    EXPECT_EQ(router.route(0, 4, {}, live).value().links, first.links);
  }
}

TEST(Detour, AroundAFailedNicGoesByNvlinkToAnotherPlaneAndBack) {
  const Fabric fabric = lay_out(
      make_topology({.family = Family::mpft, .planes = 4, .radix = 8, .nodes = 8, .gpus = 4}));
  const Router router(fabric, Routing::static_path);
  LiveRoutes live(fabric);
  live.set_factor({.kind = LinkKind::nic_up, .index = 2}, 0);  // Node 0, NIC 2.
  // GPU 2 to GPU 2 of node 1: over to a GPU beside it, its plane, and back: two NVLink hops.
  const Route own = router.route(2, 6, {}, live).value();
  EXPECT_EQ(own.links.size(), 6U);
  EXPECT_EQ(names(router, own).front(), "node 0 gpu 2 nvlink up");
  EXPECT_EQ(names(router, own).back(), "node 1 gpu 2 nvlink down");
  EXPECT_NEAR(own.latency.in(microseconds(1)), 2 * 2 + 1, 1e-12);
  // GPU 1 to GPU 2 of node 1 would go by NIC 2: now by its own, and by NVLink at the far end.
  const Route other = router.route(1, 6, {}, live).value();
  EXPECT_EQ(
      names(router, other),
      (std::vector<std::string>{"node 0 nic 1 -> plane 1 leaf 0", "plane 1 leaf 0 -> node 1 nic 1",
                                "node 1 gpu 1 nvlink up", "node 1 gpu 2 nvlink down"}));
}

TEST(Detour, ATreeDoesNotForwardUpAgain) {
  // Leaf 0 has lost all spines but 0, leaf 1 all but 1: no way up and down joins them, though one
  // over leaf 2 would.
  const Fabric fabric =
      lay_out(make_topology({.radix = 8, .nodes = 12, .gpus = 1, .leaf_oversubscription = 1}));
  ASSERT_EQ(fabric.plane.leaves, 3);
  ASSERT_EQ(fabric.plane.spines_per_pod, 2);
  for (const Routing routing : {Routing::spray, Routing::ecmp, Routing::adaptive}) {
    const Router router(fabric, routing);
    LiveRoutes live(fabric);
    // Ports up go to the spines in turn; two links each.
    for (const std::int64_t port : {1, 3}) {
      live.set_factor({.kind = LinkKind::leaf_up, .index = port}, 0);
      live.set_factor({.kind = LinkKind::leaf_up, .index = 4 + port - 1}, 0);
    }
    EXPECT_FALSE(router.route(0, 4, {}, live).has_value());
    EXPECT_TRUE(router.route(0, 8, {}, live).has_value());
    EXPECT_TRUE(router.route(4, 8, {}, live).has_value());
  }
}

TEST(Detour, ATrunkKeepsTheShareOfItsLinks) {
  const Fabric fabric = lay_out(two_leaves(Routing::spray));
  const Router router(fabric, Routing::spray);
  LiveRoutes live(fabric);
  live.set_factor({.kind = LinkKind::leaf_up, .index = 1}, 0);
  live.set_factor({.kind = LinkKind::leaf_up, .index = 2}, 0.5);
  // Of four links of 400 Gb/s: 1 + 0 + 1/2 + 1.
  for (const std::int32_t link : router.links_over({.kind = LinkKind::leaf_up, .index = 1})) {
    EXPECT_NEAR(router.capacity(link, live).in(gigabits_per_second(1)), 1000, 1e-9);
  }
  for (const std::int32_t link : router.links_over({.kind = LinkKind::leaf_up, .index = 4})) {
    EXPECT_EQ(router.capacity(link, live), gigabits_per_second(1600));
  }
}

/// Switches at the lower and upper end of every cable between switches, by kind and number.
class CableEnds {
 public:
  struct Ends {
    std::int64_t lower = 0;
    std::int64_t upper = 0;
  };
  explicit CableEnds(const Fabric& fabric) : fabric_(fabric) {
    visit_bundles(fabric, [this](std::span<const Bundle> bundles) {
      for (const Bundle& bundle : bundles) {
        for (std::int64_t i = 0; i < bundle.links; ++i) {
          ends_[{bundle.kind, bundle.first + i * bundle.stride}] = {.lower = bundle.lower,
                                                                    .upper = bundle.upper};
        }
      }
    });
  }
  /// Numbers are plane * switches + switch.
  Ends of(const Link& link) const {
    const EdgeKind kind = edge_kind(link.kind);
    const std::int64_t each = fabric_.plane.links(kind);
    const Ends ends = ends_.at({kind, link.index % each});
    const std::int64_t first = link.index / each * fabric_.plane.switches();
    return {.lower = first + ends.lower, .upper = first + ends.upper};
  }

 private:
  const Fabric& fabric_;
  std::map<std::pair<EdgeKind, std::int64_t>, Ends> ends_;
};

/// Follows `route` link by link from GPU to GPU, over nothing that has failed.
void expect_connected(const Fabric& fabric, const Router& router, const CableEnds& cables,
                      const LiveRoutes& live, const Route& route, std::int64_t from,
                      std::int64_t to) {
  const std::int64_t ports = fabric.topology.fabric.family == Family::dual_tor ? 2 : 1;
  const auto leaf_of = [&](std::int64_t endpoint) {
    const Attachment attached = attach(fabric, endpoint);
    return attached.plane * fabric.plane.switches() + attached.leaf;
  };
  std::int64_t gpu = from;
  std::int64_t at = -1;  // The switch, between the two NICs.
  for (const std::int32_t number : route.links) {
    const Link& link = router.links()[static_cast<std::size_t>(number)];
    ASSERT_TRUE(live.works(link.kind, link.index)) << router.link_name(number);
    switch (link.kind) {
      case LinkKind::nvlink_up:
        ASSERT_EQ(link.index, gpu);
        break;
      case LinkKind::nvlink_down:
        ASSERT_EQ(link.index / fabric.topology.nodes.gpus, gpu / fabric.topology.nodes.gpus);
        gpu = link.index;
        break;
      case LinkKind::nic_up:
        ASSERT_EQ(link.index / ports, gpu);
        at = leaf_of(link.index);
        break;
      case LinkKind::nic_down:
        ASSERT_EQ(leaf_of(link.index), at);
        gpu = link.index / ports;
        break;
      default: {
        const CableEnds::Ends ends = cables.of(link);
        const bool up = link.kind == upwards(link.kind);
        ASSERT_EQ(up ? ends.lower : ends.upper, at);
        at = up ? ends.upper : ends.lower;
      }
    }
  }
  ASSERT_EQ(gpu, to);
}

/// Fails each cable with this chance.
void fail_some(Random& random, double chance, const Fabric& fabric, LiveRoutes& live) {
  const auto fail = [&](LinkKind kind, std::int64_t cables) {
    for (std::int64_t i = 0; i < cables; ++i) {
      live.set_factor({.kind = kind, .index = i}, random.uniform() < chance ? 0 : 1);
    }
  };
  fail(LinkKind::nvlink_up, fabric.gpu_count());
  fail(LinkKind::nic_up, fabric.endpoint_count());
  for (const EdgeKind kind : {EdgeKind::leaf, EdgeKind::spine, EdgeKind::local, EdgeKind::global}) {
    fail(link_kind(kind, true), fabric.topology.fabric.planes * fabric.plane.links(kind));
  }
}

void check_random_routes(Random& random, const spec::TopologySpec& topology) {
  const Fabric fabric = lay_out(topology);
  const CableEnds cables(fabric);
  for (const Routing routing : {Routing::static_path, Routing::ecmp, Routing::adaptive}) {
    const Router router(fabric, routing);
    LiveRoutes live(fabric);
    // Thrice over, so that cables fail and come back over known distances.
    for (const double chance : {0.0, 0.3, 0.1}) {
      fail_some(random, chance, fabric, live);
      for (int flow = 0; flow < 20; ++flow) {
        const std::int64_t from = random.integer(0, fabric.gpu_count() - 1);
        const std::int64_t to = random.integer(0, fabric.gpu_count() - 1);
        const FlowKey key{.seed = random.bits()};
        const auto route = router.route(from, to, key, live);
        if (chance == 0) {
          ASSERT_TRUE(route.has_value());
          const Route first = router.route(from, to, key);
          ASSERT_EQ(route->links.size(), first.links.size());
          ASSERT_NEAR(route->latency.in(microseconds(1)), first.latency.in(microseconds(1)), 1e-9);
        }
        if (!route) continue;
        expect_connected(fabric, router, cables, live, *route, from, to);
        if (::testing::Test::HasFatalFailure()) return;
        count(router, *route, 1, live);
      }
    }
  }
}

TEST(LiveRouterLaw, RoutesAreConnectedAndCrossNothingThatHasFailed) {
  const std::uint64_t seed = test::seed_or(77);
  Random random(seed);
  for (int round = 0; round < 150; ++round) {
    const spec::TopologySpec tree = test::random_topology(random, 200);
    SCOPED_TRACE(test::describe(seed, tree));
    check_random_routes(random, tree);
    if (::testing::Test::HasFatalFailure()) return;
  }
  for (int round = 0; round < 150; ++round) {
    const spec::TopologySpec shape = test::random_shape(random);
    SCOPED_TRACE(test::describe_shape(seed, shape));
    check_random_routes(random, shape);
    if (::testing::Test::HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace planewise::fabric
