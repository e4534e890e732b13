#include "cost/ownership.h"

namespace planewise::cost {
namespace {

/// The line's shares for maintenance and spares. A role that is a link counts as optics.
spec::GroupUpkeep upkeep_of(const BillLine& line, const spec::ScenarioSpec& scenario) {
  const spec::PartGroup role_group =
      line.item == "switch" ? spec::PartGroup::switches : spec::PartGroup::optics;
  const auto found = scenario.upkeep.find(line.group.value_or(role_group));
  return found == scenario.upkeep.end() ? spec::GroupUpkeep{} : found->second;
}

}  // namespace

Ownership own(const Bill& bill, const spec::ScenarioSpec& scenario) {
  constexpr double kHoursPerYear = 8760;
  Ownership ownership{.purchase = bill.total};
  for (const BillLine& line : bill.lines) {
    const spec::GroupUpkeep upkeep = upkeep_of(line, scenario);
    ownership.spares += line.total * upkeep.spares;
    ownership.maintenance_per_year += line.total * upkeep.maintenance;
  }
  ownership.installation = scenario.install_per_cable_end * static_cast<double>(2 * bill.cables);
  const Watts power =
      bill.power_typical + (bill.power_maximum - bill.power_typical) * scenario.load;
  ownership.energy_kwh_per_year = power.in(watts(1000)) * scenario.pue * kHoursPerYear;
  ownership.energy_per_year = scenario.energy_price * ownership.energy_kwh_per_year;
  const Usd invested = ownership.purchase + ownership.spares + ownership.installation;
  ownership.depreciation_per_year = invested / scenario.depreciation_years;
  ownership.total =
      invested + (ownership.energy_per_year + ownership.maintenance_per_year) * scenario.years;
  return ownership;
}

}  // namespace planewise::cost
