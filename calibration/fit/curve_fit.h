// Curves of operators from their points, and what they miss at points held out.
//
// Errors are relative, weighted by the inverse of the rounds' spread: an unstable point counts less
// and is never left out. What is held out is predicted as the simulator does.
#pragma once

#include <optional>
#include <vector>

#include "calibration/fit/curve_points.h"
#include "spec/profile.h"

namespace planewise::calibration {

struct FittedCurve {
  spec::OperatorCurve curve{};
  std::vector<double> errors{};  ///< At points held out: predicted over measured, less 1.
};

/// Products of one model: time = overhead + FLOPs of whole waves of tiles / flop_rate + bytes /
/// memory_rate by least squares without negative parts, with the tile (none, 64, 128 or 256) that
/// misses the points held out least. All points are points of their curves, too.
///
/// A rate of FLOPs is at most twice the best of a point, where points say nothing about it.
/// Requires: each has sizes; all have the same SMs. Shape: as `curves`.
/// `known_tile`: that of the model, 0 for none; else the best of 0, 64, 128 and 256.
std::vector<FittedCurve> fit_products(const std::vector<const CurvePoints*>& curves,
                                      std::optional<int> known_tile = std::nullopt);

/// Attention by length of sequence; without lengths one rate of FLOPs.
FittedCurve fit_flop_rate(const CurvePoints& points);

/// Time against bytes in straight pieces. Requires: all sizes have traffic.
FittedCurve fit_byte_rate(const CurvePoints& points);

/// By its kernel: products, a weight gradient in the form that misses less, attention, the others
/// by bytes.
FittedCurve fit_curve(const CurvePoints& points);

/// The simulator's time of `measurement` by itself in the place of `curve`, without gaps.
Seconds predicted_time(const spec::OperatorCurve& curve, const Measurement& measurement);

}  // namespace planewise::calibration
