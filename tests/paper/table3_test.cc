// Table 3 of "Insights into DeepSeek-V3", arXiv 2505.09343: counts and costs of fabrics of 64-port
// 400G switches. Slim Fly and Dragonfly of that table are not fat trees and are not built.
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "base/random.h"
#include "cost/cost.h"
#include "fabric/fabric.h"
#include "fabric/make_topology.h"
#include "fabric/random_topology.h"

namespace planewise {
namespace {

/// A row as printed.
struct Row {
  std::string name{};
  test::TopologyOptions options{};
  std::int64_t endpoints = 0;
  std::int64_t switches = 0;
  std::int64_t links = 0;
  double millions = 0;               // Printed without decimals.
  double thousands_an_endpoint = 0;  // Printed with `decimals` of them.
  int decimals = 0;
};

std::vector<Row> rows() {
  // Nodes of 8 NICs that fill the fabric: k^2/2 endpoints, 8 times that, and k^3/4 for k = 64.
  return {{"FT2", {.radix = 64, .nodes = 256}, 2048, 96, 2048, 9, 4.39, 2},
          {"MPFT",
           {.family = spec::Family::mpft, .planes = 8, .radix = 64, .nodes = 2048},
           16384,
           768,
           16384,
           72,
           4.39,
           2},
          {"FT3", {.layers = 3, .radix = 64, .nodes = 8192}, 65536, 5120, 131072, 491, 7.5, 1}};
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
  return cost::price(count(fabric::lay_out(test::make_topology(row.options))), book);
}

double rounded(double value, int decimals) {
  const double scale = std::pow(10, decimals);
  return std::round(value * scale) / scale;
}

TEST(Table3, CountsAreExact) {
  for (const Row& row : rows()) {
    SCOPED_TRACE(row.name);
    const fabric::Counts counts = count(fabric::lay_out(test::make_topology(row.options)));
    EXPECT_EQ(counts.endpoints, row.endpoints);
    EXPECT_EQ(counts.endpoint_capacity, row.endpoints);  // The printed sizes are full.
    EXPECT_EQ(counts.switches(), row.switches);
    EXPECT_EQ(counts.inter_switch_links, row.links);
    EXPECT_EQ(counts.unused_switch_ports, 0);
  }
}

TEST(Table3, CostsLandInThePrintedRounding) {
  for (const Row& row : rows()) {
    SCOPED_TRACE(row.name);
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
