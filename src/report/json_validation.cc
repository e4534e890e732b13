#include "report/json_validation.h"

#include <optional>
#include <string>

namespace planewise::report {
namespace {

using Json = nlohmann::ordered_json;

Json or_null(const std::optional<double>& value) { return value ? Json(*value) : Json(nullptr); }
Json or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

Json errors_json(const PredictionErrors& errors) {
  const bool is_any = errors.count > 0;
  return {{"steps", errors.count},
          {"median_error", is_any ? Json(errors.median) : Json(nullptr)},
          {"worst_error", is_any ? Json(errors.worst) : Json(nullptr)}};
}

/// The unit without the blank before it; of a plain number "", of `272.80e9` "e9".
std::string unit_of(const PrintedValue& published) {
  const std::size_t begin = published.unit.find_first_not_of(' ');
  return begin == std::string::npos ? "" : published.unit.substr(begin);
}

}  // namespace

nlohmann::ordered_json figure_json(const FigureLine& line, const std::vector<FigureLine>& all) {
  const spec::FigureSpec& figure = line.figure;
  const PrintedValue& published = figure.published;
  const std::optional<bool> held = holds(line);
  return {{"id", figure.id},
          {"group", line.group},
          {"name", figure.name},
          {"published", published.base / published.one},
          {"ours", line.ours / published.one},
          {"unit", unit_of(published)},
          {"error", relative_error(line)},
          {"role", spec::role_word(figure.role)},
          {"limit", or_null(figure.limit)},
          {"digits", figure.digits ? Json(spec::digits_word(*figure.digits)) : Json(nullptr)},
          {"holds", held ? Json(*held) : Json(nullptr)},
          {"estimated_share", or_null(line.estimated_share)},
          {"series", or_null(figure.series)},
          {"trivial_error", or_null(trivial_error(line, all))},
          {"source", figure.source},
          {"note", or_null(figure.note)}};
}

nlohmann::ordered_json validation_json(const ValidationSummary& summary) {
  return {{"held", summary.held},
          {"broken", summary.broken},
          {"without_limit", summary.without_limit},
          {"predictions", errors_json(summary.predictions)},
          {"predictions_on_estimates", errors_json(summary.estimated)}};
}

}  // namespace planewise::report
