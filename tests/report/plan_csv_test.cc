// The lists for suppliers and technicians: every row whole, both ends of a cable the same
// everywhere.
#include "report/plan_csv.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "cost/made_parts.h"
#include "fabric/random_shape.h"

namespace planewise::report {
namespace {

using Row = std::vector<std::string>;

/// Cells of comma-separated text by RFC 4180: quotes around a cell, doubled inside it.
std::vector<Row> read_csv(const std::string& text) {
  std::vector<Row> rows(1, Row(1));
  bool in_quotes = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"' && in_quotes && i + 1 < text.size() && text[i + 1] == '"') {
      rows.back().back() += text[++i];
    } else if (c == '"') {
      in_quotes = !in_quotes;
    } else if (c == ',' && !in_quotes) {
      rows.back().emplace_back();
    } else if (c == '\n' && !in_quotes) {
      rows.emplace_back(1);
    } else {
      rows.back().back() += c;
    }
  }
  EXPECT_FALSE(in_quotes);
  EXPECT_EQ(rows.back(), Row(1)) << "no line feed at the end";
  rows.pop_back();
  for (const Row& row : rows) EXPECT_EQ(row.size(), rows.front().size());
  return rows;
}

std::string cell(const std::vector<Row>& rows, std::size_t row, const std::string& column) {
  for (std::size_t i = 0; i < rows.front().size(); ++i) {
    if (rows.front()[i] == column) return rows[row][i];
  }
  ADD_FAILURE() << "no column " << column;
  return "";
}

struct Planned {
  spec::CatalogueSpec catalogue = test::made_catalogue();
  cost::PriceList prices = test::made_prices();
  fabric::Fabric fabric;
  cost::LinkResolver resolver;
  cost::CablePlan plan;

  explicit Planned(const spec::TopologySpec& topology)
      : fabric(fabric::lay_out(test::with_parts(topology))),
        resolver(fabric, catalogue, prices),
        plan(cost::plan_cables(fabric, &resolver)) {}
};

TEST(PlanCsv, PortMapAndCablePlanSayTheSame) {
  const std::uint64_t seed = test::seed_or(71);
  Random random(seed);
  for (int round = 0; round < 40; ++round) {
    SCOPED_TRACE("PLANEWISE_SEED=" + std::to_string(seed) + ", round " + std::to_string(round));
    spec::TopologySpec topology =
        random.integer(0, 1) == 0 ? test::random_topology(random, 150) : test::random_shape(random);
    topology.fabric.uplink_rate = topology.fabric.link_rate;
    const Planned planned(topology);
    const std::vector<Row> cables = read_csv(cable_csv(planned.fabric, planned.plan));
    const std::vector<Row> ports = read_csv(port_csv(planned.fabric, planned.plan));
    const fabric::Counts counts = count(planned.fabric);
    ASSERT_EQ(static_cast<std::int64_t>(cables.size()) - 1,
              counts.endpoint_links + counts.inter_switch_links);
    std::map<std::pair<std::string, std::string>, std::string> cable_at;
    std::int64_t used = 0;
    for (std::size_t row = 1; row < ports.size(); ++row) {
      const std::string cable = cell(ports, row, "cable");
      if (cable.empty()) continue;
      ++used;
      cable_at[{cell(ports, row, "switch"), cell(ports, row, "port")}] = cable;
    }
    ASSERT_EQ(used, counts.endpoint_links + 2 * counts.inter_switch_links);
    ASSERT_EQ(static_cast<std::int64_t>(ports.size()) - 1, used + counts.unused_switch_ports);
    std::set<std::string> labels;
    for (std::size_t row = 1; row < cables.size(); ++row) {
      ASSERT_TRUE(labels.insert(cell(cables, row, "label")).second);
      const std::string cable = cell(cables, row, "cable");
      ASSERT_EQ((cable_at[{cell(cables, row, "to_device"), cell(cables, row, "to_port")}]), cable);
      if (cell(cables, row, "kind") == "endpoint") continue;
      ASSERT_EQ((cable_at[{cell(cables, row, "from_device"), cell(cables, row, "from_port")}]),
                cable);
    }
  }
}

TEST(PlanCsv, BillHasEveryLine) {
  const Planned planned(test::make_topology({.nodes = 16}));
  const auto result =
      cost::price_parts(planned.fabric, {.catalogue = planned.catalogue, .prices = planned.prices});
  const cost::Bill& bill = std::get<cost::Bill>(result);
  const std::vector<Row> rows = read_csv(bill_csv(bill));
  ASSERT_EQ(rows.size(), bill.lines.size() + 1);
  double total = 0;
  for (std::size_t row = 1; row < rows.size(); ++row) {
    total += std::stod(cell(rows, row, "total_usd"));
    EXPECT_NEAR(
        std::stod(cell(rows, row, "quantity")) * std::stod(cell(rows, row, "unit_price_mid_usd")),
        std::stod(cell(rows, row, "total_usd")), 1e-6);
  }
  EXPECT_NEAR(total, bill.total.in(usd(1)), 1e-6);
}

TEST(PlanCsv, RackElevationHasEveryDeviceOnce) {
  const Planned planned(test::make_topology({.layers = 3, .radix = 16, .nodes = 32}));
  const std::vector<Row> rows =
      read_csv(rack_csv(planned.fabric, planned.plan.floor, &planned.resolver));
  std::set<std::string> devices;
  for (std::size_t row = 1; row < rows.size(); ++row) {
    EXPECT_TRUE(devices.insert(cell(rows, row, "device")).second);
    const bool is_node = cell(rows, row, "device").starts_with("node");
    EXPECT_EQ(cell(rows, row, "part"), is_node ? "" : "switch");
    EXPECT_EQ(cell(rows, row, "rack_units"), is_node ? "" : "1");
  }
  EXPECT_EQ(static_cast<std::int64_t>(devices.size()), 32 + count(planned.fabric).switches());
}

TEST(PlanCsv, NamesWithCommasAreQuoted) {
  spec::CustomSpec custom;
  custom.switches = {{.name = "row a, hall \"1\"", .radix = 64, .endpoints = 8}};
  spec::TopologySpec topology = test::make_shape(spec::Family::custom, custom, 64, 8);
  const Planned planned(topology);
  const std::vector<Row> rows = read_csv(cable_csv(planned.fabric, planned.plan));
  EXPECT_EQ(rows.size(), 9U);
}

}  // namespace
}  // namespace planewise::report
