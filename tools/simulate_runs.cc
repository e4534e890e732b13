#include "tools/simulate_runs.h"

#include <fmt/format.h>
#include <git_version.h>

#include <optional>

#include "base/check.h"
#include "report/notes.h"
#include "report/trace.h"
#include "tools/output.h"
#include "tools/progress.h"
#include "workload/training.h"

namespace planewise::tools {
namespace {

std::string engine_name(simulate::EngineKind engine) {
  return engine == simulate::EngineKind::fast ? "fast" : "simgrid";
}

const char* part_name(simulate::Part part) {
  switch (part) {
    case simulate::Part::route:
      return "route";
    case simulate::Part::symmetry:
      return "symmetry";
    case simulate::Part::drive:
      return "drive";
  }
  PW_UNREACHABLE("Part has three values");
}

void check_traced_ranks(const LoadedJob& loaded, const TraceFlags& trace) {
  const std::int64_t ranks = loaded.job.parallel.ranks();
  for (const int rank : trace.ranks) {
    if (rank < ranks) continue;
    throw spec::InputError({loaded.job.origin.diagnose(
        "parallel", fmt::format("--trace-ranks names rank {} of a job of {} ranks", rank, ranks),
        fmt::format("ranks are 0 to {}", ranks - 1))});
  }
}

/// A trace and the file that it goes to; only made if asked for.
struct TraceFile {
  OutputFile file;
  report::Trace trace;

  TraceFile(const TraceFlags& flags, const std::string& title)
      : file(flags.file),
        trace({.title = title, .ranks = flags.ranks, .all_ranks = flags.all_ranks},
              [this](std::string_view text) { file.write(text); }) {}
};

report::RunReport simulate_run(const LoadedJob& loaded, const fabric::Fabric& fabric,
                               const SimulationFlags& flags, const spec::FaultsSpec* faults,
                               Stopwatch& watch) {
  const spec::NodesSpec& nodes = fabric.topology.nodes;
  watch.begin("program");
  const workload::Placement placement =
      workload::place_in_order(loaded.job.parallel.ranks(), nodes.gpus);
  workload::Program program = workload::training_program(
      {.job = loaded.job, .model = loaded.model, .profile = loaded.profile, .nodes = nodes},
      placement);
  Progress progress(fabric.topology.name);
  std::optional<TraceFile> trace;
  if (!flags.trace.file.empty()) {
    trace.emplace(flags.trace, loaded.job.name + " on " + fabric.topology.name);
  }
  simulate::SimulationOptions options{
      .engine = flags.engine,
      .symmetry = !flags.no_symmetry,
      .seed = flags.seed,
      .watch = flags.watch,
      .progress = [&](const simulate::Moment& moment) { progress.show(moment); },
      .on_part = [&](simulate::Part part) { watch.begin(part_name(part)); },
      .faults = faults};
  if (trace) options.observers.push_back(&trace->trace);
  simulate::Result result;
  try {
    result = simulate::simulate(program, placement, fabric, options);
  } catch (...) {
    progress.throw_if_interrupted();  // Ctrl-C reaches the reference engine's process too.
    throw;
  }
  watch.begin("report");
  if (trace) trace->file.finish();
  report::RunReport run = report::make_run(loaded.job, loaded.model, loaded.profile,
                                           fabric.topology.name, std::move(result));
  run.blocks = std::move(program.blocks);
  return run;
}

}  // namespace

report::Report simulate_runs(const Inputs& inputs, const SimulationFlags& flags, Stopwatch& watch) {
  const LoadedJob& loaded = *inputs.job;
  check_traced_ranks(loaded, flags.trace);
  watch.begin("count and price");
  report::Report report{.fabrics = fabric_reports(inputs)};
  report.header = {.version = kPlanewiseVersion,
                   .seed = flags.seed,
                   .engine = engine_name(flags.engine),
                   .inputs = input_files(inputs),
                   .simulated = report::simulated_notes(loaded.job, loaded.model),
                   .left_out = report::left_out_notes(loaded.profile)};
  for (const report::FabricReport& fabric : report.fabrics) {
    report.runs.push_back(simulate_run(loaded, fabric.fabric, flags,
                                       inputs.faults ? &*inputs.faults : nullptr, watch));
    report.header.symmetry.push_back(report::symmetry_note(report.runs.back()));
  }
  for (std::string& note : report::route_left_out_notes(report)) {
    report.header.left_out.push_back(std::move(note));
  }
  for (std::string& note : report::cost_left_out_notes(report)) {
    report.header.left_out.push_back(std::move(note));
  }
  return report;
}

}  // namespace planewise::tools
