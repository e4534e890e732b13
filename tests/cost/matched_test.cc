// Fabrics of arXiv 2505.09343, Table 3, at one number of endpoints (docs/cost.md).
#include <gtest/gtest.h>

#include "cost/cost.h"
#include "fabric/fabric.h"
#include "spec/read.h"
#include "spec/resize.h"

namespace planewise::cost {
namespace {

template <class Spec>
Spec shipped(Spec (*reader)(const std::string&, spec::Diagnostics&), const std::string& name) {
  spec::Diagnostics diagnostics;
  Spec spec = reader(PLANEWISE_ROOT "/topologies/" + name + ".yaml", diagnostics);
  EXPECT_TRUE(diagnostics.empty());
  return spec;
}

TEST(Matched, Ft3At16384Endpoints) {
  const auto ft3 = shipped<spec::TopologySpec>(spec::read_topology, "published/ft3_65536");
  spec::Diagnostics diagnostics;
  const spec::TopologySpec topology = spec::resized(ft3, 16'384, diagnostics);
  ASSERT_TRUE(diagnostics.empty());
  EXPECT_EQ(topology.nodes.count, 2'048);
  const fabric::Counts counts = fabric::count(fabric::lay_out(topology));
  // leaves = spines = 2 x 16,384 / 64, cores half of it; 2 links between switches an endpoint.
  EXPECT_EQ(counts.switches(), 1'280);
  EXPECT_EQ(counts.inter_switch_links, 32'768);
  EXPECT_EQ(counts.endpoint_links, 16'384);
  const Bill bill = price_roles(
      counts, shipped<spec::PriceBookSpec>(spec::read_price_book, "parts/paper-2505.09343"));
  // 1,280 x 40,000 + 32,768 x 1,855 + 16,384 x 660 = 51.20 + 60.78 + 10.81 M$.
  EXPECT_EQ(bill.total, usd(122'798'080));
}

}  // namespace
}  // namespace planewise::cost
