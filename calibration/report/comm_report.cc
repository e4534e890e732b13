#include "calibration/report/comm_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "calibration/comm/elements.h"
#include "calibration/measure/statistics.h"
#include "calibration/raw/json_text.h"

namespace planewise::calibration {
namespace {

/// Elements that nccl-tests count: of collectives that share a size out, those of one rank.
std::int64_t count_of(const CommPoint& point) {
  const double element = static_cast<double>(element_size(*element_of(point.datatype)));
  const bool is_shared = point.operation == Operation::all_to_all ||
                         point.operation == Operation::all_gather ||
                         point.operation == Operation::reduce_scatter;
  return static_cast<std::int64_t>(point.size.in(bytes(element)) / (is_shared ? point.ranks : 1));
}

bool is_sum(Operation operation) {
  return operation == Operation::all_reduce || operation == Operation::reduce_scatter;
}

int root_of(Operation operation) { return operation == Operation::broadcast ? 0 : -1; }

/// A time in 7 columns, as nccl-tests print it.
std::string time_text(Seconds time) {
  const double us = time.in(microseconds(1));
  const int decimals = us >= 10000 ? 0 : us >= 100 ? 1 : 2;
  return fmt::format("{:>7.{}f}", us, decimals);
}

std::string block(const CommPointRecord& record) {
  const std::string wrong = record.wrong < 0 ? "N/A" : std::to_string(record.wrong);
  if (record.times.empty()) return fmt::format(" {:>7} {:>7} {:>7} {:>6}", "-", "-", "-", wrong);
  const Seconds time = time_of(record);
  return fmt::format(" {} {:>7.2f} {:>7.2f} {:>6}", time_text(time),
                     algorithm_rate(record.point, time).in(gigabytes_per_second(1)),
                     bus_rate(record.point, time).in(gigabytes_per_second(1)), wrong);
}

std::string title_of(Cadence cadence) {
  return cadence == Cadence::streaming ? "out-of-place, streaming" : "out-of-place, isolated";
}

}  // namespace

Seconds time_of(const CommPointRecord& record) {
  std::vector<double> times;
  for (const Seconds time : record.times) times.push_back(time.in(seconds(1)));
  return seconds(median(std::move(times)));
}

Rate algorithm_rate(const CommPoint& point, Seconds time) { return point.size / time; }

Rate bus_rate(const CommPoint& point, Seconds time) {
  return algorithm_rate(point, time) * bus_factor(point.operation, point.ranks);
}

std::string comm_heading(const ClusterRecord& cluster, const CommPoint& point,
                         const std::vector<Cadence>& cadences) {
  std::string text = fmt::format(
      "# planewise-calibrate comm: {}, group {} ({} of {} ranks, {}), {}, {} {}, {} a node\n#\n",
      to_string(point.operation), to_string(point.group), point.groups, point.ranks,
      point.nodes == 1 ? "in a node" : fmt::format("over {} nodes", point.nodes), cluster.transport,
      cluster.ranks, cluster.ranks == 1 ? "rank" : "ranks", cluster.ranks_per_node);
  text += fmt::format("#{:>12} {:>13} {:>9} {:>7} {:>7}", "", "", "", "", "");
  for (const Cadence cadence : cadences) text += fmt::format(" {:^30}", title_of(cadence));
  text +=
      fmt::format("\n#{:>12} {:>13} {:>9} {:>7} {:>7}", "size", "count", "type", "redop", "root");
  for (std::size_t i = 0; i < cadences.size(); ++i) {
    text += fmt::format(" {:>7} {:>7} {:>7} {:>6}", "time", "algbw", "busbw", "#wrong");
  }
  text += fmt::format("\n#{:>12} {:>13} {:>9} {:>7} {:>7}", "(B)", "(elements)", "", "", "");
  for (std::size_t i = 0; i < cadences.size(); ++i) {
    text += fmt::format(" {:>7} {:>7} {:>7} {:>6}", "(us)", "(GB/s)", "(GB/s)", "");
  }
  return text + "\n";
}

std::string comm_line(const std::vector<CommPointRecord>& records) {
  const CommPoint& point = records.front().point;
  std::string text = fmt::format(
      " {:>12.0f} {:>13} {:>9} {:>7} {:>7}", point.size.in(bytes(1)), count_of(point),
      point.datatype, is_sum(point.operation) ? "sum" : "none", root_of(point.operation));
  for (const CommPointRecord& record : records) text += block(record);
  return text + "\n";
}

std::string comm_footing(const std::vector<CommPointRecord>& records, const CommCost& cost,
                         Seconds skew) {
  double sum = 0;
  int count = 0;
  std::int64_t wrong = 0;
  for (const CommPointRecord& record : records) {
    wrong += std::max<std::int64_t>(0, record.wrong);
    if (record.times.empty()) continue;
    sum += bus_rate(record.point, time_of(record)).in(gigabytes_per_second(1));
    ++count;
  }
  return fmt::format(
      "# Out of bounds values : {} {}\n# Avg bus bandwidth    : {:.6g}\n"
      "# Skew of the ranks    : {:.1f} us\n# Overhead a point     : {:.3f} ms\n#\n",
      wrong, wrong == 0 ? "OK" : "FAILED", count == 0 ? 0 : sum / count, skew.in(microseconds(1)),
      cost.overhead_each().in(milliseconds(1)));
}

std::string comm_json(const ClusterRecord& cluster, const std::vector<CommPointRecord>& records) {
  std::string results;
  for (const CommPointRecord& record : records) {
    JsonText json('{');
    json.text("operation", to_string(record.point.operation))
        .text("group", to_string(record.point.group))
        .text("cadence", to_string(record.point.cadence))
        .whole("ranks", record.point.ranks)
        .whole("nodes", record.point.nodes)
        .number("size", record.point.size.in(bytes(1)))
        .whole("count", count_of(record.point))
        .text("type", record.point.datatype)
        .text("redop", is_sum(record.point.operation) ? "sum" : "none")
        .whole("root", root_of(record.point.operation))
        .whole("nwrong", record.wrong);
    if (!record.times.empty()) {
      const Seconds time = time_of(record);
      json.number("time_us", time.in(microseconds(1)))
          .number("alg_bw_gb_per_s", algorithm_rate(record.point, time).in(gigabytes_per_second(1)))
          .number("bus_bw_gb_per_s", bus_rate(record.point, time).in(gigabytes_per_second(1)))
          .microseconds_list("times_us", record.times);
    }
    results += (results.empty() ? "\n  " : ",\n  ") + json.close("}");
  }
  JsonText json('{');
  json.whole("schema", 1)
      .text("transport", cluster.transport)
      .text("launcher", cluster.launcher)
      .whole("ranks", cluster.ranks)
      .whole("ranks_per_node", cluster.ranks_per_node)
      .texts("hosts", cluster.hosts)
      .raw("results", "[" + results + "\n]");
  return json.close("}\n");
}

}  // namespace planewise::calibration
