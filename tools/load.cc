#include "tools/load.h"

#include <algorithm>

#include "spec/cross_check.h"
#include "workload/training.h"

namespace planewise::tools {
namespace {

LoadedJob load_job(const std::string& path, spec::Diagnostics& diagnostics) {
  LoadedJob loaded;
  loaded.job = spec::read_job(path, diagnostics);
  if (!loaded.job.model_path.empty()) {
    loaded.model = spec::read_model(loaded.job.model_path, diagnostics);
  }
  if (!loaded.job.profile_path.empty()) {
    loaded.profile = spec::read_profile(loaded.job.profile_path, diagnostics);
  }
  return loaded;
}

PricedTopology load_topology(const std::string& path, const std::string& price_book,
                             spec::Diagnostics& diagnostics) {
  PricedTopology loaded{.topology = spec::read_topology(path, diagnostics)};
  const std::string& book = price_book.empty() ? loaded.topology.price_book_path : price_book;
  if (!book.empty()) loaded.book = spec::read_price_book(book, diagnostics);
  return loaded;
}

/// Mistakes between files; each file by itself is right by now.
void check_together(const Inputs& inputs, spec::Diagnostics& diagnostics) {
  for (const PricedTopology& priced : inputs.topologies) {
    if (priced.book) spec::check_prices(priced.topology, *priced.book, diagnostics);
    if (inputs.job) spec::check_job_and_topology(inputs.job->job, priced.topology, diagnostics);
  }
  if (!inputs.job) return;
  spec::check_job_and_model(inputs.job->job, inputs.job->model, diagnostics);
  diagnostics.throw_if_any();  // what follows needs a job that fits its model and its ranks
  for (const PricedTopology& priced : inputs.topologies) {
    spec::check_experts_on_nodes(inputs.job->job, inputs.job->model, priced.topology, diagnostics);
  }
  const auto needs = workload::training_needs(inputs.job->job, inputs.job->model);
  spec::check_profile(inputs.job->profile, needs.operators, needs.collectives, diagnostics);
}

}  // namespace

Inputs load_inputs(const InputPaths& paths) {
  spec::Diagnostics diagnostics;
  Inputs inputs;
  if (!paths.workload.empty()) inputs.job = load_job(paths.workload, diagnostics);
  for (const std::string& path : paths.topologies) {
    inputs.topologies.push_back(load_topology(path, paths.price_book, diagnostics));
  }
  diagnostics.throw_if_any();
  check_together(inputs, diagnostics);
  diagnostics.throw_if_any();
  return inputs;
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
    add(inputs.job->model.origin);
    add(inputs.job->profile.origin);
  }
  for (const PricedTopology& priced : inputs.topologies) {
    add(priced.topology.origin);
    if (priced.book) add(priced.book->origin);
  }
  return files;
}

std::vector<report::FabricReport> fabric_reports(const Inputs& inputs) {
  std::vector<report::FabricReport> reports;
  for (const PricedTopology& priced : inputs.topologies) {
    report::FabricReport report{.fabric = fabric::lay_out(priced.topology)};
    report.counts = fabric::count(report.fabric);
    if (priced.book) report.bill = cost::price(report.counts, *priced.book);
    reports.push_back(std::move(report));
  }
  return reports;
}

}  // namespace planewise::tools
