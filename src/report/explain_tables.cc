#include "report/explain_tables.h"

#include <fmt/format.h>

#include "base/check.h"

namespace planewise::report {
namespace {

using simulate::PathShare;
using simulate::Saving;

std::string kind_word(fabric::LinkKind kind) {
  return fabric::kLinkKindWords[static_cast<std::size_t>(kind)];
}

std::string ms(Seconds time) { return fixed(time.in(milliseconds(1)), 3); }

/// What times of a whole step are told in: an iteration of serving takes milliseconds.
struct StepUnit {
  const char* name = "s";
  Seconds one = seconds(1);

  std::string operator()(Seconds time) const { return fixed(time.in(one), 3); }
  std::string titled(const char* what) const { return fmt::format("{}, {}", what, name); }
};

StepUnit unit_of(Seconds step) {
  return step < seconds(1) ? StepUnit{"ms", milliseconds(1)} : StepUnit{};
}

Table path_table(const Ran& run, const simulate::Explanation& why) {
  const Seconds step = run.result.step_time;
  const StepUnit s = unit_of(step);
  Table table{.title = fmt::format("Critical path on {}: {} pieces, one after the other, in {} {}",
                                   run.fabric, grouped(why.pieces), s(step), s.name),
              .columns = {"", "pieces", s.titled("time"), "share", s.titled("latency")}};
  const auto add = [&](const std::string& label, const PathShare& share) {
    table.rows.push_back({"  " + label, grouped(share.pieces), s(share.time),
                          percent(share.time.in(step)), s(share.latency)});
  };
  table.rows.push_back({"by work"});
  PathShare others;
  int other_count = 0;
  for (const PathShare& share : why.by_work) {
    constexpr double kShown = 0.001;
    if (share.time.in(step) >= kShown) {
      add(share.name, share);
      continue;
    }
    other_count += 1;
    others.pieces += share.pieces;
    others.time += share.time;
    others.latency += share.latency;
  }
  if (other_count > 0) add(fmt::format("{} others, below 0.1 % each", other_count), others);
  // One line of all says nothing: traffic and serving have neither phases nor stages.
  if (why.by_phase.size() > 1) {
    table.rows.push_back({"by phase"});
    for (const PathShare& share : why.by_phase) add(share.name, share);
  }
  if (why.by_stage.size() < 2) return table;
  table.rows.push_back({"by stage"});
  for (const PathShare& share : why.by_stage) add("stage " + share.name, share);
  return table;
}

std::string change(const Saving& saving) {
  switch (saving.what) {
    case Saving::What::compute:
      return "compute twice as fast";
    case Saving::What::latency:
      return "half the latency";
    case Saving::What::links:
      return "twice the capacity of " + both_directions(saving.kind.value());
  }
  PW_UNREACHABLE("Saving::What has three values");
}

Table saving_table(const Ran& run, const simulate::Explanation& why) {
  const StepUnit s = unit_of(run.result.step_time);
  Table table{.title = fmt::format("What would help on {}, at most", run.fabric),
              .columns = {"", s.titled("on the path"), s.titled("saves"), "of the step"}};
  for (const Saving& saving : why.savings) {
    table.rows.push_back({change(saving), s(saving.on_path), s(saving.at_most),
                          percent(saving.at_most.in(run.result.step_time))});
  }
  return table;
}

Table longest_table(const Ran& run, const simulate::Explanation& why) {
  const StepUnit s = unit_of(run.result.step_time);
  Table table{.title = fmt::format("Longest pieces of the critical path on {}", run.fabric),
              .columns = {"", "stage", "rank", s.titled("began"), "time, ms", "latency, ms"}};
  for (const simulate::NamedSegment& piece : why.longest) {
    table.rows.push_back({piece.name, std::to_string(piece.stage), std::to_string(piece.rank),
                          s(piece.segment.began), ms(piece.segment.time()),
                          ms(piece.segment.latency)});
  }
  return table;
}

/// What holds a label's transfers back; "-" if no bound is known, as where routes are chosen late.
std::string bound_word(const simulate::LabelTimes& label) {
  if (label.alone == Seconds{}) return "-";
  return label.bound_by ? kind_word(*label.bound_by) : "latency";
}

Table transfer_table(const Ran& run) {
  Table table{.title = fmt::format("Transfers on {}: at least, and as they were, ms", run.fabric),
              .columns = {"", "transfers", "alone", "all at once", "mean", "longest", "over alone",
                          "bound by"}};
  for (const simulate::LabelTimes& label : run.result.transfers) {
    const bool has_bound = label.alone > Seconds{};
    table.rows.push_back({label.label, grouped(label.transfers), ms(label.alone),
                          ms(label.together), ms(label.mean), ms(label.longest),
                          has_bound ? signed_percent(label.mean.in(label.alone) - 1, 1) : "-",
                          bound_word(label)});
  }
  return table;
}

}  // namespace

std::string both_directions(fabric::LinkKind kind) {
  const fabric::LinkKind up = fabric::upwards(kind);
  const auto down = static_cast<fabric::LinkKind>(static_cast<int>(up) + 1);
  return kind_word(up) + " and " + kind_word(down);
}

std::vector<Table> explain_tables(const Ran& run) {
  PW_CHECK(run.result.explanation.has_value());
  const simulate::Explanation& why = *run.result.explanation;
  return {path_table(run, why), saving_table(run, why), longest_table(run, why),
          transfer_table(run)};
}

}  // namespace planewise::report
