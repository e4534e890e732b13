// What a fabric costs and draws: a bill of materials, by the roles of a published table or part by
// part. Servers and GPUs are not in it.
// Source of the roles: arXiv 2505.09343, Table 3 (switches and links only, no NICs).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/units.h"
#include "cost/link_parts.h"
#include "cost/prices.h"
#include "fabric/fabric.h"
#include "spec/parts.h"
#include "spec/price_book.h"

namespace planewise::cost {

/// One line of the bill: so many of a thing at a price each.
struct BillLine {
  std::string item{};  ///< A part's id, or a role: `switch`, `inter_switch_link`, `endpoint_link`.
  std::string name{};  ///< For people; of a cable or fibre with its length.
  std::string use{};   ///< `leaf switches`, `storage NICs`, ...
  std::optional<spec::PartGroup> group{};  ///< None of a role.
  Metres length{};                         ///< 0 for what has none.
  std::int64_t quantity = 0;
  spec::PriceRange unit_price{};  ///< lo = mid = hi where there is no range.
  Usd total{};                    ///< quantity x mid.
  spec::Evidence price_evidence = spec::Evidence::estimated;
  Watts power_typical{};  ///< Of all of them.
  Watts power_maximum{};
};

/// The bill of a whole fabric.
struct Bill {
  std::string price_book{};
  std::string price_date{};
  std::vector<BillLine> lines{};
  Usd total{};
  Usd per_endpoint{};
  Watts power_typical{};
  Watts power_maximum{};
  double estimated_share = 0;  ///< Share of `total` whose price evidence is an estimate.
  // Of a bill by parts:
  bool by_parts = false;
  std::int64_t cables = 0;       ///< Laid: a twin-port cable is one, a fibre is one.
  std::int64_t cages_short = 0;  ///< Cages that are wanted beyond those that switches have.
  std::int64_t cages_unused = 0;
};

/// Prices `counts` by the book's roles: switches x price + inter-switch links x price + endpoint
/// links x price. Requires: roles for the fabric's radix (spec/ checks it), at least one endpoint.
Bill price_roles(const fabric::Counts& counts, const spec::PriceBookSpec& book);

/// What it takes to price a fabric by parts. All outlive the call.
struct PartsBasis {
  const spec::CatalogueSpec& catalogue;
  const PriceList& prices;
};

/// Lists and prices every switch, NIC, module, cable, fibre and rack of `fabric`, and of its
/// storage and management networks if it has them; or says which links no part can make.
///
/// Modules of a type in a switch: ceil(its links of that type / links a module). A twin-port cable
/// between switches carries two parallel links; the legs of a splitter go to any two NICs of a leaf
/// with cables of the same length. Walks over the bundles of links, never builds the graph.
std::variant<Bill, std::vector<NoParts>> price_parts(const fabric::Fabric& fabric,
                                                     const PartsBasis& basis);

}  // namespace planewise::cost
