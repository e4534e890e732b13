// Which cables fail with a switch, a plane, a link: counts by hand.
#include "fabric/fault_cables.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "fabric/make_topology.h"
#include "fabric/random_shape.h"
#include "fabric/router.h"

namespace planewise::fabric {
namespace {

using spec::Family;

std::vector<Cable> cables(const Fabric& fabric, const spec::FaultTarget& target) {
  return std::get<std::vector<Cable>>(find_cables(fabric, target));
}
Refusal refusal(const Fabric& fabric, const spec::FaultTarget& target) {
  return std::get<Refusal>(find_cables(fabric, target));
}
std::ptrdiff_t count(const std::vector<Cable>& found, LinkKind kind) {
  return std::count_if(found.begin(), found.end(),
                       [&](const Cable& cable) { return cable.kind == kind; });
}

// Two planes; in each 4 leaves of 8 NICs and 8 links up, over 2 spines, four links to each.
Fabric two_planes() {
  return lay_out(test::make_topology(
      {.family = Family::mpft, .planes = 2, .radix = 16, .nodes = 8, .gpus = 8}));
}

TEST(FaultCables, ASwitchTakesAllThatEndsAtIt) {
  const Fabric fabric = two_planes();
  ASSERT_EQ(fabric.plane.leaves, 4);
  ASSERT_EQ(fabric.plane.spines(), 2);
  const auto leaf = cables(fabric, spec::SwitchTarget{.plane = 1, .index = 2});
  EXPECT_EQ(count(leaf, LinkKind::nic_up), 8);
  EXPECT_EQ(count(leaf, LinkKind::leaf_up), 8);
  const auto spine =
      cables(fabric, spec::SwitchTarget{.plane = 0, .layer = Layer::spine, .index = 1});
  EXPECT_EQ(count(spine, LinkKind::nic_up), 0);
  EXPECT_EQ(count(spine, LinkKind::leaf_up), 4 * 4);
}

TEST(FaultCables, APlaneTakesAllButNvlink) {
  const Fabric fabric = two_planes();
  const auto plane = cables(fabric, spec::PlaneTarget{.plane = 1});
  EXPECT_EQ(count(plane, LinkKind::nic_up), 32);
  EXPECT_EQ(count(plane, LinkKind::leaf_up), 32);
  EXPECT_EQ(plane.size(), 64U);
}

TEST(FaultCables, ALinkIsTheOneThatReportsCallSo) {
  const Fabric fabric = two_planes();
  const Router router(fabric, spec::Routing::ecmp);
  const spec::SwitchLinkTarget target{.lower = {.plane = 1, .index = 2},
                                      .upper = {.plane = 1, .layer = Layer::spine, .index = 1},
                                      .number = 3};
  const auto one = cables(fabric, target);
  ASSERT_EQ(one.size(), 1U);
  const auto [up, down] = router.links_over(one[0]);
  EXPECT_EQ(router.link_name(up), "plane 1 leaf 2 -> spine 1, link 3");
  EXPECT_EQ(router.link_name(down), "plane 1 spine 1 -> leaf 2, link 3");
  spec::SwitchLinkTarget all = target;
  all.number.reset();
  EXPECT_EQ(cables(fabric, all).size(), 4U);
  const auto nic = cables(fabric, spec::NicTarget{.node = 3, .nic = 5});
  EXPECT_EQ(router.link_name(router.links_over(nic[0])[0]), "node 3 nic 5 -> plane 1 leaf 1");
  const auto gpu = cables(fabric, spec::GpuTarget{.node = 3, .gpu = 5});
  EXPECT_EQ(router.link_name(router.links_over(gpu[0])[1]), "node 3 gpu 5 nvlink down");
}

TEST(FaultCables, ANicOfADualTorFabricHasTwo) {
  spec::TopologySpec topology = test::make_shape(Family::dual_tor,
                                                 spec::DualTorSpec{.segment_nodes = 2,
                                                                   .segments_per_pod = 2,
                                                                   .leaf_uplinks = 2,
                                                                   .spines_per_pod = 2,
                                                                   .spine_uplinks = 1},
                                                 64, 2);
  topology.nodes.count = 8;
  const Fabric fabric = lay_out(topology);
  EXPECT_EQ(cables(fabric, spec::NicTarget{.node = 1, .nic = 1}).size(), 2U);
  const auto one = cables(fabric, spec::NicTarget{.node = 1, .nic = 1, .plane = 1});
  ASSERT_EQ(one.size(), 1U);
  EXPECT_EQ(one[0].index, 2 * 3 + 1);
}

TEST(FaultCables, WhatIsNotThereIsRefusedWithWhatIs) {
  const Fabric fabric = two_planes();
  const Refusal leaf = refusal(fabric, spec::SwitchTarget{.plane = 0, .index = 4});
  EXPECT_EQ(leaf.key, "switch.index");
  EXPECT_EQ(leaf.reason, "no leaf 4 in a plane");
  EXPECT_EQ(leaf.hint, "write 0 to 3");
  EXPECT_EQ(refusal(fabric, spec::SwitchTarget{.plane = 2, .index = 4}).key, "switch.plane");
  EXPECT_EQ(
      refusal(fabric, spec::SwitchLinkTarget{.lower = {.index = 0}, .upper = {.index = 1}}).key,
      "link.leaves");
}

}  // namespace
}  // namespace planewise::fabric
