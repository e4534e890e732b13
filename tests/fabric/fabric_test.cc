// Counts by closed form, against sizes worked out by hand and against the rules of the builders.
#include "fabric/fabric.h"

#include <gtest/gtest.h>

#include <vector>

#include "fabric/make_topology.h"
#include "fabric/random_topology.h"
#include "fabric/wiring.h"

namespace planewise::fabric {
namespace {

using spec::Family;
using spec::Striping;
using test::make_topology;

Fabric lay_out_options(const test::TopologyOptions& options) {
  return lay_out(make_topology(options));
}

TEST(Fabric, TwoLayersFull) {
  // k = 64: k^2/2 = 2,048 endpoints on k leaves and k/2 spines; k * k/2 links.
  const Counts counts = count(lay_out_options({.radix = 64, .nodes = 256}));
  EXPECT_EQ(counts.endpoints, 2048);
  EXPECT_EQ(counts.endpoint_capacity, 2048);
  EXPECT_EQ(counts.leaf_switches, 64);
  EXPECT_EQ(counts.spine_switches, 32);
  EXPECT_EQ(counts.core_switches, 0);
  EXPECT_EQ(counts.inter_switch_links, 2048);
  EXPECT_EQ(counts.endpoint_links, 2048);
  EXPECT_EQ(counts.unused_switch_ports, 0);
}

TEST(Fabric, ThreeLayersFull) {
  // k = 64: k^3/4 endpoints; k^2/2 leaves, as many spines, k^2/4 cores; twice k^3/4 links.
  const Fabric fabric = lay_out_options({.layers = 3, .radix = 64, .nodes = 8192});
  const Counts counts = count(fabric);
  EXPECT_EQ(fabric.plane.pods, 64);
  EXPECT_EQ(counts.endpoints, 65536);
  EXPECT_EQ(counts.leaf_switches, 2048);
  EXPECT_EQ(counts.spine_switches, 2048);
  EXPECT_EQ(counts.core_switches, 1024);
  EXPECT_EQ(counts.switches(), 5120);
  EXPECT_EQ(counts.inter_switch_links, 131072);
  EXPECT_EQ(counts.unused_switch_ports, 0);
}

TEST(Fabric, ThreeLayersPartlyPopulated) {
  // 2,048 endpoints: 2 pods of 32 leaves and 32 spines. A core plane has 2 * 32 links up, one
  // core's ports.
  const Counts counts = count(lay_out_options({.layers = 3, .radix = 64, .nodes = 256}));
  EXPECT_EQ(counts.leaf_switches, 64);
  EXPECT_EQ(counts.spine_switches, 64);
  EXPECT_EQ(counts.core_switches, 32);
  EXPECT_EQ(counts.inter_switch_links, 4096);
  EXPECT_EQ(counts.unused_switch_ports, 0);
}

TEST(Fabric, MultiPlaneFull) {
  // Eight times the two-layer tree.
  const Counts counts =
      count(lay_out_options({.family = Family::mpft, .planes = 8, .radix = 64, .nodes = 2048}));
  EXPECT_EQ(counts.endpoints, 16384);
  EXPECT_EQ(counts.switches(), 768);
  EXPECT_EQ(counts.inter_switch_links, 16384);
  EXPECT_EQ(counts.unused_switch_ports, 0);
}

TEST(Fabric, MultiPlanePartlyPopulated) {
  // A plane: 256 endpoints on 8 leaves; their 8 * 32 uplinks fill 4 spines. Times 8: 96 and 2,048.
  const Fabric fabric =
      lay_out_options({.family = Family::mpft, .planes = 8, .radix = 64, .nodes = 256});
  EXPECT_EQ(fabric.plane.leaves, 8);
  EXPECT_EQ(fabric.plane.spines(), 4);
  EXPECT_EQ(fabric.plane.leaf_links, 256);
  const Counts counts = count(fabric);
  EXPECT_EQ(counts.endpoints, 2048);
  EXPECT_EQ(counts.switches(), 96);
  EXPECT_EQ(counts.inter_switch_links, 2048);
  EXPECT_EQ(counts.unused_switch_ports, 0);
}

TEST(Fabric, MultiRailFillsLeavesRailByRail) {
  // 33 nodes with 32 ports down a leaf: two leaves a rail, so 16, where a fat tree needs ceil(264 /
  // 32) = 9. Their 16 * 32 uplinks fill 8 spines.
  const Fabric fabric = lay_out_options({.family = Family::mrft, .radix = 64, .nodes = 33});
  EXPECT_EQ(fabric.plane.leaves, 16);
  EXPECT_EQ(fabric.plane.spines(), 8);
  const Counts counts = count(fabric);
  EXPECT_EQ(counts.endpoints, 264);
  EXPECT_EQ(counts.endpoint_capacity, 512);
  // 16 * 32 ports down less 264 endpoints.
  EXPECT_EQ(counts.unused_switch_ports, 248);
  // Node 32 is the first of the second set of leaves; its NIC 3 is on that set's leaf of rail 3.
  const Attachment at = attach(fabric, 32 * 8 + 3);
  EXPECT_EQ(at.leaf, 8 + 3);
  EXPECT_EQ(at.port, 0);
}

TEST(Fabric, MultiRailPodsHoldWholeNodes) {
  // k = 16: 8 leaves a pod at most. 24 nodes of 4 NICs: 3 sets of 4 leaves, which 2 pods of 6 would
  // share out evenly; a set stays whole, so 8 and 4.
  const Fabric fabric =
      lay_out_options({.family = Family::mrft, .layers = 3, .radix = 16, .nodes = 24, .gpus = 4});
  EXPECT_EQ(fabric.plane.leaves, 12);
  EXPECT_EQ(fabric.plane.pods, 2);
  EXPECT_EQ(fabric.plane.leaves_per_pod, 8);
}

TEST(Fabric, LeavesSpreadEvenlyOverPods) {
  // 33 leaves do not fit in a pod of 32: 17 and 16, not 32 and 1. The 17 * 32 uplinks need 17
  // spines of 32 ports down, of which the next divisor of 32 is 32. Of two pods, each core plane
  // needs one core.
  const Fabric even = lay_out_options({.layers = 3, .radix = 64, .nodes = 33 * 4});
  EXPECT_EQ(even.plane.pods, 2);
  EXPECT_EQ(even.plane.leaves_per_pod, 17);
  EXPECT_EQ(even.plane.spines_per_pod, 32);
  EXPECT_EQ(even.plane.cores, 32);
  const Fabric greedy =
      lay_out_options({.layers = 3, .radix = 64, .nodes = 33 * 4, .striping = Striping::greedy});
  EXPECT_EQ(greedy.plane.spines_per_pod, 17);
  EXPECT_EQ(greedy.plane.cores, 17);
}

TEST(Fabric, EvenStripingTakesTheNextDivisor) {
  // 5 leaves of 32 uplinks need ceil(160 / 64) = 3 spines; 3 does not divide 32, 4 does.
  EXPECT_EQ(lay_out_options({.nodes = 20}).plane.spines(), 4);
  EXPECT_EQ(lay_out_options({.nodes = 20, .striping = Striping::greedy}).plane.spines(), 3);
}

TEST(Fabric, SingleLeafNeedsNoSpine) {
  const Counts counts = count(lay_out_options({.radix = 64, .nodes = 3}));
  EXPECT_EQ(counts.switches(), 1);
  EXPECT_EQ(counts.inter_switch_links, 0);
  EXPECT_EQ(counts.unused_switch_ports, 64 - 24);
}

TEST(Fabric, SinglePodNeedsNoCore) {
  // Two nodes of 2 in 3 layers of 4-port switches: 2 leaves, 2 spines, 4 links; ports up of the
  // spines stay free.
  const Counts counts = count(lay_out_options({.layers = 3, .radix = 4, .nodes = 2, .gpus = 2}));
  EXPECT_EQ(counts.leaf_switches, 2);
  EXPECT_EQ(counts.spine_switches, 2);
  EXPECT_EQ(counts.core_switches, 0);
  EXPECT_EQ(counts.inter_switch_links, 4);
  EXPECT_EQ(counts.unused_switch_ports, 4);
}

TEST(Fabric, OversubscriptionGivesTheStatedRatio) {
  // 64 ports at 3:1 are 48 down and 16 up. 64 leaves: 3,072 endpoints over 1,024 links to 16
  // spines.
  const Fabric leaf = lay_out_options(
      {.family = Family::mrft, .radix = 64, .nodes = 384, .leaf_oversubscription = 3});
  EXPECT_EQ(leaf.plane.leaves, 64);
  EXPECT_EQ(leaf.plane.spines(), 16);
  EXPECT_EQ(leaf.plane.endpoints, 3 * leaf.plane.leaf_links);
  // Spines of 48 down and 16 up: a pod of 48 leaves has 48 * 32 links up to 32 spines, and those 32
  // * 16.
  const Fabric spine =
      lay_out_options({.layers = 3, .radix = 64, .nodes = 2 * 48 * 4, .spine_oversubscription = 3});
  EXPECT_EQ(spine.plane.pods, 2);
  EXPECT_EQ(spine.plane.spines_per_pod, 32);
  EXPECT_EQ(spine.plane.leaf_links, 3 * spine.plane.spine_links);
}

TEST(FabricLaw, EveryLayoutKeepsTheRules) {
  const std::uint64_t seed = test::seed_or(1);
  Random random(seed);
  for (int round = 0; round < 2000; ++round) {
    const spec::TopologySpec topology = test::random_topology(random, 100000);
    SCOPED_TRACE(test::describe(seed, topology));
    const Fabric fabric = lay_out(topology);
    const PlaneLayout& plane = fabric.plane;
    const Counts counts = count(fabric);
    ASSERT_EQ(counts.endpoints, topology.nodes.count * topology.nodes.nics);
    ASSERT_GE(counts.endpoint_capacity, counts.endpoints);
    ASSERT_GE(counts.unused_switch_ports, 0);
    ASSERT_EQ(plane.pods, (plane.leaves + plane.leaves_per_pod - 1) / plane.leaves_per_pod);
    // Ports down of the spines take the links of a full pod, those of the cores the links of all
    // pods.
    ASSERT_LE(plane.leaves_per_pod * plane.leaf_ports.up,
              std::max<std::int64_t>(1, plane.spines_per_pod) * plane.spine_ports.down);
    ASSERT_LE(plane.spine_links, plane.cores * topology.fabric.radix);

    spec::TopologySpec other = topology;
    other.fabric.tree().striping = Striping::greedy;
    ASSERT_LE(count(lay_out(other)).switches(), counts.switches());
    ASSERT_EQ(lay_out(other).plane.leaves, plane.leaves);
  }
}

TEST(FabricLaw, EveryEndpointHasALeafPortOfItsOwn) {
  const std::uint64_t seed = test::seed_or(2);
  Random random(seed);
  for (int round = 0; round < 500; ++round) {
    const spec::TopologySpec topology = test::random_topology(random, 500);
    SCOPED_TRACE(test::describe(seed, topology));
    const Fabric fabric = lay_out(topology);
    const std::int64_t down = fabric.plane.leaf_ports.down;
    std::vector<int> used(
        static_cast<std::size_t>(topology.fabric.planes * fabric.plane.leaves * down));
    for (std::int64_t endpoint = 0; endpoint < count(fabric).endpoints; ++endpoint) {
      const Attachment at = attach(fabric, endpoint);
      ASSERT_LT(at.plane, topology.fabric.planes);
      ASSERT_LT(at.leaf, fabric.plane.leaves);
      ASSERT_LT(at.port, down);
      const auto port =
          static_cast<std::size_t>((at.plane * fabric.plane.leaves + at.leaf) * down + at.port);
      ASSERT_EQ(used[port]++, 0);
    }
  }
}

TEST(WiringLaw, RoundRobinNeverExceedsTheBoundAndInverts) {
  const std::uint64_t seed = test::seed_or(3);
  Random random(seed);
  for (int round = 0; round < 1000; ++round) {
    const std::int64_t ports = random.integer(1, 64);
    const std::int64_t lowers = random.integer(1, ports);
    const std::int64_t uplinks = random.integer(1, 64);
    // As lay_out() does under greedy striping: just as many upper switches as have the ports.
    const Tier tier{.uplinks = uplinks, .uppers = (lowers * uplinks + ports - 1) / ports};
    SCOPED_TRACE("PLANEWISE_SEED=" + std::to_string(seed) + ": " + std::to_string(lowers) +
                 " switches of " + std::to_string(uplinks) + " uplinks on " +
                 std::to_string(tier.uppers));
    std::vector<std::int64_t> load(static_cast<std::size_t>(tier.uppers));
    for (std::int64_t lower = 0; lower < lowers; ++lower) {
      std::vector<std::int64_t> parallel(load.size());
      for (std::int64_t port = 0; port < uplinks; ++port) {
        const std::int64_t upper = upper_of(tier, {.lower = lower, .port = port});
        // The n-th port towards an upper switch, counted upwards, is what choice n gives.
        const std::int64_t nth = parallel[static_cast<std::size_t>(upper)]++;
        ASSERT_EQ(port_of(tier, {.lower = lower, .upper = upper, .choice = nth}), port);
        ++load[static_cast<std::size_t>(upper)];
      }
      for (std::int64_t upper = 0; upper < tier.uppers; ++upper) {
        const std::int64_t links = parallel[static_cast<std::size_t>(upper)];
        ASSERT_GE(links, 1);  // Every pair is joined.
        ASSERT_EQ(port_of(tier, {.lower = lower, .upper = upper, .choice = links}),
                  port_of(tier, {.lower = lower, .upper = upper, .choice = 0}));
      }
    }
    for (const std::int64_t links : load) ASSERT_LE(links, ports);
  }
}

}  // namespace
}  // namespace planewise::fabric
