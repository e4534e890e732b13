#include "calibration/run_command.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <filesystem>

#include "base/text.h"
#include "calibration/measure/budget.h"
#include "calibration/measure/run_folder.h"
#include "calibration/progress_bar.h"
#include "calibration/raw/raw_file.h"
#include "calibration/report/plan_report.h"
#include "calibration/report/run_report.h"
#include "print/output_file.h"
#include "print/program.h"
#include "spec/read.h"

namespace planewise::calibration {
namespace {

/// NVML's hw_slowdown, hw_thermal_slowdown and hw_power_brake: the hardware runs at half of its
/// clocks or less.
constexpr std::uint64_t kSlowedByHardware = 0x8 | 0x40 | 0x80;

PlanOptions options_of(const PlanArguments& arguments) {
  PlanOptions options = arguments.options;
  options.is_host = arguments.backend == BackendKind::host;
  return options;
}

/// A model that a plan can be made for under `options`.
spec::ModelSpec model_of(const PlanArguments& arguments, const PlanOptions& options) {
  spec::Diagnostics diagnostics;
  spec::ModelSpec model = spec::read_model(arguments.model, diagnostics);
  diagnostics.throw_if_any();
  const std::string problem = plan_problem(model, options);
  if (!problem.empty()) throw spec::InputError({model.origin.diagnose("", problem)});
  return model;
}

/// Null after saying why there is none.
std::unique_ptr<Backend> backend_of(const RunArguments& arguments) {
  if (arguments.plan.backend == BackendKind::host) return make_host_backend();
  auto made = make_cuda_backend(arguments.device);
  if (auto* backend = std::get_if<std::unique_ptr<Backend>>(&made)) return std::move(*backend);
  const std::string reason = std::get<NotMeasured>(made).reason;
  fmt::print(stderr, "planewise-calibrate: {}; --backend host measures the processor\n",
             reason.starts_with("no GPU") ? reason : "no GPU: " + reason);
  return nullptr;
}

/// Why no time that is taken now would be worth anything; empty if nothing is known against it.
std::string unfitness(const Telemetry& state, bool allow_busy) {
  if (state.other_processes > 0 && !allow_busy) {
    return fmt::format(
        "GPU busy: {} other {} on it; wait, or measure all the same with "
        "--allow-busy (every point will say so)",
        state.other_processes,
        state.other_processes == 1 ? "process computes" : "processes compute");
  }
  const std::uint64_t slowed = state.throttle_reasons & kSlowedByHardware;
  if (slowed == 0) return "";
  return fmt::format(
      "GPU throttled before anything ran: {}, at {} C and {:.0f} W; look after its "
      "cooling and power first",
      fmt::join(throttle_names(slowed), ", "), state.temperature_c, state.power_w);
}

EnvironmentRecord environment_record(const Plan& plan, const Backend& backend,
                                     const std::string& version) {
  EnvironmentRecord record{.environment = backend.environment(),
                           .fingerprint = fingerprint(backend.environment()),
                           .model = plan.model,
                           .sizes = plan.sizes};
  record.environment.tool = version;
  const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  record.created = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(now));
  return record;
}

/// Which rounds of the plan's measurements a file has.
std::set<std::pair<std::string, int>> rounds_in(const RawFile& file) {
  std::set<std::pair<std::string, int>> done;
  for (const PointRecord& point : file.points) done.insert({point.key, point.repetition});
  for (const NotMeasuredRecord& record : file.not_measured) done.insert({record.key, kNoRound});
  return done;
}

std::size_t count_done(const Plan& plan, const std::set<std::pair<std::string, int>>& done) {
  std::size_t count = 0;
  for (const Measurement& measurement : plan.measurements) {
    for (int round = 1; round <= plan.repetitions; ++round) {
      count += done.contains({key_of(measurement), round}) ? 1 : 0;
    }
  }
  return count;
}

/// Takes what the file lacks.
RunSummary measure(const RunArguments& arguments, const Plan& plan, Backend& backend,
                   const std::string& path) {
  const EnvironmentRecord environment = environment_record(plan, backend, arguments.version);
  if (arguments.force_new) {
    const std::string aside = move_aside(path);
    if (!aside.empty()) fmt::print(stderr, "{} is kept as {}\n", printable(path), printable(aside));
  }
  const std::optional<RawFile> before = resumable_file(path, environment);
  RunOptions options{
      .sampling = sampling_options(environment.environment.backend, plan.options.is_quick),
      .time = machine_time(),
      .seed = arguments.seed,
      .done = before ? rounds_in(*before) : std::set<std::pair<std::string, int>>{}};
  RawWriter writer(path);
  if (!before) writer.append(to_line(environment));
  const std::size_t done = count_done(plan, options.done);
  if (done > 0) {
    fmt::print(stderr, "{}: going on, {} of {} are there\n", printable(path), done,
               plan.measurements.size() * static_cast<std::size_t>(plan.repetitions));
  }
  ProgressBar bar(printable(path), done);
  options.progress = [&bar](const RunProgress& progress) { bar.show(progress); };
  return run_plan(plan, backend, options,
                  [&writer](const std::string& line) { writer.append(line); });
}

}  // namespace

int run_plan_command(const PlanArguments& arguments, const OutputOptions& output) {
  const PlanOptions options = options_of(arguments);
  const Plan plan = make_plan(model_of(arguments, options), options);
  write_output(render(plan_account(plan), output.format), output.output);
  return kFine;
}

int run_run_command(const RunArguments& arguments) {
  PlanOptions options = options_of(arguments.plan);
  const spec::ModelSpec model = model_of(arguments.plan, options);
  const std::unique_ptr<Backend> backend = backend_of(arguments);
  if (backend == nullptr) return kMachine;
  options.sms = backend->environment().sms;
  Plan plan = make_plan(model, options);
  const std::string problem = unfitness(backend->telemetry(), arguments.allow_busy);
  if (!problem.empty()) {
    fmt::print(stderr, "planewise-calibrate: {}\n", problem);
    return kMachine;
  }
  std::vector<std::string> cuts;
  if (arguments.budget) cuts = cut_to_budget(plan, *arguments.budget);
  for (const std::string& cut : cuts) fmt::print(stderr, "{}\n", cut);
  const FolderLock lock(arguments.folder);
  const std::string path = (std::filesystem::path(arguments.folder) / "raw.jsonl").string();
  measure(arguments, plan, *backend, path);

  spec::Diagnostics diagnostics;
  const RawFile raw = read_raw(path, diagnostics);
  diagnostics.throw_if_any();
  Account account = run_account(raw);
  account.notes.insert(account.notes.end(), cuts.begin(), cuts.end());
  const bool has_failed = has_failed_check(raw);
  if (has_failed) {
    account.notes.emplace_back("a check of results FAILED: what it was of has no times");
  }
  account.notes.push_back(fmt::format("next: planewise-calibrate fit {} -o profile.yaml", path));
  write_output(render(account, Format::text), "");
  return has_failed ? kCorrectness : kFine;
}

}  // namespace planewise::calibration
