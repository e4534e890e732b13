// What a simulated step gives: times by rank and phase, link loads, what stood for what.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/units.h"
#include "engine/engine.h"
#include "fabric/router.h"
#include "simulate/completion.h"
#include "simulate/contention.h"
#include "simulate/explain.h"
#include "simulate/link_loads.h"
#include "simulate/symmetry.h"
#include "workload/program.h"

namespace planewise::simulate {

/// See engine::kErrorFactor; for reports, which know no engine.
inline constexpr double kTimeErrorFactor = engine::kErrorFactor;

/// How one rank (or a class of equal ranks) spent the step. The phases add up to the step time.
struct RankResult {
  int rank = 0;                 ///< The job's rank; of a class, its first.
  std::int64_t rank_count = 1;  ///< Ranks that spent it so.
  int stage = 0;
  std::array<Seconds, workload::kPhaseCount> phases{};
  Seconds compute{};
  /// The part of `compute` that rests on estimates; of what imbalance adds to a block, the share
  /// that it is of the block.
  Seconds estimated_compute{};
  Seconds imbalance{};  ///< `compute` less what it would be with the tokens of balanced routing.
  /// By label: from when the exchange begins to the end of the rank's part.
  std::vector<Seconds> busy{};
  /// By label: of that, the time in which the rank waited for it, or for what was behind it in the
  /// same queue. The rest was hidden behind compute.
  std::vector<Seconds> exposed{};
  /// By chunk of its program: from the first step's begin to the last one's end, all its slots
  /// together, waiting included.
  std::vector<Seconds> chunks{};
  Seconds skew{};  ///< In exchanges outside the optimizer, waiting for the last member.

  /// `busy` less `exposed` of a label; never below 0 by rounding.
  Seconds hidden(std::size_t label) const {
    return std::max(Seconds{}, busy[label] - exposed[label]);
  }
};

/// What a link carried over the whole step.
struct LinkLoad {
  fabric::LinkKind kind = fabric::LinkKind::nvlink_up;
  std::string name{};
  Bytes carried{};
  double mean_load = 0;  ///< Carried over what it could have carried in the step.
};

/// One of the busiest links, and when it was busiest.
struct BusyLink {
  LinkLoad load{};
  std::int64_t links = 1;  ///< Equal ones that it stands for, itself among them.
  double peak_load = 0;    ///< Of its busiest bin, see LoadsOverTime.
  Seconds peak_began{};
};

/// What faults and repairs came at one instant, and what they did.
struct FaultRecord {
  Seconds time{};
  std::vector<std::string> changes{};  ///< `plane 0 leaf 3 fails`, `plane 2 at 50 %`.
  std::int64_t moved_flows = 0;        ///< In flight over what failed, and sent on another way.
  std::int64_t waiting_flows = 0;      ///< Without any way after it.
};

/// A flow for which no way was left, and none came back.
struct CutOffFlow {
  int source = 0;  ///< Rank.
  int destination = 0;
  int label = 0;    ///< Into Result::labels.
  Seconds since{};  ///< When its last way failed, or when it was to start.
  Bytes left{};     ///< Not delivered.
};

struct FaultReport {
  std::string name{};
  std::vector<FaultRecord> records{};  ///< In order of time, up to the end of the step.
  std::vector<CutOffFlow> cut_off{};   ///< In order of their transfer in the program.
};

struct Result {
  Seconds step_time{};
  std::vector<RankResult> ranks{};    ///< In order of `rank`.
  std::vector<std::string> labels{};  ///< Names of RankResult::exposed and busy.
  /// By chunk, of a program in step: from when the last rank begins it to when the last one ends
  /// it, all its slots together. So it does not count waiting for ranks that are late.
  std::vector<Seconds> chunks{};
  double estimated_share =
      0;  ///< Of all ranks' compute and exposed communication, what rests on estimates.
  std::vector<LinkLoad> busiest_links{};  ///< One a kind that carried anything.
  // What was asked for by Watch; else empty.
  std::optional<LoadsOverTime> loads{};
  std::vector<BusyLink> busiest{};  ///< Of all kinds, by mean load.
  std::vector<LabelCompletion> completion{};
  std::optional<Explanation> explanation{};  ///< None of a step that was cut off.
  std::vector<LabelTimes> transfers{};
  Symmetry symmetry{};
  /// Routes were chosen when flows started (`adaptive`, or with faults), which symmetry does not
  /// survive.
  bool routes_at_start = false;
  /// Ranks received different numbers of tokens, which it does not survive either.
  bool uneven_loads = false;
  std::optional<FaultReport> faults{};
  engine::Statistics statistics{};

  /// False if flows were cut off: then there is no step time, and ranks' times are up to where they
  /// wait.
  bool is_complete() const { return !faults || faults->cut_off.empty(); }
};

}  // namespace planewise::simulate
