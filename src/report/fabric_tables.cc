#include "report/fabric_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>

#include "base/overloads.h"
#include "report/add_row.h"

namespace planewise::report {
namespace {

std::string dimensions(const std::vector<std::int64_t>& extents) {
  return fmt::format("{}", fmt::join(extents, " x "));
}

std::string tree_name(const spec::FabricSpec& fabric) {
  const std::string layers = fabric.tree().layers == 2 ? "" : ", 3 layers";
  switch (fabric.family) {
    case spec::Family::mpft:
      return fmt::format("MPFT x{}{}", fabric.planes, layers);
    case spec::Family::rail_only:
      return fmt::format("rail-only x{}{}", fabric.planes, layers);
    case spec::Family::mrft:
      return "MRFT" + layers;
    default:
      return fabric.tree().layers == 2 ? "FT2" : "FT3";
  }
}

/// A short name with what tells one size from another.
std::string family_name(const spec::TopologySpec& topology) {
  const spec::FabricSpec& fabric = topology.fabric;
  const std::string name = std::visit(
      Overloads{
          [&](const spec::TreeSpec&) { return tree_name(fabric); },
          [](const spec::DragonflySpec& s) { return fmt::format("Dragonfly g={}", s.groups); },
          [](const spec::DragonflyPlusSpec& s) { return fmt::format("Dragonfly+ g={}", s.groups); },
          [](const spec::SlimFlySpec& s) { return fmt::format("Slim Fly q={}", s.q); },
          [](const spec::HyperXSpec& s) { return "HyperX " + dimensions(s.extents); },
          [](const spec::TorusSpec& s) { return "torus " + dimensions(s.extents); },
          [](const spec::DualTorSpec&) { return std::string("dual-ToR x2"); },
          [](const spec::CustomSpec&) { return std::string("custom"); }},
      fabric.shape);
  return fabric.as_printed ? name + ", as printed" : name;
}

std::string routing_word(spec::Routing routing) {
  switch (routing) {
    case spec::Routing::static_path:
      return "static";
    case spec::Routing::ecmp:
      return "ecmp";
    case spec::Routing::adaptive:
      return "adaptive";
    case spec::Routing::spray:
      return "spray";
  }
  return "";
}

/// `ecmp`, `ecmp x4` of four queue pairs, `static, pxn`.
std::string routing_name(const spec::FabricSpec& fabric) {
  std::string name = routing_word(fabric.routing);
  if (fabric.queue_pairs > 1) name += fmt::format(" x{}", fabric.queue_pairs);
  if (fabric.pxn == spec::Pxn::always) name += ", pxn";
  return name;
}

/// "+70.7 %", or "-" where one of the two has no price.
std::string cost_against(const FabricReport& first, const FabricReport& other) {
  if (!first.bill || !other.bill || !(first.bill->per_endpoint > Usd{})) return "-";
  return signed_percent(other.bill->per_endpoint.in(first.bill->per_endpoint) - 1, 1);
}

/// "fitted", or each kind of evidence with its share of the total.
std::string evidence_of_prices(const cost::Bill& bill) {
  std::map<spec::Evidence, Usd> totals;
  for (const cost::BillLine& line : bill.lines) totals[line.price_evidence] += line.total;
  std::string text;
  for (const auto& [evidence, total] : totals) {
    if (!(total > Usd{}) && totals.size() > 1) continue;
    if (!text.empty()) text += ", ";
    text += spec::evidence_name(evidence);
    if (totals.size() > 1) text += " " + percent(total.in(bill.total), 0);
  }
  return text;
}

using FabricText = std::function<std::string(const FabricReport&)>;

/// Rows of a table with a column a fabric.
class FabricRows {
 public:
  FabricRows(Table& table, const Report& report) : table_(table), report_(report) {}

  void add() {
    add_counts();
    add_cost();
    add_power();
    add_years();
  }

 private:
  void row(const char* label, const FabricText& f) { add_row(table_, label, report_.fabrics, f); }
  void count(const char* label, std::int64_t fabric::Counts::*member) {
    row(label, [member](const FabricReport& f) { return grouped(f.counts.*member); });
  }
  void bill(const char* label, const std::function<std::string(const cost::Bill&)>& f) {
    row(label, [&f](const FabricReport& r) { return r.bill ? f(*r.bill) : std::string("-"); });
  }
  void years(const char* label, const std::function<std::string(const cost::Ownership&)>& f) {
    row(label,
        [&f](const FabricReport& r) { return r.ownership ? f(*r.ownership) : std::string("-"); });
  }
  bool any(const std::function<bool(const FabricReport&)>& f) const {
    return std::any_of(report_.fabrics.begin(), report_.fabrics.end(), f);
  }

  void add_counts() {
    table_.rows.push_back({"fabric"});
    row("  family", [](const FabricReport& f) { return family_name(f.fabric.topology); });
    row("  routing", [](const FabricReport& f) { return routing_name(f.fabric.topology.fabric); });
    count("  endpoints", &fabric::Counts::endpoints);
    count("  endpoints at most", &fabric::Counts::endpoint_capacity);
    row("  switches", [](const FabricReport& f) { return grouped(f.counts.switches()); });
    count("    leaf", &fabric::Counts::leaf_switches);
    count("    spine", &fabric::Counts::spine_switches);
    count("    core", &fabric::Counts::core_switches);
    count("  switch ports left unused", &fabric::Counts::unused_switch_ports);
    count("  inter-switch links", &fabric::Counts::inter_switch_links);
    count("  endpoint links", &fabric::Counts::endpoint_links);
    if (any([](const FabricReport& f) { return f.counts.nvlink_switches > 0; })) {
      count("  NVLink switches", &fabric::Counts::nvlink_switches);
      count("  NVLink links", &fabric::Counts::nvlink_links);
    }
    row("  diameter, links", [](const FabricReport& f) { return std::to_string(f.diameter); });
    row("  bisection, Tb/s",
        [](const FabricReport& f) { return fixed(f.bisection.in(gigabits_per_second(1e3)), 1); });
    if (any([](const FabricReport& f) { return f.bill && f.bill->by_parts; })) {
      bill("  cables", [](const cost::Bill& b) { return b.by_parts ? grouped(b.cables) : "-"; });
      bill("  cages left unused",
           [](const cost::Bill& b) { return b.by_parts ? grouped(b.cages_unused) : "-"; });
    }
    if (any([](const FabricReport& f) { return f.bill && f.bill->cages_short > 0; })) {
      bill("  cages short", [](const cost::Bill& b) { return grouped(b.cages_short); });
    }
  }

  void add_cost() {
    const std::vector<FabricReport>& fabrics = report_.fabrics;
    table_.rows.push_back({"cost (no servers)"});
    bill("  price book", [](const cost::Bill& b) { return b.price_book; });
    bill("  covers",
         [](const cost::Bill& b) { return b.by_parts ? "network, NICs" : "switches, links"; });
    bill(has_ranges(report_) ? "  cost at mid prices, M$" : "  cost, M$",
         [](const cost::Bill& b) { return fixed(b.total.in(usd(1e6)), 3); });
    if (has_ranges(report_)) add_ranges();
    bill("  cost an endpoint, $",
         [](const cost::Bill& b) { return fixed(b.per_endpoint.in(usd(1)), 0); });
    if (fabrics.size() > 1) {
      row("    against the first",
          [&](const FabricReport& f) { return cost_against(fabrics.front(), f); });
      if (has_ranges(report_)) add_odds();
    }
    row("  cost a GPU, $", [](const FabricReport& f) {
      if (!f.bill) return std::string("-");
      return fixed(f.bill->total.in(usd(1)) / static_cast<double>(f.fabric.gpu_count()), 0);
    });
    row("  cost a bisection Gb/s, $", [](const FabricReport& f) {
      if (!f.bill || !(f.bisection > Rate{})) return std::string("-");
      return fixed(f.bill->total.in(usd(1)) / f.bisection.in(gigabits_per_second(1)), 1);
    });
    bill("  price evidence", evidence_of_prices);
    bill("  rests on estimates", [](const cost::Bill& b) { return percent(b.estimated_share); });
  }

  void add_ranges() {
    const auto percentile = [&](const char* label, Usd cost::CostRange::*member) {
      std::vector<std::string> cells{label};
      for (const cost::CostRange& range : report_.uncertainty->result.ranges) {
        cells.push_back(fixed((range.*member).in(usd(1e6)), 3));
      }
      table_.rows.push_back(std::move(cells));
    };
    percentile("    P10", &cost::CostRange::p10);
    percentile("    P50", &cost::CostRange::p50);
    percentile("    P90", &cost::CostRange::p90);
  }

  void add_odds() {
    std::vector<std::string> cells{"    cheaper, of draws"};
    const auto& cheaper = report_.uncertainty->result.cheaper;
    for (std::size_t i = 0; i < cheaper.size(); ++i) {
      cells.push_back(i == 0 ? "-" : percent(cheaper[i][0]));
    }
    table_.rows.push_back(std::move(cells));
  }

  void add_power() {
    table_.rows.push_back({"power (no servers)"});
    bill("  typical, kW",
         [](const cost::Bill& b) { return fixed(b.power_typical.in(watts(1e3)), 1); });
    bill("  maximum, kW",
         [](const cost::Bill& b) { return fixed(b.power_maximum.in(watts(1e3)), 1); });
  }

  void add_years() {
    if (!any([](const FabricReport& f) { return f.ownership.has_value(); })) return;
    table_.rows.push_back({"over the years"});
    row("  scenario", [](const FabricReport& f) { return f.ownership ? f.scenario : "-"; });
    row("  years", [](const FabricReport& f) {
      return f.ownership ? fmt::format("{}", f.ownership_years) : std::string("-");
    });
    const auto millions = [&](const char* label, Usd cost::Ownership::*member) {
      years(label,
            [member](const cost::Ownership& o) { return fixed((o.*member).in(usd(1e6)), 3); });
    };
    millions("  total, M$", &cost::Ownership::total);
    millions("    purchase", &cost::Ownership::purchase);
    millions("    spares", &cost::Ownership::spares);
    millions("    laying of cables", &cost::Ownership::installation);
    millions("    energy a year", &cost::Ownership::energy_per_year);
    millions("    maintenance a year", &cost::Ownership::maintenance_per_year);
    years("  energy a year, MWh",
          [](const cost::Ownership& o) { return fixed(o.energy_kwh_per_year / 1e3, 0); });
    millions("  depreciation a year, M$", &cost::Ownership::depreciation_per_year);
  }

  Table& table_;
  const Report& report_;
};

std::string dollars(Usd price) { return fixed(price.in(usd(1)), price < usd(100) ? 2 : 0); }

std::string length_text(Metres length) {
  return length == Metres{} ? std::string() : fmt::format("{} m", length.in(metres(1)));
}

Table bill_table(const FabricReport& fabric) {
  const cost::Bill& bill = *fabric.bill;
  Table table{.title = fmt::format("Bill of {} ({}, {})", fabric.fabric.topology.name,
                                   bill.price_book, bill.price_date),
              .columns = {"item", "use", "length", "quantity", "lo, $", "mid, $", "hi, $",
                          "total, $", "share", "evidence"}};
  for (const cost::BillLine& line : bill.lines) {
    table.rows.push_back({line.item, line.use, length_text(line.length), grouped(line.quantity),
                          dollars(line.unit_price.lo), dollars(line.unit_price.mid),
                          dollars(line.unit_price.hi), fixed(line.total.in(usd(1)), 0),
                          bill.total > Usd{} ? percent(line.total.in(bill.total)) : "-",
                          std::string(spec::evidence_name(line.price_evidence))});
  }
  table.rows.push_back({"total", "", "", "", "", "", "", fixed(bill.total.in(usd(1)), 0), "", ""});
  return table;
}

/// Whether the price is at most ten times today's, and at least a tenth: others say nothing.
bool is_thinkable(const cost::BreakEven& price) {
  const double ratio = price.price.in(price.mid);
  return ratio >= 0.1 && ratio <= 10;
}

/// The parts that move the total most.
Table swing_table(const FabricReport& fabric, const std::vector<cost::Swing>& swings) {
  constexpr std::size_t kMost = 8;
  Table table{.title = fmt::format("What the cost of {} hangs on: total if one price is at its lo "
                                   "or hi, M$",
                                   fabric.fabric.topology.name),
              .columns = {"item", "at lo", "at hi", "swing"}};
  for (std::size_t i = 0; i < std::min(kMost, swings.size()); ++i) {
    const cost::Swing& swing = swings[i];
    table.rows.push_back({swing.item, fixed(swing.at_lo.in(usd(1e6)), 3),
                          fixed(swing.at_hi.in(usd(1e6)), 3),
                          fixed((swing.at_hi - swing.at_lo).in(usd(1e6)), 3)});
  }
  return table;
}

Table break_even_table(const Report& report, std::size_t other) {
  constexpr std::size_t kMost = 8;
  Table table{.title = fmt::format("Prices at which {} costs as much an endpoint as {}, $",
                                   report.fabrics[other].fabric.topology.name,
                                   report.fabrics.front().fabric.topology.name),
              .columns = {"item", "mid", "break-even", "change"}};
  const auto& prices = report.uncertainty->break_even[other - 1];
  for (std::size_t i = 0; i < std::min(kMost, prices.size()); ++i) {
    if (!is_thinkable(prices[i])) continue;
    table.rows.push_back({prices[i].item, dollars(prices[i].mid), dollars(prices[i].price),
                          signed_percent(prices[i].price.in(prices[i].mid) - 1, 1)});
  }
  return table;
}

}  // namespace

bool has_ranges(const Report& report) {
  if (!report.uncertainty) return false;
  const auto& ranges = report.uncertainty->result.ranges;
  return std::any_of(ranges.begin(), ranges.end(),
                     [](const cost::CostRange& range) { return range.p10 < range.p90; });
}

void add_fabric_rows(Table& table, const Report& report) { FabricRows(table, report).add(); }

std::vector<Table> bill_tables(const Report& report) {
  std::vector<Table> tables;
  for (std::size_t i = 0; i < report.fabrics.size(); ++i) {
    const FabricReport& fabric = report.fabrics[i];
    if (!fabric.bill) continue;
    tables.push_back(bill_table(fabric));
    if (!report.uncertainty) continue;
    const auto& swings = report.uncertainty->result.swings[i];
    if (!swings.empty()) tables.push_back(swing_table(fabric, swings));
    if (i == 0) continue;
    Table prices = break_even_table(report, i);
    if (!prices.rows.empty()) tables.push_back(std::move(prices));
  }
  return tables;
}

}  // namespace planewise::report
