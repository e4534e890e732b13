// Sizes that a family has and has not. tests/fabric/resize_test.cc lays the results out.
#include "spec/resize.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "fabric/random_shape.h"
#include "spec/read.h"

namespace planewise::spec {
namespace {

using test::make_shape;

TopologySpec shipped(const std::string& name) {
  Diagnostics diagnostics;
  TopologySpec topology =
      read_topology(PLANEWISE_ROOT "/topologies/" + name + ".yaml", diagnostics);
  EXPECT_TRUE(diagnostics.empty());
  return topology;
}

/// The mistake and its hint; that there is just one, at the number of nodes, and nothing changed.
std::string refusal(const TopologySpec& topology, std::int64_t endpoints) {
  Diagnostics diagnostics;
  const TopologySpec result = resized(topology, endpoints, diagnostics);
  EXPECT_EQ(result.nodes.count, topology.nodes.count);
  if (diagnostics.list().size() != 1) return "no or several mistakes";
  const Diagnostic& mistake = diagnostics.list().front();
  EXPECT_EQ(mistake.key, "nodes.count");
  EXPECT_EQ(mistake.at.line > 0, !topology.origin.text.empty());
  return mistake.message + "; " + mistake.hint;
}

TopologySpec accepted(const TopologySpec& topology, std::int64_t endpoints) {
  Diagnostics diagnostics;
  TopologySpec result = resized(topology, endpoints, diagnostics);
  for (const Diagnostic& mistake : diagnostics.list()) ADD_FAILURE() << mistake.message;
  return result;
}

TEST(Resize, TreesChangeTheirNodesAlone) {
  const TopologySpec ft3 = shipped("published/ft3_65536");
  EXPECT_EQ(accepted(ft3, 16'384).nodes.count, 2'048);
  EXPECT_EQ(accepted(ft3, 65'536).nodes.count, 8'192);
  // A pod is 32 leaves of 32 ports down: 1,024 endpoints.
  EXPECT_EQ(accepted(ft3, 1'032).nodes.count, 129);
  EXPECT_EQ(refusal(ft3, 1'024),
            "3 layers join pods, but 1024 endpoints fit in one pod (of up to 1024); use 1032 "
            "endpoints or 2 layers");
  EXPECT_EQ(refusal(ft3, 65'544),
            "65544 endpoints, but 3 layers of 64-port switches hold at most 65536; use 65536 "
            "endpoints");
  EXPECT_EQ(refusal(shipped("published/ft2_2048"), 16'384),
            "16384 endpoints, but 2 layers of 64-port switches hold at most 2048; use 2048 "
            "endpoints");
  EXPECT_EQ(accepted(shipped("mpft_2048"), 16'384).nodes.count, 2'048);
}

TEST(Resize, NodesAreWhole) {
  const TopologySpec ft3 = shipped("published/ft3_65536");
  EXPECT_EQ(refusal(ft3, 16'383),
            "16383 endpoints do not divide over nodes of 8; use 16376 or 16384 endpoints");
  EXPECT_EQ(refusal(ft3, 100), "100 endpoints do not divide over nodes of 8; use 1032 endpoints");
  EXPECT_EQ(refusal(ft3, 99'999),
            "99999 endpoints do not divide over nodes of 8; use 65536 endpoints");
  EXPECT_EQ(refusal(shipped("published/ft2_2048"), 0),
            "0 endpoints; a node has 8; use 8 endpoints");
  EXPECT_EQ(refusal(shipped("published/ft2_2048"), -8),
            "-8 endpoints; a node has 8; use 8 endpoints");
}

TEST(Resize, DualTorHasTwoEndpointsANic) {
  // A core has 128 ports, so 128 pods, each of 2 segments of 6 nodes.
  const TopologySpec topology = make_shape(Family::dual_tor,
                                           DualTorSpec{.segment_nodes = 6,
                                                       .segments_per_pod = 2,
                                                       .leaf_uplinks = 2,
                                                       .spines_per_pod = 2,
                                                       .spine_uplinks = 1},
                                           128, 4);
  EXPECT_EQ(accepted(topology, 80).nodes.count, 10);
  EXPECT_EQ(refusal(topology, 84),
            "84 endpoints do not divide over nodes of 8; use 80 or 88 endpoints");
  // 128 pods x 12 nodes x 8 endpoints.
  EXPECT_EQ(refusal(topology, 20'000),
            "20000 endpoints, but a dual_tor of 128-port switches holds at most 12288; use 12288 "
            "endpoints");
}

TEST(Resize, DragonfliesGrowByGroups) {
  // 16 + 31 + 16 = 63 ports, 512 endpoints a group, 32 x 16 + 1 groups.
  const TopologySpec dragonfly = make_shape(Family::dragonfly,
                                            DragonflySpec{.endpoints_per_switch = 16,
                                                          .switches_per_group = 32,
                                                          .global_links_per_switch = 16,
                                                          .groups = 100},
                                            64, 8);
  const auto groups = [&](std::int64_t endpoints) {
    return std::get<DragonflySpec>(accepted(dragonfly, endpoints).fabric.shape).groups;
  };
  EXPECT_EQ(groups(512), 1);
  EXPECT_EQ(groups(520), 2);
  EXPECT_EQ(groups(16'384), 32);
  EXPECT_EQ(groups(513 * 512), 513);
  EXPECT_EQ(refusal(dragonfly, 513 * 512 + 8),
            "262664 endpoints, but a dragonfly of 64-port switches holds at most 262656; use "
            "262656 endpoints");
  // 9 endpoints a group, at most 10 groups: 90 endpoints, and 88 in whole nodes of 4.
  const TopologySpec plus =
      make_shape(Family::dragonfly_plus, DragonflyPlusSpec{.groups = 2}, 6, 4);
  EXPECT_EQ(std::get<DragonflyPlusSpec>(accepted(plus, 88).fabric.shape).groups, 10);
  EXPECT_EQ(std::get<DragonflyPlusSpec>(accepted(plus, 36).fabric.shape).groups, 4);
  EXPECT_EQ(refusal(plus, 92),
            "92 endpoints, but a dragonfly_plus of 6-port switches holds at most 88; use 88 "
            "endpoints");
}

TEST(Resize, SlimFlyTakesTheNextField) {
  const TopologySpec slim =
      make_shape(Family::slim_fly, SlimFlySpec{.q = 5, .endpoints_per_switch = 1}, 64, 2);
  const auto shape = [&](std::int64_t endpoints) {
    const auto slim_fly = std::get<SlimFlySpec>(accepted(slim, endpoints).fabric.shape);
    return std::pair(slim_fly.q, slim_fly.endpoints_per_switch);
  };
  // k' of 3, 4, 5, 7: 5, 6, 7, 11; half of it, rounded up: 3, 3, 4, 6; 2 q^2 switches.
  EXPECT_EQ(shape(2), std::pair(3L, 3L));
  EXPECT_EQ(shape(54), std::pair(3L, 3L));
  EXPECT_EQ(shape(56), std::pair(4L, 3L));
  EXPECT_EQ(shape(98), std::pair(5L, 4L));
  EXPECT_EQ(shape(202), std::pair(7L, 6L));
  // q = 27 has k' = 41: 62 ports. 2 x 27^2 x 21; q = 29 would need 43 + 22.
  EXPECT_EQ(shape(30'618), std::pair(27L, 21L));
  EXPECT_EQ(refusal(slim, 30'620),
            "30620 endpoints, but a slim_fly of 64-port switches holds at most 30618; use 30618 "
            "endpoints");
  const TopologySpec narrow =
      make_shape(Family::slim_fly, SlimFlySpec{.q = 3, .endpoints_per_switch = 2}, 7, 1);
  EXPECT_EQ(refusal(narrow, 10),
            "7-port switches make no slim_fly of full bandwidth; use a radix of at least 8");
  // 32 x 4 endpoints hold one node; 32 x 3 at full bandwidth do not, and q = 5 needs 11 ports.
  const TopologySpec wide =
      make_shape(Family::slim_fly, SlimFlySpec{.q = 4, .endpoints_per_switch = 4}, 10, 100);
  EXPECT_EQ(refusal(wide, 100),
            "a slim_fly of 10-port switches holds no node of 100 NICs; use a larger radix");
}

TEST(Resize, GridsGrowAlongTheLastDimension) {
  // 3 + 1 x 3 + 2 x (n - 1) ports of 16: n up to 6.
  const TopologySpec hyperx = make_shape(
      Family::hyperx,
      HyperXSpec{.extents = {4, 3}, .parallel_links = {1, 2}, .endpoints_per_switch = 3}, 16, 1);
  const auto extents = [](const TopologySpec& topology) {
    const auto* grid = std::get_if<HyperXSpec>(&topology.fabric.shape);
    return grid != nullptr ? grid->extents : std::get<TorusSpec>(topology.fabric.shape).extents;
  };
  using Extents = std::vector<std::int64_t>;
  EXPECT_EQ(extents(accepted(hyperx, 1)), (Extents{4, 2}));
  EXPECT_EQ(extents(accepted(hyperx, 49)), (Extents{4, 5}));
  EXPECT_EQ(extents(accepted(hyperx, 72)), (Extents{4, 6}));
  EXPECT_EQ(refusal(hyperx, 73),
            "73 endpoints, but a hyperx of 16-port switches holds at most 72; use 72 endpoints");
  const TopologySpec torus =
      make_shape(Family::torus, TorusSpec{.extents = {4, 5, 2}, .endpoints_per_switch = 2}, 8, 2);
  EXPECT_EQ(extents(accepted(torus, 2)), (Extents{4, 5, 2}));
  EXPECT_EQ(extents(accepted(torus, 40 * 1000)), (Extents{4, 5, 1000}));
  EXPECT_EQ(refusal(torus, 20'000'000),
            "20000000 endpoints, but a fabric has at most 10000000; use 10000000 endpoints");
}

TEST(Resize, StorageHasToFitAsWell) {
  // Radix 8: three layers of whole nodes of 3 hold 8 x 4 leaves of 3, so 32 nodes.
  TopologySpec torus =
      make_shape(Family::torus, TorusSpec{.extents = {2, 2}, .endpoints_per_switch = 2}, 8, 1);
  torus.storage = StorageSpec{.nics = 3};
  EXPECT_EQ(accepted(torus, 32).nodes.count, 32);
  EXPECT_EQ(refusal(torus, 33),
            "33 endpoints, but its storage network of 8-port switches serves at most 32; use 32 "
            "endpoints");
}

TEST(Resize, WhatIsListedOrPrintedHasOneSize) {
  TopologySpec custom = make_shape(
      Family::custom,
      CustomSpec{.switches = {{.name = "s", .layer = Layer::leaf, .radix = 64, .endpoints = 8}}},
      64, 2);
  custom.nodes.count = 3;
  EXPECT_EQ(accepted(custom, 6).nodes.count, 3);
  EXPECT_EQ(refusal(custom, 8),
            "8 endpoints, but a fabric as listed has its 6 alone; use 6 endpoints");
  TopologySpec printed =
      make_shape(Family::slim_fly, SlimFlySpec{.q = 28, .endpoints_per_switch = 21}, 64, 8);
  printed.fabric.as_printed = true;
  printed.nodes.count = 4'116;
  EXPECT_EQ(accepted(printed, 32'928).nodes.count, 4'116);
  EXPECT_EQ(refusal(printed, 16'384),
            "16384 endpoints, but a fabric as printed has its 32928 alone; use 32928 endpoints");
}

}  // namespace
}  // namespace planewise::spec
