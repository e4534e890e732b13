// Pictures: whole in number, small in size.
#include "fabric/dot.h"

#include <gtest/gtest.h>

#include <sstream>
#include <string>

#include "fabric/make_topology.h"
#include "fabric/random_topology.h"

namespace planewise::fabric {
namespace {

using spec::Family;
using test::make_topology;

/// Totals of what a picture says: edges drawn, and the links that they stand for.
struct Drawn {
  std::int64_t edges = 0;
  std::int64_t links = 0;
};

Drawn read_edges(const std::string& dot) {
  // As Boost writes them, a line each: `3--0 [label="4"];`, or `3--0 ;` for one link.
  const std::string label = "[label=\"";
  Drawn drawn;
  std::istringstream lines(dot);
  for (std::string line; std::getline(lines, line);) {
    if (line.find("--") == std::string::npos || line.front() == '{') continue;
    ++drawn.edges;
    const std::size_t at = line.find(label);
    drawn.links += at == std::string::npos ? 1 : std::stoll(line.substr(at + label.size()));
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

TEST(Dot, LargestPublishedSizeIsDrawnByPods) {
  const std::string dot = to_dot(lay_out(make_topology({.layers = 3, .nodes = 8192})));
  EXPECT_TRUE(contains(dot, "label=\"128 nodes\\n0 to 127\""));
  EXPECT_TRUE(contains(dot, "label=\"32 leaves\\n2016 to 2047\""));
  EXPECT_TRUE(contains(dot, "label=\"1024 cores\\n0 to 1023\""));
  EXPECT_EQ(read_edges(dot).edges, 3 * 64);
}

}  // namespace
}  // namespace planewise::fabric
