#include "cost/floor.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "fabric/random_shape.h"

namespace planewise::cost {
namespace {

TEST(Floor, LengthsAreThoseOfTheTrays) {
  const spec::FloorSpec floor{.rack_width = metres(0.6),
                              .rack_depth = metres(1.2),
                              .aisle = metres(1.8),
                              .tray_height = metres(0.5),
                              .within_rack = metres(1)};
  // In a rack up and down once: 2 x 1. Else up to the tray and down: 2 x 1.5, and the way along.
  EXPECT_EQ(cable_length(floor, {2, 3}, {2, 3}), metres(2));
  EXPECT_DOUBLE_EQ(cable_length(floor, {2, 3}, {2, 4}).in(metres(1)), 0.6 + 3);
  EXPECT_DOUBLE_EQ(cable_length(floor, {2, 8}, {2, 3}).in(metres(1)), 5 * 0.6 + 3);
  EXPECT_DOUBLE_EQ(cable_length(floor, {0, 1}, {2, 3}).in(metres(1)), 2 * 0.6 + 2 * 3 + 3);
}

TEST(Floor, LeavesStandAmidTheirNodesAndSpinesInTheMiddle) {
  // MPFT of 8 planes: 8 leaves of 32 nodes in a rack, 8 racks of 4 nodes. 4 spines a plane: 32,
  // in 4.
  spec::TopologySpec topology =
      test::make_topology({.family = spec::Family::mpft, .planes = 8, .nodes = 256});
  topology.floor.racks_per_row = 1000;
  const FloorPlan plan = plan_floor(fabric::lay_out(topology));
  EXPECT_EQ(plan.racks.size(), 64U + 8 + 4);
  EXPECT_EQ(plan.switch_racks(), 12);
  const auto column = [&](std::int32_t rack) {
    return plan.racks[static_cast<std::size_t>(rack)].place.column;
  };
  // Node racks 0 to 3, the rack of leaf 0 of all planes, node racks 4 to 7, ...
  EXPECT_EQ(column(plan.rack_of_node[0]), 0);
  EXPECT_EQ(column(plan.rack_of_node[15]), 3);
  EXPECT_EQ(column(plan.rack_of_switch[0]), 4);
  EXPECT_EQ(column(plan.rack_of_node[16]), 5);
  for (int plane = 0; plane < 8; ++plane) {
    EXPECT_EQ(plan.rack_of_switch[static_cast<std::size_t>(plane * 12)], plan.rack_of_switch[0]);
  }
  // 36 racks of nodes and leaves to the left of the spines, as many to the right.
  EXPECT_EQ(column(plan.rack_of_switch[8]), 36);
  EXPECT_EQ(column(plan.rack_of_switch[11]), 39);
}

TEST(FloorLaw, EveryDeviceHasARackAndNoRackTooMany) {
  const std::uint64_t seed = test::seed_or(61);
  Random random(seed);
  for (int round = 0; round < 300; ++round) {
    const bool is_tree = random.integer(0, 1) == 0;
    spec::TopologySpec topology =
        is_tree ? test::random_topology(random, 400) : test::random_shape(random);
    topology.floor.nodes_per_rack = static_cast<int>(random.integer(1, 5));
    topology.floor.switches_per_rack = static_cast<int>(random.integer(1, 5));
    topology.floor.racks_per_row = static_cast<int>(random.integer(0, 7));
    SCOPED_TRACE("PLANEWISE_SEED=" + std::to_string(seed));
    const fabric::Fabric fabric = fabric::lay_out(topology);
    const FloorPlan plan = plan_floor(fabric);
    std::map<std::int32_t, int> nodes;
    std::map<std::int32_t, int> switches;
    for (const std::int32_t rack : plan.rack_of_node) ++nodes[rack];
    for (const std::int32_t rack : plan.rack_of_switch) ++switches[rack];
    ASSERT_EQ(nodes.size() + switches.size(), plan.racks.size());
    std::set<std::pair<std::int32_t, std::int32_t>> places;
    for (std::size_t i = 0; i < plan.racks.size(); ++i) {
      const auto rack = static_cast<std::int32_t>(i);
      ASSERT_EQ(plan.racks[i].holds_nodes, nodes.contains(rack));
      ASSERT_EQ(plan.racks[i].holds_nodes, !switches.contains(rack));
      ASSERT_LE(nodes[rack], topology.floor.nodes_per_rack);
      ASSERT_LE(switches[rack], topology.floor.switches_per_rack);
      ASSERT_LT(plan.racks[i].place.column, plan.racks_per_row);
      ASSERT_TRUE(places.insert({plan.racks[i].place.row, plan.racks[i].place.column}).second);
    }
  }
}

}  // namespace
}  // namespace planewise::cost
