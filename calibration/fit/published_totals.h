// Curves from times that several calls took together.
#pragma once

#include <string>
#include <vector>

#include "calibration/raw/published.h"
#include "spec/profile.h"

namespace planewise::calibration {

/// The totals of one curve, in the order of the file. Requires: not empty; one id, SMs and
/// `beside`; all or none have shapes, work or bytes.
using CurveTotals = std::vector<TotalRecord>;

/// `totals` by curve, in order of first mention.
std::vector<CurveTotals> by_curve(const std::vector<TotalRecord>& totals);

/// The rate of work or bytes: their sum over the sum of times; by least squares, for bytes x and
/// times t of the phases, the rate r that minimises the sum of (x / r / t - 1)^2: sum (x/t)^2 / sum
/// (x/t). Kernels a call are averaged
/// over the phases that say them, one call each, at least 1.
spec::OperatorCurve rate_of_totals(const CurveTotals& totals);

/// How many times as long the calls of `totals` took as `alone` says of them on as many SMs as they
/// had: products of its points by their rates as they are, others by its model in waves of those
/// SMs.
double slowdown(const CurveTotals& totals, const spec::OperatorCurve& alone);

/// `alone` with all its rates over, and its overhead times, the slowdown: what makes the totals
/// come out.
spec::OperatorCurve slowed_curve(const CurveTotals& totals, const spec::OperatorCurve& alone);

}  // namespace planewise::calibration
