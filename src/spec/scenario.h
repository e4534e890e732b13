// What a scenario file says: what it takes to run a fabric for some years, beyond buying it.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/units.h"
#include "spec/evidence.h"
#include "spec/input_error.h"
#include "spec/parts.h"

namespace planewise::spec {

/// A group's shares of its purchase price.
struct GroupUpkeep {
  double maintenance = 0;  ///< A year.
  double spares = 0;       ///< Bought with the rest.
};

struct ScenarioSpec {
  Origin origin{};
  std::string name{};
  std::string source{};
  double years = 5;               ///< Of use.
  double depreciation_years = 5;  ///< Straight line, to nothing.
  double pue = 1;                 ///< Power of the site over power of the equipment; at least 1.
  Usd energy_price{};             ///< A kWh.
  double load = 0;                ///< From 0 (typical power) to 1 (maximum).
  std::optional<Usd> gpu_hour{};  ///< Rent of a GPU for an hour; no part of a fabric's cost.
  Usd install_per_cable_end{};
  std::map<PartGroup, GroupUpkeep> upkeep{};
  /// The part of a price's variance (of its logarithm) that a group shares: a vendor, a market.
  double common_share = 0.8;
  Evidence evidence = Evidence::estimated;
};

}  // namespace planewise::spec
