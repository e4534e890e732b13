#include "spec/ports.h"

#include <gtest/gtest.h>

#include <cstdint>

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

TEST(OnePodNodes, IsWhatTheLeavesUnderOneSetOfSpinesHold) {
  EXPECT_EQ(one_pod_nodes(topology_of(Family::fat_tree, 3, 1, 1)), 32 * 32 / 8);
  EXPECT_EQ(one_pod_nodes(topology_of(Family::mpft, 3, 8, 1)), 32 * 32);
  EXPECT_EQ(one_pod_nodes(topology_of(Family::mrft, 3, 1, 1)), 32 / 8 * 32);
}

}  // namespace
}  // namespace planewise::spec
