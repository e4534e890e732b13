#include "calibration/report/comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "calibration/comm/comm_point.h"
#include "calibration/measure/statistics.h"

namespace planewise::calibration {
namespace {

constexpr double kMoved = 0.1;
/// Of an H800: shares of the same rates are compared, so that others would change little.
constexpr Rate kRail = gigabytes_per_second(50);
constexpr Rate kNvlink = gigabytes_per_second(200);

Seconds time_of(const spec::CollectiveCurve& curve, Bytes size) {
  const spec::CollectiveCurve at = spec::at_size(curve, size);
  const bool is_node = curve.reach == spec::Reach::node;
  return at.latency +
         size / (is_node ? kNvlink * at.nvlink_efficiency : kRail * at.rail_efficiency);
}

std::vector<Value> row(const std::string& name, const std::vector<double>& ratios) {
  const auto [least, most] = std::minmax_element(ratios.begin(), ratios.end());
  return {text_value(name), count_value(std::ssize(ratios)), number_value(*least, 3),
          number_value(median(ratios), 3), number_value(*most, 3)};
}

bool is_same(const spec::MeasuredExchange& a, const spec::MeasuredExchange& b) {
  return a.operation == b.operation && a.algorithm == b.algorithm && a.group == b.group &&
         a.cadence == b.cadence && a.ranks == b.ranks && a.nodes == b.nodes &&
         a.groups == b.groups && a.load == b.load;
}

/// Their time over ours at sizes that both have.
std::vector<double> exchange_ratios(const spec::MeasuredExchange& ours,
                                    const spec::MeasuredExchange& theirs) {
  std::vector<double> ratios;
  for (const spec::ExchangeTime& time : ours.times) {
    for (const spec::ExchangeTime& other : theirs.times) {
      if (time.size == other.size && time.tokens == other.tokens) {
        ratios.push_back(other.time.in(time.time));
      }
    }
  }
  return ratios;
}

}  // namespace

std::string collective_name(const spec::CollectiveCurve& curve) {
  std::string name = curve.id;
  if (curve.reach == spec::Reach::node) name += " in a node";
  if (curve.reach == spec::Reach::network) name += " over nodes";
  if (curve.beside == spec::Beside::compute) name += ", beside compute";
  return name;
}

std::vector<std::vector<Value>> collective_rows(const spec::ProfileSpec& profile,
                                                const spec::ProfileSpec& other) {
  std::vector<std::vector<Value>> rows;
  for (const spec::CollectiveCurve& curve : profile.collectives) {
    const spec::CollectiveCurve* theirs =
        spec::find_collective(other, curve.id, curve.beside, curve.reach);
    if (theirs == nullptr || theirs->beside != curve.beside) continue;
    std::vector<double> ratios;
    for (int power = 10; power <= 30; power += 2) {
      const Bytes size = bytes(std::ldexp(1, power));
      // In a node of ours, in a node of theirs.
      spec::CollectiveCurve as_far = *theirs;
      as_far.reach = curve.reach;
      ratios.push_back(time_of(as_far, size).in(time_of(curve, size)));
    }
    rows.push_back(row(collective_name(curve), ratios));
  }
  for (const spec::MeasuredExchange& ours : profile.exchanges) {
    for (const spec::MeasuredExchange& theirs : other.exchanges) {
      if (!is_same(ours, theirs)) continue;
      const std::vector<double> ratios = exchange_ratios(ours, theirs);
      if (ratios.empty()) continue;
      rows.push_back(
          row(fmt::format("measured: {} {}, {}, {} of {} on {}, {}", to_string(ours.operation),
                          to_string(ours.algorithm), to_string(ours.group), ours.groups, ours.ranks,
                          ours.nodes, to_string(ours.cadence)),
              ratios));
    }
  }
  return rows;
}

std::vector<std::string> moved(const Sheet& comparison) {
  constexpr std::size_t kMedian = 3;
  std::vector<std::string> lines;
  for (const std::vector<Value>& row : comparison.rows) {
    const double ratio = row[kMedian].number.value_or(1);
    if (std::fabs(ratio - 1) <= kMoved) continue;
    lines.push_back(fmt::format("moved: {}, {:.3g} times the rate", row[0].text, ratio));
  }
  return lines;
}

}  // namespace planewise::calibration
