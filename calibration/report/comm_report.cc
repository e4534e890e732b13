#include "calibration/report/comm_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

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
                         const RankSkew& skew) {
  double sum = 0;
  int count = 0;
  std::int64_t wrong = 0;
  for (const CommPointRecord& record : records) {
    wrong += std::max<std::int64_t>(0, record.wrong);
    if (record.times.empty()) continue;
    sum += bus_rate(record.point, time_of(record)).in(gigabytes_per_second(1));
    ++count;
  }
  std::string text =
      fmt::format("# Out of bounds values : {} {}\n", wrong, wrong == 0 ? "OK" : "FAILED");
  if (sum > 0) text += fmt::format("# Avg bus bandwidth    : {:.6g}\n", sum / count);
  const std::string last =
      skew.last_rank < 0 ? "" : fmt::format(" (rank {} comes last)", skew.last_rank);
  return text + fmt::format(
                    "# Skew of the ranks    : {:.1f} us{}\n# Overhead a point     : {:.3f} ms\n#\n",
                    skew.skew.in(microseconds(1)), last, cost.overhead_each().in(milliseconds(1)));
}

namespace {

/// Points of one sweep.
struct Sweep {
  const CommPointRecord* largest = nullptr;
  std::set<std::string> keys{};
  std::map<std::string, std::vector<double>> medians{};  ///< [key] Of its rounds, in seconds.
  std::int64_t wrong = 0;
};

auto sweep_of(const CommPoint& p) {
  return std::tuple(p.group, p.operation, p.algorithm, p.cadence, p.ranks, p.nodes, p.groups);
}

std::vector<Value> row_of(const Sweep& sweep) {
  const CommPoint& p = sweep.largest->point;
  const Seconds time = time_of(*sweep.largest);
  const bool has_tokens = carries_tokens(p.operation);
  const Rate rate = has_tokens ? sweep.largest->logical / time : bus_rate(p, time);
  int repeated = 0;
  int stable = 0;
  for (const auto& [key, medians] : sweep.medians) {
    repeated += medians.size() > 1 ? 1 : 0;
    stable += medians.size() > 1 && is_stable(medians) ? 1 : 0;
  }
  const std::string way =
      p.algorithm == ExchangeAlgorithm::library ? "" : " " + to_string(p.algorithm);
  return {text_value(to_string(p.operation) + way),
          text_value(to_string(p.group)),
          text_value(fmt::format("{} of {} on {}", p.groups, p.ranks, p.nodes)),
          text_value(to_string(p.cadence)),
          count_value(std::ssize(sweep.keys)),
          text_value(has_tokens ? fmt::format("{} tokens", p.load.tokens) : size_text(p.size)),
          number_value(time.in(microseconds(1)), 1),
          number_value(rate.in(gigabytes_per_second(1)), 2),
          count_value(sweep.wrong),
          text_value(repeated == 0 ? "-" : fmt::format("{} of {}", stable, repeated))};
}

}  // namespace

Sheet comm_sheet(const RawFile& raw) {
  Sheet sheet{.title = "Between ranks",
              .key = "comm",
              .columns = {{"operation", "operation"},
                          {"group", "group"},
                          {"groups of ranks on nodes", "ranks"},
                          {"cadence", "cadence"},
                          {"sizes", "sizes"},
                          {"the largest", "largest"},
                          {"time (us)", "time_us"},
                          {"busbw or logical (GB/s)", "rate_gb_per_s"},
                          {"wrong", "wrong"},
                          {"stable", "stable"}}};
  std::map<decltype(sweep_of({})), std::size_t> places;
  std::vector<Sweep> sweeps;
  for (const CommPointRecord& record : raw.comm_points) {
    if (record.point.group == GroupKind::pair) continue;
    const auto [entry, is_new] = places.try_emplace(sweep_of(record.point), sweeps.size());
    if (is_new) sweeps.emplace_back();
    Sweep& sweep = sweeps[entry->second];
    sweep.keys.insert(record.key);
    sweep.wrong += std::max<std::int64_t>(0, record.wrong);
    if (record.times.empty()) continue;
    sweep.medians[record.key].push_back(time_of(record).in(seconds(1)));
    const auto size = [](const CommPointRecord& r) {
      return std::pair(r.point.load.tokens, r.point.size);
    };
    if (sweep.largest == nullptr || size(*sweep.largest) < size(record)) sweep.largest = &record;
  }
  for (const Sweep& sweep : sweeps) {
    if (sweep.largest != nullptr) sheet.rows.push_back(row_of(sweep));
  }
  return sheet;
}

Sheet overlap_sheet(const RawFile& raw) {
  Sheet sheet{.title = "Layers beside exchanges of tokens, times of the slowest rank",
              .key = "overlap",
              .columns = {{"layer", "compute"},
                          {"exchange", "communication"},
                          {"layer alone (us)", "compute_alone_us"},
                          {"beside (us)", "compute_beside_us"},
                          {"slower", "compute_slowdown"},
                          {"exchange alone (us)", "communication_alone_us"},
                          {"beside (us)", "communication_beside_us"},
                          {"slower", "communication_slowdown"}}};
  for (const OverlapRecord& o : raw.overlaps) {
    const auto us = [](Seconds time) { return number_value(time.in(microseconds(1)), 1); };
    sheet.rows.push_back({text_value(o.compute),
                          text_value(fmt::format("{} {}, {} tokens", to_string(o.operation),
                                                 to_string(o.algorithm), o.tokens)),
                          us(o.compute_alone), us(o.compute_beside),
                          number_value(o.compute_beside.in(o.compute_alone), 2),
                          us(o.communication_alone), us(o.communication_beside),
                          number_value(o.communication_beside.in(o.communication_alone), 2)});
  }
  return sheet;
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
