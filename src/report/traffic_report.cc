#include "report/traffic_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "report/add_row.h"
#include "workload/collective_time.h"
#include "workload/traffic_program.h"

namespace planewise::report {
namespace {

/// Fills in what chunk `chunk` of the ranks' programs took, a pass.
void add_times(TrafficLine& line, const simulate::Result& result, std::size_t chunk,
               const TrafficRun& run) {
  double ranks = 0;
  for (const simulate::RankResult& rank : result.ranks) {
    // Of a connection matrix, ranks of odd number are where flows arrive.
    if (run.traffic.matrix && rank.rank % 2 != 0) continue;
    const auto count = static_cast<double>(rank.rank_count);
    const Seconds time = rank.chunks[chunk] / static_cast<double>(run.traffic.repeat);
    line.mean += time * count;
    if (run.traffic.matrix) line.time = std::max(line.time, time);
    ranks += count;
  }
  line.mean = line.mean / ranks;
  if (!run.traffic.matrix) {
    line.time = result.chunks[chunk] / static_cast<double>(run.traffic.repeat);
  }
}

TrafficLine collective_line(const TrafficRun& run, std::size_t index,
                            const simulate::Result& result) {
  const spec::TrafficStep& step = run.traffic.steps[index];
  const int gpus = run.topology.nodes.gpus;
  const auto placement = workload::place_traffic(run.traffic, gpus);
  const auto groups = workload::groups_of(step, run.traffic.ranks, gpus);
  const spec::CollectiveCurve curve =
      workload::curve_of({.traffic = run.traffic, .profile = run.profile}, step,
                         workload::reach_of(groups, placement));
  const bool has_algorithm = step.collective != spec::Collective::send;
  TrafficLine line{
      .name = step.name,
      .collective = std::string(spec::collective_word(step.collective)),
      .algorithm = has_algorithm ? std::string(spec::algorithm_word(step.algorithm)) : "",
      .group = step.group,
      .groups = static_cast<int>(groups.size()),
      .size = workload::counted_size(step, gpus)};
  add_times(line, result, index, run);
  line.idle =
      workload::idle_time({.step = step, .groups = groups, .placement = placement, .curve = curve},
                          workload::idle_fabric(run.topology));
  if (line.time > Seconds{}) {
    line.algbw = line.size / line.time;
    line.busbw = line.algbw * workload::bus_factor(step, gpus);
  }
  return line;
}

TrafficLine pause_line(const TrafficRun& run, std::size_t index, const simulate::Result& result) {
  const spec::TrafficStep& step = run.traffic.steps[index];
  TrafficLine line{.name = step.name, .collective = "compute", .idle = step.compute};
  add_times(line, result, index, run);
  return line;
}

TrafficLine matrix_line(const TrafficRun& run, const simulate::Result& result) {
  TrafficLine line{.name = "flows", .collective = "flows"};
  line.group = static_cast<int>(run.traffic.matrix->flows.size());
  for (const spec::MatrixFlow& flow : run.traffic.matrix->flows) line.size += flow.size;
  add_times(line, result, workload::kMatrixFlow, run);
  return line;
}

bool is_collective(const TrafficLine& line) { return line.groups > 0; }

std::string in_microseconds(Seconds time) { return fixed(time.in(microseconds(1)), 3); }
std::string in_gigabytes(Rate rate) { return fixed(rate.in(gigabytes_per_second(1)), 2); }
std::string or_dash(bool there, const std::string& text) { return there ? text : "-"; }

/// What a line has beside its times.
std::string over_idle(const TrafficLine& line) {
  return or_dash(line.idle > Seconds{} && is_collective(line),
                 fixed(line.idle > Seconds{} ? line.time.in(line.idle) : 0, 3));
}

}  // namespace

TrafficReport make_traffic(const TrafficRun& run, simulate::Result result) {
  TrafficReport report{.fabric = run.topology.name,
                       .workload = run.traffic.name,
                       .profile = run.profile == nullptr ? "" : run.profile->name,
                       .ranks = run.traffic.ranks,
                       .repeat = run.traffic.repeat};
  if (run.traffic.matrix) report.lines.push_back(matrix_line(run, result));
  for (std::size_t i = 0; i < run.traffic.steps.size(); ++i) {
    report.lines.push_back(run.traffic.steps[i].is_compute ? pause_line(run, i, result)
                                                           : collective_line(run, i, result));
  }
  report.result = std::move(result);
  return report;
}

void add_traffic_rows(Table& table, const std::vector<TrafficReport>& runs) {
  table.rows.push_back({"traffic"});
  add_row(table, "  time, us", runs,
          [](const TrafficReport& r) { return in_microseconds(r.result.step_time); });
  if (runs.size() > 1) {
    const Seconds first = runs.front().result.step_time;
    add_row(table, "    against the first", runs, [first](const TrafficReport& r) {
      return signed_percent(r.result.step_time.in(first)-1, 3);
    });
  }
  for (std::size_t i = 0; i < runs.front().lines.size(); ++i) {
    const auto row = [&](const std::string& label, const auto& cell) {
      add_row(table, label, runs, [&](const TrafficReport& r) { return cell(r.lines[i]); });
    };
    const TrafficLine& line = runs.front().lines[i];
    row(fmt::format("  {}, us", line.name),
        [](const TrafficLine& l) { return in_microseconds(l.time); });
    if (!is_collective(line)) continue;
    row("    busbw, GB/s", [](const TrafficLine& l) { return in_gigabytes(l.busbw); });
    row("    over idle", over_idle);
  }
}

Table traffic_table(const TrafficReport& run) {
  Table table{.title = fmt::format(
                  "Steps on {}{}", run.fabric,
                  run.repeat > 1 ? fmt::format(", one of {} passes", run.repeat) : std::string()),
              .columns = {"step", "what", "ranks", "groups", "size, B", "time, us", "rank mean, us",
                          "algbw, GB/s", "busbw, GB/s", "idle, us", "over idle"}};
  for (const TrafficLine& line : run.lines) {
    const bool is_one = is_collective(line);
    table.rows.push_back(
        {line.name,
         line.algorithm.empty() ? line.collective : line.collective + " " + line.algorithm,
         or_dash(line.group > 0, grouped(line.group)), or_dash(is_one, grouped(line.groups)),
         or_dash(line.size > Bytes{}, fixed(line.size.in(bytes(1)), 0)), in_microseconds(line.time),
         in_microseconds(line.mean), or_dash(is_one, in_gigabytes(line.algbw)),
         or_dash(is_one, in_gigabytes(line.busbw)),
         or_dash(line.idle > Seconds{}, in_microseconds(line.idle)), over_idle(line)});
  }
  return table;
}

}  // namespace planewise::report
