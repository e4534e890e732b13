#include "calibration/report/run_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>

#include "calibration/measure/statistics.h"
#include "calibration/report/comm_report.h"
#include "print/table.h"

namespace planewise::calibration {
namespace {

/// All rounds of one measurement.
struct Rounds {
  const Measurement* measurement = nullptr;
  std::vector<double> medians{};  ///< In seconds.
  bool is_bimodal = false;
};

/// What one row of the report is of.
struct Group {
  std::string id{};
  std::string implementation{};     ///< With what it stands for, if it is a proxy.
  std::vector<std::string> keys{};  ///< In the order of the file.
  std::map<std::string, Rounds> rounds{};
  int checks = 0;
  int failed = 0;
  int points = 0;
  int throttled = 0;
};

Group& group_of(const PointRecord& point, std::vector<Group>& groups) {
  const std::string implementation =
      point.proxy.empty() ? point.implementation
                          : fmt::format("{} ({})", point.implementation, point.proxy);
  const auto found = std::find_if(groups.begin(), groups.end(), [&](const Group& group) {
    return group.id == point.measurement.id && group.implementation == implementation;
  });
  if (found != groups.end()) return *found;
  groups.push_back({.id = point.measurement.id, .implementation = implementation});
  return groups.back();
}

void add(const PointRecord& point, Group& group) {
  if (!group.rounds.contains(point.key)) group.keys.push_back(point.key);
  Rounds& rounds = group.rounds[point.key];
  rounds.measurement = &point.measurement;
  ++group.points;
  group.throttled += point.throttle.empty() ? 0 : 1;
  for (const CheckResult& check : point.checks) {
    ++group.checks;
    group.failed += check.holds() ? 0 : 1;
  }
  if (point.times.empty()) return;
  std::vector<double> times;
  for (const Seconds time : point.times) times.push_back(time.in(seconds(1)));
  const Summary summary = summarise(std::move(times), 1);
  rounds.medians.push_back(summary.median);
  rounds.is_bimodal = rounds.is_bimodal || summary.is_bimodal;
}

/// `1,210 - 1,346 TFLOPS`: the least and the most over all sizes. In bytes a second where the work
/// is moving bytes, in microseconds where there is neither.
std::string rates_text(const Group& group) {
  std::vector<double> flops;
  std::vector<double> bytes_moved;
  std::vector<double> times;
  for (const auto& [key, rounds] : group.rounds) {
    if (rounds.medians.empty()) continue;
    const Seconds time = seconds(median(rounds.medians));
    const Measurement& m = *rounds.measurement;
    times.push_back(time.in(microseconds(1)));
    if (m.work > Flop{}) flops.push_back((m.work / time).in(teraflops(1)));
    if (m.traffic > Bytes{}) bytes_moved.push_back((m.traffic / time).in(gigabytes_per_second(1)));
  }
  const auto range = [](const std::vector<double>& values, const char* unit) {
    const auto [least, most] = std::minmax_element(values.begin(), values.end());
    const auto shown = [](double value) {
      return fixed(value, value < 10 ? 3 : value < 100 ? 1 : 0);
    };
    return *least == *most ? fmt::format("{} {}", shown(*least), unit)
                           : fmt::format("{} - {} {}", shown(*least), shown(*most), unit);
  };
  if (!flops.empty()) return range(flops, "TFLOPS");
  if (!bytes_moved.empty()) return range(bytes_moved, "GB/s");
  return times.empty() ? "-" : range(times, "us");
}

std::vector<Value> row_of(const Group& group) {
  int stable = 0;
  int repeated = 0;
  int bimodal = 0;
  for (const auto& [key, rounds] : group.rounds) {
    bimodal += rounds.is_bimodal ? 1 : 0;
    if (rounds.medians.size() < 2) continue;
    ++repeated;
    stable += is_stable(rounds.medians) ? 1 : 0;
  }
  const std::string held = group.failed == 0
                               ? fmt::format("{} held", grouped(group.checks))
                               : fmt::format("{} of {} FAILED", group.failed, group.checks);
  return {text_value(group.id),
          text_value(group.implementation),
          count_value(std::ssize(group.keys)),
          text_value(rates_text(group)),
          text_value(held),
          text_value(repeated == 0 ? "-" : fmt::format("{} of {}", stable, repeated)),
          count_value(bimodal),
          text_value(fmt::format("{} of {}", group.throttled, group.points))};
}

Sheet not_measured_sheet(const RawFile& raw) {
  Sheet sheet{.title = "Not measured",
              .key = "not_measured",
              .columns = {{"operator", "operator"}, {"sizes", "sizes"}, {"why", "reason"}}};
  std::map<std::pair<std::string, std::string>, int> counts;
  for (const NotMeasuredRecord& record : raw.not_measured) ++counts[{record.id, record.reason}];
  for (const auto& [what, count] : counts) {
    sheet.rows.push_back({text_value(what.first), count_value(count), text_value(what.second)});
  }
  return sheet;
}

}  // namespace

bool has_failed_check(const RawFile& raw) {
  return std::any_of(raw.points.begin(), raw.points.end(),
                     [](const PointRecord& point) { return point.check_failed; }) ||
         std::any_of(raw.comm_points.begin(), raw.comm_points.end(),
                     [](const CommPointRecord& point) { return point.check_failed; });
}

Account run_account(const RawFile& raw) {
  Account account{.title = raw.path};
  if (!raw.environments.empty()) {
    const EnvironmentRecord& record = raw.environments.front();
    account.facts = {{"backend", "backend", text_value(record.environment.backend)},
                     {"machine", "gpu", text_value(record.environment.gpu)},
                     {"model", "model", text_value(record.model)}};
  }
  if (!raw.comm_points.empty()) {
    std::vector<double> skews;
    for (const CommPointRecord& point : raw.comm_points) {
      skews.push_back(point.skew.in(microseconds(1)));
    }
    const double us = median(std::move(skews));
    account.facts.push_back(
        {"skew of the ranks", "skew_us", {.text = fmt::format("{:.1f} us", us), .number = us}});
  }
  std::vector<Group> groups;
  std::set<std::string> throttle;
  for (const PointRecord& point : raw.points) {
    add(point, group_of(point, groups));
    throttle.insert(point.throttle.begin(), point.throttle.end());
  }
  Sheet sheet{.title = "Measured",
              .key = "measured",
              .columns = {{"operator", "operator"},
                          {"implementation", "implementation"},
                          {"sizes", "sizes"},
                          {"median rates", "rates"},
                          {"checks", "checks"},
                          {"stable", "stable"},
                          {"two heaps", "bimodal"},
                          {"throttled", "throttled"}}};
  for (const Group& group : groups) sheet.rows.push_back(row_of(group));
  if (!sheet.rows.empty()) account.sheets.push_back(std::move(sheet));
  if (!raw.comm_points.empty()) account.sheets.push_back(comm_sheet(raw));
  if (!raw.overlaps.empty()) account.sheets.push_back(overlap_sheet(raw));
  if (!raw.not_measured.empty()) account.sheets.push_back(not_measured_sheet(raw));
  if (!throttle.empty()) {
    account.notes.push_back(fmt::format("throttled: {}; rates are lower than the machine can",
                                        fmt::join(throttle, ", ")));
  }
  return account;
}

}  // namespace planewise::calibration
