#include "report/json_cost.h"

#include <string>

namespace planewise::report {
namespace {

Json line_json(const cost::BillLine& line) {
  const bool is_role = !line.group;
  Json json = {{is_role ? "role" : "part", line.item}};
  if (!is_role) {
    json["name"] = line.name;
    json["use"] = line.use;
    json["group"] = std::string(spec::part_group_name(*line.group));
    json["length_m"] = line.length == Metres{} ? Json(nullptr) : Json(line.length.in(metres(1)));
  }
  json["quantity"] = line.quantity;
  json["unit_price_usd"] = line.unit_price.mid.in(usd(1));
  if (!is_role) {
    json["unit_price_lo_usd"] = line.unit_price.lo.in(usd(1));
    json["unit_price_hi_usd"] = line.unit_price.hi.in(usd(1));
  }
  json["total_usd"] = line.total.in(usd(1));
  json["price_evidence"] = std::string(spec::evidence_name(line.price_evidence));
  json["power_w"] = line.power_typical.in(watts(1));
  json["power_maximum_w"] = line.power_maximum.in(watts(1));
  return json;
}

Json bill_json(const cost::Bill& bill) {
  Json lines = Json::array();
  for (const cost::BillLine& line : bill.lines) lines.push_back(line_json(line));
  Json json = {{"price_book", bill.price_book}, {"price_date", bill.price_date}};
  if (bill.by_parts) {
    json["cables"] = bill.cables;
    json["cages_unused"] = bill.cages_unused;
    json["cages_short"] = bill.cages_short;
  }
  json["lines"] = std::move(lines);
  return json;
}

Json ownership_json(const FabricReport& fabric) {
  const cost::Ownership& o = *fabric.ownership;
  return {{"scenario", fabric.scenario},
          {"years", fabric.ownership_years},
          {"total_usd", o.total.in(usd(1))},
          {"purchase_usd", o.purchase.in(usd(1))},
          {"spares_usd", o.spares.in(usd(1))},
          {"installation_usd", o.installation.in(usd(1))},
          {"energy_kwh_per_year", o.energy_kwh_per_year},
          {"energy_usd_per_year", o.energy_per_year.in(usd(1))},
          {"maintenance_usd_per_year", o.maintenance_per_year.in(usd(1))},
          {"depreciation_usd_per_year", o.depreciation_per_year.in(usd(1))}};
}

void add_counts(const FabricReport& fabric, Json& json) {
  const fabric::Counts& counts = fabric.counts;
  json["family"] = std::string(spec::family_word(fabric.fabric.topology.fabric.family));
  json["as_printed"] = fabric.fabric.topology.fabric.as_printed;
  json["endpoints"] = counts.endpoints;
  json["endpoint_capacity"] = counts.endpoint_capacity;
  json["switches"] = counts.switches();
  json["switches_by_layer"] = {{"leaf", counts.leaf_switches},
                               {"spine", counts.spine_switches},
                               {"core", counts.core_switches}};
  json["inter_switch_links"] = counts.inter_switch_links;
  json["endpoint_links"] = counts.endpoint_links;
  json["unused_switch_ports"] = counts.unused_switch_ports;
  json["nvlink_switches"] = counts.nvlink_switches;
  json["nvlink_links"] = counts.nvlink_links;
  json["diameter"] = fabric.diameter;
  json["bisection_gigabit_per_s"] = fabric.bisection.in(gigabits_per_second(1));
}

}  // namespace

Json fabric_json(const Report& report, std::size_t index) {
  const FabricReport& fabric = report.fabrics[index];
  Json json = {{"name", fabric.fabric.topology.name}};
  add_counts(fabric, json);
  const auto priced = [&](const char* name, auto value) {
    json[name] = fabric.bill ? Json(value(*fabric.bill)) : Json(nullptr);
  };
  priced("cost_usd", [](const cost::Bill& b) { return b.total.in(usd(1)); });
  if (report.uncertainty) {
    const cost::CostRange& range = report.uncertainty->result.ranges[index];
    json["cost_usd_p10"] = range.p10.in(usd(1));
    json["cost_usd_p50"] = range.p50.in(usd(1));
    json["cost_usd_p90"] = range.p90.in(usd(1));
  }
  priced("cost_per_endpoint_usd", [](const cost::Bill& b) { return b.per_endpoint.in(usd(1)); });
  priced("cost_per_gpu_usd", [&](const cost::Bill& b) {
    return b.total.in(usd(1)) / static_cast<double>(fabric.fabric.gpu_count());
  });
  priced("cost_per_bisection_gigabit_per_s_usd", [&](const cost::Bill& b) {
    return b.total.in(usd(1)) / fabric.bisection.in(gigabits_per_second(1));
  });
  priced("cost_estimated_share", [](const cost::Bill& b) { return b.estimated_share; });
  priced("power_w", [](const cost::Bill& b) { return b.power_typical.in(watts(1)); });
  priced("power_maximum_w", [](const cost::Bill& b) { return b.power_maximum.in(watts(1)); });
  json["ownership"] = fabric.ownership ? ownership_json(fabric) : Json(nullptr);
  priced("bill", [](const cost::Bill& b) { return bill_json(b); });
  return json;
}

Json uncertainty_json(const Report& report) {
  const UncertaintyReport& u = *report.uncertainty;
  Json swings = Json::array();
  for (const auto& of_bill : u.result.swings) {
    Json list = Json::array();
    for (const cost::Swing& swing : of_bill) {
      list.push_back({{"item", swing.item},
                      {"at_lo_usd", swing.at_lo.in(usd(1))},
                      {"at_hi_usd", swing.at_hi.in(usd(1))}});
    }
    swings.push_back(std::move(list));
  }
  Json break_even = Json::array();
  for (const auto& against_first : u.break_even) {
    Json list = Json::array();
    for (const cost::BreakEven& price : against_first) {
      list.push_back({{"item", price.item},
                      {"mid_usd", price.mid.in(usd(1))},
                      {"break_even_usd", price.price.in(usd(1))}});
    }
    break_even.push_back(std::move(list));
  }
  return {{"draws", u.draws},
          {"seed", u.seed},
          {"common_share", u.common_share},
          {"cheaper", u.result.cheaper},
          {"swings", std::move(swings)},
          {"break_even", std::move(break_even)}};
}

}  // namespace planewise::report
