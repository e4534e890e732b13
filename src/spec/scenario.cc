#include "spec/scenario.h"

#include <array>

#include "spec/read.h"
#include "spec/read_file.h"

namespace planewise::spec {
namespace {

constexpr NumberRange kShare{.min = 0, .max = 1};
// 0.01: a few days; less is a slip of the pen.
constexpr NumberRange kYears{.min = 0.01, .max = 50};

std::map<PartGroup, GroupUpkeep> read_upkeep(MapReader map) {
  std::map<PartGroup, GroupUpkeep> upkeep;
  for (const PartGroup group : kPartGroups) {
    const std::string_view word = part_group_name(group);
    if (!map.has(word)) continue;
    MapReader shares = map.map(word);
    upkeep[group].maintenance = shares.number("maintenance", kShare);
    upkeep[group].spares = shares.number("spares", kShare);
  }
  return upkeep;
}

void fill_scenario(ScenarioSpec& scenario, MapReader& root) {
  scenario.name = root.text("name");
  scenario.source = root.text("source");
  scenario.evidence = read_part_evidence(root, "evidence");
  scenario.years = root.number("years", kYears);
  scenario.depreciation_years = root.number("depreciation_years", kYears);
  scenario.pue = root.number("pue", {.min = 1, .max = 10});
  scenario.energy_price = root.quantity<Usd>("energy_price", Sign::not_negative);
  if (root.has("gpu_hour")) scenario.gpu_hour = root.quantity<Usd>("gpu_hour");
  scenario.load = root.number("load", kShare);
  scenario.install_per_cable_end = root.quantity<Usd>("install_per_cable_end", Sign::not_negative);
  if (root.has("upkeep")) scenario.upkeep = read_upkeep(root.map("upkeep"));
  if (root.has("common_share")) scenario.common_share = root.number("common_share", kShare);
}

}  // namespace

ScenarioSpec read_scenario(Document document, Diagnostics& diagnostics) {
  return read_document<ScenarioSpec>(std::move(document), kScenarioFile, diagnostics,
                                     fill_scenario);
}

ScenarioSpec read_scenario(const std::string& path, Diagnostics& diagnostics) {
  return read_scenario(load_document(path, diagnostics), diagnostics);
}

}  // namespace planewise::spec
