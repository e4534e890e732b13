#include "tools/load.h"

#include <fmt/format.h>

#include "fabric/fault_cables.h"
#include "model/serving_memory.h"
#include "spec/check_inference.h"
#include "spec/check_job.h"
#include "spec/check_parts.h"
#include "spec/cross_check.h"
#include "spec/htsim_matrix.h"
#include "spec/resize.h"
#include "workload/serving_program.h"
#include "workload/training.h"

namespace planewise::tools {
namespace {

LoadedJob load_job(spec::Document document, spec::Diagnostics& diagnostics) {
  LoadedJob loaded;
  loaded.job = spec::read_job(std::move(document), diagnostics);
  if (!loaded.job.model_path.empty()) {
    loaded.model = spec::read_model(loaded.job.model_path, diagnostics);
  }
  if (!loaded.job.profile_path.empty()) {
    loaded.profile = spec::read_profile(loaded.job.profile_path, diagnostics);
  }
  if (diagnostics.empty()) spec::complete_job(loaded.job, loaded.model, diagnostics);
  return loaded;
}

LoadedTraffic load_profile_of(spec::TrafficSpec traffic, spec::Diagnostics& diagnostics) {
  LoadedTraffic loaded{.traffic = std::move(traffic)};
  if (!loaded.traffic.profile_path.empty()) {
    loaded.profile = spec::read_profile(loaded.traffic.profile_path, diagnostics);
  }
  return loaded;
}

LoadedInference load_inference(spec::Document document, spec::Diagnostics& diagnostics) {
  LoadedInference loaded{.inference = spec::read_inference(std::move(document), diagnostics)};
  const spec::InferenceSpec& spec = loaded.inference;
  if (!spec.model_path.empty()) loaded.model = spec::read_model(spec.model_path, diagnostics);
  if (!spec.profile_path.empty()) {
    loaded.profile = spec::read_profile(spec.profile_path, diagnostics);
  }
  return loaded;
}

void load_workload(const std::string& path, Inputs& inputs, spec::Diagnostics& diagnostics) {
  if (spec::is_htsim_matrix(path)) {
    inputs.traffic = {.traffic = spec::read_traffic(path, diagnostics)};
    return;
  }
  spec::Document document = spec::load_document(path, diagnostics);
  if (spec::is_inference(document)) {
    inputs.inference = load_inference(std::move(document), diagnostics);
  } else if (spec::is_traffic(document)) {
    inputs.traffic =
        load_profile_of(spec::read_traffic(std::move(document), diagnostics), diagnostics);
  } else {
    inputs.job = load_job(std::move(document), diagnostics);
  }
}

/// The path given on the command line, else the one that the topology names.
const std::string& either(const std::string& given, const std::string& named) {
  return given.empty() ? named : given;
}

PricedTopology load_topology(const std::string& path, const InputPaths& paths,
                             spec::Diagnostics& diagnostics) {
  PricedTopology loaded{.topology = spec::read_topology(path, diagnostics)};
  const spec::TopologySpec& topology = loaded.topology;
  const std::string& book = either(paths.price_book, topology.price_book_path);
  if (!book.empty()) loaded.book = spec::read_price_book(book, diagnostics);
  if (topology.equipment && !topology.equipment->catalogue_path.empty()) {
    loaded.catalogue = spec::read_parts(topology.equipment->catalogue_path, diagnostics);
  }
  const std::string& scenario = either(paths.scenario, topology.scenario_path);
  if (!scenario.empty()) loaded.scenario = spec::read_scenario(scenario, diagnostics);
  return loaded;
}

/// The book with a price for every part that the user has a quote for.
spec::PriceBookSpec with_quoted_parts(spec::PriceBookSpec book, const spec::QuotesSpec& quotes) {
  for (const spec::Quote& quote : quotes.quotes) {
    if (book.find(quote.part) == nullptr) book.parts.push_back({.part = quote.part});
  }
  return book;
}

/// Mistakes between a topology's own files and the quotes; each file by itself is right by now.
void check_parts(const PricedTopology& priced, const Inputs& inputs,
                 spec::Diagnostics& diagnostics) {
  if (!priced.book) return;
  spec::check_prices(priced.topology, *priced.book, diagnostics);
  if (!priced.catalogue) return;
  spec::check_book_and_parts(*priced.book, *priced.catalogue, diagnostics);
  if (inputs.quotes) {
    spec::check_quotes(*inputs.quotes, *priced.book, *priced.catalogue, diagnostics);
  }
  const spec::PriceBookSpec book = inputs.quotes && !priced.book->roles
                                       ? with_quoted_parts(*priced.book, *inputs.quotes)
                                       : *priced.book;
  spec::check_equipment(priced.topology, *priced.catalogue, book, diagnostics);
}

/// What a fault names is there on the fabric.
void check_faults(const spec::FaultsSpec& faults, const spec::TopologySpec& topology,
                  spec::Diagnostics& diagnostics) {
  if (topology.fabric.as_printed) return;
  const fabric::Fabric fabric = fabric::lay_out(topology);
  for (std::size_t i = 0; i < faults.events.size(); ++i) {
    const auto found = fabric::find_cables(fabric, faults.events[i].target);
    const auto* refusal = std::get_if<fabric::Refusal>(&found);
    if (refusal == nullptr) continue;
    diagnostics.add(faults.origin.diagnose(fmt::format("events[{}].{}", i, refusal->key),
                                           fmt::format("{} on {}", refusal->reason, topology.name),
                                           refusal->hint));
  }
}

/// Which number of sequences or prompt tokens is too much for the GPU's memory, and what fits.
void check_memory(const LoadedInference& loaded, spec::Diagnostics& diagnostics) {
  const spec::InferenceSpec& spec = loaded.inference;
  const auto in_gb = [](Bytes size) { return size.in(bytes(1e9)); };
  const auto refuse = [&](const char* key, const model::ServingMemory& memory,
                          const std::string& what, const std::string& fits) {
    if (memory.sequences <= memory.sequences_most) return;
    diagnostics.add(spec.origin.diagnose(
        key,
        fmt::format(
            "{} need {:.1f} GB a GPU ({:.1f} GB of weights, {:.1f} GB of buffers, {:.3f} GB "
            "of cache each) of the {:.1f} GB that there are",
            what, in_gb(memory.total()), in_gb(memory.weights), in_gb(memory.buffers),
            in_gb(memory.cache_per_sequence), in_gb(memory.available)),
        memory.sequences_most > 0 ? fits
                                  : "not one fits; spread weights over more ranks, or use fewer "
                                    "bytes a weight or cache element"));
  };
  const Bytes gpu_memory = loaded.profile.gpu.memory;
  if (spec.decode) {
    const model::ServingMemory memory = model::decode_memory(spec, loaded.model, gpu_memory);
    refuse("decode.sequences", memory,
           fmt::format("{} sequences of {:.0f} tokens on average", memory.sequences,
                       spec::mean_request(spec.requests).cached),
           fmt::format("at most {} sequences a replica fit", memory.sequences_most));
  }
  if (spec.prefill) {
    const model::ServingMemory memory = model::prefill_memory(spec, loaded.model, gpu_memory);
    refuse("prefill.tokens", memory,
           fmt::format("{} {} at once", memory.sequences,
                       memory.sequences == 1 ? "prompt" : "prompts"),
           fmt::format("at most {} prompts a replica fit", memory.sequences_most));
  }
  if (spec.expert_memory != spec::ExpertMemory::host) return;
  const spec::ProfileSpec& profile = loaded.profile;
  if (!profile.host) {
    diagnostics.add(spec.origin.diagnose(
        "expert_memory",
        fmt::format("profile {} does not say what memory the host has", profile.name),
        "add 'host: {memory: ..., source: ...}' to the profile"));
    return;
  }
  const model::ServingMemory memory = spec.decode
                                          ? model::decode_memory(spec, loaded.model, gpu_memory)
                                          : model::prefill_memory(spec, loaded.model, gpu_memory);
  if (memory.host_weights <= profile.host->memory) return;
  diagnostics.add(spec.origin.diagnose(
      "expert_memory", fmt::format("the experts take {:.0f} GB, and the host has {:.0f} GB",
                                   in_gb(memory.host_weights), in_gb(profile.host->memory))));
}

void check_inference(const LoadedInference& loaded, const InputPaths& paths,
                     spec::Diagnostics& diagnostics) {
  const spec::InferenceSpec& spec = loaded.inference;
  spec::check_inference_and_model(spec, loaded.model, diagnostics);
  diagnostics.throw_if_any();  // what follows needs units that fit their model
  check_memory(loaded, diagnostics);
  const auto needs = workload::serving_needs(spec, loaded.model, loaded.profile);
  spec::check_profile(loaded.profile, needs.operators, needs.collectives, diagnostics);
  if (!paths.allow_proxy) spec::check_proxies(loaded.profile, needs.operators, diagnostics);
}

/// Mistakes between files; each file by itself is right by now.
void check_together(const Inputs& inputs, const InputPaths& paths, spec::Diagnostics& diagnostics) {
  for (const PricedTopology& priced : inputs.topologies) {
    check_parts(priced, inputs, diagnostics);
    if (inputs.job) spec::check_job_and_topology(inputs.job->job, priced.topology, diagnostics);
    if (inputs.faults) check_faults(*inputs.faults, priced.topology, diagnostics);
    if (inputs.inference) {
      spec::check_inference_and_topology(inputs.inference->inference, priced.topology, diagnostics);
    }
    if (inputs.traffic) {
      spec::check_traffic_and_topology(inputs.traffic->traffic, priced.topology, diagnostics);
    }
  }
  if (inputs.traffic && inputs.traffic->profile) {
    spec::check_profile(*inputs.traffic->profile, {}, spec::curves_of(inputs.traffic->traffic),
                        diagnostics);
  }
  if (inputs.inference) check_inference(*inputs.inference, paths, diagnostics);
  if (!inputs.job) return;
  spec::check_job_and_model(inputs.job->job, inputs.job->model, diagnostics);
  diagnostics.throw_if_any();  // what follows needs a job that fits its model and its ranks
  const LoadedJob& loaded = *inputs.job;
  for (const PricedTopology& priced : inputs.topologies) {
    const auto refusal =
        workload::refuse_experts(loaded.job, loaded.model, priced.topology.nodes.gpus);
    if (!refusal) continue;
    diagnostics.add(loaded.job.origin.diagnose(
        "parallel.expert", fmt::format("{} ({})", refusal->reason, priced.topology.name),
        refusal->hint));
  }
  const auto needs = workload::training_needs(loaded.job, loaded.model);
  spec::check_profile(loaded.profile, needs.operators, needs.collectives, diagnostics);
  if (!paths.allow_proxy) spec::check_proxies(loaded.profile, needs.operators, diagnostics);
}

}  // namespace

Inputs load_inputs(const InputPaths& paths) {
  spec::Diagnostics diagnostics;
  Inputs inputs;
  if (!paths.workload.empty()) load_workload(paths.workload, inputs, diagnostics);
  for (const std::string& path : paths.topologies) {
    inputs.topologies.push_back(load_topology(path, paths, diagnostics));
  }
  if (!paths.quotes.empty()) inputs.quotes = spec::read_quotes(paths.quotes, diagnostics);
  if (!paths.faults.empty()) inputs.faults = spec::read_faults(paths.faults, diagnostics);
  diagnostics.throw_if_any();
  if (paths.matched_endpoints > 0) {
    for (PricedTopology& priced : inputs.topologies) {
      priced.topology = spec::resized(priced.topology, paths.matched_endpoints, diagnostics);
      priced.topology.name += fmt::format(" at {}", paths.matched_endpoints);
    }
  }
  check_together(inputs, paths, diagnostics);
  diagnostics.throw_if_any();
  return inputs;
}

cost::PriceList price_list(const PricedTopology& priced, const Inputs& inputs) {
  return cost::net_prices(*priced.book, *priced.catalogue,
                          inputs.quotes ? &*inputs.quotes : nullptr);
}

}  // namespace planewise::tools
