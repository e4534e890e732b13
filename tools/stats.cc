#include "tools/stats.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>

#include "print/table.h"
#include "report/add_row.h"

namespace planewise::tools {
namespace {

using report::Ran;

Table count_table(const std::vector<Ran>& runs) {
  Table table{.columns = {"statistics"}};
  for (const Ran& run : runs) table.columns.push_back(run.fabric);
  const auto row = [&](const char* label, const auto& value) {
    report::add_row(table, label, runs, [&](const Ran& run) {
      return grouped(static_cast<std::int64_t>(value(run.result)));
    });
  };
  using simulate::Result;
  row("events", [](const Result& r) { return r.statistics.events; });
  row("flows started", [](const Result& r) { return r.statistics.flows_started; });
  row("  merged with an equal one", [](const Result& r) { return r.statistics.flows_merged; });
  row("solves", [](const Result& r) { return r.statistics.solves; });
  row("components played ahead", [](const Result& r) { return r.statistics.played_ahead; });
  row("  from nothing", [](const Result& r) { return r.statistics.full_solves; });
  row("classes of ranks", [](const Result& r) { return r.symmetry.rank_classes; });
  row("classes of flows", [](const Result& r) { return r.symmetry.flow_classes; });
  row("classes of links", [](const Result& r) { return r.symmetry.link_classes; });
  report::add_row(table, "greatest error of an end", runs, [](const Ran& run) {
    const double error = run.result.statistics.time_error;
    return error > 0 ? fmt::format("{:.1e}", error) : std::string("exact");
  });
  return table;
}

/// Of this process, as the system counts it.
double peak_megabytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) * 1024 / 1e6;  // ru_maxrss is in KiB on Linux
}

}  // namespace

void Stopwatch::begin(const std::string& name) {
  stop();
  const auto found = std::find_if(parts_.begin(), parts_.end(),
                                  [&](const Part& part) { return part.name == name; });
  current_ = static_cast<std::size_t>(found - parts_.begin());
  if (found == parts_.end()) parts_.push_back({.name = name});
  is_running_ = true;
  began_ = Clock::now();
}

void Stopwatch::stop() {
  if (is_running_) parts_[current_].time += Clock::now() - began_;
  is_running_ = false;
}

void print_stats(const report::Report& report, const Stopwatch& watch) {
  double events = 0;
  for (const Ran& run : report::all_ran(report)) {
    events += static_cast<double>(run.result.statistics.events);
  }
  Table walls{.columns = {"wall time", "s"}};
  double total = 0;
  double driven = 0;
  for (const Stopwatch::Part& part : watch.parts()) {
    walls.rows.push_back({part.name, fixed(part.time.count(), 3)});
    total += part.time.count();
    if (part.name == "drive") driven = part.time.count();
  }
  walls.rows.push_back({"all", fixed(total, 3)});
  if (driven > 0) walls.rows.push_back({"events a second of drive", fixed(events / driven, 0)});
  walls.rows.push_back({"peak memory, MB", fixed(peak_megabytes(), 1)});
  fmt::print(stderr, "{}\n{}", to_text(count_table(report::all_ran(report))), to_text(walls));
}

}  // namespace planewise::tools
