#include "cost/uncertainty.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "base/random.h"
#include "cost/make_bill.h"
#include "fabric/random_topology.h"

namespace planewise::cost {
namespace {

using spec::PartGroup;
using test::bill_line;
using test::bill_of;
using test::usd_range;

constexpr double kZ10 = 1.2815515655446004;  // 90th percentile of the normal distribution.

double normal_share_below(double z) { return std::erfc(-z / std::sqrt(2)) / 2; }

Uncertainty assess_all(const std::vector<Bill>& bills, const UncertaintyOptions& options) {
  std::vector<const Bill*> pointers;
  for (const Bill& bill : bills) pointers.push_back(&bill);
  return assess(pointers, std::vector<std::int64_t>(bills.size(), 1), options);
}

Bill one_part(const std::string& item, PartGroup group, const spec::PriceRange& price) {
  return bill_of({bill_line(item, group, 3, price)});
}

double spread(const CostRange& range) { return (range.p90 - range.p10).base(); }

void expect_same(const CostRange& a, const CostRange& b) {
  EXPECT_EQ(a.p10, b.p10);
  EXPECT_EQ(a.p50, b.p50);
  EXPECT_EQ(a.p90, b.p90);
}

TEST(Uncertainty, OfOnePartIsItsRange) {
  const Bill bill = one_part("box", PartGroup::switches, usd_range(100, 150, 300));
  for (const double share : {0.0, 0.8, 1.0}) {
    const Uncertainty result = assess_all({bill}, {.draws = 200'000, .common_share = share});
    // The error of a percentile, in standard deviations of the logarithm, is sqrt(p (1 - p) /
    // draws) / density: 0.0038 at P10 and P90, 0.0028 at P50. One standard deviation is at most
    // ln(300 / 150) / 1.28 = 0.54. Four errors are 0.8 %.
    EXPECT_NEAR(result.ranges[0].p10.base(), 300, 0.01 * 300) << share;
    EXPECT_NEAR(result.ranges[0].p50.base(), 450, 0.01 * 450) << share;
    EXPECT_NEAR(result.ranges[0].p90.base(), 900, 0.01 * 900) << share;
  }
}

TEST(Uncertainty, WithoutRangesIsTheTotal) {
  const Bill roles =
      bill_of({bill_line("switch", std::nullopt, 96, usd_range(40000, 40000, 40000)),
               bill_line("inter_switch_link", std::nullopt, 2048, usd_range(1855, 1855, 1855)),
               bill_line("endpoint_link", std::nullopt, 2048, usd_range(660, 660, 660)),
               bill_line("free", PartGroup::nics, 7, usd_range(0, 0, 0))});
  const Uncertainty result = assess_all({roles}, {.draws = 100});
  // Whole numbers, so that sums are exact.
  expect_same(result.ranges[0], {.p10 = roles.total, .p50 = roles.total, .p90 = roles.total});
  EXPECT_TRUE(result.swings[0].empty());
}

TEST(Uncertainty, ACommonFactorMovesAGroupTogether) {
  const Bill a = one_part("twin", PartGroup::optics, usd_range(100, 150, 300));
  const Bill b = one_part("single", PartGroup::optics, usd_range(50, 70, 80));
  const Bill both = bill_of({a.lines[0], b.lines[0]});
  const Uncertainty result = assess_all({a, b, both}, {.draws = 5000, .common_share = 1});
  const auto& ranges = result.ranges;
  // Every draw orders all three alike, so percentiles add up but for rounding.
  EXPECT_NEAR(ranges[2].p10.base(), (ranges[0].p10 + ranges[1].p10).base(), 1e-9);
  EXPECT_NEAR(ranges[2].p50.base(), (ranges[0].p50 + ranges[1].p50).base(), 1e-9);
  EXPECT_NEAR(ranges[2].p90.base(), (ranges[0].p90 + ranges[1].p90).base(), 1e-9);
}

TEST(Uncertainty, GroupsAndRolesMoveByThemselves) {
  const Bill a = one_part("twin", PartGroup::optics, usd_range(100, 150, 225));
  for (Bill b : {one_part("dac", PartGroup::copper, usd_range(100, 150, 225)),
                 bill_of({bill_line("switch", std::nullopt, 3, usd_range(100, 150, 225))})}) {
    const Bill both = bill_of({a.lines[0], b.lines[0]});
    const Uncertainty result = assess_all({a, b, both}, {.draws = 20'000, .common_share = 1});
    // About sqrt(2) of one, not 2.
    EXPECT_LT(spread(result.ranges[2]), 1.6 * spread(result.ranges[0]));
    EXPECT_GT(spread(result.ranges[2]), 1.3 * spread(result.ranges[0]));
  }
}

TEST(Uncertainty, OwnFactorsAverageOut) {
  // 100 parts that spread by 5 %, little enough for sums to be nearly normal.
  const spec::PriceRange price = usd_range(100 / 1.05, 100, 105);
  std::vector<BillLine> lines;
  for (int i = 0; i < 100; ++i) {
    lines.push_back(bill_line("part" + std::to_string(i), PartGroup::optics, 1, price));
  }
  const Bill one = bill_of({lines[0]});
  const Bill all = bill_of(lines);
  const Uncertainty result = assess_all({one, all}, {.draws = 40'000, .common_share = 0});
  // Errors of a spread of 2 x 1.28 standard deviations: about 0.5 % of it each; six are 3 %.
  EXPECT_NEAR(spread(result.ranges[1]) / spread(result.ranges[0]), 10, 0.3);
  // With a common share of 0.5 the variance is n^2 / 2 + n / 2 times that of one.
  const Uncertainty half = assess_all({one, all}, {.draws = 40'000, .common_share = 0.5});
  EXPECT_NEAR(spread(half.ranges[1]) / spread(half.ranges[0]), std::sqrt(5050), 0.03 * 71);
}

TEST(Uncertainty, AllLengthsOfAPartAreOneDraw) {
  const Bill shorter = one_part("glass", PartGroup::fibre, usd_range(10, 20, 30));
  const Bill longer = one_part("glass", PartGroup::fibre, usd_range(20, 40, 60));
  const Bill both = bill_of({shorter.lines[0], longer.lines[0]});
  const Uncertainty result =
      assess_all({shorter, longer, both}, {.draws = 5000, .common_share = 0});
  EXPECT_NEAR(result.ranges[2].p10.base(), 3 * result.ranges[0].p10.base(), 1e-9);
  EXPECT_NEAR(result.ranges[2].p90.base(), 3 * result.ranges[0].p90.base(), 1e-9);
  EXPECT_EQ(result.cheaper[0][1], 1);
}

TEST(Uncertainty, TellsWhichIsCheaper) {
  // Medians 100 and 110, both with standard deviations of the logarithm of ln(1.2) / 1.28.
  const spec::PriceRange less = usd_range(100 / 1.2, 100, 120);
  const spec::PriceRange more = usd_range(110 / 1.2, 110, 132);
  const double sigma = std::log(1.2) / kZ10;
  const std::vector<Bill> bills = {one_part("a", PartGroup::optics, less),
                                   one_part("b", PartGroup::optics, more),
                                   one_part("c", PartGroup::copper, more)};
  const Uncertainty result = assess_all(bills, {.draws = 100'000, .common_share = 0.5});
  // The logarithms differ by ln(1.1), with a variance of sigma^2 from a and b each, less what they
  // share: half in a group. Four errors of sqrt(p (1 - p) / draws) are 0.006.
  const double apart = std::log(1.1) / (sigma * std::sqrt(2));
  EXPECT_NEAR(result.cheaper[0][1], normal_share_below(apart / std::sqrt(0.5)), 0.006);
  EXPECT_NEAR(result.cheaper[0][2], normal_share_below(apart), 0.006);
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < 3; ++j) {
      EXPECT_DOUBLE_EQ(result.cheaper[i][j] + result.cheaper[j][i], 1);
    }
  }
}

TEST(Uncertainty, EqualCostsAnEndpointCountHalf) {
  const Bill small = bill_of({bill_line("box", PartGroup::switches, 7, usd_range(90, 130, 190)),
                              bill_line("twin", PartGroup::optics, 11, usd_range(3, 5, 7))});
  Bill large = small;
  for (BillLine& line : large.lines) line.quantity *= 3;
  // One endpoint of `dear` costs more whatever the prices.
  Bill dear = small;
  dear.lines[1].quantity += 1;
  const Uncertainty result =
      assess({&small, &small, &large, &dear}, {10, 10, 30, 10}, {.draws = 1000});
  EXPECT_EQ(result.cheaper[0][1], 0.5);
  EXPECT_EQ(result.cheaper[0][2], 0.5);
  EXPECT_EQ(result.cheaper[0][3], 1);
  EXPECT_EQ(result.cheaper[3][2], 0);
}

TEST(Uncertainty, IsTheSameForASeedWhateverStandsBeside) {
  const Bill a = one_part("twin", PartGroup::optics, usd_range(100, 150, 300));
  const Bill b = one_part("box", PartGroup::switches, usd_range(50, 70, 80));
  const Uncertainty alone = assess_all({a}, {.draws = 999, .seed = 5});
  const Uncertainty beside = assess_all({b, a}, {.draws = 999, .seed = 5});
  expect_same(alone.ranges[0], beside.ranges[1]);
  EXPECT_NE(assess_all({a}, {.draws = 999, .seed = 6}).ranges[0].p50, alone.ranges[0].p50);
  // An odd number of draws, and one.
  const Uncertainty one = assess_all({a}, {.draws = 1});
  EXPECT_EQ(one.ranges[0].p10, one.ranges[0].p90);
}

/// A bill of a few of ten parts; fibre comes in two lengths.
Bill random_bill(Random& random) {
  std::vector<BillLine> lines;
  for (int i = 0; i < 10; ++i) {
    if (random.integer(0, 2) == 0) continue;
    const double mid = 10 * (i + 1);
    const auto group = spec::kPartGroups[static_cast<std::size_t>(i) % 6];
    const std::string item = "part" + std::to_string(i);
    for (int length = 1; length <= (group == PartGroup::fibre ? 2 : 1); ++length) {
      lines.push_back(bill_line(item, group, random.integer(1, 1000),
                                usd_range(0.5 * mid, mid * length, 3 * mid * length)));
    }
  }
  lines.push_back(bill_line("rack", PartGroup::infrastructure, 1, usd_range(1, 2, 3)));
  return bill_of(lines);
}

TEST(UncertaintyLaw, DearerPartsMakeDearerFabrics) {
  const std::uint64_t seed = test::seed_or(3);
  SCOPED_TRACE("PLANEWISE_SEED=" + std::to_string(seed));
  Random random(seed);
  for (int round = 0; round < 100; ++round) {
    const Bill bill = random_bill(random);
    const std::size_t changed =
        static_cast<std::size_t>(random.integer(0, std::ssize(bill.lines) - 1));
    const Bill dearer = test::repriced(bill, bill.lines[changed].item, 1.1);
    const Uncertainty result = assess_all({bill, dearer}, {.draws = 200, .seed = seed});
    ASSERT_LE(result.ranges[0].p10, result.ranges[0].p50);
    ASSERT_LE(result.ranges[0].p50, result.ranges[0].p90);
    ASSERT_LT(result.ranges[0].p10, result.ranges[1].p10);
    ASSERT_LT(result.ranges[0].p50, result.ranges[1].p50);
    ASSERT_LT(result.ranges[0].p90, result.ranges[1].p90);
    ASSERT_EQ(result.cheaper[0][1], 1);
  }
}

TEST(Swings, ByHand) {
  const Bill bill = bill_of({bill_line("twin", PartGroup::optics, 20, usd_range(5, 10, 12)),
                             bill_line("box", PartGroup::switches, 10, usd_range(80, 100, 150)),
                             bill_line("glass", PartGroup::fibre, 10, usd_range(1, 2, 3)),
                             bill_line("glass", PartGroup::fibre, 5, usd_range(2, 4, 8)),
                             bill_line("quoted", PartGroup::nics, 4, usd_range(5, 5, 5))});
  // 200 + 1,000 + 20 + 20 + 20.
  ASSERT_EQ(bill.total, usd(1260));
  const std::vector<Swing> swings = assess_all({bill}, {.draws = 10}).swings[0];
  ASSERT_EQ(swings.size(), 3U);
  EXPECT_EQ(swings[0].item, "box");  // 10 x -20 and 10 x 50
  EXPECT_EQ(swings[0].at_lo, usd(1060));
  EXPECT_EQ(swings[0].at_hi, usd(1760));
  EXPECT_EQ(swings[1].item, "twin");  // 20 x -5 and 20 x 2
  EXPECT_EQ(swings[1].at_lo, usd(1160));
  EXPECT_EQ(swings[1].at_hi, usd(1300));
  EXPECT_EQ(swings[2].item, "glass");  // 10 x -1 + 5 x -2 and 10 x 1 + 5 x 4
  EXPECT_EQ(swings[2].at_lo, usd(1240));
  EXPECT_EQ(swings[2].at_hi, usd(1290));
}

TEST(BreakEven, ByHand) {
  const auto box = [](std::int64_t quantity) {
    return bill_line("box", PartGroup::switches, quantity, usd_range(100, 100, 100));
  };
  const auto twin = [](std::int64_t quantity) {
    return bill_line("twin", PartGroup::optics, quantity, usd_range(10, 10, 10));
  };
  const BillLine dac = bill_line("dac", PartGroup::copper, 3, usd_range(50, 50, 50));
  const BillLine rack = bill_line("rack", PartGroup::infrastructure, 2, usd_range(70, 70, 70));
  const Bill a = bill_of({box(10), twin(30), dac, rack});
  const Bill b = bill_of({box(5), twin(60), rack});
  // Without the racks, of which both have as many: 1,000 + 300 + 150 = 1,450 against 1,100.
  // Box: 10 x + 450 = 5 x + 600. Twin: 1,150 + 30 x = 500 + 60 x. DAC: even for nothing a is
  // dearer.
  const std::vector<BreakEven> points = break_even(a, 8, b, 8);
  ASSERT_EQ(points.size(), 2U);
  EXPECT_EQ(points[0].item, "twin");  // 2.17 times today's; of a box 1 / 3.3.
  EXPECT_EQ(points[0].mid, usd(10));
  EXPECT_NEAR(points[0].price.base(), 650.0 / 30, 1e-9);
  EXPECT_EQ(points[1].item, "box");
  EXPECT_EQ(points[1].mid, usd(100));
  EXPECT_NEAR(points[1].price.base(), 30, 1e-9);
  EXPECT_TRUE(break_even(a, 8, a, 8).empty());
}

TEST(BreakEvenLaw, AtThatPriceBothCostTheSame) {
  const std::uint64_t seed = test::seed_or(4);
  SCOPED_TRACE("PLANEWISE_SEED=" + std::to_string(seed));
  Random random(seed);
  int found = 0;
  for (int round = 0; round < 300; ++round) {
    const Bill a = random_bill(random);
    const Bill b = random_bill(random);
    const std::int64_t a_endpoints = random.integer(1, 1000);
    const std::int64_t b_endpoints = random.integer(1, 1000);
    double distance = 0;
    for (const BreakEven& point : break_even(a, a_endpoints, b, b_endpoints)) {
      const double factor = point.price.in(point.mid);
      ASSERT_GT(factor, 0);
      ASSERT_GE(std::abs(std::log(factor)), distance - 1e-12);
      distance = std::abs(std::log(factor));
      const double in_a = test::repriced(a, point.item, factor).total.base();
      const double in_b = test::repriced(b, point.item, factor).total.base();
      const double dearer = std::max(in_a / static_cast<double>(a_endpoints),
                                     in_b / static_cast<double>(b_endpoints));
      // Rounding, which the factor may enlarge a thousand times or so.
      ASSERT_NEAR(in_a / static_cast<double>(a_endpoints), in_b / static_cast<double>(b_endpoints),
                  1e-9 * dearer);
      ++found;
    }
  }
  EXPECT_GT(found, 300);
}

}  // namespace
}  // namespace planewise::cost
