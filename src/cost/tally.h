// Inside cost/: counts of modules, cables and cages, collected while links are walked over.
#pragma once

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "cost/floor.h"
#include "cost/link_parts.h"

namespace planewise::cost {

/// What the links of one fabric take.
struct LinkTally {
  std::map<const spec::ModulePart*, std::int64_t> nic_modules{};
  std::map<const spec::ModulePart*, std::int64_t> switch_modules{};
  /// By part and length as sold.
  std::map<std::pair<const spec::CablePart*, Metres>, std::int64_t> cables{};
  std::map<std::pair<const spec::FibrePart*, Metres>, std::int64_t> fibres{};
  std::int64_t cages_short = 0;
  std::int64_t cages_unused = 0;
  std::vector<NoParts> without_parts{};  ///< Each kind and length once.
};

/// Walks over all bundles of the fabric. The maps are keyed by address but hold parts of one
/// catalogue's vectors, so their order is that of the catalogue.
LinkTally tally_links(const fabric::Fabric& fabric, const spec::CatalogueSpec& catalogue,
                      const LinkResolver& resolver, const FloorPlan& floor);

}  // namespace planewise::cost
