#include "calibration/run_command.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <filesystem>

#include "base/text.h"
#include "calibration/cluster_run.h"
#include "calibration/comm/comm_plan.h"
#include "calibration/comm_command.h"
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

/// Of GPU `device`, or the processor. Null after saying why there is none.
std::unique_ptr<Backend> backend_of(const RunArguments& arguments, int device) {
  if (arguments.plan.backend == BackendKind::host) return make_host_backend();
  auto made = make_cuda_backend(device);
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

/// A raw file that a run goes on with.
struct RunFile {
  FolderLock lock;
  std::string path{};
  EnvironmentRecord environment{};
  std::optional<RawFile> before{};
  std::optional<RawWriter> writer{};

  explicit RunFile(const RunArguments& arguments)
      : lock(arguments.folder),
        path((std::filesystem::path(arguments.folder) / "raw.jsonl").string()) {}

  /// Reads what is there, and writes the head of what is not.
  void open(const RunArguments& arguments, EnvironmentRecord record) {
    environment = std::move(record);
    if (arguments.force_new) {
      const std::string aside = move_aside(path);
      if (!aside.empty()) {
        fmt::print(stderr, "{} is kept as {}\n", printable(path), printable(aside));
      }
    }
    before = resumable_file(path, environment);
    writer.emplace(path);
    if (!before) writer->append(to_line(environment));
  }
};

/// Takes what one GPU, or the processor, does by itself and the file lacks.
void measure_alone(const RunArguments& arguments, const Plan& plan, Backend& backend,
                   RunFile& file) {
  RunOptions options{
      .sampling = sampling_options(file.environment.environment.backend, plan.options.is_quick),
      .time = machine_time(),
      .seed = arguments.seed,
      .done = file.before ? rounds_in(*file.before) : std::set<std::pair<std::string, int>>{}};
  const std::size_t done = count_done(plan, options.done);
  if (done > 0) {
    fmt::print(stderr, "{}: going on, {} of {} are there\n", printable(file.path), done,
               plan.measurements.size() * static_cast<std::size_t>(plan.repetitions));
  }
  ProgressBar bar(printable(file.path), done);
  options.progress = [&bar](const RunProgress& progress) { bar.show(progress); };
  run_plan(plan, backend, options, [&file](const std::string& line) { file.writer->append(line); });
}

/// Prints what the file holds now; the exit code.
int tell(const std::string& path, const std::vector<std::string>& cuts) {
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

std::optional<spec::HostsSpec> hosts_of(const RunArguments& arguments) {
  if (arguments.placement.empty()) return std::nullopt;
  spec::Diagnostics diagnostics;
  spec::HostsSpec hosts = spec::read_hosts(arguments.placement, diagnostics);
  diagnostics.throw_if_any();
  return hosts;
}

/// A plan of what fits into the budget; says what it leaves out on rank 0.
Plan plan_for(const RunArguments& arguments, const Backend& backend, const Cluster& cluster,
              std::vector<std::string>& cuts) {
  PlanOptions options = options_of(arguments.plan);
  options.sms = backend.environment().sms;
  options.ranks = cluster.ranks();
  options.ranks_per_node = cluster.ranks_per_node;
  Plan plan = make_plan(model_of(arguments.plan, options), options);
  add_comm_tasks(plan, cluster);
  if (arguments.budget) cuts = cut_to_budget(plan, *arguments.budget);
  return plan;
}

/// One of several ranks.
int run_rank(const RunArguments& arguments, Session& session) {
  const std::unique_ptr<Backend> backend = backend_of(arguments, session.transport.device());
  if (backend == nullptr) throw std::runtime_error("no backend");
  const std::optional<spec::HostsSpec> hosts = hosts_of(arguments);
  std::vector<std::string> cuts;
  const Plan plan = plan_for(arguments, *backend, session.cluster, cuts);
  ClusterRun run{.plan = plan, .hosts = hosts, .backend = *backend, .seed = arguments.seed};
  std::optional<RunFile> file;
  if (session.is_root()) {
    for (const std::string& cut : cuts) fmt::print(stderr, "{}\n", cut);
    const std::string problem = unfitness(backend->telemetry(), arguments.allow_busy);
    if (!problem.empty()) throw std::runtime_error(problem);
    file.emplace(arguments);
    EnvironmentRecord record = environment_record(plan, *backend, arguments.version);
    for (const auto& [name, value] : session.transport.settings()) {
      record.environment.libraries[name] = value;
    }
    record.fingerprint = fingerprint(record.environment);
    file->open(arguments, std::move(record));
    if (file->before) require_cluster(*file->before, cluster_record(session));
    if (!file->before || !file->before->cluster) {
      file->writer->append(to_line(cluster_record(session)));
    }
    run.raw_path = printable(file->path);
    run.environment = file->environment.fingerprint;
    run.before = file->before ? &*file->before : nullptr;
    run.write = [&file](const std::string& line) { file->writer->append(line); };
    measure_alone(arguments, plan, *backend, *file);
  }
  // What one GPU does by itself takes minutes, in which the others wait.
  constexpr double kPatience = 24 * 3600;
  session.store.broadcast("rank 0 is done by itself", kPatience);
  if (!plan.comm.empty()) measure_cluster(session, run);
  return session.is_root() ? tell(file->path, cuts) : kFine;
}

/// Tokens looped back in one GPU's memory; what needs others is said not to be measured.
void measure_loopback(const RunArguments& arguments, const Plan& plan, Backend& backend,
                      RunFile& file) {
  const std::string& fingerprint = file.environment.fingerprint;
  if (!file.before || file.before->not_measured.empty()) {
    for (const NotMeasuredRecord& record : comm_not_measured("one rank", fingerprint)) {
      file.writer->append(to_line(record));
    }
  }
  const World world;
  Store store(world, {});
  std::unique_ptr<Transport> transport;
  if (arguments.plan.backend == BackendKind::host) {
    transport = make_socket_transport(store, {});
  } else {
    auto made = make_nccl_transport(store, arguments.device, {});
    if (auto* nccl = std::get_if<std::unique_ptr<Transport>>(&made)) transport = std::move(*nccl);
  }
  if (transport == nullptr) return;
  const Cluster cluster = planned_cluster(1, 1);
  Session session{.world = world, .store = store, .transport = *transport, .cluster = cluster};
  if (!file.before || !file.before->cluster) {
    file.writer->append(to_line(cluster_record(session)));
  }
  measure_cluster(session,
                  {.plan = plan,
                   .hosts = std::nullopt,
                   .backend = backend,
                   .seed = arguments.seed,
                   .environment = fingerprint,
                   .before = file.before ? &*file.before : nullptr,
                   .write = [&file](const std::string& line) { file.writer->append(line); }});
}

int run_alone(const RunArguments& arguments) {
  // A model that cannot be measured is refused before the machine is looked at.
  model_of(arguments.plan, options_of(arguments.plan));
  const std::unique_ptr<Backend> backend = backend_of(arguments, arguments.device);
  if (backend == nullptr) return kMachine;
  const std::string problem = unfitness(backend->telemetry(), arguments.allow_busy);
  if (!problem.empty()) {
    fmt::print(stderr, "planewise-calibrate: {}\n", problem);
    return kMachine;
  }
  std::vector<std::string> cuts;
  const Plan plan = plan_for(arguments, *backend, planned_cluster(1, 1), cuts);
  for (const std::string& cut : cuts) fmt::print(stderr, "{}\n", cut);
  RunFile file(arguments);
  file.open(arguments, environment_record(plan, *backend, arguments.version));
  measure_alone(arguments, plan, *backend, file);
  if (!plan.comm.empty()) measure_loopback(arguments, plan, *backend, file);
  return tell(file.path, cuts);
}

}  // namespace

int run_plan_command(const PlanArguments& arguments, const OutputOptions& output) {
  const PlanOptions options = options_of(arguments);
  Plan plan = make_plan(model_of(arguments, options), options);
  constexpr int kUsualNode = 8;
  const int node =
      options.ranks_per_node > 0 ? options.ranks_per_node : std::min(kUsualNode, options.ranks);
  if (options.ranks % node != 0) {
    fmt::print(stderr, "planewise-calibrate: {} ranks do not fill nodes of {}\n", options.ranks,
               node);
    return kUsage;
  }
  add_comm_tasks(plan, planned_cluster(options.ranks, node));
  write_output(render(plan_account(plan), output.format), output.output);
  return kFine;
}

int run_run_command(const RunArguments& arguments) {
  if (!is_one_of_several(arguments.ranks)) return run_alone(arguments);
  return run_ranks(arguments.ranks, [&](Session& session) { return run_rank(arguments, session); });
}

}  // namespace planewise::calibration
