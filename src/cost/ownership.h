// What a fabric costs over the years: purchase, spares, laying of cables, energy, maintenance.
// Maintenance and spares go by group of parts. Of a bill by roles the switches are `switches`, and
// both kinds of link are `optics`.
#pragma once

#include "cost/cost.h"
#include "spec/scenario.h"

namespace planewise::cost {

struct Ownership {
  Usd purchase{};
  Usd spares{};
  Usd installation{};     ///< Both ends of every cable; 0 of a bill by roles, which has none.
  Usd energy_per_year{};  ///< Power at the scenario's load x PUE x 8,760 h x price.
  double energy_kwh_per_year = 0;
  Usd maintenance_per_year{};
  Usd depreciation_per_year{};  ///< (purchase + spares + installation) / depreciation years.
  Usd total{};                  ///< Over the scenario's years: all but depreciation, undiscounted.
};

/// Adds up what `bill` costs under `scenario`. A group without upkeep in the scenario has none.
Ownership own(const Bill& bill, const spec::ScenarioSpec& scenario);

}  // namespace planewise::cost
