#include "cost/prices.h"

#include "base/check.h"

namespace planewise::cost {
namespace {

spec::PriceRange scaled(const spec::PriceRange& range, double factor) {
  return {.lo = range.lo * factor, .mid = range.mid * factor, .hi = range.hi * factor};
}

spec::PriceRange exactly(Usd price) { return {.lo = price, .mid = price, .hi = price}; }

/// The discount on the part itself, else the one on its group, else null.
const spec::Discount* discount_of(const std::string& part, const spec::CatalogueSpec& catalogue,
                                  const spec::QuotesSpec& quotes) {
  const spec::Discount* of_group = nullptr;
  for (const spec::Discount& discount : quotes.discounts) {
    if (!discount.group && discount.part == part) return &discount;
    if (discount.group && discount.group == catalogue.group_of(part)) of_group = &discount;
  }
  return of_group;
}

NetPrice book_price(const spec::PartPrice& price) {
  return {.price = price.price,
          .per_metre = price.per_metre,
          .evidence = price.evidence,
          .source = price.source};
}

NetPrice discounted(const NetPrice& price, const spec::Discount& discount) {
  return {.price = scaled(price.price, 1 - discount.share),
          .per_metre = scaled(price.per_metre, 1 - discount.share),
          .evidence = price.evidence,
          .source = price.source + "; discount: " + discount.source};
}

NetPrice quoted(const spec::Quote& quote) {
  return {.price = exactly(quote.price),
          .per_metre = exactly(quote.per_metre),
          .evidence = spec::Evidence::quoted,
          .source = quote.source};
}

}  // namespace

spec::PriceRange PriceList::price_of(const std::string& part, Metres length) const {
  const auto found = prices.find(part);
  PW_CHECK(found != prices.end());
  const auto& [price, per_metre, evidence, source] = found->second;
  const double metre_count = length.in(metres(1));
  return {.lo = price.lo + per_metre.lo * metre_count,
          .mid = price.mid + per_metre.mid * metre_count,
          .hi = price.hi + per_metre.hi * metre_count};
}

spec::Evidence PriceList::evidence_of(const std::string& part) const {
  const auto found = prices.find(part);
  PW_CHECK(found != prices.end());
  return found->second.evidence;
}

PriceList net_prices(const spec::PriceBookSpec& book, const spec::CatalogueSpec& catalogue,
                     const spec::QuotesSpec* quotes) {
  PriceList list{.name = book.name, .date = book.date};
  for (const spec::PartPrice& price : book.parts) list.prices[price.part] = book_price(price);
  if (quotes == nullptr) return list;
  list.name += " with " + quotes->name;
  for (auto& [part, price] : list.prices) {
    const spec::Discount* discount = discount_of(part, catalogue, *quotes);
    if (discount != nullptr) price = discounted(price, *discount);
  }
  for (const spec::Quote& quote : quotes->quotes) list.prices[quote.part] = quoted(quote);
  return list;
}

}  // namespace planewise::cost
