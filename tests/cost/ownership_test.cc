#include "cost/ownership.h"

#include <gtest/gtest.h>

#include "cost/make_bill.h"

namespace planewise::cost {
namespace {

using spec::PartGroup;
using test::usd_range;

spec::ScenarioSpec scenario() {
  return {.years = 4,
          .depreciation_years = 5,
          .pue = 1.5,
          .energy_price = usd(0.1),
          .load = 0.25,
          .install_per_cable_end = usd(20),
          .upkeep = {{PartGroup::switches, {.maintenance = 0.05, .spares = 0.02}},
                     {PartGroup::optics, {.maintenance = 0.03, .spares = 0.1}}}};
}

/// Expects equality to rounding: sums of a few products.
void expect_usd(Usd value, double expected) { EXPECT_NEAR(value.base(), expected, 1e-6); }

TEST(Ownership, AddsUpByHand) {
  Bill bill = test::bill_of({
      test::bill_line("box", PartGroup::switches, 10, usd_range(900, 1000, 2000)),
      test::bill_line("twin", PartGroup::optics, 100, usd_range(10, 20, 30)),
      test::bill_line("dac", PartGroup::copper, 50, usd_range(5, 10, 20)),
  });
  bill.cables = 120;
  bill.power_typical = watts(8000);
  bill.power_maximum = watts(16000);
  const Ownership ownership = own(bill, scenario());
  // 10 x 1,000 + 100 x 20 + 50 x 10.
  expect_usd(ownership.purchase, 12'500);
  // 2 % of 10,000 and 10 % of 2,000; copper has no upkeep.
  expect_usd(ownership.spares, 400);
  // 2 ends x 120 x 20.
  expect_usd(ownership.installation, 4'800);
  // 8 kW + a quarter of 8 kW = 10 kW; x 1.5 x 8,760 h.
  EXPECT_NEAR(ownership.energy_kwh_per_year, 131'400, 1e-6);
  expect_usd(ownership.energy_per_year, 13'140);
  // 5 % of 10,000 and 3 % of 2,000.
  expect_usd(ownership.maintenance_per_year, 560);
  // (12,500 + 400 + 4,800) / 5.
  expect_usd(ownership.depreciation_per_year, 3'540);
  // 17,700 + 4 x (13,140 + 560).
  expect_usd(ownership.total, 72'500);
}

TEST(Ownership, OfRolesTakesLinksForOptics) {
  const Bill bill = test::bill_of({
      test::bill_line("switch", std::nullopt, 10, usd_range(1000, 1000, 1000)),
      test::bill_line("inter_switch_link", std::nullopt, 100, usd_range(20, 20, 20)),
      test::bill_line("endpoint_link", std::nullopt, 50, usd_range(10, 10, 10)),
  });
  const Ownership ownership = own(bill, scenario());
  // 2 % of 10,000; 10 % of 2,000 + 500.
  expect_usd(ownership.spares, 450);
  // 5 % of 10,000; 3 % of 2,500.
  expect_usd(ownership.maintenance_per_year, 575);
  expect_usd(ownership.installation, 0);
}

TEST(Ownership, OfNothingIsNothing) {
  const Ownership ownership = own(Bill{}, spec::ScenarioSpec{});
  expect_usd(ownership.total, 0);
  expect_usd(ownership.depreciation_per_year, 0);
}

}  // namespace
}  // namespace planewise::cost
