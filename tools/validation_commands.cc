#include "tools/validation_commands.h"

#include <memory>

#include "print/program.h"
#include "report/validation.h"
#include "tools/replay.h"
#include "tools/stats.h"
#include "tools/validation.h"

namespace planewise::tools {

void add_validate(CLI::App& app, Action& action) {
  CLI::App* command = add_command(
      app, "validate", "published figures beside ours, with the error; exit code 4 beyond a limit",
      "planewise validate\n"
      "  planewise validate --group kv_cache --group fabrics\n"
      "  planewise validate my_figures.yaml --only my_step --format md");
  struct ValidateArguments {
    std::string file = "workloads/published/figures.yaml";
    ValidationFlags flags{};
    OutputOptions output{};
  };
  const auto arguments = std::make_shared<ValidateArguments>();
  ValidationFlags& flags = arguments->flags;
  command->add_option("FIGURES", arguments->file, "the published figures")
      ->option_text("FILE [" + arguments->file + "]");
  command->add_option("--only", flags.ids, "figures to compute; repeat it for more")
      ->option_text("ID");
  command->add_option("--group", flags.groups, "the same for a group of them")->option_text("ID");
  add_engine_options(*command, flags.simulation);
  add_machine_options(*command, flags.simulation);
  add_output_options(*command, arguments->output);
  command->callback([arguments, &action] {
    action = [arguments] {
      Stopwatch watch;
      const report::Report report = validate(arguments->file, arguments->flags, watch);
      write_report(report, arguments->output);
      watch.stop();
      if (arguments->flags.simulation.stats) print_stats(report, watch);
      return report::summarise(report.figures).broken > 0 ? kQuality : kFine;
    };
  });
}

void add_replay(CLI::App& app, Action& action) {
  CLI::App* command = add_command(
      app, "replay", "a profile's measured all-to-alls, simulated again over the same fabric",
      "planewise replay --profile cluster.yaml -t topologies/mpft_256.yaml\n"
      "  planewise replay --profile cluster.yaml -t fabric.yaml --engine simgrid --format csv");
  struct ReplayArguments {
    ReplayFlags flags{};
    OutputOptions output{};
  };
  const auto arguments = std::make_shared<ReplayArguments>();
  ReplayFlags& flags = arguments->flags;
  command->add_option("--profile", flags.profile, "what planewise-calibrate fit wrote")
      ->required()
      ->option_text("FILE");
  command->add_option("-t,--topology", flags.topology, "the fabric that was measured")
      ->required()
      ->option_text("FILE");
  command->add_flag("--all-cadences", flags.all_cadences,
                    "streaming times, too, where there are isolated ones");
  add_engine_options(*command, flags.simulation);
  add_output_options(*command, arguments->output);
  command->callback([arguments, &action] {
    action = [arguments] {
      Stopwatch watch;
      write_report(replay(arguments->flags, watch), arguments->output);
      return kFine;
    };
  });
}

}  // namespace planewise::tools
