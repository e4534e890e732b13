#include "report/validation_tables.h"

#include <fmt/format.h>

#include <cmath>
#include <string_view>

namespace planewise::report {
namespace {

/// `base` in the unit of `published`, with as many places.
std::string as_printed(const PrintedValue& published, double base, int decimals) {
  return fixed(base / published.one, decimals) + published.unit;
}

/// Ours with one place more than is printed, unless that is a 0.
std::string ours_text(const FigureLine& line) {
  const PrintedValue& published = line.figure.published;
  const std::string longer = fixed(line.ours / published.one, published.decimals + 1);
  if (longer.back() == '0') return as_printed(published, line.ours, published.decimals);
  return longer + published.unit;
}

std::string limit_text(const spec::FigureSpec& figure) {
  if (figure.limit) return percent(*figure.limit, *figure.limit < 0.001 ? 2 : 1);
  return figure.digits ? std::string(spec::digits_word(*figure.digits)) : "-";
}

std::string holds_text(const FigureLine& line) {
  const std::optional<bool> held = holds(line);
  if (!held) return "-";
  return *held ? "yes" : "NO";
}

Table figure_table(const std::vector<FigureLine>& lines) {
  bool has_estimates = false;
  bool has_series = false;
  for (const FigureLine& line : lines) {
    has_estimates = has_estimates || line.estimated_share.has_value();
    has_series = has_series || !line.figure.series.empty();
  }
  Table table{.columns = {"figure", "published", "ours", "error", "role", "limit", "holds"}};
  if (has_estimates) table.columns.emplace_back("estimates");
  if (has_series) table.columns.emplace_back("trivial");
  std::string_view group;
  for (const FigureLine& line : lines) {
    if (line.group != group) table.rows.push_back({line.group_name});
    group = line.group;
    const PrintedValue& published = line.figure.published;
    std::vector<std::string> row{"  " + line.figure.name,
                                 as_printed(published, published.base, published.decimals),
                                 ours_text(line),
                                 signed_percent(relative_error(line), 2),
                                 std::string(spec::role_word(line.figure.role)),
                                 limit_text(line.figure),
                                 holds_text(line)};
    if (has_estimates) {
      row.push_back(line.estimated_share ? percent(*line.estimated_share) : "-");
    }
    if (has_series) {
      const std::optional<double> trivial = trivial_error(line, lines);
      row.push_back(trivial ? signed_percent(*trivial, 2) : "-");
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

Table limit_table(const ValidationSummary& summary) {
  return {.title = "Limits",
          .columns = {"", "figures"},
          .rows = {{"hold", grouped(summary.held)},
                   {"broken", grouped(summary.broken)},
                   {"without a limit", grouped(summary.without_limit)}}};
}

Table prediction_table(const ValidationSummary& summary) {
  Table table{.title = "Predicted steps: absolute error of the first figure of each",
              .columns = {"rest on estimates", "steps", "median", "worst"}};
  const auto add = [&](const std::string& label, const PredictionErrors& errors) {
    const bool is_any = errors.count > 0;
    table.rows.push_back({label, grouped(errors.count), is_any ? percent(errors.median) : "-",
                          is_any ? percent(errors.worst) : "-"});
  };
  add(fmt::format("below {}", percent(kMostEstimated, 0)), summary.predictions);
  add(fmt::format("{} and more", percent(kMostEstimated, 0)), summary.estimated);
  return table;
}

/// Predicted steps that are not among those whose median counts.
Table estimated_table(const std::vector<FigureLine>& lines) {
  Table table{.title = fmt::format("Predicted steps that rest on estimates by {} and more",
                                   percent(kMostEstimated, 0)),
              .columns = {"figure", "estimates", "error"}};
  for (const FigureLine* line : predicted_steps(lines)) {
    const double share = line->estimated_share.value_or(0);
    if (share < kMostEstimated) continue;
    table.rows.push_back(
        {line->figure.id, percent(share), signed_percent(relative_error(*line), 2)});
  }
  return table;
}

}  // namespace

std::vector<Table> validation_tables(const std::vector<FigureLine>& lines) {
  const ValidationSummary summary = summarise(lines);
  std::vector<Table> tables{figure_table(lines), limit_table(summary)};
  if (summary.predictions.count + summary.estimated.count > 0) {
    tables.push_back(prediction_table(summary));
  }
  if (summary.estimated.count > 0) tables.push_back(estimated_table(lines));
  return tables;
}

std::vector<std::string> figure_notes(const std::vector<FigureLine>& lines) {
  std::vector<std::string> notes;
  for (const FigureLine& line : lines) {
    if (line.figure.note.empty()) continue;
    notes.push_back(fmt::format("{}: {}", line.figure.id, line.figure.note));
  }
  return notes;
}

}  // namespace planewise::report
