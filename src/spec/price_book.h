// What a price book says. Either three prices by role, for tables that name no parts, or a price
// range for each part of a catalogue; and the user's own quotes and discounts laid over the latter.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/units.h"
#include "spec/evidence.h"
#include "spec/input_error.h"
#include "spec/parts.h"

namespace planewise::spec {

/// One role's figures. A role is a class of part: a switch, or everything that one link needs.
struct RolePrice {
  Usd price{};
  Evidence price_evidence = Evidence::estimated;
  std::string price_source{};
  Watts power_typical{};
  Watts power_maximum{};
  Evidence power_evidence = Evidence::estimated;
  std::string power_source{};
};

struct RolePrices {
  int switch_radix = 0;           ///< The radix that the switch price is for.
  RolePrice switch_role{};        ///< One switch.
  RolePrice inter_switch_link{};  ///< Cable and modules of one switch-to-switch link.
  RolePrice
      endpoint_link{};  ///< Cable and modules of one NIC-to-leaf link; the NIC itself is not in it.
};

/// About the 10th, 50th and 90th percentile of what a buyer pays; lo <= mid <= hi.
struct PriceRange {
  Usd lo{};
  Usd mid{};
  Usd hi{};
};

struct PartPrice {
  std::string part{};  ///< Id in the catalogue.
  PriceRange price{};
  PriceRange per_metre{};  ///< Fibre: on top of `price`; 0 for all else.
  Evidence evidence = Evidence::estimated;
  std::string date{};  ///< When the figure holds, as far as it is known: "2023-2025".
  std::string source{};
};

struct PriceBookSpec {
  Origin origin{};
  std::string name{};
  std::string date{};  ///< ISO 8601, the day the prices hold.
  std::string source{};
  std::optional<RolePrices> roles{};  ///< One of the two is there.
  std::vector<PartPrice> parts{};

  const PartPrice* find(const std::string& part) const;
};

/// A supplier's offer: replaces the book's range by one price.
struct Quote {
  std::string part{};
  Usd price{};
  Usd per_metre{};
  std::string source{};
};

/// Off the book's prices of a group of parts, or of one part; quotes are net and stay as they are.
struct Discount {
  std::optional<PartGroup> group{};
  std::string part{};  ///< If no group is named.
  double share = 0;    ///< 0.2 for 20 %; from 0 to 1.
  std::string source{};
};

struct QuotesSpec {
  Origin origin{};
  std::string name{};
  std::string date{};
  std::string source{};
  std::vector<Quote> quotes{};
  std::vector<Discount> discounts{};
};

}  // namespace planewise::spec
