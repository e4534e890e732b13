#include "calibration/report/plan_report.h"

#include <fmt/format.h>

#include <map>
#include <set>
#include <tuple>

#include "print/table.h"

namespace planewise::calibration {
namespace {

std::string phase_name(Phase phase) {
  switch (phase) {
    case Phase::train:
      return "train";
    case Phase::prefill:
      return "prefill";
    case Phase::decode:
      return "decode";
  }
  return "";
}

/// What sets it apart from the plain case: `masked, zipf, beside communication`.
std::string circumstances(const Measurement& m) {
  std::string text = to_string(m.regime);
  if (m.layout != RowLayout::contiguous) text += ", " + to_string(m.layout);
  if (m.spread != RowSpread::balanced) text += ", " + to_string(m.spread);
  if (m.beside != spec::Beside::alone) text += ", beside communication";
  return text;
}

std::vector<Value> row_of(const Measurement& m) {
  return {text_value(m.id),
          text_value(to_string(m.kernel)),
          text_value(shape_text(m)),
          text_value(circumstances(m)),
          m.sms == 0 ? Value{.text = "all", .number = 0} : count_value(m.sms),
          number_value(m.work.in(gigaflop(1)), 1),
          number_value(m.traffic.in(bytes(1e6)), 1)};
}

/// What tells the sweeps between ranks apart.
auto sweep_of(const CommTask& task) {
  const CommPoint& p = task.point;
  return std::tuple(p.operation, p.algorithm, p.group, p.ranks, p.nodes, p.groups);
}

/// A row a sweep between ranks.
std::vector<Value> comm_row(const std::vector<CommTask>& sweep) {
  const CommPoint& first = sweep.front().point;
  const CommPoint& last = sweep.back().point;
  const std::string sizes =
      carries_tokens(first.operation)
          ? fmt::format("{} - {} tokens", first.load.tokens, last.load.tokens)
          : fmt::format("{} - {}", size_text(first.size), size_text(last.size));
  std::string cadences;
  for (const Cadence cadence : sweep.front().cadences) {
    cadences += (cadences.empty() ? "" : ", ") + to_string(cadence);
  }
  return {text_value(to_string(first.operation)),
          text_value(to_string(first.algorithm)),
          text_value(to_string(first.group)),
          text_value(fmt::format("{} of {} on {}", first.groups, first.ranks, first.nodes)),
          count_value(std::ssize(sweep)),
          text_value(sizes),
          text_value(cadences)};
}

Sheet comm_sheet(const Plan& plan) {
  Sheet sheet{.title = "Between ranks",
              .key = "comm",
              .columns = {{"operation", "operation"},
                          {"algorithm", "algorithm"},
                          {"group", "group"},
                          {"groups of ranks on nodes", "ranks"},
                          {"sizes", "sizes"},
                          {"from - to", "range"},
                          {"cadence", "cadence"}}};
  // Sizes of tokens alternate between algorithms: sweeps are put together in order of mention.
  std::vector<std::vector<CommTask>> sweeps;
  std::map<decltype(sweep_of(plan.comm.front())), std::size_t> places;
  for (const CommTask& task : plan.comm) {
    const auto [entry, is_new] = places.try_emplace(sweep_of(task), sweeps.size());
    if (is_new) sweeps.emplace_back();
    sweeps[entry->second].push_back(task);
  }
  for (const auto& sweep : sweeps) sheet.rows.push_back(comm_row(sweep));
  return sheet;
}

}  // namespace

std::string shape_text(const Measurement& m) {
  if (m.shape.m > 0) {
    return fmt::format("{}m={} n={} k={}",
                       m.shape.groups > 1 ? fmt::format("groups={} ", m.shape.groups) : "",
                       m.shape.m, m.shape.n, m.shape.k);
  }
  if (m.rows == 0) return "-";
  const std::string sequence = m.sequence > 0 ? fmt::format(", sequence {}", m.sequence) : "";
  return fmt::format("{} x {}{}", m.rows, m.width, sequence);
}

std::string duration_text(Seconds time) {
  const double value = time.in(seconds(1));
  if (value < 120) return fmt::format("{:.0f} s", value);
  return value < 7200 ? fmt::format("{:.0f} min", value / 60)
                      : fmt::format("{:.1f} h", value / 3600);
}

Account plan_account(const Plan& plan) {
  std::set<std::string> operators;
  for (const Measurement& measurement : plan.measurements) operators.insert(measurement.id);
  const std::string backend = plan.options.is_host ? "processor" : "GPU";
  Account account{.title = fmt::format("Plan: {}, {}, EP {}, on a {}", plan.model,
                                       phase_name(plan.options.phase), plan.options.expert_ranks,
                                       backend)};
  account.facts = {
      {"measurements", "measurements",
       count_value(std::ssize(plan.measurements) + std::ssize(plan.comm))},
      {"rounds over all", "repetitions", count_value(plan.repetitions)},
      {"time, a guess",
       "estimated_seconds",
       {.text = duration_text(plan.estimated), .number = plan.estimated.in(seconds(1))}}};
  if (!operators.empty()) {
    account.facts.push_back({"operators", "operators", count_value(std::ssize(operators))});
  }
  Sheet sheet{.title = "Measurements",
              .key = "plan",
              .columns = {{"operator", "operator"},
                          {"kernel", "kernel"},
                          {"shape", "shape"},
                          {"regime", "regime"},
                          {"SMs", "sms"},
                          {"work (GFLOP)", "work_gflop"},
                          {"traffic (MB)", "traffic_mb"}}};
  for (const Measurement& measurement : plan.measurements) {
    sheet.rows.push_back(row_of(measurement));
  }
  if (!sheet.rows.empty()) account.sheets.push_back(std::move(sheet));
  if (!plan.comm.empty()) account.sheets.push_back(comm_sheet(plan));
  return account;
}

}  // namespace planewise::calibration
