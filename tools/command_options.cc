#include "tools/command_options.h"

#include <map>

namespace planewise::tools {
namespace {

const std::map<std::string, report::Format> kFormats = {{"text", report::Format::text},
                                                        {"json", report::Format::json},
                                                        {"csv", report::Format::csv},
                                                        {"md", report::Format::md}};
const std::map<std::string, simulate::EngineKind> kEngines = {
    {"fast", simulate::EngineKind::fast}, {"simgrid", simulate::EngineKind::simgrid}};

}  // namespace

CLI::App* add_command(CLI::App& app, const std::string& name, const std::string& what,
                      const std::string& example) {
  CLI::App* command = app.add_subcommand(name, what);
  command->footer("Example:\n  " + example);
  return command;
}

void add_output_options(CLI::App& command, OutputOptions& options) {
  command
      .add_option_function<std::string>(
          "--format", [&options](const std::string& word) { options.format = kFormats.at(word); },
          "text, json, csv or md")
      ->check(CLI::IsMember(&kFormats))
      ->option_text("FORM [text]");
  command.add_option("--output", options.output, "write to FILE, complete or not at all")
      ->option_text("FILE");
}

void add_engine_options(CLI::App& command, SimulationFlags& flags) {
  command
      .add_option_function<std::string>(
          "--engine", [&flags](const std::string& word) { flags.engine = kEngines.at(word); },
          "fast, or simgrid (the reference)")
      ->check(CLI::IsMember(&kEngines))
      ->option_text("ENGINE [fast]");
  command.add_option("--seed", flags.seed, "of every random choice")->option_text("N [1]");
  command.add_flag("--no-symmetry", flags.no_symmetry, "drive every rank and flow, reduce nothing");
}

void add_machine_options(CLI::App& command, SimulationFlags& flags) {
  command.add_option("--threads", flags.threads, "of the fast engine; changes no result")
      ->check(CLI::Range(1, 256))
      ->option_text("N [all cores]");
  command.add_flag("--stats", flags.stats,
                   "events, flows, solves, wall time by part and memory, to standard error");
}

}  // namespace planewise::tools
