// Names of devices, and the ports that cables end at.
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "fabric/make_topology.h"
#include "fabric/names.h"
#include "fabric/ports.h"
#include "fabric/random_shape.h"
#include "fabric/random_topology.h"
#include "fabric/wiring.h"

namespace planewise::fabric {
namespace {

using spec::Family;
using test::make_topology;

std::vector<Cable> cables_of(const Fabric& fabric) {
  std::vector<Cable> all;
  visit_cables(fabric, [&](std::span<const Cable> cables) {
    all.insert(all.end(), cables.begin(), cables.end());
  });
  return all;
}

TEST(Names, SayWhatAndWhere) {
  const Fabric one = lay_out(make_topology({.nodes = 256}));
  EXPECT_EQ(device_name(one, {.kind = DeviceKind::node, .index = 17}), "node17");
  EXPECT_EQ(device_name(one, {.kind = DeviceKind::gpu, .index = 17 * 8 + 3}), "node17-gpu3");
  EXPECT_EQ(device_name(one, {.kind = DeviceKind::endpoint, .index = 17 * 8 + 3}), "node17-nic3");
  EXPECT_EQ(device_name(one, {.kind = DeviceKind::leaf, .index = 3}), "leaf3");
  // 2048 endpoints on 64 leaves: number 64 is the first spine.
  EXPECT_EQ(switch_name(one, 0, 64), "spine0");
  const Fabric planes = lay_out(make_topology({.family = Family::mpft, .planes = 8, .nodes = 256}));
  EXPECT_EQ(device_name(planes, {.kind = DeviceKind::leaf, .plane = 5, .index = 3}), "p5-leaf3");
  const Fabric three = lay_out(make_topology({.layers = 3, .nodes = 256}));
  EXPECT_EQ(switch_name(three, 0, 64 + 64 + 31), "core31");
}

TEST(Names, OfPortsUnderDualTorCountFromOne) {
  spec::TopologySpec topology = test::make_shape(
      Family::dual_tor,
      spec::DualTorSpec{
          .segment_nodes = 2, .segments_per_pod = 1, .leaf_uplinks = 1, .spines_per_pod = 1},
      16, 4);
  topology.nodes.count = 2;
  const Fabric fabric = lay_out(topology);
  // Endpoint (node * 4 + nic) * 2 + plane.
  EXPECT_EQ(device_name(fabric, {.kind = DeviceKind::endpoint, .index = (4 + 3) * 2 + 1}),
            "node1-nic3-port2");
  EXPECT_EQ(device_name(fabric, {.kind = DeviceKind::nic, .index = 4 + 3}), "node1-nic3");
}

TEST(Names, OfListedSwitchesAreOneWordAndNoNode) {
  spec::CustomSpec custom;
  const std::vector<std::string> names = {"row 1/left", "row_1.left", "node7", "nodeless", "é%"};
  for (const std::string& name : names) {
    custom.switches.push_back({.name = name, .radix = 8, .endpoints = 1});
  }
  spec::TopologySpec topology = test::make_shape(Family::custom, custom, 8, 1);
  topology.nodes.count = 5;
  const Fabric fabric = lay_out(topology);
  EXPECT_EQ(switch_name(fabric, 0, 0), "row%201%2Fleft");
  EXPECT_EQ(switch_name(fabric, 0, 1), "row_1.left");
  EXPECT_EQ(switch_name(fabric, 0, 2), "%6Eode7");
  EXPECT_EQ(switch_name(fabric, 0, 3), "nodeless");
  EXPECT_EQ(switch_name(fabric, 0, 4), "%C3%A9%25");
}

TEST(Cables, EndpointsComeFirstAndParallelLinksAreNeighbours) {
  // Radix 16: leaves of 8 down and 8 up; 8 leaves, 4 spines, 2 links a pair.
  const std::vector<Cable> cables = cables_of(lay_out(make_topology({.radix = 16, .nodes = 8})));
  ASSERT_EQ(cables.size(), 128U);
  // Endpoint 9 is the second of leaf 1.
  EXPECT_EQ(cables[9].kind, EdgeKind::endpoint);
  EXPECT_EQ(cables[9].lower, 9);
  EXPECT_EQ(cables[9].lower_port, 1);
  EXPECT_EQ(cables[9].upper, 1);
  EXPECT_EQ(cables[9].upper_port, 2);
  // Leaf 0's ports 9 and 10 go to spine 0 (number 8), 11 and 12 to spine 1.
  EXPECT_EQ(cables[64 + 1].lower_port, 10);
  EXPECT_EQ(cables[64 + 1].upper, 8);
  EXPECT_EQ(cables[64 + 1].upper_port, 2);
  EXPECT_EQ(cables[64 + 2].lower_port, 11);
  EXPECT_EQ(cables[64 + 2].upper, 9);
  // Leaf 1's first on spine 0 comes after leaf 0's two.
  EXPECT_EQ(cables[64 + 8].lower, 1);
  EXPECT_EQ(cables[64 + 8].lower_port, 9);
  EXPECT_EQ(cables[64 + 8].upper_port, 3);
}

TEST(Cables, PortsForEndpointsAreKeptFree) {
  // One node of 8 on leaves of 32 down: its leaf's uplinks would start at 33, and there is no
  // spine. Two leaves: 5 nodes of 8, so the second leaf has 8 endpoints and 24 ports free.
  const std::vector<Cable> cables = cables_of(lay_out(make_topology({.nodes = 5})));
  EXPECT_EQ(cables[39].upper, 1);
  EXPECT_EQ(cables[39].upper_port, 8);
  EXPECT_EQ(cables.back().lower, 1);
  EXPECT_EQ(cables.back().lower_port, 64);
}

TEST(Cables, AFasterLinkTakesSeveralPorts) {
  spec::TopologySpec topology = test::make_shape(
      Family::dual_tor,
      spec::DualTorSpec{
          .segment_nodes = 4, .segments_per_pod = 1, .leaf_uplinks = 4, .spines_per_pod = 2},
      16, 2);
  topology.nodes.count = 4;
  topology.fabric.uplink_rate = gigabits_per_second(800);
  const std::vector<Cable> cables = cables_of(lay_out(topology));
  // A plane: 2 leaves of 4 endpoints, then leaf 0's links at ports 5, 7 (spine 0) and 9, 11.
  EXPECT_EQ(cables[8].lower_port, 5);
  EXPECT_EQ(cables[9].lower_port, 7);
  EXPECT_EQ(cables[9].upper_port, 3);
  EXPECT_EQ(cables[10].lower_port, 9);
  EXPECT_EQ(cables[10].upper_port, 1);
}

/// What every set of cables must fulfil.
void expect_sound(const Fabric& fabric) {
  const spec::FabricSpec& spec = fabric.topology.fabric;
  const auto* custom = std::get_if<spec::CustomSpec>(&spec.shape);
  std::set<std::tuple<std::int64_t, std::int64_t, std::int64_t>> used;  // plane, switch, port
  std::map<EdgeKind, std::set<std::int32_t>> indexes;
  const auto use = [&](const Cable& cable, std::int32_t number, std::int32_t port) {
    const int width = cable.kind == EdgeKind::endpoint ? 1 : spec.ports_per_uplink();
    const int radix =
        custom == nullptr ? spec.radix : custom->switches[static_cast<std::size_t>(number)].radix;
    ASSERT_GE(port, 1);
    ASSERT_LE(port + width - 1, radix);
    for (int i = 0; i < width; ++i) {
      ASSERT_TRUE(used.emplace(cable.plane, number, port + i).second) << "port taken twice";
    }
  };
  for (const Cable& cable : cables_of(fabric)) {
    use(cable, cable.upper, cable.upper_port);
    if (cable.kind == EdgeKind::endpoint) {
      const Attachment at = attach(fabric, cable.lower);
      ASSERT_EQ(at.plane, cable.plane);
      ASSERT_EQ(at.leaf, cable.upper);
      ASSERT_EQ(at.port + 1, cable.upper_port);
    } else {
      use(cable, cable.lower, cable.lower_port);
    }
    ASSERT_TRUE(indexes[cable.kind].insert(cable.index).second);
    if (::testing::Test::HasFatalFailure()) return;
  }
  std::int64_t links = 0;
  for (const auto& [kind, numbers] : indexes) {
    ASSERT_EQ(*numbers.begin(), 0);
    ASSERT_EQ(*numbers.rbegin(), std::ssize(numbers) - 1);
    links += std::ssize(numbers);
  }
  const Counts counts = count(fabric);
  ASSERT_EQ(links, counts.inter_switch_links + counts.endpoint_links);
}

TEST(CablesLaw, NoPortIsUsedTwiceOrMissing) {
  const std::uint64_t seed = test::seed_or(47);
  Random random(seed);
  for (int round = 0; round < 300; ++round) {
    const bool tree = round % 3 == 0;
    const spec::TopologySpec topology =
        tree ? test::random_topology(random, 1000) : test::random_shape(random);
    SCOPED_TRACE(tree ? test::describe(seed, topology) : test::describe_shape(seed, topology));
    expect_sound(lay_out(topology));
    if (::testing::Test::HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace planewise::fabric
