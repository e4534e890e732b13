#include "calibration/comm_command.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>

#include "calibration/measure/run_folder.h"
#include "calibration/raw/raw_file.h"
#include "calibration/report/comm_report.h"
#include "calibration/report/token_report.h"
#include "print/interrupts.h"
#include "print/output_file.h"
#include "print/program.h"
#include "spec/read.h"

namespace planewise::calibration {
namespace {

/// The nearest rate of all ranks' own; the least, as the slowest one bounds the others.
Rate least_rate(const Cluster& cluster, Rate RankPlace::*rate) {
  Rate least = cluster.places.front().*rate;
  for (const RankPlace& place : cluster.places) least = std::min(least, place.*rate);
  return least;
}

/// A raw file that the points go to as they come; none if nobody asked for one.
class RawOutput {
 public:
  RawOutput(const CommArguments& arguments, const Session& session) {
    if (arguments.folder.empty() || !session.is_root()) return;
    environment_ = comm_environment(arguments.ranks, session, arguments.version);
    lock_.emplace(arguments.folder);
    const std::string path = (std::filesystem::path(arguments.folder) / "raw.jsonl").string();
    before_ = resumable_file(path, environment_);
    if (before_) require_cluster(*before_, cluster_record(session));
    writer_.emplace(path);
    if (!before_) writer_->append(to_line(environment_));
    if (!before_ || !before_->cluster) writer_->append(to_line(cluster_record(session)));
  }

  void take(CommPointRecord record) {
    if (!writer_) return;
    record.environment = environment_.fingerprint;
    // A point that is there already is a further round of it.
    if (before_) {
      for (const CommPointRecord& other : before_->comm_points) {
        if (other.key == record.key)
          record.repetition = std::max(record.repetition, other.repetition + 1);
      }
    }
    writer_->append(to_line(record));
  }

 private:
  EnvironmentRecord environment_{};
  std::optional<FolderLock> lock_{};
  std::optional<RawFile> before_{};
  std::optional<RawWriter> writer_{};
};

/// One call of `comm` on one rank.
class CommCall {
 public:
  CommCall(const CommArguments& arguments, Session& session)
      : arguments_(arguments),
        session_(session),
        raw_(arguments, session),
        runner_(session.store, session.transport, session.cluster, arguments.sweep.expert_ranks) {
    if (session.is_root()) interrupts_.emplace();
  }

  int run() {
    const std::vector<CommTask> tasks = all_tasks();
    skew_ = runner_.measure_skew(kSkewIterations);
    for (const CommTask& task : tasks) {
      if (interrupts_ && interrupts_->interrupted()) {
        throw Interrupted(fmt::format("interrupted; {} of {} points are done{}", records_.size(),
                                      tasks.size() * arguments_.sweep.cadences.size(),
                                      arguments_.folder.empty() ? "" : " and in the raw file"));
      }
      std::vector<CommPointRecord> records = runner_.measure(task, arguments_.sampling);
      if (!session_.is_root()) continue;
      for (CommPointRecord& record : records) record.skew = skew_.skew;
      show(task, records);
      for (CommPointRecord& record : records) {
        raw_.take(record);
        records_.push_back(std::move(record));
      }
    }
    if (!session_.is_root()) return kFine;
    end_table();
    if (!arguments_.json.empty()) {
      write_output(comm_json(cluster_record(session_), records_), arguments_.json);
    }
    const bool is_wrong = std::any_of(records_.begin(), records_.end(),
                                      [](const CommPointRecord& r) { return r.check_failed; });
    return is_wrong ? kCorrectness : kFine;
  }

 private:
  static constexpr int kSkewIterations = 20;

  std::vector<CommTask> all_tasks() {
    SweepOptions sweep = arguments_.sweep;
    for (const GroupKind kind : sweep.groups) {
      const std::string problem = group_problem(session_.cluster, kind, sweep.expert_ranks);
      if (problem.empty() || !session_.is_root() || session_.cluster.ranks() == 1) continue;
      fmt::print(stderr, "group {} is left out: {}\n", to_string(kind), problem);
    }
    std::vector<CommTask> tasks = sweep_tasks(session_.cluster, sweep);
    const auto& operations = arguments_.sweep.operations;
    if (!std::any_of(operations.begin(), operations.end(), carries_tokens)) return tasks;
    for (const CommTask& task : token_tasks(session_.cluster, token_sweep())) {
      const bool is_asked =
          std::find(operations.begin(), operations.end(), task.point.operation) != operations.end();
      if (is_asked) tasks.push_back(task);
    }
    return tasks;
  }

  TokenSweep token_sweep() const {
    spec::Diagnostics diagnostics;
    const spec::ModelSpec model = spec::read_model(arguments_.model, diagnostics);
    diagnostics.throw_if_any();
    const PlanOptions options{.expert_ranks = arguments_.sweep.expert_ranks,
                              .is_host = arguments_.ranks.backend == BackendKind::host};
    const std::string problem = plan_problem(model, options);
    if (!problem.empty()) throw spec::InputError({model.origin.diagnose("", problem)});
    return {.expert_ranks = arguments_.sweep.expert_ranks,
            .sizes = make_plan(model, options).sizes,
            .tokens = arguments_.tokens};
  }

  void show(const CommTask& task, const std::vector<CommPointRecord>& records) {
    const bool is_same_table = !table_.empty() &&
                               table_.front().point.operation == task.point.operation &&
                               table_.front().point.group == task.point.group;
    const bool has_tokens = carries_tokens(task.point.operation);
    const bool goes_on = is_same_table || (has_tokens && !table_.empty() &&
                                           carries_tokens(table_.front().point.operation));
    if (!goes_on) {
      end_table();
      fmt::print("{}", has_tokens
                           ? token_heading(cluster_record(session_), task.point)
                           : comm_heading(cluster_record(session_), task.point, task.cadences));
    }
    fmt::print("{}", has_tokens ? token_line(records.front()) : comm_line(records));
    std::fflush(stdout);
    table_.insert(table_.end(), records.begin(), records.end());
  }

  void end_table() {
    if (table_.empty()) return;
    fmt::print("{}", comm_footing(table_, runner_.cost(), skew_));
    table_.clear();
  }

  const CommArguments& arguments_;
  Session& session_;
  RawOutput raw_;
  CommRunner runner_;
  std::optional<InterruptScope> interrupts_{};  ///< Of rank 0.
  RankSkew skew_{};
  std::vector<CommPointRecord> table_{};  ///< Of the table that is being printed.
  std::vector<CommPointRecord> records_{};
};

}  // namespace

EnvironmentRecord comm_environment(const RankOptions& options, const Session& session,
                                   const std::string& version) {
  EnvironmentRecord record;
  if (options.backend == BackendKind::host) {
    record.environment = make_host_backend()->environment();
  } else {
    auto made = make_cuda_backend(session.transport.device());
    if (const auto* problem = std::get_if<NotMeasured>(&made)) {
      throw std::runtime_error(problem->reason);
    }
    record.environment = std::get<std::unique_ptr<Backend>>(made)->environment();
  }
  for (const auto& [name, value] : session.transport.settings()) {
    record.environment.libraries[name] = value;
  }
  record.environment.tool = version;
  record.fingerprint = fingerprint(record.environment);
  const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  record.created = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(now));
  return record;
}

ClusterRecord cluster_record(const Session& session) {
  const Cluster& cluster = session.cluster;
  ClusterRecord record{.ranks = cluster.ranks(),
                       .ranks_per_node = cluster.ranks_per_node,
                       .launcher = session.world.launcher,
                       .transport = session.transport.name(),
                       .rail = least_rate(cluster, &RankPlace::nic_rate),
                       .nvlink = least_rate(cluster, &RankPlace::nvlink_rate)};
  if (record.rail > Rate{}) record.rail_source = "the kernel's rate of the NIC's port";
  if (record.nvlink > Rate{}) record.nvlink_source = "NVML, all NVLinks that are up";
  for (int node = 0; node < cluster.nodes; ++node) {
    const int rank = cluster.order[static_cast<std::size_t>(node * cluster.ranks_per_node)];
    record.hosts.push_back(cluster.places[static_cast<std::size_t>(rank)].host);
  }
  return record;
}

int run_comm_command(const CommArguments& arguments) {
  return run_ranks(arguments.ranks,
                   [&](Session& session) { return CommCall(arguments, session).run(); });
}

}  // namespace planewise::calibration
