#include "tools/simulate_runs.h"

#include <git_version.h>

#include "report/notes.h"
#include "tools/output.h"
#include "workload/training.h"

namespace planewise::tools {
namespace {

std::string engine_name(simulate::EngineKind engine) {
  return engine == simulate::EngineKind::fast ? "fast" : "simgrid";
}

report::RunReport simulate_run(const LoadedJob& loaded, const fabric::Fabric& fabric,
                               const SimulationFlags& flags) {
  const spec::NodesSpec& nodes = fabric.topology.nodes;
  const workload::Placement placement =
      workload::place_in_order(loaded.job.parallel.ranks(), nodes.gpus);
  workload::Program program = workload::training_program(
      {.job = loaded.job, .model = loaded.model, .profile = loaded.profile, .nodes = nodes},
      placement);
  ProgressBar bar(fabric.topology.name);
  simulate::Result result =
      simulate::simulate(program, placement, fabric,
                         {.engine = flags.engine,
                          .symmetry = !flags.no_symmetry,
                          .seed = flags.seed,
                          .progress = [&bar](double share) { bar.show(share); }});
  report::RunReport run = report::make_run(loaded.job, loaded.model, loaded.profile,
                                           fabric.topology.name, std::move(result));
  run.blocks = std::move(program.blocks);
  return run;
}

}  // namespace

report::Report simulate_runs(const Inputs& inputs, const SimulationFlags& flags) {
  const LoadedJob& loaded = *inputs.job;
  report::Report report{.fabrics = fabric_reports(inputs)};
  report.header = {.version = kPlanewiseVersion,
                   .seed = flags.seed,
                   .engine = engine_name(flags.engine),
                   .inputs = input_files(inputs),
                   .simulated = report::simulated_notes(loaded.job, loaded.model),
                   .left_out = report::left_out_notes(loaded.profile)};
  for (const report::FabricReport& fabric : report.fabrics) {
    report.runs.push_back(simulate_run(loaded, fabric.fabric, flags));
    report.header.symmetry.push_back(report::symmetry_note(report.runs.back()));
  }
  for (std::string& note : report::cost_left_out_notes(report)) {
    report.header.left_out.push_back(std::move(note));
  }
  return report;
}

}  // namespace planewise::tools
