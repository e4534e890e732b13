#include "spec/price_book.h"

#include <fmt/format.h>

#include <chrono>
#include <optional>

#include "spec/read.h"
#include "spec/read_file.h"

namespace planewise::spec {
namespace {

/// The number that the decimal digits of `text` say; empty if there are others than digits.
std::optional<unsigned> digits(std::string_view text) {
  unsigned value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = 10 * value + static_cast<unsigned>(c - '0');
  }
  return value;
}

/// Whether `text` is a day of the calendar, such as 2025-05-14.
bool is_iso_date(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
  const auto year = digits(text.substr(0, 4));
  const auto month = digits(text.substr(5, 2));
  const auto day = digits(text.substr(8, 2));
  if (!year || !month || !day) return false;
  return std::chrono::year_month_day{std::chrono::year(static_cast<int>(*year)),
                                     std::chrono::month(*month), std::chrono::day(*day)}
      .ok();
}

RolePrice read_role(MapReader map) {
  RolePrice role;
  role.price = map.quantity<Usd>("price", Sign::not_negative);
  role.price_evidence = read_evidence(map, "price_evidence");
  role.price_source = map.text("price_source");
  role.power_typical = map.quantity<Watts>("power_typical", Sign::not_negative);
  role.power_maximum = map.quantity<Watts>("power_maximum", Sign::not_negative);
  const bool powers_known = map.read_well({"power_typical", "power_maximum"});
  if (powers_known && role.power_typical > role.power_maximum) {
    map.error("power_maximum", fmt::format("{} W is below power_typical, {} W",
                                           role.power_maximum.base(), role.power_typical.base()));
  }
  role.power_evidence = read_evidence(map, "power_evidence");
  role.power_source = map.text("power_source");
  return role;
}

}  // namespace

PriceBookSpec read_price_book(Document document, Diagnostics& diagnostics) {
  return read_document<PriceBookSpec>(
      std::move(document), kPriceBookFile, diagnostics, [](PriceBookSpec& book, MapReader& root) {
        book.name = root.text("name");
        book.date = root.text("date");
        if (root.read_well({"date"}) && !is_iso_date(book.date)) {
          root.error("date", "not a day of the calendar", "write year-month-day: 2025-05-14");
        }
        book.source = root.text("source");
        MapReader roles = root.map("roles");
        RolePrices prices;
        MapReader role = roles.map("switch");
        prices.switch_radix = role.small_integer("radix", {.min = 2, .max = 4096});
        prices.switch_role = read_role(role);
        prices.inter_switch_link = read_role(roles.map("inter_switch_link"));
        prices.endpoint_link = read_role(roles.map("endpoint_link"));
        book.roles = prices;
      });
}

PriceBookSpec read_price_book(const std::string& path, Diagnostics& diagnostics) {
  return read_price_book(load_document(path, diagnostics), diagnostics);
}

}  // namespace planewise::spec
