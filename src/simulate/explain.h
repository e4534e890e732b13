// Why a step takes as long as it does: its critical path taken apart.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/units.h"
#include "simulate/critical_path.h"
#include "simulate/system.h"

namespace planewise::simulate {

/// What one kind of work adds to the critical path.
struct PathShare {
  std::string name{};
  std::int64_t pieces = 0;
  Seconds time{};
  Seconds latency{};  ///< The part of it in software, hops and tail.
};

/// A piece of the path, with the names that a report needs.
struct NamedSegment {
  std::string name{};
  int rank = 0;  ///< The job's; of a class its first.
  int stage = 0;
  PathSegment segment{};
};

/// By how much a change would shorten the critical path if that path stayed the longest: the step
/// gains at most so much where transfers do not share links in another way afterwards.
struct Saving {
  enum class What : std::uint8_t { compute, links, latency };
  What what = What::compute;
  std::optional<fabric::LinkKind> kind{};  ///< Of links: the direction up; both are meant.
  Seconds on_path{};                       ///< What the change halves.
  Seconds at_most{};
};

/// The critical path, by what the time went to. Each list adds up to the step time.
struct Explanation {
  std::vector<PathShare> by_work{};   ///< Names of blocks and labels, longest first.
  std::vector<PathShare> by_phase{};  ///< Words of phases, in their order.
  std::vector<PathShare> by_stage{};  ///< Numbers of stages, of the rank that works or sends.
  std::int64_t pieces = 0;
  std::vector<NamedSegment> longest{};  ///< Its longest pieces, longest first.
  std::vector<Saving> savings{};        ///< Largest first; none that would save nothing.
};

/// Takes `path` apart; `longest` is how many single pieces to name. Bounds of `system` must be
/// there (find_bounds).
///
/// What bounds a piece on the wire: if it took longer than its transfer would alone, the slowest
/// link with all transfers of its label at once, else the slowest link alone.
Explanation explain(const std::vector<PathSegment>& path, const System& system,
                    std::size_t longest);

}  // namespace planewise::simulate
