// Counts and prices the fabrics of a call.
#pragma once

#include <vector>

#include "report/report.h"
#include "tools/load.h"

namespace planewise::tools {

/// Counts every topology and, with a price book, prices it; with a scenario, over the years. Throws
/// spec::InputError if no parts of the catalogue make a link.
std::vector<report::FabricReport> fabric_reports(const Inputs& inputs);

struct UncertaintyFlags {
  std::int64_t draws = 10'000;
  std::uint64_t seed = 1;
};

/// Adds how sure the costs are, if every fabric has a price: ranges to the fabrics, odds and
/// break-even prices to the report.
void add_uncertainty(report::Report& report, const Inputs& inputs, const UncertaintyFlags& flags);

/// The files behind `inputs`, each once, for the report's header.
std::vector<report::InputFile> input_files(const Inputs& inputs);

/// Throws spec::InputError: at the topology's `equipment`, which links no parts of its catalogue
/// make.
[[noreturn]] void refuse_links(const PricedTopology& priced,
                               const std::vector<cost::NoParts>& links);

}  // namespace planewise::tools
