#include "tools/simulate_runs.h"

#include <fmt/format.h>
#include <git_version.h>

#include <algorithm>
#include <optional>

#include "print/output_file.h"
#include "report/notes.h"
#include "tools/output.h"
#include "tools/serving_runs.h"
#include "tools/simulate_program.h"
#include "workload/htsim_matrix.h"
#include "workload/traffic_program.h"
#include "workload/training.h"

namespace planewise::tools {
namespace {

std::string engine_name(simulate::EngineKind engine) {
  return engine == simulate::EngineKind::fast ? "fast" : "simgrid";
}

/// Where the workload is from, what it calls its ranks, and how many it has.
struct RankCount {
  const spec::Origin& origin;
  const char* key;
  std::int64_t ranks;
};

RankCount rank_count(const Inputs& inputs) {
  if (inputs.traffic) {
    return {inputs.traffic->traffic.origin, "ranks", inputs.traffic->traffic.ranks};
  }
  if (inputs.inference) {
    const spec::InferenceSpec& served = inputs.inference->inference;
    const spec::ServingUnit& unit = served.decode ? served.decode->unit : served.prefill->unit;
    return {served.origin, served.decode ? "decode" : "prefill", unit.parallel.ranks()};
  }
  return {inputs.job->job.origin, "parallel", inputs.job->job.parallel.ranks()};
}

void check_traced_ranks(const Inputs& inputs, const TraceFlags& trace) {
  const auto [origin, key, ranks] = rank_count(inputs);
  for (const int rank : trace.ranks) {
    if (rank < ranks) continue;
    throw spec::InputError({origin.diagnose(
        key, fmt::format("--trace-ranks names rank {} of a job of {} ranks", rank, ranks),
        fmt::format("ranks are 0 to {}", ranks - 1))});
  }
}

workload::Program program_of(const spec::JobSpec& job, const LoadedJob& loaded,
                             const spec::NodesSpec& nodes, const workload::Placement& placement,
                             const SimulationFlags& flags) {
  workload::Program program = workload::training_program({.job = job,
                                                          .model = loaded.model,
                                                          .profile = loaded.profile,
                                                          .nodes = nodes,
                                                          .seed = flags.seed},
                                                         placement);
  program.size_spread = flags.size_spread.value_or(0);
  return program;
}

/// The step time of the same job if every expert got as many tokens; none if that is how it is, or
/// if the step is cut off. Nothing of it is watched or traced.
std::optional<Seconds> balanced_step_time(const LoadedJob& loaded, const fabric::Fabric& fabric,
                                          const workload::Placement& placement,
                                          const RunContext& context) {
  const bool exchanges = loaded.model.moe && loaded.job.parallel.expert > 1;
  if (!exchanges || loaded.job.routing.tokens == spec::TokenRouting::balanced) return std::nullopt;
  context.watch.begin("program");
  spec::JobSpec job = loaded.job;
  job.routing.tokens = spec::TokenRouting::balanced;
  const workload::Program program =
      program_of(job, loaded, fabric.topology.nodes, placement, context.flags);
  const simulate::Result result = simulate_quietly(program, placement, fabric, context, job.name);
  if (!result.is_complete()) return std::nullopt;
  return result.step_time;
}

report::RunReport simulate_run(const LoadedJob& loaded, const fabric::Fabric& fabric,
                               const RunContext& context) {
  const spec::NodesSpec& nodes = fabric.topology.nodes;
  context.watch.begin("program");
  const workload::Placement placement = workload::place_job(loaded.job.parallel, nodes.gpus);
  workload::Program program = program_of(loaded.job, loaded, nodes, placement, context.flags);
  simulate::Result result = simulate_program(program, placement, fabric, context, loaded.job.name);
  report::RunReport run = report::make_run(loaded.job, loaded.model, loaded.profile,
                                           fabric.topology.name, std::move(result));
  run.balanced_step_time = balanced_step_time(loaded, fabric, placement, context);
  run.estimates = report::largest_estimates(program, run.result);
  run.extrapolated = report::extrapolated_parts(program, run.result);
  run.blocks = std::move(program.blocks);
  return run;
}

void write_matrix(const workload::Program& program, const workload::Placement& placement,
                  const LoadedTraffic& loaded, const fabric::Fabric& fabric,
                  const SimulationFlags& flags) {
  const auto made =
      workload::htsim_matrix(program, placement, {.hosts = fabric.gpu_count(), .seed = flags.seed});
  if (const auto* refusal = std::get_if<workload::MatrixRefusal>(&made)) {
    throw spec::InputError(
        {loaded.traffic.origin.diagnose("steps", refusal->reason, refusal->hint)});
  }
  write_output(std::get<std::string>(made), flags.traffic_out);
}

report::TrafficReport simulate_traffic(const LoadedTraffic& loaded, const fabric::Fabric& fabric,
                                       const RunContext& context) {
  const SimulationFlags& flags = context.flags;
  context.watch.begin("program");
  const int gpus = fabric.topology.nodes.gpus;
  const workload::Placement placement = workload::place_traffic(loaded.traffic, gpus);
  workload::Program program = workload::traffic_program(
      {.traffic = loaded.traffic, .profile = loaded.profile_or_null()}, placement);
  program.size_spread = flags.size_spread.value_or(program.size_spread);
  if (!flags.traffic_out.empty()) write_matrix(program, placement, loaded, fabric, flags);
  return report::make_traffic(
      {.traffic = loaded.traffic, .profile = loaded.profile_or_null(), .topology = fabric.topology},
      simulate_program(program, placement, fabric, context, loaded.traffic.name));
}

/// The last run's dollars, if its topology's scenario has the price of a GPU-hour.
void add_price(const Inputs& inputs, std::vector<report::RunReport>& runs) {
  const PricedTopology& priced = inputs.topologies[runs.size() - 1];
  report::RunReport& run = runs.back();
  if (!priced.scenario || !priced.scenario->gpu_hour || !run.result.is_complete()) return;
  run.usd_per_trillion_tokens = *priced.scenario->gpu_hour * run.gpu_hours_per_trillion_tokens;
}

bool has_gpu_hour(const Inputs& inputs) {
  return std::all_of(
      inputs.topologies.begin(), inputs.topologies.end(),
      [](const PricedTopology& priced) { return priced.scenario && priced.scenario->gpu_hour; });
}

void append(std::vector<std::string> notes, std::vector<std::string>& to) {
  for (std::string& note : notes) to.push_back(std::move(note));
}

/// Every fabric runs the same operators: the first step that came to its end tells.
std::vector<std::string> extrapolation_notes(const std::vector<report::RunReport>& runs) {
  for (const report::RunReport& run : runs) {
    if (run.result.is_complete()) return report::extrapolation_notes(run.extrapolated);
  }
  return {};
}

void add_notes(const Inputs& inputs, const SimulationFlags& flags, report::Header& header) {
  double spread = flags.size_spread.value_or(0);
  if (inputs.inference) {
    const LoadedInference& loaded = *inputs.inference;
    header.simulated = report::simulated_notes(loaded.inference, loaded.model);
    header.left_out = report::left_out_notes(loaded.inference, loaded.profile);
    const auto needs = workload::serving_needs(loaded.inference, loaded.model, loaded.profile);
    append(report::proxy_notes(loaded.profile, needs.operators), header.left_out);
    if (!has_gpu_hour(inputs) && !loaded.inference.gpu_hour) {
      header.left_out.emplace_back(
          "what a million tokens cost: there is no price of a GPU-hour ('gpu_hour' of a scenario, "
          "--scenario, or of the workload)");
    }
  } else if (inputs.traffic) {
    const LoadedTraffic& loaded = *inputs.traffic;
    header.simulated = report::simulated_notes(loaded.traffic, loaded.profile_or_null());
    header.left_out = report::left_out_notes(loaded.traffic, loaded.profile_or_null());
    spread = flags.size_spread.value_or(loaded.traffic.size_spread);
  } else {
    header.simulated = report::simulated_notes(inputs.job->job, inputs.job->model);
    header.simulated.push_back(report::memory_note(
        report::job_memory(inputs.job->job, inputs.job->model, inputs.job->profile)));
    header.left_out = report::left_out_notes(inputs.job->job, inputs.job->profile);
    const auto needs = workload::training_needs(inputs.job->job, inputs.job->model);
    append(report::proxy_notes(inputs.job->profile, needs.operators), header.left_out);
    if (!has_gpu_hour(inputs)) {
      header.left_out.emplace_back(
          "what a trillion tokens cost: there is no price of a GPU-hour ('gpu_hour' of a scenario, "
          "--scenario)");
    }
  }
  if (spread > 0) header.simulated.push_back(report::size_spread_note(spread));
  if (flags.time_tolerance > 0) {
    header.simulated.push_back(report::time_tolerance_note(flags.time_tolerance));
  }
}

}  // namespace

report::Report simulate_runs(const Inputs& inputs, const SimulationFlags& flags, Stopwatch& watch) {
  if (!flags.traffic_out.empty() && !inputs.traffic) {
    throw spec::InputError({rank_count(inputs).origin.diagnose(
        "phase", "only traffic is written as a connection matrix (--traffic-out)",
        "use a workload of 'phase: traffic'")});
  }
  check_traced_ranks(inputs, flags.trace);
  watch.begin("count and price");
  report::Report report{.fabrics = fabric_reports(inputs)};
  report.header = {.version = kPlanewiseVersion,
                   .seed = flags.seed,
                   .engine = engine_name(flags.engine),
                   .inputs = input_files(inputs)};
  add_notes(inputs, flags, report.header);
  for (const report::FabricReport& fabric : report.fabrics) {
    const std::string& name = fabric.fabric.topology.name;
    const RunContext context{
        .flags = flags, .faults = inputs.faults ? &*inputs.faults : nullptr, .watch = watch};
    if (inputs.inference) {
      report.serving.push_back(simulate_serving(
          *inputs.inference, inputs.topologies[report.serving.size()], fabric.fabric, context));
    } else if (inputs.traffic) {
      report.traffic.push_back(simulate_traffic(*inputs.traffic, fabric.fabric, context));
    } else {
      report.runs.push_back(simulate_run(*inputs.job, fabric.fabric, context));
      add_price(inputs, report.runs);
    }
    report.header.symmetry.push_back(
        report::symmetry_note(name, report::all_ran(report).back().result));
  }
  append(extrapolation_notes(report.runs), report.header.left_out);
  if (!report.serving.empty()) {
    append(report::extrapolation_notes(report.serving.front().extrapolated),
           report.header.left_out);
  }
  append(report::route_left_out_notes(report), report.header.left_out);
  append(report::cost_left_out_notes(report), report.header.left_out);
  return report;
}

}  // namespace planewise::tools
