// Time against size in straight pieces: a latency and a rate each, as protocols and caches make it.
//
// Method: dynamic programming over the measured sizes, the number of pieces by the Bayesian
// information criterion with the measured spread. Pieces are empirical: none is claimed to be a
// protocol.
#pragma once

#include <vector>

#include "base/units.h"

namespace planewise::calibration {

struct SizePoint {
  Bytes size{};
  Seconds time{};
  double sigma = 0.01;  ///< Relative, of the time; more than 0.
};

/// From `from` on time = overhead + size / rate.
struct AlphaBeta {
  Bytes from{};  ///< 0 of the first piece.
  Seconds overhead{};
  Rate rate{};  ///< At most kNoLimit.
};

/// What stands for the rate of a piece whose time does not grow with its size.
inline constexpr Rate kNoLimit = gigabytes_per_second(1e6);

struct PiecewiseOptions {
  int pieces_most = 4;
  int points_least = 3;  ///< Different sizes in a piece.
};

/// The pieces of least error: of (predicted / measured - 1) / sigma, squared. Between two pieces
/// the border is the geometric mean of the sizes beside it. Neither latency nor rate is negative.
/// One piece if there are too few points for more.
///
/// Requires: `points` is not empty and ascends; equal sizes may follow each other.
std::vector<AlphaBeta> fit_piecewise(const std::vector<SizePoint>& points,
                                     const PiecewiseOptions& options = {});

/// Requires: `pieces` is not empty and ascends.
Seconds time_at(const std::vector<AlphaBeta>& pieces, Bytes size);

}  // namespace planewise::calibration
