// What each part costs the user: the book's range, less discounts, or a quote.
#pragma once

#include <map>
#include <string>

#include "spec/parts.h"
#include "spec/price_book.h"

namespace planewise::cost {

/// A part's price after quotes and discounts.
struct NetPrice {
  spec::PriceRange price{};
  spec::PriceRange per_metre{};
  spec::Evidence evidence = spec::Evidence::estimated;
  std::string source{};
};

struct PriceList {
  std::string name{};  ///< Of the book, and of the quotes if there are any.
  std::string date{};
  std::map<std::string, NetPrice> prices{};  ///< By part.

  /// The part's price; of fibre for `length`. Requires that there is one (spec/check_parts.h).
  spec::PriceRange price_of(const std::string& part, Metres length = {}) const;
  spec::Evidence evidence_of(const std::string& part) const;
};

/// The book's prices; a quote replaces a range by one price (evidence `quoted`), a discount takes
/// its share off the range. Of two discounts that fit a part the one that names the part holds.
PriceList net_prices(const spec::PriceBookSpec& book, const spec::CatalogueSpec& catalogue,
                     const spec::QuotesSpec* quotes);

}  // namespace planewise::cost
