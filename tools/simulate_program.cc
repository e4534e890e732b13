#include "tools/simulate_program.h"

#include <algorithm>
#include <optional>
#include <thread>

#include "base/check.h"
#include "print/output_file.h"
#include "report/trace.h"
#include "tools/progress.h"

namespace planewise::tools {
namespace {

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

/// A trace and the file that it goes to; only made if asked for.
struct TraceFile {
  OutputFile file;
  report::Trace trace;

  TraceFile(const TraceFlags& flags, const std::string& title)
      : file(flags.file),
        trace({.title = title, .ranks = flags.ranks, .all_ranks = flags.all_ranks},
              [this](std::string_view text) { file.write(text); }) {}
};

int core_count() { return std::max(1, static_cast<int>(std::thread::hardware_concurrency())); }

}  // namespace

simulate::Result simulate_program(const workload::Program& program,
                                  const workload::Placement& placement,
                                  const fabric::Fabric& fabric, const RunContext& context,
                                  const std::string& workload_name) {
  const SimulationFlags& flags = context.flags;
  Progress progress(fabric.topology.name);
  std::optional<TraceFile> trace;
  if (!flags.trace.file.empty()) {
    trace.emplace(flags.trace, workload_name + " on " + fabric.topology.name);
  }
  simulate::SimulationOptions options{
      .engine = flags.engine,
      .symmetry = !flags.no_symmetry,
      .seed = flags.seed,
      .threads = flags.threads > 0 ? flags.threads : core_count(),
      .time_tolerance = flags.time_tolerance,
      .watch = flags.watch,
      .progress = [&](const simulate::Moment& moment) { progress.show(moment); },
      .on_part = [&](simulate::Part part) { context.watch.begin(part_name(part)); },
      .faults = context.faults};
  if (trace) options.observers.push_back(&trace->trace);
  simulate::Result result;
  try {
    result = simulate::simulate(program, placement, fabric, options);
  } catch (...) {
    progress.throw_if_interrupted();  // Ctrl-C reaches the reference engine's process too.
    throw;
  }
  context.watch.begin("report");
  if (trace) trace->file.finish();
  return result;
}

simulate::Result simulate_quietly(const workload::Program& program,
                                  const workload::Placement& placement,
                                  const fabric::Fabric& fabric, const RunContext& context,
                                  const std::string& workload_name) {
  SimulationFlags flags = context.flags;
  flags.watch = {};
  flags.trace = {};
  return simulate_program(program, placement, fabric,
                          {.flags = flags, .faults = context.faults, .watch = context.watch},
                          workload_name);
}

}  // namespace planewise::tools
