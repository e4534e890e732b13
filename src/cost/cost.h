// What a fabric costs and draws: counts times the roles of a price book.
// Source of the method: arXiv 2505.09343, Table 3 (switches and links only, no servers).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/units.h"
#include "fabric/fabric.h"
#include "spec/price_book.h"

namespace planewise::cost {

/// One line of the bill: so many of a role at a price each.
struct BillLine {
  std::string role{};  ///< As in the price book: `switch`, `inter_switch_link`, `endpoint_link`.
  std::int64_t quantity = 0;
  Usd unit_price{};
  Usd total{};
  spec::Evidence price_evidence = spec::Evidence::estimated;
  Watts power_typical{};  ///< Of all of them.
  Watts power_maximum{};
};

/// The bill of a whole fabric. Servers, GPUs and NICs are not in it.
struct Bill {
  std::string price_book{};
  std::string price_date{};
  std::vector<BillLine> lines{};
  Usd total{};
  Usd per_endpoint{};
  Watts power_typical{};
  Watts power_maximum{};
  double estimated_share = 0;  ///< Share of `total` whose price evidence is `estimated`.
};

/// Prices `counts` by `book`: switches x price + inter-switch links x price + endpoint links x
/// price. Requires: the book's radix is the fabric's (spec/ checks it) and at least one endpoint.
Bill price(const fabric::Counts& counts, const spec::PriceBookSpec& book);

}  // namespace planewise::cost
