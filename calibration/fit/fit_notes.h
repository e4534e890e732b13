// What a fit says beside its curves: sums of layers, rows that are not balanced, what is missing.
#pragma once

#include <string>
#include <vector>

#include "calibration/fit/curve_points.h"
#include "spec/profile.h"

namespace planewise::calibration {

/// A sum and a whole may differ so much (CALIBRATION.md, section 4).
inline constexpr double kSumLimit = 0.05;

/// Whole layers beside the sums of their parts. One whose parts were not all measured is none, and
/// is said in `warnings`, as one beyond the limit is.
std::vector<spec::SumCheck> sums_of(const CurveSet& set, std::vector<std::string>& warnings);

/// What rows that are masked or not balanced cost: the median over shapes of their time over that
/// of balanced ones; where those were not measured, over what `curve` says of them.
void compare_spread(const CurvePoints& points, const spec::OperatorCurve& curve,
                    std::vector<std::string>& warnings);

/// The operators and collectives that a run says it could not measure, and those that a training
/// job can need, as far as `profile` has none. Each id once.
std::vector<spec::NotMeasuredEntry> missing_of(const RawFile& raw, const CurveSet& set,
                                               const spec::ProfileSpec& profile);

}  // namespace planewise::calibration
