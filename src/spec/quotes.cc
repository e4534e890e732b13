#include <fmt/format.h>

#include "spec/price_book.h"
#include "spec/read.h"
#include "spec/read_file.h"

namespace planewise::spec {
namespace {

Quote read_quote(MapReader& map) {
  Quote quote;
  quote.part = map.text("part");
  quote.price = map.quantity<Usd>("price", Sign::not_negative);
  if (map.has("per_metre")) quote.per_metre = map.quantity<Usd>("per_metre", Sign::not_negative);
  quote.source = map.text("source");
  return quote;
}

Discount read_discount(MapReader& map) {
  Discount discount;
  const bool has_group = map.has("group");
  const bool has_part = map.has("part");
  if (has_group && has_part) {
    map.error("part", "a discount is of a group or of a part, not both", "write two discounts");
  } else if (has_group) {
    discount.group =
        map.choice<PartGroup>("group", {{"switches", PartGroup::switches},
                                        {"nics", PartGroup::nics},
                                        {"optics", PartGroup::optics},
                                        {"copper", PartGroup::copper},
                                        {"fibre", PartGroup::fibre},
                                        {"infrastructure", PartGroup::infrastructure}});
  } else if (has_part) {
    discount.part = map.text("part");
  } else {
    map.error("group", "neither 'group' nor 'part'; a discount is of one of them");
  }
  discount.share = map.number("share", {.min = 0, .max = 1});
  discount.source = map.text("source");
  return discount;
}

void read_discounts(QuotesSpec& quotes, MapReader& root) {
  UniqueNames groups;
  UniqueNames parts;
  for (MapReader map : root.maps("discounts")) {
    const Discount discount = read_discount(map);
    const std::string place = fmt::format("discounts[{}]", quotes.discounts.size());
    if (discount.group) {
      groups.check(map, "group", std::string(part_group_name(*discount.group)), place);
    } else if (!discount.part.empty()) {
      parts.check(map, "part", discount.part, place);
    }
    quotes.discounts.push_back(discount);
  }
}

void fill_quotes(QuotesSpec& quotes, MapReader& root) {
  quotes.name = root.text("name");
  quotes.date = read_date(root, "date");
  quotes.source = root.text("source");
  const bool has_quotes = root.has("quotes");
  const bool has_discounts = root.has("discounts");
  if (!has_quotes && !has_discounts) {
    root.error("quotes", "neither 'quotes' nor 'discounts'; the file says no price");
  }
  if (has_discounts) read_discounts(quotes, root);
  if (!has_quotes) return;
  UniqueNames parts;
  for (MapReader map : root.maps("quotes")) {
    const Quote quote = read_quote(map);
    parts.check(map, "part", quote.part, fmt::format("quotes[{}]", quotes.quotes.size()));
    quotes.quotes.push_back(quote);
  }
}

}  // namespace

QuotesSpec read_quotes(Document document, Diagnostics& diagnostics) {
  return read_document<QuotesSpec>(std::move(document), kQuotesFile, diagnostics, fill_quotes);
}

QuotesSpec read_quotes(const std::string& path, Diagnostics& diagnostics) {
  return read_quotes(load_document(path, diagnostics), diagnostics);
}

}  // namespace planewise::spec
