#include "tools/price.h"

#include <fmt/format.h>

#include <algorithm>

namespace planewise::tools {
namespace {

const char* link_word(fabric::EdgeKind kind) {
  switch (kind) {
    case fabric::EdgeKind::endpoint:
      return "from NIC to leaf";
    case fabric::EdgeKind::leaf:
      return "from leaf to spine";
    case fabric::EdgeKind::spine:
      return "from spine to core";
    case fabric::EdgeKind::local:
      return "within a pod";
    case fabric::EdgeKind::global:
      return "between pods";
  }
  return "";
}

std::string cage_word(spec::Cage cage) {
  return cage == spec::Cage::none ? "built-in optics"
                                  : fmt::format("{} cage", spec::cage_name(cage));
}

cost::Bill bill_of(const PricedTopology& priced, const Inputs& inputs, const fabric::Fabric& fabric,
                   const fabric::Counts& counts) {
  if (!priced.by_parts()) return cost::price_roles(counts, *priced.book);
  const cost::PriceList prices = price_list(priced, inputs);
  auto result = cost::price_parts(fabric, {.catalogue = *priced.catalogue, .prices = prices});
  if (const auto* missing = std::get_if<std::vector<cost::NoParts>>(&result)) {
    refuse_links(priced, *missing);
  }
  return std::get<cost::Bill>(std::move(result));
}

}  // namespace

void refuse_links(const PricedTopology& priced, const std::vector<cost::NoParts>& links) {
  spec::Diagnostics diagnostics;
  for (const cost::NoParts& link : links) {
    const std::string length =
        link.length == Metres{} ? fmt::format("longer than {} m, the longest length sold",
                                              priced.catalogue->cable_lengths.back().in(metres(1)))
                                : fmt::format("of {} m", link.length.in(metres(1)));
    diagnostics.add(priced.topology.origin.diagnose(
        "equipment",
        fmt::format("no part of {} makes a link {} at {} Gb/s from {} to {}, {}",
                    priced.catalogue->name, link_word(link.kind),
                    link.ends.link_rate.in(gigabits_per_second(1)), cage_word(link.ends.lower),
                    cage_word(link.ends.upper), length),
        "use other parts, allow more of them in 'links', or bring the racks nearer ('floor:')"));
  }
  diagnostics.throw_if_any();
  throw spec::InputError({});
}

std::vector<report::FabricReport> fabric_reports(const Inputs& inputs) {
  std::vector<report::FabricReport> reports;
  for (const PricedTopology& priced : inputs.topologies) {
    report::FabricReport report{.fabric = fabric::lay_out(priced.topology)};
    report.counts = fabric::count(report.fabric);
    report.diameter = fabric::diameter(report.fabric);
    report.bisection = fabric::bisection(report.fabric);
    if (priced.book) {
      report.bill = bill_of(priced, inputs, report.fabric, report.counts);
      if (priced.scenario) {
        report.ownership = cost::own(*report.bill, *priced.scenario);
        report.scenario = priced.scenario->name;
        report.ownership_years = priced.scenario->years;
      }
    }
    reports.push_back(std::move(report));
  }
  return reports;
}

void add_uncertainty(report::Report& report, const Inputs& inputs, const UncertaintyFlags& flags) {
  std::vector<const cost::Bill*> bills;
  std::vector<std::int64_t> endpoints;
  for (const report::FabricReport& fabric : report.fabrics) {
    if (!fabric.bill) return;
    bills.push_back(&*fabric.bill);
    endpoints.push_back(fabric.counts.endpoints);
  }
  const auto with_scenario =
      std::find_if(inputs.topologies.begin(), inputs.topologies.end(),
                   [](const PricedTopology& priced) { return priced.scenario.has_value(); });
  const double common_share = with_scenario == inputs.topologies.end()
                                  ? cost::UncertaintyOptions{}.common_share
                                  : with_scenario->scenario->common_share;
  report.uncertainty = {.draws = flags.draws, .seed = flags.seed, .common_share = common_share};
  report.uncertainty->result = cost::assess(
      bills, endpoints, {.draws = flags.draws, .seed = flags.seed, .common_share = common_share});
  for (std::size_t i = 1; i < bills.size(); ++i) {
    report.uncertainty->break_even.push_back(
        cost::break_even(*bills[0], endpoints[0], *bills[i], endpoints[i]));
  }
}

std::vector<report::InputFile> input_files(const Inputs& inputs) {
  std::vector<report::InputFile> files;
  const auto add = [&](const spec::Origin& origin) {
    const auto same = [&](const report::InputFile& file) { return file.path == origin.path; };
    if (std::none_of(files.begin(), files.end(), same)) {
      files.push_back({.path = origin.path, .sha256 = origin.sha256});
    }
  };
  if (inputs.job) {
    add(inputs.job->job.origin);
    for (const spec::Origin& table : inputs.job->job.tables) add(table);
    add(inputs.job->model.origin);
    add(inputs.job->profile.origin);
  }
  if (inputs.inference) {
    add(inputs.inference->inference.origin);
    for (const spec::Origin& table : inputs.inference->inference.tables) add(table);
    add(inputs.inference->model.origin);
    add(inputs.inference->profile.origin);
  }
  if (inputs.traffic) {
    add(inputs.traffic->traffic.origin);
    if (inputs.traffic->profile) add(inputs.traffic->profile->origin);
  }
  for (const PricedTopology& priced : inputs.topologies) {
    add(priced.topology.origin);
    if (priced.book) add(priced.book->origin);
    if (priced.catalogue) add(priced.catalogue->origin);
    if (priced.scenario) add(priced.scenario->origin);
  }
  if (inputs.quotes) add(inputs.quotes->origin);
  if (inputs.faults) add(inputs.faults->origin);
  return files;
}

}  // namespace planewise::tools
