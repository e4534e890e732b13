#include "tools/cost_run.h"

#include <fmt/format.h>
#include <git_version.h>

#include "cost/cable_plan.h"
#include "print/output_file.h"
#include "report/fabric_tables.h"
#include "report/notes.h"
#include "report/plan_csv.h"

namespace planewise::tools {
namespace {

void refuse_as_printed(const PricedTopology& priced) {
  if (!priced.topology.fabric.as_printed) return;
  spec::Diagnostics diagnostics;
  diagnostics.add(priced.topology.origin.diagnose(
      "fabric.as_printed", "counts of a published table have no cables, ports or racks to list",
      "remove it, with a size that can be built"));
  diagnostics.throw_if_any();
}

/// Lists of the one fabric of a call.
void write_lists(const Inputs& inputs, const report::FabricReport& fabric, const ListPaths& paths) {
  const PricedTopology& priced = inputs.topologies.front();
  if (!paths.bill.empty()) {
    if (!fabric.bill) {
      spec::Diagnostics diagnostics;
      diagnostics.add(priced.topology.origin.diagnose(
          "", "there is no price book, and so no bill to list", "name one: 'prices:' or --prices"));
      diagnostics.throw_if_any();
    }
    write_output(report::bill_csv(*fabric.bill), paths.bill);
  }
  refuse_as_printed(priced);
  const cost::PriceList prices = priced.by_parts() ? price_list(priced, inputs) : cost::PriceList{};
  std::optional<cost::LinkResolver> resolver;
  if (priced.by_parts()) resolver.emplace(fabric.fabric, *priced.catalogue, prices);
  const cost::LinkResolver* parts = resolver ? &*resolver : nullptr;
  if (!paths.rack_elevation.empty()) {
    write_output(report::rack_csv(fabric.fabric, cost::plan_floor(fabric.fabric), parts),
                 paths.rack_elevation);
  }
  if (paths.cable_plan.empty() && paths.port_map.empty()) return;
  const cost::CablePlan plan = cost::plan_cables(fabric.fabric, parts);
  if (!paths.cable_plan.empty()) {
    write_output(report::cable_csv(fabric.fabric, plan), paths.cable_plan);
  }
  if (!paths.port_map.empty()) {
    write_output(report::port_csv(fabric.fabric, plan), paths.port_map);
  }
}

}  // namespace

bool ListPaths::any() const {
  return !(bill.empty() && cable_plan.empty() && port_map.empty() && rack_elevation.empty());
}

std::string fabrics_name(const Inputs& inputs) {
  const std::size_t count = inputs.topologies.size();
  return count == 1 ? inputs.topologies.front().topology.name : fmt::format("{} fabrics", count);
}

void warn_as_printed(const Inputs& inputs) {
  for (const PricedTopology& priced : inputs.topologies) {
    if (!priced.topology.fabric.as_printed) continue;
    fmt::print(stderr,
               "{}: warning: fabric.as_printed: counts by the formula of a published table; there "
               "is no graph behind them\n",
               priced.topology.origin.path);
  }
}

void run_cost(const InputPaths& paths, const CostFlags& flags, const OutputOptions& output) {
  const Inputs inputs = load_inputs(paths);
  report::Report report{.title = fmt::format("cost of {}", fabrics_name(inputs)),
                        .fabrics = fabric_reports(inputs),
                        .detailed = flags.detail};
  report.header = {.version = kPlanewiseVersion,
                   .seed = flags.uncertainty.seed,
                   .inputs = input_files(inputs),
                   .left_out = report::cost_left_out_notes(report)};
  add_uncertainty(report, inputs, flags.uncertainty);
  if (report.uncertainty && report::has_ranges(report)) {
    report.header.draws = fmt::format("P10, P50 and P90 of {} draws, seed {}",
                                      grouped(flags.uncertainty.draws), flags.uncertainty.seed);
  }
  if (flags.lists.any()) write_lists(inputs, report.fabrics.front(), flags.lists);
  warn_as_printed(inputs);
  write_report(report, output);
}

}  // namespace planewise::tools
