#include "cost/cost.h"

#include <gtest/gtest.h>

namespace planewise::cost {
namespace {

using spec::Evidence;

spec::PriceBookSpec book() {
  return {.name = "test",
          .date = "2025-05-14",
          .roles = spec::RolePrices{.switch_radix = 64,
                                    .switch_role = {.price = usd(1000),
                                                    .price_evidence = Evidence::published,
                                                    .power_typical = watts(700),
                                                    .power_maximum = watts(1700)},
                                    .inter_switch_link = {.price = usd(10),
                                                          .price_evidence = Evidence::estimated,
                                                          .power_typical = watts(30),
                                                          .power_maximum = watts(40)},
                                    .endpoint_link = {.price = usd(2),
                                                      .price_evidence = Evidence::fitted,
                                                      .power_typical = watts(1),
                                                      .power_maximum = watts(3)}}};
}

// 6 switches, 50 links between them, 250 endpoints.
constexpr fabric::Counts kCounts{.endpoints = 250,
                                 .leaf_switches = 3,
                                 .spine_switches = 2,
                                 .core_switches = 1,
                                 .inter_switch_links = 50,
                                 .endpoint_links = 250};

TEST(Cost, BillsEveryRole) {
  const Bill bill = price_roles(kCounts, book());
  EXPECT_EQ(bill.price_book, "test");
  EXPECT_EQ(bill.price_date, "2025-05-14");
  ASSERT_EQ(bill.lines.size(), 3U);
  EXPECT_EQ(bill.lines[0].item, "switch");
  EXPECT_EQ(bill.lines[0].quantity, 6);
  EXPECT_EQ(bill.lines[0].unit_price.mid, usd(1000));
  EXPECT_EQ(bill.lines[0].total, usd(6000));
  EXPECT_EQ(bill.lines[1].item, "inter_switch_link");
  EXPECT_EQ(bill.lines[1].quantity, 50);
  EXPECT_EQ(bill.lines[1].total, usd(500));
  EXPECT_EQ(bill.lines[2].item, "endpoint_link");
  EXPECT_EQ(bill.lines[2].quantity, 250);
  EXPECT_EQ(bill.lines[2].total, usd(500));
  // 6,000 + 500 + 500 = 7,000; over 250 endpoints 28.
  EXPECT_EQ(bill.total, usd(7000));
  EXPECT_EQ(bill.per_endpoint, usd(28));
}

TEST(Cost, AddsUpPower) {
  const Bill bill = price_roles(kCounts, book());
  EXPECT_EQ(bill.lines[0].power_typical, watts(4200));
  EXPECT_EQ(bill.lines[1].power_maximum, watts(2000));
  // 6 * 700 + 50 * 30 + 250 * 1 and 6 * 1,700 + 50 * 40 + 250 * 3.
  EXPECT_EQ(bill.power_typical, watts(4200 + 1500 + 250));
  EXPECT_EQ(bill.power_maximum, watts(10200 + 2000 + 750));
}

TEST(Cost, TellsTheShareOfEstimates) {
  // Only the inter-switch links are estimated: 500 of 7,000.
  EXPECT_DOUBLE_EQ(price_roles(kCounts, book()).estimated_share, 500.0 / 7000);
  spec::PriceBookSpec known = book();
  known.roles->inter_switch_link.price_evidence = Evidence::measured;
  EXPECT_EQ(price_roles(kCounts, known).estimated_share, 0);
}

TEST(Cost, FreePartsHaveNoShare) {
  const Bill bill = price_roles(kCounts, {.roles = spec::RolePrices{}});
  EXPECT_EQ(bill.total, usd(0));
  EXPECT_EQ(bill.estimated_share, 0);
}

}  // namespace
}  // namespace planewise::cost
