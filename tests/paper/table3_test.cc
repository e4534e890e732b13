// Table 3 of "Insights into DeepSeek-V3", arXiv 2505.09343: counts and costs of fabrics of 64-port
// 400G switches. Of Slim Fly and Dragonfly the table's own formulas are checked, without a graph.
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "base/random.h"
#include "cost/cost.h"
#include "fabric/fabric.h"
#include "fabric/make_topology.h"
#include "fabric/random_shape.h"

namespace planewise {
namespace {

/// A row as printed.
struct Row {
  std::string name{};
  spec::TopologySpec topology{};
  std::int64_t endpoints = 0;
  std::int64_t switches = 0;
  std::int64_t links = 0;
  double millions = 0;               // Printed without decimals.
  double thousands_an_endpoint = 0;  // Printed with `decimals` of them.
  int decimals = 0;
};

std::vector<Row> fat_trees() {
  // Nodes of 8 NICs that fill the fabric: k^2/2 endpoints, 8 times that, and k^3/4 for k = 64.
  return {
      {"FT2", test::make_topology({.radix = 64, .nodes = 256}), 2048, 96, 2048, 9, 4.39, 2},
      {"MPFT",
       test::make_topology({.family = spec::Family::mpft, .planes = 8, .radix = 64, .nodes = 2048}),
       16384, 768, 16384, 72, 4.39, 2},
      {"FT3", test::make_topology({.layers = 3, .radix = 64, .nodes = 8192}), 65536, 5120, 131072,
       491, 7.5, 1}};
}

spec::TopologySpec as_printed(spec::Family family, const spec::Shape& shape, std::int64_t nodes) {
  spec::TopologySpec topology = test::make_shape(family, shape, 64, 8);
  topology.fabric.as_printed = true;
  topology.nodes.count = nodes;
  return topology;
}

std::vector<Row> rows() {
  std::vector<Row> all = fat_trees();
  // q = 28 is no prime power; 2q^2 switches of k' = 3q/2 links and ceil(k'/2) = 21 endpoints.
  all.push_back({"Slim Fly",
                 as_printed(spec::Family::slim_fly,
                            spec::SlimFlySpec{.q = 28, .endpoints_per_switch = 21}, 32928 / 8),
                 32928, 1568, 32928, 146, 4.4, 1});
  // 511 x 32 x 31 / 2 local links and 511 x 32 x 16 / 2 global ones.
  all.push_back({"Dragonfly",
                 as_printed(spec::Family::dragonfly,
                            spec::DragonflySpec{.endpoints_per_switch = 16,
                                                .switches_per_group = 32,
                                                .global_links_per_switch = 16,
                                                .groups = 511},
                            261632 / 8),
                 261632, 16352, 384272, 1522, 5.8, 1});
  return all;
}

/// Prices of the three roles. The table gives none, and many triples fit; this one is round and
/// lands four of its five costs in their rounding.
struct RolePrices {
  Usd switch_price = usd(40000);
  Usd inter_switch_link = usd(1855);
  Usd endpoint_link = usd(660);
};

cost::Bill bill_of(const Row& row, const RolePrices& prices) {
  spec::PriceBookSpec book;
  spec::RolePrices& roles = book.roles.emplace();
  roles.switch_radix = 64;
  roles.switch_role.price = prices.switch_price;
  roles.inter_switch_link.price = prices.inter_switch_link;
  roles.endpoint_link.price = prices.endpoint_link;
  return cost::price_roles(count(fabric::lay_out(row.topology)), book);
}

double rounded(double value, int decimals) {
  const double scale = std::pow(10, decimals);
  return std::round(value * scale) / scale;
}

TEST(Table3, CountsAreExact) {
  for (const Row& row : rows()) {
    SCOPED_TRACE(row.name);
    const fabric::Counts counts = count(fabric::lay_out(row.topology));
    EXPECT_EQ(counts.endpoints, row.endpoints);
    EXPECT_EQ(counts.endpoint_capacity, row.endpoints);  // The printed sizes are full.
    EXPECT_EQ(counts.switches(), row.switches);
    EXPECT_EQ(counts.inter_switch_links, row.links);
    // The trees use every port; the other two leave one of each switch's 64.
    const bool is_tree = spec::is_tree(row.topology.fabric);
    EXPECT_EQ(counts.unused_switch_ports, is_tree ? 0 : counts.switches());
  }
}

TEST(Table3, CostsLandInThePrintedRoundingButForDragonfly) {
  for (const Row& row : rows()) {
    SCOPED_TRACE(row.name);
    if (row.name == "Dragonfly") continue;
    const cost::Bill bill = bill_of(row, {});
    EXPECT_EQ(rounded(bill.total.in(usd(1e6)), 0), row.millions);
    EXPECT_DOUBLE_EQ(rounded(bill.per_endpoint.in(usd(1e3)), row.decimals),
                     row.thousands_an_endpoint);
  }
}

TEST(Table3, CostsToTheDollar) {
  const std::vector<Row> all = rows();
  // 96 * 40,000 + 2,048 * 1,855 + 2,048 * 660 = 3,840,000 + 3,799,040 + 1,351,680: 8.99 M$.
  EXPECT_EQ(bill_of(all[0], {}).total, usd(8'990'720));
  // Eight of those: 71.9 M$.
  EXPECT_EQ(bill_of(all[1], {}).total, usd(71'925'760));
  // 5,120 * 40,000 + 131,072 * 1,855 + 65,536 * 660 = 204,800,000 + 243,138,560 + 43,253,760: 491.2
  // M$.
  EXPECT_EQ(bill_of(all[2], {}).total, usd(491'192'320));
}

TEST(Table3, SlimFlyAndDragonflyToTheDollar) {
  const std::vector<Row> all = rows();
  // 1,568 * 40,000 + 32,928 * 1,855 + 32,928 * 660 = 62,720,000 + 61,081,440 + 21,732,480: 145.5
  // M$.
  EXPECT_EQ(bill_of(all[3], {}).total, usd(145'533'920));
  // 16,352 * 40,000 + 384,272 * 1,855 + 261,632 * 660: 654,080,000 + 712,824,560 + 172,677,120.
  EXPECT_EQ(bill_of(all[4], {}).total, usd(1'539'581'680));
  // The paper prints 1,522 M$: no triple of prices that fits the other rows gives that.
  EXPECT_NEAR(bill_of(all[4], {}).total.in(usd(1522e6)), 1.0116, 5e-5);
}

TEST(Table3, FatTreeAtTheSizeOfMultiPlane) {
  // FT3 with 16,384 of its 65,536 endpoints: 2E/k leaves and spines each, E/k cores, 2E links.
  const fabric::Fabric fabric =
      fabric::lay_out(test::make_topology({.layers = 3, .radix = 64, .nodes = 2048}));
  const fabric::Counts counts = count(fabric);
  EXPECT_EQ(counts.switches(), 1280);
  EXPECT_EQ(counts.inter_switch_links, 32768);
  const Row row{.topology = fabric.topology};
  // 1,280 * 40,000 + 32,768 * 1,855 + 16,384 * 660 = 51,200,000 + 60,784,640 + 10,813,440.
  EXPECT_EQ(bill_of(row, {}).total, usd(122'798'080));
}

TEST(Table3, MultiPlaneSavesTwoFifthsAnEndpoint) {
  // Whatever the prices: those that print as 4.39 k$ an endpoint (4.385 to 4.395) and as 491 M$
  // (490.5 to 491.5, or 7.484 to 7.500 k$ an endpoint) save 1 - 4.395 / 7.484 = 41.3 % to 1 - 4.385
  // / 7.500 = 41.5 %.
  const std::uint64_t seed = test::seed_or(51);
  Random random(seed);
  const std::vector<Row> all = rows();
  int fitting = 0;
  for (int round = 0; round < 200'000; ++round) {
    RolePrices prices;
    // An endpoint of FT2 takes 3/64 switch and a link of either sort. FT3: 5/64, two and one.
    prices.switch_price = usd(31'900 + random.uniform() * 50'700);
    prices.inter_switch_link = usd(random.uniform() * 3'000);
    prices.endpoint_link = usd(4'385 + random.uniform() * 10) - prices.switch_price * (3.0 / 64) -
                           prices.inter_switch_link;
    if (prices.endpoint_link < Usd{}) continue;
    const double three_layers =
        (prices.switch_price * (5.0 / 64) + prices.inter_switch_link * 2 + prices.endpoint_link)
            .in(usd(1e6)) *
        65536;
    if (three_layers < 490.5 || three_layers >= 491.5) continue;
    ++fitting;
    const Usd multi_plane = bill_of(all[1], prices).per_endpoint;
    const Usd fat_tree = bill_of(all[2], prices).per_endpoint;
    const double saving = 1 - multi_plane.in(fat_tree);
    ASSERT_GE(saving, 0.4125) << "PLANEWISE_SEED=" << seed;
    ASSERT_LE(saving, 0.4155) << "PLANEWISE_SEED=" << seed;
  }
  EXPECT_GE(fitting, 100);
  // The triple above: 1 - 4,390.0 / 7,495.0.
  const double saving = 1 - bill_of(all[1], {}).per_endpoint.in(bill_of(all[2], {}).per_endpoint);
  EXPECT_GE(saving, 0.413);
  EXPECT_LE(saving, 0.415);
}

}  // namespace
}  // namespace planewise
