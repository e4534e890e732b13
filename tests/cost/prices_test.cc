#include "cost/prices.h"

#include <gtest/gtest.h>

#include "cost/make_bill.h"

namespace planewise::cost {
namespace {

using spec::Evidence;
using spec::PartGroup;
using test::usd_range;

spec::CatalogueSpec catalogue() {
  spec::CatalogueSpec catalogue;
  catalogue.switches = {{.id = "box"}, {.id = "big-box"}};
  catalogue.modules = {{.id = "twin"}, {.id = "single"}};
  catalogue.cables = {{.id = "active", .kind = spec::CableKind::aoc}};
  catalogue.fibres = {{.id = "glass"}};
  return catalogue;
}

spec::PriceBookSpec book() {
  const auto priced = [](const char* part, const spec::PriceRange& price) {
    return spec::PartPrice{
        .part = part, .price = price, .evidence = Evidence::secondary, .source = "a page"};
  };
  spec::PriceBookSpec book{.name = "street", .date = "2026-09-30"};
  book.parts = {priced("box", usd_range(100, 200, 400)), priced("twin", usd_range(10, 20, 40)),
                priced("single", usd_range(5, 10, 20)), priced("active", usd_range(1, 2, 4)),
                priced("glass", usd_range(8, 16, 32))};
  book.parts.back().per_metre = usd_range(1, 2, 3);
  return book;
}

void expect_range(const spec::PriceRange& range, double lo, double mid, double hi) {
  EXPECT_DOUBLE_EQ(range.lo.base(), lo);
  EXPECT_DOUBLE_EQ(range.mid.base(), mid);
  EXPECT_DOUBLE_EQ(range.hi.base(), hi);
}

TEST(Prices, AreTheBooksWithoutQuotes) {
  const PriceList prices = net_prices(book(), catalogue(), nullptr);
  EXPECT_EQ(prices.name, "street");
  EXPECT_EQ(prices.date, "2026-09-30");
  EXPECT_EQ(prices.prices.size(), 5U);
  expect_range(prices.price_of("box"), 100, 200, 400);
  EXPECT_EQ(prices.evidence_of("box"), Evidence::secondary);
  EXPECT_EQ(prices.prices.at("box").source, "a page");
}

TEST(Prices, OfFibreGrowWithItsLength) {
  const PriceList prices = net_prices(book(), catalogue(), nullptr);
  expect_range(prices.price_of("glass"), 8, 16, 32);
  // 8 + 10 x 1, 16 + 10 x 2, 32 + 10 x 3.
  expect_range(prices.price_of("glass", metres(10)), 18, 36, 62);
  // What is not sold by the metre costs the same at any length.
  expect_range(prices.price_of("active", metres(10)), 1, 2, 4);
}

TEST(Prices, TakeDiscountsOff) {
  const spec::QuotesSpec quotes{
      .name = "ours",
      .discounts = {{.part = "twin", .share = 0.5, .source = "a letter"},
                    {.group = PartGroup::optics, .share = 0.25, .source = "a contract"},
                    {.group = PartGroup::fibre, .share = 0.5}}};
  const PriceList prices = net_prices(book(), catalogue(), &quotes);
  EXPECT_EQ(prices.name, "street with ours");
  expect_range(prices.price_of("twin"), 5, 10, 20);  // 50 % of its own, not 25 % of its group.
  expect_range(prices.price_of("single"), 3.75, 7.5, 15);  // 25 %
  expect_range(prices.price_of("active"), 0.75, 1.5, 3);   // Active optical cables are optics.
  expect_range(prices.price_of("box"), 100, 200, 400);
  // (8 + 10 x 1) / 2 and so on: the price by the metre is discounted as well.
  expect_range(prices.price_of("glass", metres(10)), 9, 18, 31);
  EXPECT_EQ(prices.evidence_of("twin"), Evidence::secondary);
  EXPECT_EQ(prices.prices.at("twin").source, "a page; discount: a letter");
  EXPECT_EQ(prices.prices.at("single").source, "a page; discount: a contract");
}

TEST(Prices, QuotesAreNet) {
  const spec::QuotesSpec quotes{
      .name = "ours",
      .quotes = {{.part = "box", .price = usd(150), .source = "an offer"},
                 {.part = "big-box", .price = usd(900)},
                 {.part = "glass", .price = usd(10), .per_metre = usd(0.5)}},
      .discounts = {{.group = PartGroup::switches, .share = 0.5}, {.part = "box", .share = 0.5}}};
  const PriceList prices = net_prices(book(), catalogue(), &quotes);
  expect_range(prices.price_of("box"), 150, 150, 150);
  EXPECT_EQ(prices.evidence_of("box"), Evidence::quoted);
  EXPECT_EQ(prices.prices.at("box").source, "an offer");
  // The book has no price of it.
  expect_range(prices.price_of("big-box"), 900, 900, 900);
  expect_range(prices.price_of("glass", metres(20)), 20, 20, 20);
  EXPECT_EQ(prices.evidence_of("twin"), Evidence::secondary);
}

TEST(PricesDeathTest, PartWithoutAPriceIsOurMistake) {
  const PriceList prices = net_prices(book(), catalogue(), nullptr);
  EXPECT_DEATH(prices.price_of("big-box"), "found");
}

}  // namespace
}  // namespace planewise::cost
