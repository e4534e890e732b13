#include "report/replay_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace planewise::report {
namespace {

const std::string& word(const std::vector<std::string>& words, auto value) {
  return words[static_cast<std::size_t>(value)];
}

std::string size_text(Bytes size) {
  const double bytes_all = size.in(bytes(1));
  for (const auto& [unit, name] : {std::pair{1024.0 * 1024 * 1024, "GiB"},
                                   std::pair{1024.0 * 1024, "MiB"}, std::pair{1024.0, "KiB"}}) {
    if (bytes_all < unit) continue;
    const double value = bytes_all / unit;
    return fmt::format("{:.{}f} {}", value, value == std::floor(value) ? 0 : 1, name);
  }
  return fmt::format("{:.0f} B", bytes_all);
}

std::string time_text(Seconds time) {
  const double us = time.in(microseconds(1));
  return fixed(us, us < 100 ? 2 : us < 1000 ? 1 : 0);
}

Table time_table(const std::vector<ReplayLine>& lines) {
  Table table{.columns = {"size", "tokens", "measured (us)", "simulated (us)", "error", "is",
                          "collective"}};
  std::string group;
  for (const ReplayLine& line : lines) {
    if (const std::string own = replay_group(line); own != group) {
      group = own;
      table.rows.push_back({group});
    }
    table.rows.push_back({"  " + size_text(line.size), line.tokens > 0 ? grouped(line.tokens) : "-",
                          time_text(line.measured), time_text(line.simulated),
                          signed_percent(line.error(), 1), line.is_fitted ? "fitted" : "predicted",
                          line.collective});
  }
  return table;
}

Table error_table(const std::vector<ReplayLine>& lines) {
  Table table{.title = "Absolute errors", .columns = {"", "times", "median", "p90", "worst"}};
  for (const bool is_fitted : {true, false}) {
    const ReplayErrors errors = errors_of(lines, is_fitted);
    const auto share = [&](double value) { return errors.count > 0 ? percent(value) : "-"; };
    table.rows.push_back({is_fitted ? "the curve was fitted to it" : "predicted",
                          grouped(errors.count), share(errors.median), share(errors.p90),
                          share(errors.worst)});
  }
  return table;
}

}  // namespace

std::string replay_group(const ReplayLine& line) {
  std::string text = word(spec::operation_words(), line.operation);
  if (line.algorithm != spec::ExchangeAlgorithm::library) {
    text += " " + word(spec::exchange_algorithm_words(), line.algorithm);
  }
  return fmt::format("{}, {}: {} of {} ranks on {} {}, {}", text,
                     word(spec::group_words(), line.group), line.groups, line.ranks, line.nodes,
                     line.nodes == 1 ? "node" : "nodes", word(spec::cadence_words(), line.cadence));
}

ReplayErrors errors_of(const std::vector<ReplayLine>& lines, bool is_fitted) {
  std::vector<double> errors;
  for (const ReplayLine& line : lines) {
    if (line.is_fitted == is_fitted) errors.push_back(std::fabs(line.error()));
  }
  if (errors.empty()) return {};
  std::sort(errors.begin(), errors.end());
  const auto at = [&](double share) {
    const double place = share * static_cast<double>(errors.size() - 1);
    const auto below = static_cast<std::size_t>(place);
    const std::size_t above = std::min(below + 1, errors.size() - 1);
    return errors[below] + (errors[above] - errors[below]) * (place - static_cast<double>(below));
  };
  return {.count = static_cast<int>(errors.size()),
          .median = at(0.5),
          .p90 = at(0.9),
          .worst = errors.back()};
}

std::vector<Table> replay_tables(const std::vector<ReplayLine>& lines) {
  return {time_table(lines), error_table(lines)};
}

nlohmann::ordered_json replay_json(const ReplayLine& line) {
  return {{"operation", word(spec::operation_words(), line.operation)},
          {"algorithm", word(spec::exchange_algorithm_words(), line.algorithm)},
          {"group", word(spec::group_words(), line.group)},
          {"cadence", word(spec::cadence_words(), line.cadence)},
          {"ranks", line.ranks},
          {"nodes", line.nodes},
          {"groups", line.groups},
          {"tokens", line.tokens},
          {"size_bytes", line.size.in(bytes(1))},
          {"measured_s", line.measured.in(seconds(1))},
          {"simulated_s", line.simulated.in(seconds(1))},
          {"error", line.error()},
          {"fitted", line.is_fitted},
          {"collective", line.collective}};
}

nlohmann::ordered_json replay_errors_json(const ReplayErrors& errors) {
  return {{"times", errors.count},
          {"median_error", errors.median},
          {"p90_error", errors.p90},
          {"worst_error", errors.worst}};
}

}  // namespace planewise::report
