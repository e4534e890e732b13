// Reads each kind of YAML file into its checked struct. Mistakes go to `diagnostics`; with any
// there, the returned value is not to be used.
#pragma once

#include <string>

#include "spec/faults.h"
#include "spec/figures.h"
#include "spec/hosts.h"
#include "spec/inference.h"
#include "spec/job.h"
#include "spec/model.h"
#include "spec/parts.h"
#include "spec/price_book.h"
#include "spec/profile.h"
#include "spec/scenario.h"
#include "spec/topology.h"
#include "spec/traffic.h"
#include "spec/yaml_document.h"

namespace planewise::spec {

TopologySpec read_topology(const std::string& path, Diagnostics& diagnostics);
PriceBookSpec read_price_book(const std::string& path, Diagnostics& diagnostics);
ModelSpec read_model(const std::string& path, Diagnostics& diagnostics);
JobSpec read_job(const std::string& path, Diagnostics& diagnostics);
InferenceSpec read_inference(const std::string& path, Diagnostics& diagnostics);
/// A workload of `phase: traffic`, or, by its ending, an htsim connection matrix (`.cm`).
TrafficSpec read_traffic(const std::string& path, Diagnostics& diagnostics);
ProfileSpec read_profile(const std::string& path, Diagnostics& diagnostics);
CatalogueSpec read_parts(const std::string& path, Diagnostics& diagnostics);
QuotesSpec read_quotes(const std::string& path, Diagnostics& diagnostics);
ScenarioSpec read_scenario(const std::string& path, Diagnostics& diagnostics);
FaultsSpec read_faults(const std::string& path, Diagnostics& diagnostics);
FiguresSpec read_figures(const std::string& path, Diagnostics& diagnostics);
HostsSpec read_hosts(const std::string& path, Diagnostics& diagnostics);

// The same for a file that is in memory.
TopologySpec read_topology(Document document, Diagnostics& diagnostics);
PriceBookSpec read_price_book(Document document, Diagnostics& diagnostics);
ModelSpec read_model(Document document, Diagnostics& diagnostics);
JobSpec read_job(Document document, Diagnostics& diagnostics);
InferenceSpec read_inference(Document document, Diagnostics& diagnostics);
TrafficSpec read_traffic(Document document, Diagnostics& diagnostics);
ProfileSpec read_profile(Document document, Diagnostics& diagnostics);
CatalogueSpec read_parts(Document document, Diagnostics& diagnostics);
QuotesSpec read_quotes(Document document, Diagnostics& diagnostics);
ScenarioSpec read_scenario(Document document, Diagnostics& diagnostics);
FaultsSpec read_faults(Document document, Diagnostics& diagnostics);
FiguresSpec read_figures(Document document, Diagnostics& diagnostics);
HostsSpec read_hosts(Document document, Diagnostics& diagnostics);

/// Whether `document` is a workload that says `phase: traffic`; the same of `phase: inference`.
bool is_traffic(const Document& document);
bool is_inference(const Document& document);

/// Reads a file of whatever kind it says it is, and every file that it names, and checks them
/// against each other. Returns the kind: "topology", "price book", "model", "workload", "profile",
/// "parts catalogue", "list of quotes", "scenario", "list of faults", "list of published figures",
/// "list of hosts", "htsim connection matrix", or "" if it is none.
std::string check_file(const std::string& path, Diagnostics& diagnostics);
std::string check_document(Document document, Diagnostics& diagnostics);

}  // namespace planewise::spec
