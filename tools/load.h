// The user's files, read and checked against each other before anything is computed.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "report/report.h"
#include "spec/read.h"

namespace planewise::tools {

struct PricedTopology {
  spec::TopologySpec topology{};
  std::optional<spec::PriceBookSpec> book{};
};

struct LoadedJob {
  spec::JobSpec job{};
  spec::ModelSpec model{};
  spec::ProfileSpec profile{};
};

/// What a call names, and what those files name. Throws spec::InputError with every mistake of all
/// of them.
struct Inputs {
  std::vector<PricedTopology> topologies{};
  std::optional<LoadedJob> job{};
};
struct InputPaths {
  std::vector<std::string> topologies{};
  std::string workload{};    ///< Empty: none.
  std::string price_book{};  ///< Empty: the one that each topology names.
};
Inputs load_inputs(const InputPaths& paths);

/// The files behind `inputs`, each once, for the report's header.
std::vector<report::InputFile> input_files(const Inputs& inputs);

/// Counts and prices every topology.
std::vector<report::FabricReport> fabric_reports(const Inputs& inputs);

}  // namespace planewise::tools
