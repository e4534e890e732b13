// Takes points on all ranks together; rank 0 gets the records.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "calibration/comm/cluster.h"
#include "calibration/comm/comm_bench.h"
#include "calibration/comm/comm_plan.h"
#include "calibration/comm/transport.h"
#include "calibration/launch/store.h"
#include "calibration/measure/backend.h"
#include "calibration/raw/record.h"

namespace planewise::calibration {

struct CommSampling {
  int iterations = 20;
  int warm_up = 5;
  /// Above 0: at most as many iterations as take so long, and at least `iterations_least`.
  Seconds most{};
  int iterations_least = 5;
  int blocks = 1;  ///< Of streaming: means that are taken.
  bool is_checked = true;
  std::uint64_t seed = 1;
};

/// Where the time of a point went, on rank 0.
struct CommCost {
  Seconds all{};
  Seconds operations{};  ///< Warm-up and what was timed.
  Seconds checks{};      ///< Inputs, the first run, comparing, and waiting for other ranks' checks.
  int points = 0;
  /// What each point took beyond.
  Seconds overhead_each() const {
    return points == 0 ? Seconds{} : (all - operations - checks) / points;
  }
};

/// How unevenly ranks come out of a barrier. Clocks of ranks are not compared: who comes late into
/// the exchange that follows waits least in it.
struct RankSkew {
  Seconds skew{};      ///< Median over iterations of the longest wait less the shortest.
  int last_rank = -1;  ///< Whose median wait is the shortest.
};

class CommRunner {
 public:
  CommRunner(Store& store, Transport& transport, const Cluster& cluster, int expert_ranks);

  /// Takes one task on all ranks, which call it alike. On rank 0: a record a cadence, without
  /// environment and repetition; elsewhere nothing. If any rank's results are wrong nothing is
  /// timed. Throws PeerFailed.
  std::vector<CommPointRecord> measure(const CommTask& task, const CommSampling& sampling);

  /// A layer and an exchange of tokens, each alone and both at once, on all ranks; medians, the
  /// slowest rank's. On rank 0; elsewhere without times. Throws std::runtime_error if tokens arrive
  /// wrong.
  OverlapRecord measure_overlap(Bench& layer, const std::string& name, const CommPoint& point,
                                const CommSampling& sampling);

  /// Of an empty exchange after a barrier. On rank 0; elsewhere nothing.
  RankSkew measure_skew(int iterations);

  const CommCost& cost() const { return cost_; }

 private:
  struct RankShare {
    std::int64_t wrong = 0;
    CommVolume volume{};
    std::vector<Seconds> times{};
  };

  /// The groups of the point that this rank is in; made when first asked for.
  CommGroups groups_for(const CommPoint& point);
  CommGroup* group_of_kind(GroupKind kind);
  void make_groups(GroupKind kind);
  void make_hop_groups();
  std::unique_ptr<CommBench> make_bench(const CommPoint& point);
  int agreed_iterations(Seconds each, const CommSampling& sampling);
  std::vector<Seconds> take_times(CommBench& bench, Cadence cadence, int iterations,
                                  const CommSampling& sampling);
  CommPointRecord merge(const CommPoint& point, const std::vector<std::string>& shares) const;

  Store& store_;
  Transport& transport_;
  const Cluster& cluster_;
  int expert_ranks_;
  std::map<GroupKind, std::unique_ptr<CommGroup>> groups_{};
  std::unique_ptr<CommGroup> hop_rail_{};
  std::unique_ptr<CommGroup> hop_node_{};
  bool has_hop_groups_ = false;
  CommCost cost_{};
};

/// What a run of many tasks is told.
struct CommRunOptions {
  CommSampling sampling{};
  int repetitions = 1;
  /// On rank 0: whether a key and round are there already.
  std::function<bool(const std::string& key, int repetition)> is_done{};
  /// On rank 0, for each record, with its repetition.
  std::function<void(CommPointRecord record)> take{};
  /// On rank 0: points done, points in all, the key that comes. Throws to stop all ranks.
  std::function<void(int done, int all, const std::string& key)> progress{};
};

/// Rounds over all tasks, one after the other. Called by all ranks with the same tasks.
void run_comm_tasks(CommRunner& runner, Store& store, const std::vector<CommTask>& tasks,
                    const CommRunOptions& options);

}  // namespace planewise::calibration
