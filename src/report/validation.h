// Published figures beside ours: errors, limits, and how good predictions are on the whole.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "spec/figures.h"

namespace planewise::report {

/// A published figure and ours.
struct FigureLine {
  std::string group{};  ///< Its id.
  std::string group_name{};
  spec::FigureSpec figure{};
  double ours = 0;  ///< In the base units of `figure.published`.
  /// Of a simulated step, what rests on estimates; else none.
  std::optional<double> estimated_share{};
  /// Ranks of a step that is in a series; else 0.
  std::int64_t ranks = 0;
};

/// ours / published - 1.
double relative_error(const FigureLine& line);

/// Whether the figure keeps its limit; none if it has none.
///
/// `limit`: the error's absolute value is at most that. `digits`: ours, in the published unit and
/// rounded or truncated to as many places, is what is printed.
std::optional<bool> holds(const FigureLine& line);

/// The error of "as on the fewest ranks" for a figure of a series: published value of the line of
/// the same series and value on the fewest ranks / its own - 1. None for that line itself, and
/// without a series.
std::optional<double> trivial_error(const FigureLine& line, const std::vector<FigureLine>& all);

/// Estimates that a prediction may rest on to be counted among the others.
inline constexpr double kMostEstimated = 0.25;

/// The predicted steps, one line each: of every workload and topology the first figure that is
/// `predicted` and not of a phase alone. The others of a step say nearly the same again.
std::vector<const FigureLine*> predicted_steps(const std::vector<FigureLine>& lines);

/// Absolute errors of predictions.
struct PredictionErrors {
  std::int64_t count = 0;
  double median = 0;
  double worst = 0;
};

struct ValidationSummary {
  std::int64_t held = 0;
  std::int64_t broken = 0;
  std::int64_t without_limit = 0;
  PredictionErrors predictions{};  ///< Of predicted_steps() below kMostEstimated.
  PredictionErrors estimated{};    ///< The same from kMostEstimated on.
};
ValidationSummary summarise(const std::vector<FigureLine>& lines);

}  // namespace planewise::report
