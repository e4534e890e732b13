#include "spec/ports.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <utility>

namespace planewise::spec {
namespace {

std::pair<int, int> split(int radix, double oversubscription, int group) {
  const PortSplit ports =
      split_ports({.radix = radix, .oversubscription = oversubscription, .group = group});
  return {ports.down, ports.up};
}

// down = floor(k * o / (1 + o)) to a multiple of the group, up = ceil(down / o).
TEST(SplitPorts, FollowsTheOversubscription) {
  EXPECT_EQ(split(64, 1, 1), std::pair(32, 32));
  EXPECT_EQ(split(64, 3, 1), std::pair(48, 16));    // 64 * 3 / 4
  EXPECT_EQ(split(64, 2, 1), std::pair(42, 21));    // 42.67; one port is left over
  EXPECT_EQ(split(40, 1.5, 1), std::pair(24, 16));  // 40 * 1.5 / 2.5
  EXPECT_EQ(split(64, 64, 1), std::pair(63, 1));    // 63.02; 63 / 64 rounds up to 1
  EXPECT_EQ(split(2, 1, 1), std::pair(1, 1));
  EXPECT_EQ(split(2, 64, 1), std::pair(1, 1));  // 1.97
}

TEST(SplitPorts, GivesWholeGroups) {
  EXPECT_EQ(split(64, 1, 8), std::pair(32, 32));
  EXPECT_EQ(split(64, 2, 8), std::pair(40, 20));  // 42 down to 40
  EXPECT_EQ(split(64, 1, 6), std::pair(30, 30));
  EXPECT_EQ(split(64, 1, 32), std::pair(32, 32));
  EXPECT_EQ(split(64, 1, 33), std::pair(0, 0));
  EXPECT_EQ(split(14, 1, 8), std::pair(0, 0));
}

TEST(SplitPorts, NeverNeedsMorePortsThanThereAre) {
  for (int radix = 2; radix <= 130; radix += 2) {
    for (double o = 1; o <= 64; o += 0.37) {
      const auto [down, up] = split(radix, o, 1);
      EXPECT_LE(down + up, radix) << radix << " " << o;
      EXPECT_GE(up, 1) << radix << " " << o;
      EXPECT_LE(down, o * up + 1e-6) << radix << " " << o;  // no worse than was asked for
    }
  }
}

TopologySpec topology_of(Family family, int layers, int planes, std::int64_t nodes) {
  TopologySpec topology;
  topology.nodes.count = nodes;
  topology.nodes.gpus = 8;
  topology.nodes.nics = 8;
  topology.fabric.family = family;
  topology.fabric.tree().layers = layers;
  topology.fabric.planes = planes;
  topology.fabric.radix = 64;
  return topology;
}

TEST(Ports, OfLeavesAndSpines) {
  TopologySpec topology = topology_of(Family::fat_tree, 2, 1, 1);
  topology.fabric.tree().leaf_oversubscription = 2;
  topology.fabric.tree().spine_oversubscription = 3;
  EXPECT_EQ(leaf_ports(topology).down, 40);   // whole nodes of 8 in 42
  EXPECT_EQ(spine_ports(topology).down, 64);  // nothing is above
  EXPECT_EQ(spine_ports(topology).up, 0);
  topology.fabric.tree().layers = 3;
  EXPECT_EQ(spine_ports(topology).down, 48);
  EXPECT_EQ(spine_ports(topology).up, 16);
  topology.fabric.family = Family::mpft;
  EXPECT_EQ(leaf_ports(topology).down, 42);  // a plane has one port of a node, so no groups
}

TEST(Ports, EndpointsOfAPlane) {
  EXPECT_EQ(endpoints_per_plane(topology_of(Family::fat_tree, 2, 1, 256)), 2048);
  EXPECT_EQ(endpoints_per_plane(topology_of(Family::mpft, 2, 8, 2048)), 2048);
  EXPECT_EQ(endpoints_per_plane(topology_of(Family::mpft, 2, 4, 1024)), 2048);
}

// Full two-layer tree k^2/2 endpoints, three-layer k^3/4: arXiv 2505.09343, Table 3.
TEST(NodeCapacity, IsThatOfTheFullTree) {
  EXPECT_EQ(node_capacity(topology_of(Family::fat_tree, 2, 1, 1)), 64 * 64 / 2 / 8);
  EXPECT_EQ(node_capacity(topology_of(Family::mrft, 2, 1, 1)), 64 * 64 / 2 / 8);
  EXPECT_EQ(node_capacity(topology_of(Family::mpft, 2, 8, 1)), 64 * 64 / 2);
  EXPECT_EQ(node_capacity(topology_of(Family::mpft, 2, 2, 1)), 64 * 64 / 2 / 4);
  EXPECT_EQ(node_capacity(topology_of(Family::fat_tree, 3, 1, 1)), 64 * 64 * 64 / 4 / 8);
  EXPECT_EQ(node_capacity(topology_of(Family::mrft, 3, 1, 1)), 64 * 64 * 64 / 4 / 8);
  EXPECT_EQ(node_capacity(topology_of(Family::mpft, 3, 8, 1)), 64 * 64 * 64 / 4);
}

TEST(NodeCapacity, OfRailsComesInSetsOfLeaves) {
  TopologySpec topology = topology_of(Family::mrft, 2, 1, 1);
  topology.nodes.nics = 6;  // 64 leaves are 10 sets of 6, each for 32 nodes
  EXPECT_EQ(node_capacity(topology), 320);
  topology.nodes.nics = 65;
  EXPECT_EQ(node_capacity(topology), 0);
}

// 16 nodes a unit instead of 32: 64 leaves are 8 sets of 8, of 16 nodes each.
TEST(NodeCapacity, OfScalableUnits) {
  TopologySpec topology = topology_of(Family::mrft, 2, 1, 1);
  EXPECT_EQ(unit_nodes(topology), 32);
  topology.fabric.tree().unit_nodes = 16;
  EXPECT_EQ(unit_nodes(topology), 16);
  EXPECT_EQ(node_capacity(topology), 8 * 16);
}

TEST(NodeCapacity, OfRailOnlyIsThatOfItsPlanes) {
  EXPECT_EQ(node_capacity(topology_of(Family::rail_only, 2, 8, 1)), 64 * 64 / 2);
}

TopologySpec shape_of(Family family, Shape shape) {
  TopologySpec topology = topology_of(Family::fat_tree, 2, 1, 1);
  topology.fabric.family = family;
  topology.fabric.shape = std::move(shape);
  topology.fabric.link_rate = gigabits_per_second(400);
  topology.fabric.uplink_rate = gigabits_per_second(400);
  return topology;
}

// Endpoints over the 8 NICs of a node, rounded down.
TEST(NodeCapacity, OfSwitchesThatAreAlike) {
  EXPECT_EQ(node_capacity(shape_of(Family::dragonfly, DragonflySpec{.endpoints_per_switch = 16,
                                                                    .switches_per_group = 32,
                                                                    .global_links_per_switch = 16,
                                                                    .groups = 511})),
            16 * 32 * 511 / 8);
  // 64-port switches: groups of 32 leaves with 32 endpoints.
  EXPECT_EQ(node_capacity(shape_of(Family::dragonfly_plus, DragonflyPlusSpec{.groups = 3})),
            3 * 32 * 32 / 8);
  EXPECT_EQ(
      node_capacity(shape_of(Family::slim_fly, SlimFlySpec{.q = 5, .endpoints_per_switch = 4})),
      25);  // 50 switches of 4
  EXPECT_EQ(node_capacity(shape_of(Family::hyperx, HyperXSpec{.extents = {3, 5},
                                                              .parallel_links = {1, 1},
                                                              .endpoints_per_switch = 7})),
            13);  // 105 endpoints
  EXPECT_EQ(node_capacity(shape_of(Family::torus,
                                   TorusSpec{.extents = {2, 3, 4}, .endpoints_per_switch = 1})),
            3);
}

TEST(NodeCapacity, OfDualTorIsAPodForEachPortOfACore) {
  DualTorSpec dual{.segment_nodes = 10,
                   .segments_per_pod = 2,
                   .leaf_uplinks = 8,
                   .spines_per_pod = 4,
                   .spine_uplinks = 2};
  TopologySpec topology = shape_of(Family::dual_tor, dual);
  EXPECT_EQ(node_capacity(topology), 64 * 2 * 10);
  EXPECT_EQ(endpoints_per_node(topology), 16);
  topology.fabric.uplink_rate = gigabits_per_second(1600);  // a core has 16 ports of it
  EXPECT_EQ(topology.fabric.ports_per_uplink(), 4);
  EXPECT_EQ(node_capacity(topology), 16 * 2 * 10);
  dual.spine_uplinks = 0;
  topology.fabric.shape = dual;
  EXPECT_EQ(node_capacity(topology), 2 * 10);
}

TEST(NodeCapacity, OfListedSwitchesIsTheirSum) {
  const CustomSpec custom{.switches = {{.name = "a", .radix = 64, .endpoints = 9},
                                       {.name = "b", .radix = 64, .endpoints = 14},
                                       {.name = "c", .layer = Layer::spine, .radix = 64}}};
  EXPECT_EQ(node_capacity(shape_of(Family::custom, custom)), 2);  // 23 over 8
}

TEST(MostGroups, IsOneMoreThanTheGlobalLinksOfAGroup) {
  EXPECT_EQ(most_groups(shape_of(Family::dragonfly, DragonflySpec{.switches_per_group = 32,
                                                                  .global_links_per_switch = 16})
                            .fabric),
            32 * 16 + 1);
  EXPECT_EQ(most_groups(shape_of(Family::dragonfly_plus, DragonflyPlusSpec{}).fabric), 32 * 32 + 1);
}

TEST(PortsNeeded, OfAHyperXAreThoseOfEveryLine) {
  EXPECT_EQ(ports_needed({.extents = {4, 3}, .parallel_links = {2, 5}, .endpoints_per_switch = 6}),
            6 + 2 * 3 + 5 * 2);
}

// No field has 6 or 10 elements (2 modulo 4), nor 15, 21 or 28.
TEST(SlimFly, HasAGraphForPrimePowersThatAreNotTwoModuloFour) {
  for (const std::int64_t q : {3, 4, 5, 7, 8, 9, 11, 13, 16, 25, 27, 29, 32, 49, 64, 81}) {
    EXPECT_TRUE(is_slim_fly_q(q)) << q;
  }
  for (const std::int64_t q : {-4, 0, 1, 2, 6, 10, 12, 15, 20, 21, 28}) {
    EXPECT_FALSE(is_slim_fly_q(q)) << q;
  }
}

// d of q = 4w + d, and links (3q - d) / 2.
TEST(SlimFly, DegreeFollowsFromTheRemainder) {
  EXPECT_EQ(slim_fly_remainder(27), -1);
  EXPECT_EQ(slim_fly_remainder(28), 0);
  EXPECT_EQ(slim_fly_remainder(29), 1);
  EXPECT_EQ(slim_fly_remainder(30), 2);
  EXPECT_EQ(slim_fly_degree(27), 41);  // (81 + 1) / 2
  EXPECT_EQ(slim_fly_degree(28), 42);  // 84 / 2
  EXPECT_EQ(slim_fly_degree(29), 43);  // (87 - 1) / 2
}

TEST(OnePodNodes, IsWhatTheLeavesUnderOneSetOfSpinesHold) {
  EXPECT_EQ(one_pod_nodes(topology_of(Family::fat_tree, 3, 1, 1)), 32 * 32 / 8);
  EXPECT_EQ(one_pod_nodes(topology_of(Family::mpft, 3, 8, 1)), 32 * 32);
  EXPECT_EQ(one_pod_nodes(topology_of(Family::mrft, 3, 1, 1)), 32 / 8 * 32);
}

}  // namespace
}  // namespace planewise::spec
