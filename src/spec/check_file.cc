#include <utility>

#include "spec/check_inference.h"
#include "spec/check_job.h"
#include "spec/check_parts.h"
#include "spec/cross_check.h"
#include "spec/htsim_matrix.h"
#include "spec/read.h"
#include "spec/read_file.h"

namespace planewise::spec {
namespace {

void check_topology(Document document, Diagnostics& diagnostics) {
  const TopologySpec topology = read_topology(std::move(document), diagnostics);
  const bool has_book = !topology.price_book_path.empty();
  const bool has_catalogue = topology.equipment && !topology.equipment->catalogue_path.empty();
  PriceBookSpec book;
  CatalogueSpec catalogue;
  if (has_book) book = read_price_book(topology.price_book_path, diagnostics);
  if (has_catalogue) catalogue = read_parts(topology.equipment->catalogue_path, diagnostics);
  if (!topology.scenario_path.empty()) read_scenario(topology.scenario_path, diagnostics);
  if (!diagnostics.empty()) return;
  if (has_book) check_prices(topology, book, diagnostics);
  if (!has_catalogue) return;
  check_book_and_parts(book, catalogue, diagnostics);
  check_equipment(topology, catalogue, book, diagnostics);
}

void check_workload(Document document, Diagnostics& diagnostics) {
  if (is_traffic(document)) {
    const TrafficSpec traffic = read_traffic(std::move(document), diagnostics);
    if (traffic.profile_path.empty()) return;
    const ProfileSpec profile = read_profile(traffic.profile_path, diagnostics);
    if (diagnostics.empty()) check_profile(profile, {}, curves_of(traffic), diagnostics);
    return;
  }
  if (is_inference(document)) {
    const InferenceSpec inference = read_inference(std::move(document), diagnostics);
    ModelSpec served;
    if (!inference.model_path.empty()) served = read_model(inference.model_path, diagnostics);
    if (!inference.profile_path.empty()) read_profile(inference.profile_path, diagnostics);
    if (diagnostics.empty()) check_inference_and_model(inference, served, diagnostics);
    return;
  }
  JobSpec job = read_job(std::move(document), diagnostics);
  ModelSpec model;
  if (!job.model_path.empty()) model = read_model(job.model_path, diagnostics);
  if (!job.profile_path.empty()) read_profile(job.profile_path, diagnostics);
  if (diagnostics.empty()) complete_job(job, model, diagnostics);
  if (diagnostics.empty()) check_job_and_model(job, model, diagnostics);
}

void check_figures(Document document, Diagnostics& diagnostics) {
  const FiguresSpec figures = read_figures(std::move(document), diagnostics);
  const FigureFiles files = files_of(figures);
  for (const std::string& path : files.models) read_model(path, diagnostics);
  for (const std::string& path : files.profiles) read_profile(path, diagnostics);
  for (const std::string& path : files.topologies) {
    check_topology(load_document(path, diagnostics), diagnostics);
  }
  for (const std::string& path : files.workloads) {
    if (is_htsim_matrix(path)) {
      read_htsim_matrix(path, diagnostics);
    } else {
      check_workload(load_document(path, diagnostics), diagnostics);
    }
  }
}

/// Collects apart from other files' mistakes, so that an empty list means that this one is right.
std::string check_alone(Document document, Diagnostics& diagnostics) {
  const FileKind* kind = file_kind(document, diagnostics);
  if (kind == nullptr) return "";
  if (kind->key == kTopologyFile.key) {
    check_topology(std::move(document), diagnostics);
  } else if (kind->key == kPriceBookFile.key) {
    read_price_book(std::move(document), diagnostics);
  } else if (kind->key == kModelFile.key) {
    read_model(std::move(document), diagnostics);
  } else if (kind->key == kWorkloadFile.key) {
    check_workload(std::move(document), diagnostics);
  } else if (kind->key == kCatalogueFile.key) {
    read_parts(std::move(document), diagnostics);
  } else if (kind->key == kQuotesFile.key) {
    read_quotes(std::move(document), diagnostics);
  } else if (kind->key == kScenarioFile.key) {
    read_scenario(std::move(document), diagnostics);
  } else if (kind->key == kFaultsFile.key) {
    read_faults(std::move(document), diagnostics);
  } else if (kind->key == kFiguresFile.key) {
    check_figures(std::move(document), diagnostics);
  } else if (kind->key == kHostsFile.key) {
    read_hosts(std::move(document), diagnostics);
  } else {
    read_profile(std::move(document), diagnostics);
  }
  return std::string(kind->name);
}

}  // namespace

std::string check_document(Document document, Diagnostics& diagnostics) {
  Diagnostics own;
  std::string kind = check_alone(std::move(document), own);
  diagnostics.add(own);
  return kind;
}

std::string check_file(const std::string& path, Diagnostics& diagnostics) {
  if (is_htsim_matrix(path)) {
    read_htsim_matrix(path, diagnostics);
    return "htsim connection matrix";
  }
  return check_document(load_document(path, diagnostics), diagnostics);
}

}  // namespace planewise::spec
