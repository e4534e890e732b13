// What a simulated step gives: times by rank and phase, link loads, what stood for what.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/units.h"
#include "engine/engine.h"
#include "fabric/router.h"
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

/// The busiest link of a kind over the whole step.
struct LinkLoad {
  fabric::LinkKind kind = fabric::LinkKind::nvlink_up;
  std::string name{};
  Bytes carried{};
  double mean_load = 0;  ///< Carried over what it could have carried in the step.
};

struct Result {
  Seconds step_time{};
  std::vector<RankResult> ranks{};    ///< In order of `rank`.
  std::vector<std::string> labels{};  ///< Names of RankResult::exposed.
  double estimated_share =
      0;  ///< Of all ranks' compute and exposed communication, what rests on estimates.
  std::vector<LinkLoad> busiest_links{};  ///< One a kind that carried anything.
  Symmetry symmetry{};
  engine::Statistics statistics{};
};

}  // namespace planewise::simulate
