// The subcommands: each reads its files, calls the stages in order, and writes one report.
#include "tools/commands.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <git_version.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <sstream>

#include "base/text.h"
#include "base/unit_text.h"
#include "fabric/exports.h"
#include "print/output_file.h"
#include "print/program.h"
#include "report/notes.h"
#include "spec/hugging_face.h"
#include "spec/nearest_word.h"
#include "tools/command_options.h"
#include "tools/cost_run.h"
#include "tools/load.h"
#include "tools/output.h"
#include "tools/price.h"
#include "tools/simulate_runs.h"
#include "tools/stats.h"
#include "tools/validation_commands.h"

namespace planewise::tools {
namespace {

constexpr std::int64_t kDefaultSequenceLength = 4096;
/// What a subcommand keeps between reading the command line and running.
struct Arguments {
  InputPaths paths{};
  std::vector<std::string> files{};
  std::string form = "dot";
  OutputOptions output{};
  SimulationFlags simulation{};
};

/// The share that `text` says, such as `20%` or `0.2`; throws CLI::ValidationError.
double size_spread_of(const std::string& text) {
  const bool has_sign = text.ends_with('%');
  double number = -1;
  const bool is_number = parse_number(text.substr(0, text.find_last_not_of(" %") + 1), number);
  const double share = has_sign ? number / 100 : number;
  constexpr double kMost = 0.99;  // As in a workload; a size stays above 0.
  if (!is_number || share < 0 || share > kMost) {
    throw CLI::ValidationError("--size-spread: write a share from 0 % to 99 %, such as 20%");
  }
  return share;
}

/// Adds all of those, --size-spread and --time-tolerance.
void add_simulation_flags(CLI::App& command, SimulationFlags& flags) {
  add_engine_options(command, flags);
  command
      .add_option_function<std::string>(
          "--size-spread",
          [&flags](const std::string& text) { flags.size_spread = size_spread_of(text); },
          "every flow's size varies by so much, drawn whenever it starts")
      ->option_text("SHARE");
  command
      .add_option(
          "--time-tolerance", flags.time_tolerance,
          "fast only: flows that end within so small a share of the time elapsed end together")
      ->check(CLI::Range(0.0, 0.01))
      ->option_text("SHARE [0]");
  add_machine_options(command, flags);
}

CLI::Option* add_busiest_option(CLI::App& command, simulate::Watch& watch) {
  return command.add_option("--busiest", watch.busiest, "links to name")
      ->check(CLI::Range(std::size_t{1}, std::size_t{1'000'000}))
      ->option_text("N [10]");
}

/// Reads `all` or ranks with commas between them.
void read_traced_ranks(const std::string& text, TraceFlags& trace) {
  trace.all_ranks = text == "all";
  if (trace.all_ranks) return;
  std::istringstream words(text);
  for (std::string word; std::getline(words, word, ',');) {
    int rank = -1;
    const char* end = word.data() + word.size();
    const auto [stop, failure] = std::from_chars(word.data(), end, rank);
    if (failure != std::errc{} || stop != end || rank < 0) {
      throw CLI::ValidationError("--trace-ranks", "'" + word + "' is no rank; write all or 0,64");
    }
    trace.ranks.push_back(rank);
  }
}

/// Adds what a single run can also tell.
void add_watch_options(CLI::App& command, SimulationFlags& flags) {
  CLI::Option* loads = command.add_flag("--loads", flags.watch.loads,
                                        "load of links over time, and the busiest links");
  add_busiest_option(command, flags.watch)->needs(loads);
  command.add_flag("--completion", flags.watch.completion, "percentiles of flow completion times");
  CLI::Option* trace = command
                           .add_option("--trace", flags.trace.file,
                                       "write a trace for ui.perfetto.dev or chrome://tracing")
                           ->option_text("FILE");
  command
      .add_option_function<std::string>(
          "--trace-ranks",
          [&flags](const std::string& text) { read_traced_ranks(text, flags.trace); },
          "whose; a rank stands for its equals")
      ->needs(trace)
      ->option_text("all|LIST [the first of each stage]");
}

void add_prices_option(CLI::App& command, InputPaths& paths) {
  command
      .add_option("--prices", paths.price_book,
                  "price book to use instead of the one that a topology names")
      ->option_text("FILE");
}

void add_scenario_option(CLI::App& command, InputPaths& paths) {
  command
      .add_option("--scenario", paths.scenario,
                  "years, energy, upkeep, price of a GPU-hour; over a topology's own")
      ->option_text("FILE");
}

void add_workload_option(CLI::App& command, Arguments& arguments) {
  command
      .add_option("-w,--workload", arguments.paths.workload,
                  "what is trained or served and how, or what traffic there is; also an htsim .cm")
      ->required()
      ->option_text("FILE");
}

void add_faults_option(CLI::App& command, InputPaths& paths) {
  command.add_option("--faults", paths.faults, "links, switches and planes that fail, and when")
      ->option_text("FILE");
}

void add_proxy_option(CLI::App& command, InputPaths& paths) {
  command.add_flag("--allow-proxy", paths.allow_proxy,
                   "take operators that the profile timed as another ('proxy')");
}

/// One or more topologies, as positionals.
void add_topologies(CLI::App& command, InputPaths& paths) {
  command.add_option("TOPOLOGY", paths.topologies, "the fabrics")
      ->required()
      ->option_text("FILE...");
}

/// Exactly one topology.
void add_topology(CLI::App& command, Arguments& arguments, const std::string& name) {
  command.add_option(name, arguments.paths.topologies, "the fabric")
      ->required()
      ->expected(1)
      ->option_text("FILE");
}

/// What a run's report shows.
enum class Shown : std::uint8_t { overview, detail, explanation };

/// The workload's name and its model's, if it has one.
std::string workload_title(const Inputs& inputs) {
  if (inputs.traffic) return inputs.traffic->traffic.name;
  if (inputs.inference) {
    return fmt::format("{}: {}", inputs.inference->inference.name, inputs.inference->model.name);
  }
  return fmt::format("{}: {}", inputs.job->job.name, inputs.job->model.name);
}

/// Reads, simulates and writes one report: what compare, run and explain share.
int simulate_and_write(const Arguments& arguments, Shown shown) {
  Stopwatch watch;
  watch.begin("read");
  const Inputs inputs = load_inputs(arguments.paths);
  report::Report report = simulate_runs(inputs, arguments.simulation, watch);
  report.title = fmt::format("{} on {}", workload_title(inputs), fabrics_name(inputs));
  report.detailed = shown == Shown::detail;
  report.explains = shown == Shown::explanation;
  if (report.explains) {
    const simulate::Result& result = report::all_ran(report).front().result;
    report.title += result.is_complete() ? inputs.inference
                                               ? fmt::format(": why an iteration takes {:.3f} ms",
                                                             result.step_time.in(milliseconds(1)))
                                               : fmt::format(": why a step takes {:.3f} s",
                                                             result.step_time.in(seconds(1)))
                                         : ": the step does not end, flows are cut off";
  }
  write_report(report, arguments.output);
  watch.stop();
  if (arguments.simulation.stats) print_stats(report, watch);
  return kFine;
}

/// Lets a command simulate once the command line is read.
void simulate_when_run(CLI::App& command, const std::shared_ptr<Arguments>& arguments, Shown shown,
                       Action& action) {
  command.callback([arguments, shown, &action] {
    const SimulationFlags& flags = arguments->simulation;
    if (flags.time_tolerance > 0 && flags.engine == simulate::EngineKind::simgrid) {
      throw CLI::ValidationError("--time-tolerance is for the fast engine; simgrid is exact");
    }
    action = [arguments, shown] { return simulate_and_write(*arguments, shown); };
  });
}

void add_compare(CLI::App& app, Action& action) {
  CLI::App* command = add_command(
      app, "compare", "counts, cost, power and step time of several fabrics, side by side",
      "planewise compare -w workloads/deepseek_v3_train_2048_h800.yaml topologies/mpft_2048.yaml "
      "topologies/ft3_2048.yaml");
  const auto arguments = std::make_shared<Arguments>();
  add_workload_option(*command, *arguments);
  add_topologies(*command, arguments->paths);
  add_prices_option(*command, arguments->paths);
  add_scenario_option(*command, arguments->paths);
  add_faults_option(*command, arguments->paths);
  add_proxy_option(*command, arguments->paths);
  add_simulation_flags(*command, arguments->simulation);
  add_output_options(*command, arguments->output);
  simulate_when_run(*command, arguments, Shown::overview, action);
}

/// Lists that a supplier or a technician wants, of one fabric.
void add_list_options(CLI::App& command, ListPaths& lists) {
  const auto add = [&](const char* name, std::string& path, const char* what) {
    command.add_option(name, path, what)->option_text("FILE")->group("Lists of one fabric, CSV");
  };
  add("--bill", lists.bill, "bill of materials");
  add("--cable-plan", lists.cable_plan, "every cable: both ends, parts, length, label");
  add("--port-map", lists.port_map, "every port of every switch");
  add("--rack-elevation", lists.rack_elevation, "what stands in each rack");
}

void add_cost(CLI::App& app, Action& action) {
  CLI::App* command = add_command(
      app, "cost", "counts, bill, cost, power and cost over the years of fabrics, side by side",
      "planewise cost topologies/published/*.yaml --format json\n"
      "  planewise cost topologies/street/mpft_2048_street.yaml --detail --cable-plan cables.csv\n"
      "  planewise cost topologies/published/mpft_16384.yaml topologies/published/ft3_65536.yaml "
      "--matched 16384");
  struct CostArguments {
    InputPaths paths{};
    CostFlags flags{};
    OutputOptions output{};
  };
  const auto arguments = std::make_shared<CostArguments>();
  InputPaths& paths = arguments->paths;
  CostFlags& flags = arguments->flags;
  add_topologies(*command, paths);
  add_prices_option(*command, paths);
  command
      ->add_option("--quotes", paths.quotes, "your own prices and discounts, over the price book")
      ->option_text("FILE");
  add_scenario_option(*command, paths);
  command
      ->add_option("--matched", paths.matched_endpoints, "resize every fabric to so many endpoints")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{10'000'000}))
      ->option_text("ENDPOINTS");
  command->add_flag("--detail", flags.detail,
                    "every line of each bill, and what the cost hangs on");
  command->add_option("--draws", flags.uncertainty.draws, "of all prices, for the percentiles")
      ->check(CLI::Range(std::int64_t{100}, std::int64_t{10'000'000}))
      ->option_text("N [10000]");
  command->add_option("--seed", flags.uncertainty.seed, "of the draws")->option_text("N [1]");
  add_list_options(*command, flags.lists);
  add_output_options(*command, arguments->output);
  command->callback([arguments, &action] {
    if (arguments->flags.lists.any() && arguments->paths.topologies.size() > 1) {
      throw CLI::ValidationError("lists are of one fabric; name one TOPOLOGY");
    }
    action = [arguments] {
      run_cost(arguments->paths, arguments->flags, arguments->output);
      return kFine;
    };
  });
}

void add_run(CLI::App& app, Action& action) {
  CLI::App* command = add_command(
      app, "run",
      "one simulation: a step by phase and stage, or serving by batch; compute blocks, link loads",
      "planewise run -w workloads/deepseek_v3_train_256_h800.yaml -t topologies/mrft_256.yaml "
      "--engine simgrid\n"
      "  planewise run -w workloads/deepseek_v3_decode_ep144_h800.yaml -t "
      "topologies/mpft_2048.yaml "
      "--format csv --output curve.csv");
  const auto arguments = std::make_shared<Arguments>();
  add_workload_option(*command, *arguments);
  add_topology(*command, *arguments, "-t,--topology");
  add_prices_option(*command, arguments->paths);
  add_scenario_option(*command, arguments->paths);
  add_faults_option(*command, arguments->paths);
  add_proxy_option(*command, arguments->paths);
  add_simulation_flags(*command, arguments->simulation);
  add_watch_options(*command, arguments->simulation);
  command
      ->add_option("--traffic-out", arguments->simulation.traffic_out,
                   "write the flows of a traffic workload as an htsim connection matrix")
      ->option_text("FILE.cm");
  add_output_options(*command, arguments->output);
  simulate_when_run(*command, arguments, Shown::detail, action);
}

void add_explain(CLI::App& app, Action& action) {
  CLI::App* command = add_command(
      app, "explain", "why a step takes so long: critical path, contention, busiest links",
      "planewise explain -w workloads/deepseek_v3_train_256_h800.yaml -t topologies/mrft_256.yaml");
  const auto arguments = std::make_shared<Arguments>();
  add_workload_option(*command, *arguments);
  add_topology(*command, *arguments, "-t,--topology");
  add_faults_option(*command, arguments->paths);
  add_proxy_option(*command, arguments->paths);
  add_simulation_flags(*command, arguments->simulation);
  simulate::Watch& watch = arguments->simulation.watch;
  watch = {.loads = true, .completion = true, .explanation = true};
  add_busiest_option(*command, watch);
  add_output_options(*command, arguments->output);
  simulate_when_run(*command, arguments, Shown::explanation, action);
}

struct ModelArguments {
  std::vector<std::string> files{};
  std::string workload{};  ///< Whose memory is told; empty: none.
  std::int64_t sequence_length = kDefaultSequenceLength;
  std::string configuration{};  ///< Of Hugging Face; empty: none.
  spec::HuggingFaceOptions conversion{};
  OutputOptions output{};
};

int report_models(const ModelArguments& arguments) {
  spec::Diagnostics diagnostics;
  report::Report report{.title = fmt::format("{} {}", arguments.files.size(),
                                             arguments.files.size() == 1 ? "model" : "models")};
  report.header.version = kPlanewiseVersion;
  std::vector<spec::ModelSpec> models;
  for (const std::string& file : arguments.files) {
    models.push_back(spec::read_model(file, diagnostics));
  }
  diagnostics.throw_if_any();
  for (const spec::ModelSpec& model : models) {
    report.models.push_back(report::make_model(model, arguments.sequence_length));
    report.header.inputs.push_back({.path = model.origin.path, .sha256 = model.origin.sha256});
  }
  write_report(report, arguments.output);
  return kFine;
}

/// Memory of a job, which needs no fabric.
int report_memory(const ModelArguments& arguments) {
  const Inputs inputs = load_inputs({.workload = arguments.workload, .allow_proxy = true});
  if (!inputs.job) {
    const spec::Origin& origin =
        inputs.traffic ? inputs.traffic->traffic.origin : inputs.inference->inference.origin;
    throw spec::InputError({origin.diagnose(
        "phase",
        inputs.traffic ? "traffic has no model and takes no memory of one"
                       : "what inference takes of memory is in the report of 'planewise run'",
        "use a workload of 'phase: training'")});
  }
  const LoadedJob& loaded = *inputs.job;
  report::Report report{.title = fmt::format("{}: memory a GPU", loaded.job.name)};
  report.header = {.version = kPlanewiseVersion, .inputs = input_files(inputs)};
  report.memory = {report::job_memory(loaded.job, loaded.model, loaded.profile)};
  report.header.left_out = {
      "when the parts are largest: each is at its own peak, so that the total is an upper bound; "
      "imbalance of tokens"};
  write_report(report, arguments.output);
  return kFine;
}

int convert_model(const ModelArguments& arguments) {
  spec::Diagnostics diagnostics;
  const spec::HuggingFaceModel read =
      spec::read_hugging_face(arguments.configuration, arguments.conversion, diagnostics);
  diagnostics.throw_if_any();
  write_output(read.yaml, arguments.output.output);
  if (!read.ignored.empty()) {
    fmt::print(stderr, "planewise: warning: {}: not looked at: {}\n",
               printable(arguments.configuration), fmt::join(read.ignored, ", "));
  }
  return kFine;
}

void add_model(CLI::App& app, Action& action) {
  CLI::App* command = add_command(
      app, "model",
      "parameters, KV cache and training FLOPs of models; memory of a job; or convert a model",
      "planewise model models/deepseek_v3.yaml models/llama3.1_405b.yaml\n"
      "  planewise model -w workloads/deepseek_v3_train_2048_h800.yaml\n"
      "  planewise model --from Qwen3-8B/config.json --output models/qwen3_8b.yaml");
  const auto arguments = std::make_shared<ModelArguments>();
  CLI::Option* files =
      command->add_option("MODEL", arguments->files, "the models")->option_text("FILE...");
  CLI::Option* length =
      command->add_option("--sequence-length", arguments->sequence_length, "tokens, for the FLOPs")
          ->check(CLI::Range(std::int64_t{1}, std::int64_t{100'000'000}))
          ->option_text("N [4096]");
  CLI::Option* workload = command
                              ->add_option("-w,--workload", arguments->workload,
                                           "memory a GPU of this job, by pipeline rank, instead")
                              ->excludes(files)
                              ->excludes(length)
                              ->option_text("FILE");
  add_output_options(*command, arguments->output);
  CLI::Option* from = command
                          ->add_option("--from", arguments->configuration,
                                       "Hugging Face configuration to write as a model file")
                          ->excludes(files)
                          ->excludes(length)
                          ->excludes(workload)
                          ->excludes(command->get_option("--format"))
                          ->option_text("CONFIG.JSON");
  command->add_option("--name", arguments->conversion.name, "of the model that --from writes")
      ->needs(from)
      ->option_text("TEXT");
  command->callback([arguments, &action] {
    const bool converts = !arguments->configuration.empty();
    const bool has_job = !arguments->workload.empty();
    if (!converts && !has_job && arguments->files.empty()) {
      throw CLI::RequiredError("MODEL, --workload or --from");
    }
    action = [arguments, converts, has_job] {
      if (has_job) return report_memory(*arguments);
      return converts ? convert_model(*arguments) : report_models(*arguments);
    };
  });
}

void add_check(CLI::App& app, Action& action) {
  CLI::App* command = add_command(app, "check", "validate YAML files and the files that they name",
                                  "planewise check topologies/*.yaml workloads/*.yaml");
  const auto arguments = std::make_shared<Arguments>();
  command->add_option("FILE", arguments->files, "files of any kind")
      ->required()
      ->option_text("FILE...");
  add_output_options(*command, arguments->output);
  command->callback([arguments, &action] {
    action = [arguments] {
      spec::Diagnostics diagnostics;
      report::Report report{.title = "nothing wrong"};
      report.header.version = kPlanewiseVersion;
      for (const std::string& file : arguments->files) {
        report.files.push_back({.path = file, .kind = spec::check_file(file, diagnostics)});
      }
      diagnostics.throw_if_any();
      write_report(report, arguments->output);
      return kFine;
    };
  });
}

void add_graph(CLI::App& app, Action& action) {
  using fabric::ExportForm;
  static const std::map<std::string, ExportForm> forms = {
      {"dot", ExportForm::dot},     {"graphml", ExportForm::graphml}, {"htsim", ExportForm::htsim},
      {"ibsim", ExportForm::ibsim}, {"simgrid", ExportForm::simgrid}, {"svg", ExportForm::svg}};
  CLI::App* command =
      add_command(app, "graph", "a fabric's graph in a form that other tools read",
                  "planewise graph topologies/mrft_256.yaml --as svg --output mrft_256.svg");
  const auto arguments = std::make_shared<Arguments>();
  add_topology(*command, *arguments, "TOPOLOGY");
  command
      ->add_option("--as", arguments->form,
                   "dot or svg (a picture), graphml, or the input of ibsim, htsim or simgrid")
      ->check(CLI::IsMember(&forms))
      ->option_text("FORM [dot]");
  command->add_option("--output", arguments->output.output, "write to FILE, complete or not at all")
      ->option_text("FILE");
  command->callback([arguments, &action] {
    action = [arguments] {
      const Inputs inputs = load_inputs(arguments->paths);
      const spec::TopologySpec& topology = inputs.topologies.front().topology;
      const fabric::Export made =
          fabric::export_as(fabric::lay_out(topology), forms.at(arguments->form));
      if (const auto* refusal = std::get_if<fabric::Refusal>(&made)) {
        throw spec::InputError(
            {topology.origin.diagnose(refusal->key, refusal->reason, refusal->hint)});
      }
      write_output(std::get<std::string>(made), arguments->output.output);
      return kFine;
    };
  });
}

/// True after saying so if the first argument is no command. CLI11 itself only says that one is
/// missing.
bool is_unknown_command(const CLI::App& app, int argc, char** argv) {
  const std::string word = argc > 1 ? argv[1] : "-";
  spec::WordSet names;
  for (const CLI::App* command : app.get_subcommands({})) names.insert(command->get_name());
  if (word.starts_with('-') || names.contains(word)) return false;
  const std::optional<std::string> nearest = spec::nearest_word(word, names);
  fmt::print(stderr, "planewise: no command '{}'{}; the commands are {} (planewise --help)\n", word,
             nearest ? fmt::format("; did you mean '{}'?", *nearest) : "", fmt::join(names, ", "));
  return true;
}

}  // namespace

int run_command_line(int argc, char** argv) {
  CLI::App app{
      "Which network should this GPU cluster have, what does it cost, and how fast will it train?",
      "planewise"};
  app.set_version_flag("--version", kPlanewiseVersion);
  app.require_subcommand(1);
  Action action;
  for (const auto& add : {add_compare, add_cost, add_run, add_explain, add_model, add_check,
                          add_graph, add_validate, add_replay}) {
    add(app, action);
  }
  if (is_unknown_command(app, argc, argv)) return kUsage;
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kFine : kUsage;
  }
  return action();
}

}  // namespace planewise::tools
