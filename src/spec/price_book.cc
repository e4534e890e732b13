#include "spec/price_book.h"

#include <fmt/format.h>

#include "spec/read.h"
#include "spec/read_file.h"

namespace planewise::spec {
namespace {

RolePrice read_role(MapReader map) {
  RolePrice role;
  role.price = map.quantity<Usd>("price", Sign::not_negative);
  role.price_evidence = read_part_evidence(map, "price_evidence");
  role.price_source = map.text("price_source");
  role.power_typical = map.quantity<Watts>("power_typical", Sign::not_negative);
  role.power_maximum = map.quantity<Watts>("power_maximum", Sign::not_negative);
  check_powers(map, role.power_typical, role.power_maximum);
  role.power_evidence = read_part_evidence(map, "power_evidence");
  role.power_source = map.text("power_source");
  return role;
}

RolePrices read_roles(MapReader map) {
  RolePrices roles;
  MapReader role = map.map("switch");
  roles.switch_radix = role.small_integer("radix", {.min = 2, .max = 4096});
  roles.switch_role = read_role(role);
  roles.inter_switch_link = read_role(map.map("inter_switch_link"));
  roles.endpoint_link = read_role(map.map("endpoint_link"));
  return roles;
}

struct RangeKeys {
  std::string_view lo;
  std::string_view mid;
  std::string_view hi;
};
constexpr RangeKeys kPieceKeys{"lo", "mid", "hi"};
constexpr RangeKeys kMetreKeys{"metre_lo", "metre_mid", "metre_hi"};

PriceRange read_range(MapReader& map, const RangeKeys& keys) {
  PriceRange range;
  range.lo = map.quantity<Usd>(keys.lo, Sign::not_negative);
  range.mid = map.quantity<Usd>(keys.mid, Sign::not_negative);
  range.hi = map.quantity<Usd>(keys.hi, Sign::not_negative);
  const auto refuse_above = [&](std::string_view lower, Usd low, std::string_view upper, Usd high) {
    if (!map.read_well({lower, upper}) || low <= high) return;
    map.error(lower, fmt::format("{0} above {1}: {2} USD against {3} USD", lower, upper, low.base(),
                                 high.base()));
  };
  refuse_above(keys.lo, range.lo, keys.mid, range.mid);
  refuse_above(keys.mid, range.mid, keys.hi, range.hi);
  const bool all_known = map.read_well({keys.lo, keys.mid, keys.hi});
  if (all_known && range.lo == usd(0) && range.hi > usd(0)) {
    map.error(
        keys.lo,
        fmt::format("from 0 to {} USD; prices spread by factors, so not from 0", range.hi.base()),
        "write the least that a buyer pays");
  }
  return range;
}

PartPrice read_part_price(MapReader& map) {
  PartPrice price;
  price.part = map.text("part");
  price.price = read_range(map, kPieceKeys);
  const bool by_metre = map.has("metre_lo") || map.has("metre_mid") || map.has("metre_hi");
  map.allow({"metre_lo", "metre_mid", "metre_hi"});
  if (by_metre) price.per_metre = read_range(map, kMetreKeys);
  price.evidence = read_part_evidence(map, "evidence");
  if (map.has("date")) price.date = map.text("date");
  price.source = map.text("source");
  return price;
}

void read_parts_or_roles(PriceBookSpec& book, MapReader& root) {
  const bool has_roles = root.has("roles");
  const bool has_parts = root.has("parts");
  if (has_roles && has_parts) {
    root.error("parts", "a book has prices by role or by part, not both",
               "move them to a book of their own");
  } else if (!has_roles && !has_parts) {
    root.error("roles", "neither 'roles' nor 'parts'; a book has one of them");
    return;
  }
  if (has_roles) book.roles = read_roles(root.map("roles"));
  if (!has_parts) return;
  UniqueNames parts;
  for (MapReader map : root.maps("parts")) {
    const PartPrice price = read_part_price(map);
    parts.check(map, "part", price.part, fmt::format("parts[{}]", book.parts.size()));
    book.parts.push_back(price);
  }
  if (root.read_well({"parts"}) && book.parts.empty()) root.error("parts", "no prices");
}

}  // namespace

PriceBookSpec read_price_book(Document document, Diagnostics& diagnostics) {
  return read_document<PriceBookSpec>(std::move(document), kPriceBookFile, diagnostics,
                                      [](PriceBookSpec& book, MapReader& root) {
                                        book.name = root.text("name");
                                        book.date = read_date(root, "date");
                                        book.source = root.text("source");
                                        read_parts_or_roles(book, root);
                                      });
}

PriceBookSpec read_price_book(const std::string& path, Diagnostics& diagnostics) {
  return read_price_book(load_document(path, diagnostics), diagnostics);
}

const PartPrice* PriceBookSpec::find(const std::string& part) const {
  for (const PartPrice& price : parts) {
    if (price.part == part) return &price;
  }
  return nullptr;
}

}  // namespace planewise::spec
