#include "report/validation.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

namespace planewise::report {
namespace {

/// Of `ours` in units of the last printed digit.
double in_last_digits(const FigureLine& line, double base) {
  const PrintedValue& published = line.figure.published;
  return base / published.one * std::pow(10, published.decimals);
}

bool gives_digits(const FigureLine& line, spec::PrintedDigits digits) {
  // A value that lies on a digit but for the rounding of doubles is on it.
  constexpr double kRounding = 1e-9;
  if (digits == spec::PrintedDigits::below) return line.ours < line.figure.published.base;
  const double printed = std::round(in_last_digits(line, line.figure.published.base));
  const double off = in_last_digits(line, line.ours) - printed;
  const double slack = kRounding * std::max(1.0, printed);
  const double least = digits == spec::PrintedDigits::rounded ? -0.5 : 0;
  return off >= least - slack && off <= least + 1 + slack;
}

PredictionErrors errors_of(std::vector<double> errors) {
  if (errors.empty()) return {};
  std::sort(errors.begin(), errors.end());
  const std::size_t middle = errors.size() / 2;
  const bool is_odd = errors.size() % 2 == 1;
  return {.count = static_cast<std::int64_t>(errors.size()),
          .median = is_odd ? errors[middle] : (errors[middle - 1] + errors[middle]) / 2,
          .worst = errors.back()};
}

/// The value of a step that a figure is of; none of another figure.
std::optional<spec::ours::StepValue> step_value(const FigureLine& line) {
  const auto* step = std::get_if<spec::ours::Step>(&line.figure.ours);
  return step == nullptr ? std::nullopt : std::optional(step->value);
}

bool is_phase(spec::ours::StepValue value) {
  using V = spec::ours::StepValue;
  return value == V::forward_1f || value == V::bubble || value == V::backward_1b ||
         value == V::weight_1w || value == V::overlapped_1f1b || value == V::optimizer;
}

}  // namespace

double relative_error(const FigureLine& line) { return line.ours / line.figure.published.base - 1; }

std::optional<bool> holds(const FigureLine& line) {
  if (line.figure.limit) return std::abs(relative_error(line)) <= *line.figure.limit;
  if (line.figure.digits) return gives_digits(line, *line.figure.digits);
  return std::nullopt;
}

std::optional<double> trivial_error(const FigureLine& line, const std::vector<FigureLine>& all) {
  if (line.figure.series.empty()) return std::nullopt;
  const FigureLine* smallest = &line;
  for (const FigureLine& other : all) {
    if (other.figure.series != line.figure.series || step_value(other) != step_value(line))
      continue;
    if (other.ranks < smallest->ranks) smallest = &other;
  }
  if (smallest == &line) return std::nullopt;
  return smallest->figure.published.base / line.figure.published.base - 1;
}

std::vector<const FigureLine*> predicted_steps(const std::vector<FigureLine>& lines) {
  std::set<std::pair<std::string, std::string>> seen;
  std::vector<const FigureLine*> steps;
  for (const FigureLine& line : lines) {
    const auto* step = std::get_if<spec::ours::Step>(&line.figure.ours);
    if (step == nullptr || line.figure.role != spec::FigureRole::predicted) continue;
    if (is_phase(step->value)) continue;
    if (seen.emplace(step->workload_path, step->topology_path).second) steps.push_back(&line);
  }
  return steps;
}

ValidationSummary summarise(const std::vector<FigureLine>& lines) {
  ValidationSummary summary;
  for (const FigureLine& line : lines) {
    const std::optional<bool> held = holds(line);
    summary.held += held && *held ? 1 : 0;
    summary.broken += held && !*held ? 1 : 0;
    summary.without_limit += held ? 0 : 1;
  }
  std::vector<double> predictions;
  std::vector<double> estimated;
  for (const FigureLine* line : predicted_steps(lines)) {
    const bool is_counted = line->estimated_share.value_or(0) < kMostEstimated;
    (is_counted ? predictions : estimated).push_back(std::abs(relative_error(*line)));
  }
  summary.predictions = errors_of(std::move(predictions));
  summary.estimated = errors_of(std::move(estimated));
  return summary;
}

}  // namespace planewise::report
