#include "calibration/comm/comm_run.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>

#include "base/check.h"
#include "calibration/measure/statistics.h"

namespace planewise::calibration {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }

Seconds now() {
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return seconds(std::chrono::duration<double>(since).count());
}

/// Adds to a sum what passes between making and taking.
class Clock {
 public:
  explicit Clock(Seconds& sum) : sum_(sum), began_(now()) {}
  ~Clock() { sum_ += now() - began_; }
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;

 private:
  Seconds& sum_;
  Seconds began_;
};

/// Numbers as bytes; all ranks are of one program.
std::string to_bytes(const std::vector<double>& numbers) {
  std::string text(numbers.size() * sizeof(double), '\0');
  std::memcpy(text.data(), numbers.data(), text.size());
  return text;
}
std::vector<double> from_bytes(const std::string& text) {
  std::vector<double> numbers(text.size() / sizeof(double));
  std::memcpy(numbers.data(), text.data(), text.size());
  return numbers;
}

/// What a rank tells of a point before its times.
constexpr std::size_t kShareHead = 4;

}  // namespace

CommRunner::CommRunner(Store& store, Transport& transport, const Cluster& cluster, int expert_ranks)
    : store_(store), transport_(transport), cluster_(cluster), expert_ranks_(expert_ranks) {}

void CommRunner::make_groups(GroupKind kind) {
  std::vector<int> own;
  auto groups = calibration::groups_of(cluster_, kind, expert_ranks_);
  if (cluster_.ranks() == 1) groups = {{0}};
  for (const std::vector<int>& group : groups) {
    if (std::find(group.begin(), group.end(), store_.rank()) != group.end()) own = group;
  }
  groups_[kind] = transport_.make_group(own);
}

CommGroup* CommRunner::group_of_kind(GroupKind kind) {
  if (!groups_.contains(kind)) make_groups(kind);
  return groups_[kind].get();
}

/// Of two hops: the ranks of this rank's expert group on its rail, and those on its node.
void CommRunner::make_hop_groups() {
  has_hop_groups_ = true;
  std::vector<int> rail;
  std::vector<int> node;
  for (const auto& group : calibration::groups_of(cluster_, GroupKind::expert, expert_ranks_)) {
    if (std::find(group.begin(), group.end(), store_.rank()) == group.end()) continue;
    for (const int rank : group) {
      if (cluster_.local_of[at(rank)] == cluster_.local_of[at(store_.rank())]) rail.push_back(rank);
      if (cluster_.node_of[at(rank)] == cluster_.node_of[at(store_.rank())]) node.push_back(rank);
    }
  }
  hop_rail_ = transport_.make_group(rail);
  hop_node_ = transport_.make_group(node);
}

CommGroups CommRunner::groups_for(const CommPoint& point) {
  CommGroups groups{.group = group_of_kind(point.group)};
  if (point.algorithm != ExchangeAlgorithm::two_hop) return groups;
  if (!has_hop_groups_) make_hop_groups();
  groups.rail = hop_rail_.get();
  groups.node = hop_node_.get();
  return groups;
}

std::unique_ptr<CommBench> CommRunner::make_bench(const CommPoint& point) {
  const CommGroups groups = groups_for(point);
  if (carries_tokens(point.operation)) return make_exchange_bench(point, transport_, groups);
  return make_collective_bench(point, transport_, groups.group);
}

/// Rank 0 says, from what one iteration takes on it, how many all ranks take.
int CommRunner::agreed_iterations(Seconds each, const CommSampling& sampling) {
  if (sampling.most <= Seconds{}) return sampling.iterations;
  const double fitting = sampling.most.in(std::max(each, seconds(1e-9)));
  const int own = static_cast<int>(
      std::clamp(fitting, static_cast<double>(sampling.iterations_least),
                 static_cast<double>(std::max(sampling.iterations, sampling.iterations_least))));
  return std::stoi(store_.broadcast(std::to_string(own)));
}

std::vector<Seconds> CommRunner::take_times(CommBench& bench, Cadence cadence, int iterations,
                                            const CommSampling& sampling) {
  const Work work = [&bench] { bench.run(); };
  if (cadence == Cadence::isolated) return transport_.time_isolated(work, iterations);
  std::vector<Seconds> times;
  for (int block = 0; block < sampling.blocks; ++block) {
    times.push_back(transport_.time_streaming(work, iterations));
  }
  return times;
}

std::vector<CommPointRecord> CommRunner::measure(const CommTask& task,
                                                 const CommSampling& sampling) {
  const Clock whole(cost_.all);
  std::unique_ptr<CommBench> bench;
  std::int64_t wrong = -1;
  {
    const Clock clock(cost_.checks);
    bench = make_bench(task.point);
    if (sampling.is_checked) wrong = bench->check(sampling.seed);
  }
  // All must know whether any rank's results are wrong before one of them times anything.
  bool has_failed = false;
  {
    const Clock clock(cost_.checks);
    for (const std::string& text : store_.all_gather(std::to_string(wrong))) {
      has_failed = has_failed || std::stoll(text) > 0;
    }
  }
  int iterations = 0;
  if (!has_failed) {
    Seconds each{};
    {
      const Clock clock(cost_.operations);
      each = transport_.time_streaming([&] { bench->run(); }, std::max(1, sampling.warm_up));
    }
    iterations = agreed_iterations(each, sampling);
  }
  std::vector<CommPointRecord> records;
  for (const Cadence cadence : task.cadences) {
    const CommVolume volume = bench->volume();
    std::vector<double> share = {static_cast<double>(wrong), volume.logical.in(bytes(1)),
                                 volume.wire.in(bytes(1)), volume.wire_rail.in(bytes(1))};
    if (!has_failed) {
      const Clock clock(cost_.operations);
      for (const Seconds time : take_times(*bench, cadence, iterations, sampling)) {
        share.push_back(time.in(seconds(1)));
      }
    }
    CommPoint point = task.point;
    point.cadence = cadence;
    const std::vector<std::string> shares = store_.gather(to_bytes(share));
    if (store_.rank() == 0) records.push_back(merge(point, shares));
    ++cost_.points;
  }
  return records;
}

CommPointRecord CommRunner::merge(const CommPoint& point,
                                  const std::vector<std::string>& shares) const {
  CommPointRecord record{
      .point = point, .key = key_of(point), .implementation = transport_.name(), .wrong = -1};
  for (const std::string& text : shares) {
    const std::vector<double> share = from_bytes(text);
    PW_CHECK(share.size() >= kShareHead);
    const auto wrong = static_cast<std::int64_t>(share[0]);
    if (wrong >= 0) record.wrong = std::max<std::int64_t>(record.wrong, 0) + wrong;
    record.logical = std::max(record.logical, bytes(share[1]));
    record.wire = std::max(record.wire, bytes(share[2]));
    record.wire_rail = std::max(record.wire_rail, bytes(share[3]));
    record.times.resize(share.size() - kShareHead);
    for (std::size_t i = 0; i < record.times.size(); ++i) {
      record.times[i] = std::max(record.times[i], seconds(share[kShareHead + i]));
    }
  }
  record.check_failed = record.wrong > 0;
  return record;
}

RankSkew CommRunner::measure_skew(int iterations) {
  CommGroup& world = transport_.world();
  const std::unique_ptr<Memory> from = transport_.allocate(1);
  const std::unique_ptr<Memory> to = transport_.allocate(at(world.size()));
  const std::vector<Seconds> times =
      transport_.time_isolated([&] { world.all_gather(from->data(), to->data(), 1); }, iterations);
  std::vector<double> share;
  for (const Seconds time : times) share.push_back(time.in(seconds(1)));
  std::vector<double> least(at(iterations), INFINITY);
  std::vector<double> most(at(iterations), 0.0);
  std::vector<double> medians;
  for (const std::string& text : store_.gather(to_bytes(share))) {
    const std::vector<double> other = from_bytes(text);
    for (std::size_t i = 0; i < least.size(); ++i) {
      least[i] = std::min(least[i], other[i]);
      most[i] = std::max(most[i], other[i]);
    }
    medians.push_back(median(other));
  }
  if (store_.rank() != 0) return {};
  for (std::size_t i = 0; i < most.size(); ++i) most[i] -= least[i];
  const auto last = std::min_element(medians.begin(), medians.end());
  return {.skew = seconds(median(std::move(most))),
          .last_rank = static_cast<int>(last - medians.begin())};
}

namespace {

/// The cadences of a task that are not there yet, as rank 0 says it.
std::vector<Cadence> cadences_to_take(const CommTask& task, int repetition, Store& store,
                                      const CommRunOptions& options) {
  std::string mask;
  for (const Cadence cadence : task.cadences) {
    CommPoint point = task.point;
    point.cadence = cadence;
    const bool is_done =
        store.rank() == 0 && options.is_done && options.is_done(key_of(point), repetition);
    mask += is_done ? '-' : '+';
  }
  mask = store.broadcast(mask);
  std::vector<Cadence> cadences;
  for (std::size_t i = 0; i < task.cadences.size(); ++i) {
    if (mask[i] == '+') cadences.push_back(task.cadences[i]);
  }
  return cadences;
}

}  // namespace

void run_comm_tasks(CommRunner& runner, Store& store, const std::vector<CommTask>& tasks,
                    const CommRunOptions& options) {
  int all = 0;
  for (const CommTask& task : tasks) all += static_cast<int>(task.cadences.size());
  all *= options.repetitions;
  int done = 0;
  for (int repetition = 1; repetition <= options.repetitions; ++repetition) {
    const Seconds skew = runner.measure_skew(10).skew;
    for (const CommTask& task : tasks) {
      if (store.rank() == 0 && options.progress) options.progress(done, all, key_of(task.point));
      done += static_cast<int>(task.cadences.size());
      CommTask left = task;
      left.cadences = cadences_to_take(task, repetition, store, options);
      if (left.cadences.empty()) continue;
      CommSampling sampling = options.sampling;
      sampling.seed += static_cast<std::uint64_t>(repetition) - 1;
      for (CommPointRecord& record : runner.measure(left, sampling)) {
        record.repetition = repetition;
        record.skew = skew;
        options.take(std::move(record));
      }
    }
  }
  if (store.rank() == 0 && options.progress) options.progress(all, all, "");
}

}  // namespace planewise::calibration
