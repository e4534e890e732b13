#include "calibration/cluster_run.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "calibration/comm/comm_run.h"
#include "calibration/comm/pairs.h"
#include "calibration/progress_bar.h"
#include "calibration/raw/raw_file.h"
#include "calibration/report/pair_report.h"

namespace planewise::calibration {
namespace {

/// Raw files do not hold more pairs than those of so many ranks.
constexpr int kPairRanksMost = 64;

/// Keys and rounds in a file.
std::set<std::pair<std::string, int>> rounds_in(const RawFile* file) {
  std::set<std::pair<std::string, int>> done;
  if (file == nullptr) return done;
  for (const CommPointRecord& record : file->comm_points) {
    done.insert({record.key, record.repetition});
  }
  return done;
}

CommSampling sampling_of(const Plan& plan, std::uint64_t seed) {
  if (plan.options.is_host) {
    return {.iterations = plan.options.is_quick ? 5 : 10,
            .warm_up = 2,
            .most = milliseconds(plan.options.is_quick ? 30 : 100),
            .iterations_least = 3,
            .blocks = 2,
            .seed = seed};
  }
  return {.iterations = plan.options.is_quick ? 20 : 100,
          .warm_up = 5,
          .most = milliseconds(plan.options.is_quick ? 100 : 300),
          .iterations_least = 10,
          .blocks = 3,
          .seed = seed};
}

/// Pairs as points: what rates of links can be read from.
std::vector<CommPointRecord> pair_records(const std::vector<PairTime>& pairs,
                                          const PairOptions& options, const Cluster& cluster,
                                          const std::string& implementation) {
  std::vector<CommPointRecord> records;
  if (cluster.ranks() > kPairRanksMost) return records;
  for (const PairTime& pair : pairs) {
    for (const bool is_large : {false, true}) {
      CommPoint point{.operation = Operation::send,
                      .group = GroupKind::pair,
                      .ranks = 2,
                      .nodes = pair.path == PathClass::nvlink ? 1 : 2,
                      .size = is_large ? options.large : options.small,
                      .members = {pair.a, pair.b}};
      CommPointRecord record{.point = point, .implementation = implementation, .wrong = -1};
      record.key = key_of(point);
      record.times = {is_large ? options.large / pair.rate : pair.latency};
      records.push_back(std::move(record));
    }
  }
  return records;
}

class Measuring {
 public:
  Measuring(Session& session, const ClusterRun& run)
      : session_(session),
        run_(run),
        done_(rounds_in(run.before)),
        runner_(session.store, session.transport, session.cluster,
                expert_ranks_of(run.plan, session.cluster)) {}

  void pairs() {
    PairOptions options;
    if (run_.plan.options.is_host) options.large = bytes(1 << 18);
    const std::vector<PairTime> pairs =
        measure_pairs(session_.store, session_.transport, session_.cluster,
                      run_.hosts ? &*run_.hosts : nullptr, options);
    if (!session_.is_root() || pairs.empty()) return;
    fmt::print(stderr, "{}", pair_text(pairs, session_.cluster));
    for (CommPointRecord& record :
         pair_records(pairs, options, session_.cluster, session_.transport.name())) {
      if (!done_.contains({record.key, record.repetition})) write(std::move(record));
    }
  }

  void tasks() {
    std::optional<ProgressBar> bar;
    if (session_.is_root()) bar.emplace(run_.raw_path, 0);
    CommRunOptions options{.sampling = sampling_of(run_.plan, run_.seed),
                           .repetitions = run_.plan.repetitions};
    options.is_done = [this](const std::string& key, int repetition) {
      return done_.contains({key, repetition});
    };
    options.take = [this](CommPointRecord record) { write(std::move(record)); };
    options.progress = [&bar](int done, int all, const std::string& key) {
      bar->show({.done = static_cast<std::size_t>(done),
                 .all = static_cast<std::size_t>(all),
                 .key = key});
    };
    run_comm_tasks(runner_, session_.store, run_.plan.comm, options);
  }

  /// Every layer beside the largest load of the best way for tokens that there is.
  void overlaps() {
    if (session_.cluster.ranks() < 2) return;
    for (const Measurement& layer : run_.plan.beside) {
      auto prepared = run_.backend.prepare(layer, run_.plan.sizes);
      auto* bench = std::get_if<std::unique_ptr<Bench>>(&prepared);
      if (bench == nullptr) continue;  // on all ranks alike
      for (const Operation operation : {Operation::dispatch, Operation::combine}) {
        const CommPoint* point = widest(operation);
        if (point == nullptr || is_done(layer, *point)) continue;
        OverlapRecord record =
            runner_.measure_overlap(**bench, layer.id, *point, sampling_of(run_.plan, run_.seed));
        if (!session_.is_root()) continue;
        record.environment = run_.environment;
        run_.write(to_line(record));
      }
    }
  }

 private:
  void write(CommPointRecord record) {
    record.environment = run_.environment;
    run_.write(to_line(record));
  }

  /// Of the tasks of an operation that by the last algorithm with the most tokens.
  const CommPoint* widest(Operation operation) const {
    const CommPoint* found = nullptr;
    for (const CommTask& task : run_.plan.comm) {
      if (task.point.operation != operation) continue;
      const bool is_better =
          found == nullptr || std::pair(task.point.algorithm, task.point.load.tokens) >
                                  std::pair(found->algorithm, found->load.tokens);
      if (is_better) found = &task.point;
    }
    return found;
  }

  /// As rank 0 says it.
  bool is_done(const Measurement& layer, const CommPoint& point) {
    bool is_there = false;
    for (std::size_t i = 0; run_.before != nullptr && i < run_.before->overlaps.size(); ++i) {
      const OverlapRecord& other = run_.before->overlaps[i];
      is_there = is_there || (other.compute == layer.id && other.operation == point.operation &&
                              other.algorithm == point.algorithm);
    }
    return session_.store.broadcast(is_there ? "yes" : "no") == "yes";
  }

  Session& session_;
  const ClusterRun& run_;
  std::set<std::pair<std::string, int>> done_;
  CommRunner runner_;
};

}  // namespace

void measure_cluster(Session& session, const ClusterRun& run) {
  Measuring measuring(session, run);
  measuring.pairs();
  measuring.tasks();
  measuring.overlaps();
}

std::vector<NotMeasuredRecord> comm_not_measured(const std::string& reason,
                                                 const std::string& environment) {
  std::vector<NotMeasuredRecord> records;
  for (const char* id : {"all_to_all", "ring", "all_gather", "reduce_scatter", "point_to_point",
                         "ep_dispatch", "ep_combine"}) {
    records.push_back({.id = id, .environment = environment, .reason = reason});
  }
  return records;
}

}  // namespace planewise::calibration
