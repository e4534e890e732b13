// Pictures: whole in number, small in size.
#include "fabric/dot.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <string>

#include "fabric/make_topology.h"
#include "fabric/random_shape.h"

namespace planewise::fabric {
namespace {

using spec::Family;
using test::make_topology;

/// Totals of what a picture says: edges drawn, and the links that they stand for.
struct Drawn {
  std::int64_t edges = 0;
  std::int64_t links = 0;
};

/// The number behind `before` in `line`; 0 if it is not there.
std::int64_t number_behind(const std::string& line, const std::string& before) {
  const std::size_t at = line.find(before);
  return at == std::string::npos ? 0 : std::stoll(line.substr(at + before.size()));
}

Drawn read_edges(const std::string& dot) {
  // A line each: `3 -- 0 [links=4, label="4"];`, and boxes: `3 [label="8 leaves\n28 links
  // inside",`.
  Drawn drawn;
  std::istringstream lines(dot);
  for (std::string line; std::getline(lines, line);) {
    const std::int64_t links = number_behind(line, "[links=");
    drawn.edges += links > 0 ? 1 : 0;
    drawn.links += links;
    const std::size_t inside = std::min(line.find(" links inside"), line.find(" link inside"));
    if (inside == std::string::npos) continue;
    drawn.links += std::stoll(line.substr(line.rfind("\\n", inside) + 2));
  }
  return drawn;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(Dot, SmallFabricShowsEveryNodeAndSwitch) {
  const std::string dot = to_dot(lay_out(make_topology({.radix = 16, .nodes = 8})));
  EXPECT_TRUE(contains(dot, "label=\"node 7\""));
  EXPECT_TRUE(contains(dot, "label=\"leaf 7\""));
  EXPECT_TRUE(contains(dot, "label=\"spine 3\""));
  // A node's 8 NICs are on its own leaf; a leaf's 8 uplinks are 2 on each of 4 spines: 8 + 8 * 4
  // edges.
  EXPECT_EQ(read_edges(dot).edges, 40);
  EXPECT_EQ(read_edges(dot).links, 64 + 64);
}

TEST(Dot, NodesOfOneLeafSetAndEqualPlanesAreMerged) {
  const std::string dot =
      to_dot(lay_out(make_topology({.family = Family::mpft, .planes = 8, .nodes = 256})));
  EXPECT_TRUE(contains(dot, "label=\"32 nodes\\n224 to 255\""));
  EXPECT_TRUE(contains(dot, "label=\"leaf 7\\nin each of 8 planes\""));
  EXPECT_TRUE(contains(dot, "label=\"spine 3\\nin each of 8 planes\""));
  // A plane has 8 leaves with one set of nodes each, and 4 spines: 8 + 8 * 4 edges.
  EXPECT_EQ(read_edges(dot).edges, 40);
}

TEST(DotLaw, PicturesStaySmallAndShowEveryLink) {
  const std::uint64_t seed = test::seed_or(41);
  Random random(seed);
  for (int round = 0; round < 100; ++round) {
    const spec::TopologySpec topology = test::random_topology(random, 3000);
    SCOPED_TRACE(test::describe(seed, topology));
    const Fabric fabric = lay_out(topology);
    const Counts counts = count(fabric);
    const Drawn drawn = read_edges(to_dot(fabric));
    ASSERT_EQ(drawn.links, counts.inter_switch_links + counts.endpoint_links);
    ASSERT_LE(drawn.edges, 256);
  }
}

TEST(DotLaw, EveryFamilyStaysSmallAndShowsEveryLink) {
  const std::uint64_t seed = test::seed_or(42);
  Random random(seed);
  for (int round = 0; round < 400; ++round) {
    const spec::TopologySpec topology = test::random_shape(random);
    SCOPED_TRACE(test::describe_shape(seed, topology));
    const Fabric fabric = lay_out(topology);
    const Counts counts = count(fabric);
    const Drawn drawn = read_edges(to_dot(fabric));
    ASSERT_EQ(drawn.links, counts.inter_switch_links + counts.endpoint_links);
    ASSERT_LE(drawn.edges, 256);
  }
}

TEST(Dot, GroupsOfADragonflyAreBoxes) {
  const std::string dot =
      to_dot(lay_out(test::make_shape(Family::dragonfly,
                                      spec::DragonflySpec{.endpoints_per_switch = 4,
                                                          .switches_per_group = 8,
                                                          .global_links_per_switch = 4,
                                                          .groups = 8},
                                      15, 8)));
  // Every pair of the 8 switches of a group: 28. One node of 8 GPUs on the first two switches.
  EXPECT_TRUE(contains(dot, "label=\"8 leaves\\n56 to 63\\n28 links inside\""));
  EXPECT_EQ(read_edges(dot).edges, 28 + 1);
}

TEST(Dot, TitleHasNameFamilyAndCounts) {
  const std::string dot =
      to_dot(lay_out(make_topology({.family = Family::mpft, .planes = 8, .nodes = 256})));
  EXPECT_TRUE(contains(dot,
                       "made in code\\nmpft, 8 planes: 256 nodes, 2048 endpoints, 64 leaves, "
                       "32 spines, 2048 links between switches"));
  // A leaf's 32 uplinks in 8 planes over 4 spines.
  EXPECT_TRUE(contains(dot, "a line between switches is 64 links"));
}

TEST(Dot, LargestPublishedSizeIsDrawnByPods) {
  const std::string dot = to_dot(lay_out(make_topology({.layers = 3, .nodes = 8192})));
  // 64 pods of 32 leaves, two a box.
  EXPECT_TRUE(contains(dot, "label=\"256 nodes\\n0 to 255\""));
  EXPECT_TRUE(contains(dot, "label=\"64 leaves\\n1984 to 2047\""));
  EXPECT_TRUE(contains(dot, "label=\"1024 cores\\n0 to 1023\""));
  EXPECT_EQ(read_edges(dot).edges, 3 * 32);
}

}  // namespace
}  // namespace planewise::fabric
