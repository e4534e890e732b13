// The subcommands: what they are called with. What they do is in run_command.h and fit_command.h.
#include "calibration/commands.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <git_version.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <functional>
#include <map>
#include <memory>

#include "base/unit_text.h"
#include "calibration/comm_command.h"
#include "calibration/fit_command.h"
#include "calibration/import_command.h"
#include "calibration/run_command.h"
#include "print/program.h"
#include "spec/nearest_word.h"

namespace planewise::calibration {
namespace {

const std::map<std::string, Format> kFormats = {
    {"text", Format::text}, {"json", Format::json}, {"csv", Format::csv}, {"md", Format::md}};
const std::map<std::string, Phase> kPhases = {
    {"train", Phase::train}, {"prefill", Phase::prefill}, {"decode", Phase::decode}};
const std::map<std::string, Part> kParts = {
    {"compute", Part::compute}, {"layer", Part::layer}, {"comm", Part::comm}};
const std::map<std::string, BackendKind> kBackends = {{"cuda", BackendKind::cuda},
                                                      {"host", BackendKind::host}};

/// What runs once the command line is read; returns the exit code.
using Action = std::function<int()>;

std::string version() { return fmt::format("planewise-calibrate of {}", kPlanewiseVersion); }

/// The share that `text` says, such as `10%` or `0.1`; throws CLI::ValidationError.
double share_of(const std::string& option, const std::string& text) {
  double number = -1;
  const bool is_number = parse_number(text.substr(0, text.find_last_not_of(" %") + 1), number);
  const double share = text.ends_with('%') ? number / 100 : number;
  if (!is_number || share <= 0 || share > 10) {
    throw CLI::ValidationError(option + ": write a share above 0, such as 10%");
  }
  return share;
}

/// The time that `text` says: `90s`, `10m`, `1.5h`; throws CLI::ValidationError.
Seconds budget_of(const std::string& text) {
  const std::map<char, Seconds> units = {{'s', seconds(1)}, {'m', seconds(60)}, {'h', hours(1)}};
  const auto unit = units.find(text.empty() ? ' ' : text.back());
  double number = -1;
  const bool is_time =
      unit != units.end() && parse_number(text.substr(0, text.size() - 1), number) && number > 0;
  if (!is_time) throw CLI::ValidationError("--budget: write a time such as 90s, 10m or 1h");
  return unit->second * number;
}

CLI::App* add_command(CLI::App& app, const std::string& name, const std::string& what,
                      const std::string& example) {
  CLI::App* command = app.add_subcommand(name, what);
  command->footer("Example:\n  " + example);
  return command;
}

void add_format_option(CLI::App& command, OutputOptions& options) {
  command
      .add_option_function<std::string>(
          "--format", [&options](const std::string& word) { options.format = kFormats.at(word); },
          "text, json, csv or md")
      ->check(CLI::IsMember(&kFormats))
      ->option_text("FORM [text]");
}

/// Adds --model, --phase, --ep, --quick and --backend.
void add_plan_options(CLI::App& command, PlanArguments& arguments) {
  command.add_option("--model", arguments.model, "whose operators, at its sizes")
      ->option_text("FILE [models/deepseek_v3.yaml]");
  command
      .add_option_function<std::string>(
          "--phase",
          [&arguments](const std::string& word) { arguments.options.phase = kPhases.at(word); },
          "train, prefill or decode: how many rows the operators have")
      ->check(CLI::IsMember(&kPhases))
      ->option_text("PHASE [train]");
  command.add_option("--ep", arguments.options.expert_ranks, "ranks that share the experts")
      ->check(CLI::Range(1, 1'000'000))
      ->option_text("N [64]");
  command.add_flag("--quick", arguments.options.is_quick, "fewer sizes, rounds and samples");
  command
      .add_option_function<std::string>(
          "--backend",
          [&arguments](const std::string& word) { arguments.backend = kBackends.at(word); },
          "cuda, or host: small sizes on the processor")
      ->check(CLI::IsMember(&kBackends))
      ->option_text("BACKEND [cuda]");
}

void add_only_option(CLI::App& command, PlanArguments& arguments) {
  command
      .add_option_function<std::string>(
          "--only",
          [&arguments](const std::string& word) { arguments.options.part = kParts.at(word); },
          "compute: operators by themselves; layer: the whole MoE layer and its operators; comm: "
          "what ranks do together")
      ->check(CLI::IsMember(&kParts))
      ->option_text("PART [all]");
}

/// Adds --spawn, --node-size, --timeout and --start-timeout.
void add_rank_options(CLI::App& command, RankOptions& ranks) {
  command.add_option("--spawn", ranks.spawn, "start N ranks on this host, one a GPU")
      ->check(CLI::Range(1, 1024))
      ->option_text("N [what torchrun, mpirun or srun started]");
  command
      .add_option("--node-size", ranks.node_size,
                  "pretend that N ranks of a host are a node, to try two hops on one machine")
      ->check(CLI::Range(1, 1024))
      ->option_text("N");
  command.add_option("--timeout", ranks.timeout, "seconds until a rank that is silent stops all")
      ->check(CLI::Range(1.0, 86400.0))
      ->option_text("S [60]");
  command
      .add_option("--start-timeout", ranks.start_timeout, "seconds until all ranks must be there")
      ->check(CLI::Range(1.0, 86400.0))
      ->option_text("S [60]");
}

void add_plan(CLI::App& app, Action& action) {
  CLI::App* command = add_command(
      app, "plan", "what a run would measure, and about how long it takes; needs no GPU",
      "planewise-calibrate plan --model models/deepseek_v3.yaml --phase train --ep 64\n"
      "  planewise-calibrate plan --phase decode --ep 144 --quick --format csv");
  struct Arguments {
    PlanArguments plan{};
    OutputOptions output{};
  };
  const auto arguments = std::make_shared<Arguments>();
  add_plan_options(*command, arguments->plan);
  add_only_option(*command, arguments->plan);
  command->add_option("--ranks", arguments->plan.options.ranks, "that would measure together")
      ->check(CLI::Range(1, 1'000'000))
      ->option_text("N [1]");
  command
      ->add_option("--ranks-per-node", arguments->plan.options.ranks_per_node, "of them on a node")
      ->check(CLI::Range(1, 1024))
      ->option_text("N [8, or all]");
  add_format_option(*command, arguments->output);
  command->add_option("--output", arguments->output.output, "write to FILE, complete or not at all")
      ->option_text("FILE");
  command->callback([arguments, &action] {
    action = [arguments] { return run_plan_command(arguments->plan, arguments->output); };
  });
}

void add_run(CLI::App& app, Action& action) {
  CLI::App* command = add_command(
      app, "run", "measure this machine into DIR/raw.jsonl; again, to go on where it stopped",
      "planewise-calibrate run --out h200\n"
      "  planewise-calibrate run --out h200 --only compute --budget 10m\n"
      "  srun --ntasks-per-node=8 planewise-calibrate run --out cluster --placement hosts.yaml\n"
      "  planewise-calibrate run --backend host --quick --out try\n"
      "  planewise-calibrate run --backend host --only comm --spawn 4 --out loopback");
  const auto arguments = std::make_shared<RunArguments>();
  arguments->version = version();
  add_plan_options(*command, arguments->plan);
  command->add_option("--out", arguments->folder, "where raw.jsonl is, or will be")
      ->required()
      ->option_text("DIR");
  add_only_option(*command, arguments->plan);
  add_rank_options(*command, arguments->ranks);
  command->add_option("--placement", arguments->placement, "a list of hosts, for paths over leaves")
      ->option_text("FILE");
  command
      ->add_option_function<std::string>(
          "--budget", [arguments](const std::string& text) { arguments->budget = budget_of(text); },
          "drop rounds, then sizes, until it takes about so long")
      ->option_text("TIME");
  command->add_option("--device", arguments->device, "which GPU")
      ->check(CLI::Range(0, 1023))
      ->option_text("N [0]");
  command->add_option("--seed", arguments->seed, "of all inputs")->option_text("N [1]");
  command->add_flag("--force-new", arguments->force_new,
                    "keep an old raw.jsonl as raw.jsonl.1 and begin anew");
  command->add_flag("--allow-busy", arguments->allow_busy,
                    "although other processes compute on the GPU");
  command->callback([arguments, &action] {
    arguments->ranks.backend = arguments->plan.backend;
    action = [arguments] { return run_run_command(*arguments); };
  });
}

/// What several options have in common: words for values of an enumeration, several with commas.
template <class Enumeration>
std::vector<Enumeration> values_of(const std::string& option, const std::string& text,
                                   const std::vector<std::string>& words) {
  std::vector<Enumeration> values;
  for (const std::string& word : CLI::detail::split(text, ',')) {
    const auto found = std::find(words.begin(), words.end(), word);
    if (found == words.end()) {
      throw CLI::ValidationError(
          fmt::format("{}: '{}' is none of {}", option, word, fmt::join(words, ", ")));
    }
    values.push_back(static_cast<Enumeration>(found - words.begin()));
  }
  return values;
}

/// `4`, `1K`, `64M`, `2G`, as nccl-tests take them: powers of 1024. Throws CLI::ValidationError.
Bytes size_of(const std::string& option, std::string text) {
  const std::map<char, double> units = {
      {'K', 1024.0}, {'M', 1024.0 * 1024}, {'G', 1024.0 * 1024 * 1024}};
  double unit = 1;
  if (!text.empty() && units.contains(static_cast<char>(std::toupper(text.back())))) {
    unit = units.at(static_cast<char>(std::toupper(text.back())));
    text.pop_back();
  }
  double number = -1;
  if (!parse_number(text, number) || number <= 0) {
    throw CLI::ValidationError(option + ": write a size such as 4, 1K, 64M or 2G");
  }
  return bytes(number * unit);
}

void add_backend_option(CLI::App& command, BackendKind& backend, const std::string& what) {
  command
      .add_option_function<std::string>(
          "--backend", [&backend](const std::string& word) { backend = kBackends.at(word); }, what)
      ->check(CLI::IsMember(&kBackends))
      ->option_text("BACKEND [cuda]");
}

void add_size_options(CLI::App& command, SweepOptions& sweep) {
  const auto add = [&](const std::string& name, Bytes& size, const std::string& what,
                       const std::string& text) {
    command
        .add_option_function<std::string>(
            name, [&size, name](const std::string& word) { size = size_of(name, word); }, what)
        ->option_text(text);
  };
  add("-b,--minbytes", sweep.least, "the smallest size", "SIZE [1K]");
  add("-e,--maxbytes", sweep.most, "the largest size", "SIZE [1M]");
  add("-i,--stepbytes", sweep.step, "sizes grow by this, not by a factor", "SIZE");
  command.add_option("-f,--stepfactor", sweep.factor, "sizes grow by this factor")
      ->check(CLI::Range(1.0, 1e6))
      ->option_text("F [2]");
  command.add_flag("--unaligned", sweep.is_unaligned,
                   "sizes as they are, not down to 256 B a rank");
  command
      .add_option_function<std::string>(
          "-d,--datatype",
          [&sweep](const std::string& word) {
            if (!element_of(word)) {
              throw CLI::ValidationError(
                  fmt::format("-d: '{}' is none of {}", word, fmt::join(element_words(), ", ")));
            }
            sweep.datatype = word;
          },
          "of the elements, in nccl-tests' words")
      ->option_text("TYPE [float]");
}

void add_sweep_options(CLI::App& command, SweepOptions& sweep) {
  add_size_options(command, sweep);
  command
      .add_option_function<std::string>(
          "--operation",
          [&sweep](const std::string& text) {
            sweep.operations = values_of<Operation>("--operation", text, spec::operation_words());
          },
          fmt::format("some of {}", fmt::join(spec::operation_words(), ", ")))
      ->option_text("LIST [all_to_all]");
  command
      .add_option_function<std::string>(
          "--group",
          [&sweep](const std::string& text) {
            sweep.groups = values_of<GroupKind>("--group", text, spec::group_words());
          },
          "some of node, rail, expert, pipeline, world")
      ->option_text("LIST [world]");
  command
      .add_option_function<std::string>(
          "--cadence",
          [&sweep](const std::string& text) {
            sweep.cadences = values_of<Cadence>("--cadence", text, spec::cadence_words());
          },
          "isolated: a barrier before each; streaming: back to back, as nccl-tests")
      ->option_text("LIST [streaming,isolated]");
  command.add_option("--ep", sweep.expert_ranks, "ranks of an expert group")
      ->check(CLI::Range(1, 1'000'000))
      ->option_text("N [8]");
}

/// nccl-tests' flags that have one value here only, so that its command lines work.
void add_other_nccl_flags(CLI::App& command) {
  command
      .add_option_function<int>(
          "-g,--ngpus",
          [](int gpus) {
            if (gpus != 1) {
              throw CLI::ValidationError(
                  fmt::format("-g: a rank has one GPU; start {} with --spawn {}", gpus, gpus));
            }
          },
          "GPUs of a rank: 1")
      ->option_text("1");
  command
      .add_option_function<int>(
          "-G,--cudagraph",
          [](int launches) {
            if (launches != 0) {
              throw CLI::ValidationError("-G: operations are launched one by one here: 0");
            }
          },
          "launches of a CUDA graph: 0")
      ->option_text("0");
}

void add_comm(CLI::App& app, Action& action) {
  CLI::App* command = add_command(
      app, "comm", "collectives between ranks, with nccl-tests' flags and columns",
      "planewise-calibrate comm --spawn 8 -b 1K -e 1G -f 2\n"
      "  srun --ntasks-per-node=8 planewise-calibrate comm --group node,rail,world -e 1G\n"
      "  torchrun --no-python --nproc-per-node=8 planewise-calibrate comm --operation "
      "dispatch,combine\n"
      "  planewise-calibrate comm --backend host --spawn 4 -b 1K -e 1M -f 2");
  const auto arguments = std::make_shared<CommArguments>();
  arguments->version = version();
  add_sweep_options(*command, arguments->sweep);
  command->add_option("-n,--iters", arguments->sampling.iterations, "that are timed")
      ->check(CLI::Range(1, 1'000'000))
      ->option_text("N [20]");
  command->add_option("-w,--warmup_iters", arguments->sampling.warm_up, "that are not")
      ->check(CLI::Range(0, 1'000'000))
      ->option_text("N [5]");
  command->add_option("-c,--check", arguments->sampling.is_checked, "results before times: 1 or 0")
      ->option_text("1|0 [1]");
  add_other_nccl_flags(*command);
  command
      ->add_option("-J,--output_file", arguments->json,
                   "all points as JSON, complete or not at all")
      ->option_text("FILE");
  command->add_option("--out", arguments->folder, "add all points to DIR/raw.jsonl, for fit")
      ->option_text("DIR");
  command->add_option("--model", arguments->model, "of dispatch and combine: whose tokens")
      ->option_text("FILE [models/deepseek_v3.yaml]");
  command->add_option("--tokens", arguments->tokens, "of dispatch and combine: of a rank")
      ->delimiter(',')
      ->check(CLI::Range(1, 10'000'000))
      ->option_text("LIST [128,4096]");
  add_backend_option(*command, arguments->ranks.backend, "cuda (NCCL), or host: sockets");
  add_rank_options(*command, arguments->ranks);
  command->add_option("--seed", arguments->sampling.seed, "of all inputs")->option_text("N [1]");
  command->callback(
      [arguments, &action] { action = [arguments] { return run_comm_command(*arguments); }; });
}

CLI::Option* add_profile_output(CLI::App& command, std::string& path) {
  return command.add_option("-o,--output", path, "the profile to write, complete or not at all")
      ->required()
      ->option_text("PROFILE");
}

void add_error_option(CLI::App& command, double& most) {
  command
      .add_option_function<std::string>(
          "--max-error", [&most](const std::string& text) { most = share_of("--max-error", text); },
          "exit with 4 if the 90th percentile of errors at points held out is above")
      ->option_text("SHARE [10%]");
}

void add_fit(CLI::App& app, Action& action) {
  CLI::App* command = add_command(app, "fit", "a raw file as the profile that planewise reads",
                                  "planewise-calibrate fit h200/raw.jsonl -o h200.yaml");
  struct Arguments {
    FitArguments fit{};
    OutputOptions output{};
  };
  const auto arguments = std::make_shared<Arguments>();
  arguments->fit.version = version();
  command->add_option("RAW", arguments->fit.raw, "what `run` wrote")
      ->required()
      ->option_text("FILE");
  add_profile_output(*command, arguments->fit.profile);
  command
      ->add_option("-t,--topology", arguments->fit.topology,
                   "count efficiencies of collectives against this fabric's links")
      ->option_text("FILE [as the ranks found them]");
  command->add_option("--name", arguments->fit.name, "of the profile")
      ->option_text("NAME [from the raw file]");
  add_error_option(*command, arguments->fit.error_most);
  add_format_option(*command, arguments->output);
  command->callback([arguments, &action] {
    action = [arguments] { return run_fit_command(arguments->fit, arguments->output); };
  });
}

void add_check(CLI::App& app, Action& action) {
  CLI::App* command = add_command(
      app, "check", "what a profile holds, what to beware of, and where it differs from another",
      "planewise-calibrate check h200.yaml --against calibration/profiles/h200_published.yaml");
  struct Arguments {
    CheckArguments check{};
    OutputOptions output{};
  };
  const auto arguments = std::make_shared<Arguments>();
  command->add_option("PROFILE", arguments->check.profile, "the profile")
      ->required()
      ->option_text("FILE");
  command->add_option("--against", arguments->check.against, "a profile to compare rates with")
      ->option_text("FILE");
  add_error_option(*command, arguments->check.error_most);
  add_format_option(*command, arguments->output);
  command->callback([arguments, &action] {
    action = [arguments] { return run_check_command(arguments->check, arguments->output); };
  });
}

void add_merge(CLI::App& app, Action& action) {
  CLI::App* command = add_command(
      app, "merge", "one profile with what it lacks from others of the same GPU",
      "planewise-calibrate merge h200.yaml calibration/profiles/h200_published.yaml -o both.yaml");
  struct Arguments {
    MergeArguments merge{};
    OutputOptions output{};
  };
  const auto arguments = std::make_shared<Arguments>();
  arguments->merge.version = version();
  command->add_option("FIRST", arguments->merge.first, "the profile that wins")
      ->required()
      ->option_text("FILE");
  command->add_option("OTHER", arguments->merge.others, "profiles to take from, in order")
      ->required()
      ->option_text("FILE...");
  add_profile_output(*command, arguments->merge.profile);
  add_format_option(*command, arguments->output);
  command->callback([arguments, &action] {
    action = [arguments] { return run_merge_command(arguments->merge, arguments->output); };
  });
}

void add_import(CLI::App& app, Action& action) {
  CLI::App* command =
      add_command(app, "import", "logs of nccl-tests and of DeepEP's tests as raw points",
                  "planewise-calibrate import nccl-tests alltoall.log -o alltoall.jsonl\n"
                  "  planewise-calibrate import deepep internode.log --ranks 32 -o deepep.jsonl");
  struct Arguments {
    ImportArguments import{};
    OutputOptions output{};
  };
  const auto arguments = std::make_shared<Arguments>();
  ImportOptions& options = arguments->import.options;
  options.version = version();
  command->add_option("KIND", arguments->import.kind, "nccl-tests or deepep")
      ->required()
      ->check(CLI::IsMember({"nccl-tests", "deepep"}))
      ->option_text("KIND");
  command->add_option("LOG", arguments->import.log, "what it printed, or nccl-tests' -J file")
      ->required()
      ->option_text("FILE");
  command->add_option("-o,--output", arguments->import.raw, "the raw file to write")
      ->required()
      ->option_text("RAW");
  command
      ->add_option_function<std::string>(
          "--operation",
          [&options](const std::string& text) {
            options.operation =
                values_of<Operation>("--operation", text, spec::operation_words()).front();
          },
          "of nccl-tests before 2.17, whose logs do not say it")
      ->option_text("OPERATION");
  command->add_option("--ranks", options.ranks, "if the log does not say it")->option_text("N");
  command->add_option("--ranks-per-node", options.ranks_per_node, "the same")->option_text("N [8]");
  command->add_option("--tokens", options.tokens, "of a rank, of DeepEP's tests")
      ->option_text("N [4096, of low latency by the rate]");
  command->add_option("--hidden", options.hidden, "the same")->option_text("N [7168]");
  command->add_option("--experts", options.experts, "the same")->option_text("N [256]");
  command->add_option("--experts-per-token", options.experts_per_token, "the same")
      ->option_text("N [8]");
  add_format_option(*command, arguments->output);
  command->callback([arguments, &action] {
    action = [arguments] { return run_import_command(arguments->import, arguments->output); };
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
  fmt::print(stderr, "planewise-calibrate: no command '{}'{}; the commands are {}\n", word,
             nearest ? fmt::format("; did you mean '{}'?", *nearest) : "", fmt::join(names, ", "));
  return true;
}

}  // namespace

int run_command_line(int argc, char** argv) {
  CLI::App app{"Measures this machine's operators and fits the profile that planewise reads.",
               "planewise-calibrate"};
  app.footer(
      "Example:\n  planewise-calibrate run --out h200\n"
      "  planewise-calibrate fit h200/raw.jsonl -o h200.yaml\n"
      "  planewise-calibrate check h200.yaml");
  app.set_version_flag("--version", version());
  app.require_subcommand(1);
  Action action;
  for (const auto& add : {add_plan, add_run, add_comm, add_fit, add_check, add_merge, add_import})
    add(app, action);
  if (is_unknown_command(app, argc, argv)) return kUsage;
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kFine : kUsage;
  }
  return action();
}

}  // namespace planewise::calibration
