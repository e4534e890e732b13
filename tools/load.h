// The user's files, read and checked against each other before anything is computed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cost/prices.h"
#include "spec/read.h"

namespace planewise::tools {

struct PricedTopology {
  spec::TopologySpec topology{};
  std::optional<spec::PriceBookSpec> book{};
  std::optional<spec::CatalogueSpec> catalogue{};  ///< If the topology names its equipment.
  std::optional<spec::ScenarioSpec> scenario{};

  /// Whether the book prices the parts of the catalogue; if not it has roles, or there is none.
  bool by_parts() const { return book && !book->roles && catalogue; }
};

struct LoadedJob {
  spec::JobSpec job{};
  spec::ModelSpec model{};
  spec::ProfileSpec profile{};
};

struct LoadedTraffic {
  spec::TrafficSpec traffic{};
  std::optional<spec::ProfileSpec> profile{};

  const spec::ProfileSpec* profile_or_null() const { return profile ? &*profile : nullptr; }
};

struct LoadedInference {
  spec::InferenceSpec inference{};
  spec::ModelSpec model{};
  spec::ProfileSpec profile{};
};

/// What a call names, and what those files name. Throws spec::InputError with every mistake of all
/// of them.
struct Inputs {
  std::vector<PricedTopology> topologies{};
  std::optional<spec::QuotesSpec> quotes{};
  std::optional<LoadedJob> job{};
  std::optional<spec::FaultsSpec> faults{};
  std::optional<LoadedTraffic> traffic{};  ///< A workload is a job, traffic or inference.
  std::optional<LoadedInference> inference{};
};
struct InputPaths {
  std::vector<std::string> topologies{};
  std::string workload{};              ///< Empty: none.
  std::string price_book{};            ///< Empty: the one that each topology names.
  std::string quotes{};                ///< Empty: none.
  std::string scenario{};              ///< Empty: the one that each topology names.
  std::string faults{};                ///< Empty: nothing fails.
  std::int64_t matched_endpoints = 0;  ///< 0: each fabric as it is.
  bool allow_proxy = false;  ///< Operators may be timed as something else (a profile's `proxy`).
};
Inputs load_inputs(const InputPaths& paths);

/// The prices of a topology that is priced by parts.
cost::PriceList price_list(const PricedTopology& priced, const Inputs& inputs);

}  // namespace planewise::tools
