#include <benchmark/benchmark.h>

#include <string>

#include "base/check.h"
#include "bench/memory.h"
#include "cost/cable_plan.h"
#include "cost/cost.h"
#include "cost/make_bill.h"
#include "cost/uncertainty.h"
#include "fabric/fabric.h"
#include "fabric/make_topology.h"
#include "report/plan_csv.h"
#include "spec/read.h"

namespace planewise::bench {
namespace {

/// Eight planes of three layers of 256-port switches: counts and the bill by roles.
void cost_by_roles_10_million(benchmark::State& state) {
  const spec::TopologySpec topology = test::make_topology(
      {.family = spec::Family::mpft, .layers = 3, .planes = 8, .radix = 256, .nodes = 1'250'000});
  const spec::PriceBookSpec book{
      .name = "bench",
      .roles = spec::RolePrices{.switch_radix = 256,
                                .switch_role = {.price = usd(40000)},
                                .inter_switch_link = {.price = usd(1855)},
                                .endpoint_link = {.price = usd(660)}}};
  for (auto _ : state) {
    const fabric::Counts counts = fabric::count(fabric::lay_out(topology));
    benchmark::DoNotOptimize(cost::price_roles(counts, book));
  }
}
BENCHMARK(cost_by_roles_10_million);

/// The shipped catalogue and prices.
struct Parts {
  spec::Diagnostics diagnostics{};
  spec::CatalogueSpec catalogue =
      spec::read_parts(PLANEWISE_ROOT "/topologies/parts/catalogue-2026.yaml", diagnostics);
  cost::PriceList prices = cost::net_prices(
      spec::read_price_book(PLANEWISE_ROOT "/topologies/parts/street-2026.yaml", diagnostics),
      catalogue, nullptr);
};

spec::TopologySpec with_equipment(spec::TopologySpec topology) {
  topology.equipment = spec::EquipmentSpec{.leaf = "ib-qm9700",
                                           .spine = "ib-qm9700",
                                           .core = "ib-qm9700",
                                           .nic = "cx7-400",
                                           .rack = "rack-48u"};
  return topology;
}

/// FT3 of arXiv 2505.09343, Table 3, with racks, lengths, modules and cables; no graph.
void cost_by_parts_ft3_65536(benchmark::State& state) {
  const Parts parts;
  const spec::TopologySpec topology =
      with_equipment(test::make_topology({.layers = 3, .nodes = 8192}));
  const auto price = [&] {
    const auto bill = cost::price_parts(fabric::lay_out(topology),
                                        {.catalogue = parts.catalogue, .prices = parts.prices});
    PW_CHECK(std::holds_alternative<cost::Bill>(bill));
  };
  for (auto _ : state) price();
  state.counters["peak_MB"] = static_cast<double>(peak_bytes(price)) / 1e6;
}
BENCHMARK(cost_by_parts_ft3_65536)->Unit(benchmark::kMillisecond);

/// Ten million endpoints by parts. Racks stand closer than they could, since no module of the
/// catalogue reaches across a hall of that size.
void cost_by_parts_10_million(benchmark::State& state) {
  const Parts parts;
  spec::TopologySpec topology = with_equipment(test::make_topology(
      {.family = spec::Family::mpft, .layers = 3, .planes = 8, .radix = 256, .nodes = 1'250'000}));
  topology.floor.rack_width = metres(0.1);
  topology.floor.rack_depth = metres(0.1);
  topology.floor.aisle = metres(0.1);
  for (auto _ : state) {
    const auto bill = cost::price_parts(fabric::lay_out(topology),
                                        {.catalogue = parts.catalogue, .prices = parts.prices});
    PW_CHECK(std::holds_alternative<cost::Bill>(bill));
  }
}
BENCHMARK(cost_by_parts_10_million)->Unit(benchmark::kMillisecond);

/// Plan and text of the cables of FT3 with 65,536 endpoints: 196,608 rows.
void cable_plan_csv_ft3_65536(benchmark::State& state) {
  const Parts parts;
  const fabric::Fabric fabric =
      fabric::lay_out(with_equipment(test::make_topology({.layers = 3, .nodes = 8192})));
  const cost::LinkResolver resolver(fabric, parts.catalogue, parts.prices);
  const auto write = [&] {
    benchmark::DoNotOptimize(report::cable_csv(fabric, cost::plan_cables(fabric, &resolver)));
  };
  for (auto _ : state) write();
  state.counters["peak_MB"] = static_cast<double>(peak_bytes(write)) / 1e6;
}
BENCHMARK(cable_plan_csv_ft3_65536)->Unit(benchmark::kMillisecond);

/// Ten bills of the same twenty parts in unlike numbers.
std::vector<cost::Bill> ten_bills() {
  std::vector<cost::Bill> bills;
  for (int bill = 0; bill < 10; ++bill) {
    std::vector<cost::BillLine> lines;
    for (int part = 0; part < 20; ++part) {
      const double mid = 10 * (1 + part);
      lines.push_back(test::bill_line(
          "part" + std::to_string(part), spec::kPartGroups[static_cast<std::size_t>(part % 6)],
          100 + bill * part, test::usd_range(0.6 * mid, mid, 1.7 * mid)));
    }
    bills.push_back(test::bill_of(std::move(lines)));
  }
  return bills;
}

void uncertainty_10000_draws_10_fabrics(benchmark::State& state) {
  const std::vector<cost::Bill> bills = ten_bills();
  std::vector<const cost::Bill*> pointers;
  for (const cost::Bill& bill : bills) pointers.push_back(&bill);
  const std::vector<std::int64_t> endpoints(bills.size(), 1024);
  for (auto _ : state) {
    benchmark::DoNotOptimize(cost::assess(pointers, endpoints, {.draws = 10'000}));
  }
}
BENCHMARK(uncertainty_10000_draws_10_fabrics)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace planewise::bench
