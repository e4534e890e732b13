// What a simulated step gives: times by rank and phase, link loads, what stood for what.
#pragma once

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

/// How one rank (or a class of equal ranks) spent the step. The phases add up to the step time.
struct RankResult {
  int rank = 0;                 ///< The job's rank; of a class, its first.
  std::int64_t rank_count = 1;  ///< Ranks that spent it so.
  int stage = 0;
  std::array<Seconds, workload::kPhaseCount> phases{};
  Seconds compute{};
  Seconds estimated_compute{};  ///< The part of `compute` that rests on estimates.
  std::vector<Seconds>
      exposed{};   ///< By label: in an exchange, from its start to the end of the rank's part.
  Seconds skew{};  ///< In exchanges outside the optimizer, waiting for the last member.
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

struct Result {
  Seconds step_time{};
  std::vector<RankResult> ranks{};    ///< In order of `rank`.
  std::vector<std::string> labels{};  ///< Names of RankResult::exposed.
  double estimated_share =
      0;  ///< Of all ranks' compute and exposed communication, what rests on estimates.
  std::vector<LinkLoad> busiest_links{};  ///< One a kind that carried anything.
  // What was asked for by Watch; else empty.
  std::optional<LoadsOverTime> loads{};
  std::vector<BusyLink> busiest{};  ///< Of all kinds, by mean load.
  std::vector<LabelCompletion> completion{};
  std::optional<Explanation> explanation{};
  std::vector<LabelTimes> transfers{};
  Symmetry symmetry{};
  engine::Statistics statistics{};
};

}  // namespace planewise::simulate
