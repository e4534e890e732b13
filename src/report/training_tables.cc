#include "report/training_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <numeric>
#include <set>
#include <utility>

#include "report/add_row.h"

namespace planewise::report {
namespace {

using simulate::RankResult;
using workload::Phase;

/// A line of the published table (arXiv 2505.09343, Table 4), in its order.
struct PhaseRow {
  const char* label;
  Phase phase;
};
constexpr std::array kPhaseRows = {
    PhaseRow{"1F, warm-up", Phase::forward_1f},    PhaseRow{"bubble", Phase::bubble},
    PhaseRow{"1B, cool-down", Phase::backward_1b}, PhaseRow{"1W, cool-down", Phase::weight_1w},
    PhaseRow{"1F1B", Phase::overlapped_1f1b},      PhaseRow{"optimizer", Phase::optimizer}};

std::string seconds_text(Seconds time) { return fixed(time.in(seconds(1)), 3); }

std::string gigabytes_text(Bytes size) { return fixed(size.in(bytes(1e9)), 1); }

Seconds phase_of(const RankResult& rank, Phase phase) {
  return rank.phases[static_cast<std::size_t>(phase)];
}

Seconds exposed_communication(const RankResult& rank) {
  return std::accumulate(rank.exposed.begin(), rank.exposed.end(), Seconds{});
}

Seconds hidden_communication(const RankResult& rank) {
  Seconds sum{};
  for (std::size_t i = 0; i < rank.busy.size(); ++i) sum += rank.hidden(i);
  return sum;
}

/// The rank that imbalance makes compute longest.
const RankResult& most_loaded_rank(const RunReport& run) {
  return *std::max_element(run.result.ranks.begin(), run.result.ranks.end(),
                           [](const auto& a, const auto& b) { return a.imbalance < b.imbalance; });
}

Seconds mean_skew(const RunReport& run) {
  Seconds sum{};
  double count = 0;
  for (const RankResult& rank : run.result.ranks) {
    sum += rank.skew * static_cast<double>(rank.rank_count);
    count += static_cast<double>(rank.rank_count);
  }
  return sum / count;
}

/// Adds rows of runs; a run that was cut off has `none` in those of times.
class RunRows {
 public:
  RunRows(Table& table, const std::vector<RunReport>& runs) : table_(table), runs_(runs) {}

  void add() {
    heading("training step");
    row("  step time, s", [](const RunReport& r) { return seconds_text(r.result.step_time); });
    if (runs_.size() > 1) add_comparison();
    heading("  of rank 0, s");
    for (const PhaseRow& line : kPhaseRows) {
      row(std::string("    ") + line.label, [&line](const RunReport& r) {
        return seconds_text(phase_of(shown_rank(r), line.phase));
      });
    }
    add_busiest();
    add_imbalance();
    add_rates();
    add_memory();
  }

 private:
  using Cell = std::function<std::string(const RunReport&)>;

  void heading(const char* label) { table_.rows.push_back({label}); }

  void row(const std::string& label, const Cell& cell) {
    add_row(table_, label, runs_, [&cell](const RunReport& run) {
      return run.result.is_complete() ? cell(run) : std::string("none");
    });
  }

  void add_comparison() {
    const simulate::Result& first = runs_.front().result;
    row("    against the first", [&first](const RunReport& r) {
      if (!first.is_complete()) return std::string("-");
      return signed_percent(r.result.step_time.in(first.step_time) - 1, 3);
    });
  }

  void add_busiest() {
    heading("  of the busiest pipeline rank, s");
    row("    pipeline rank",
        [](const RunReport& r) { return std::to_string(busiest_rank(r).stage); });
    const auto busiest = [&](const char* label, Seconds (*time)(const RankResult&)) {
      row(label, [time](const RunReport& r) { return seconds_text(time(busiest_rank(r))); });
    };
    busiest("    compute", [](const RankResult& r) { return r.compute; });
    busiest("    exposed communication", exposed_communication);
    busiest("    hidden communication", hidden_communication);
    busiest("    bubble", [](const RankResult& r) { return phase_of(r, Phase::bubble); });
  }

  void add_imbalance() {
    const bool any = std::any_of(runs_.begin(), runs_.end(),
                                 [](const RunReport& r) { return r.balanced_step_time; });
    if (!any) return;
    const auto imbalance = [&](const char* label, const Cell& cell) {
      row(label, [&cell](const RunReport& r) {
        return r.balanced_step_time ? cell(r) : std::string("-");
      });
    };
    heading("  imbalance, s");
    imbalance("    step with balanced tokens",
              [](const RunReport& r) { return seconds_text(*r.balanced_step_time); });
    imbalance("    cost of imbalance", [](const RunReport& r) {
      return seconds_text(r.result.step_time - *r.balanced_step_time);
    });
    imbalance("    most loaded rank",
              [](const RunReport& r) { return std::to_string(most_loaded_rank(r).rank); });
    imbalance("      computes longer by",
              [](const RunReport& r) { return seconds_text(most_loaded_rank(r).imbalance); });
    imbalance("    skew, mean over ranks",
              [](const RunReport& r) { return seconds_text(mean_skew(r)); });
  }

  void add_rates() {
    row("  tokens a day, B", [](const RunReport& r) { return fixed(r.tokens_per_day / 1e9, 2); });
    row("  tokens a second and GPU",
        [](const RunReport& r) { return fixed(r.tokens_per_second_and_gpu, 1); });
    row("  TFLOPS a GPU, causal", [](const RunReport& r) { return fixed(r.tflops_causal, 1); });
    row("  TFLOPS a GPU, non-causal",
        [](const RunReport& r) { return fixed(r.tflops_noncausal, 1); });
    row("  MFU, causal", [](const RunReport& r) { return percent(r.mfu_causal, 2); });
    row("  MFU, non-causal", [](const RunReport& r) { return percent(r.mfu_noncausal, 2); });
    row("  GPU-hours a T tokens, k",
        [](const RunReport& r) { return fixed(r.gpu_hours_per_trillion_tokens / 1e3, 1); });
    const bool priced = std::any_of(runs_.begin(), runs_.end(),
                                    [](const RunReport& r) { return r.usd_per_trillion_tokens; });
    if (priced) {
      row("  USD a T tokens, k", [](const RunReport& r) {
        return r.usd_per_trillion_tokens ? fixed(r.usd_per_trillion_tokens->in(usd(1e3)), 1)
                                         : std::string("-");
      });
    }
    row("  rests on estimates",
        [](const RunReport& r) { return percent(r.result.estimated_share); });
  }

  /// Memory is in closed form: there whatever became of the step.
  void add_memory() {
    const bool known = std::any_of(runs_.begin(), runs_.end(), [](const RunReport& r) {
      return !r.memory.by_pipeline.empty();
    });
    if (!known) return;
    const auto memory = [&](const char* label,
                            const std::function<std::string(const JobMemory&)>& cell) {
      add_row(table_, label, runs_, [&cell](const RunReport& r) {
        return r.memory.by_pipeline.empty() ? std::string("-") : cell(r.memory);
      });
    };
    heading("memory a GPU, GB");
    memory("  fullest pipeline rank",
           [](const JobMemory& m) { return std::to_string(m.fullest()); });
    memory("    needs",
           [](const JobMemory& m) { return gigabytes_text(m.by_pipeline[m.fullest()].total()); });
    memory("    of", [](const JobMemory& m) { return gigabytes_text(m.gpu_memory); });
    memory("    fits", [](const JobMemory& m) { return m.fits() ? "yes" : "DOES NOT FIT"; });
    const auto largest = [](const JobMemory& m) -> const model::Memory& {
      return m.by_pipeline[m.fullest()];
    };
    memory("    largest item", [&](const JobMemory& m) {
      return model::kMemoryUseWords[static_cast<std::size_t>(largest(m).largest)];
    });
    memory("      needs",
           [&](const JobMemory& m) { return gigabytes_text(largest(m).use(largest(m).largest)); });
  }

  Table& table_;
  const std::vector<RunReport>& runs_;
};

/// All ranks; of very many, those of each pipeline rank that wait least and most.
std::vector<RankResult> ranks_to_show(const RunReport& run) {
  constexpr std::size_t kMostRanks = 64;
  const std::vector<RankResult>& all = run.result.ranks;
  if (all.size() <= kMostRanks) return all;
  std::map<int, std::pair<const RankResult*, const RankResult*>> by_stage;
  for (const RankResult& rank : all) {
    auto& [least, most] = by_stage.try_emplace(rank.stage, &rank, &rank).first->second;
    if (phase_of(rank, Phase::bubble) < phase_of(*least, Phase::bubble)) least = &rank;
    if (phase_of(rank, Phase::bubble) > phase_of(*most, Phase::bubble)) most = &rank;
  }
  std::vector<RankResult> shown;
  for (const auto& [stage, ranks] : by_stage) {
    shown.push_back(*ranks.first);
    // Those that differ by less than what is printed are one line.
    const Seconds apart =
        phase_of(*ranks.second, Phase::bubble) - phase_of(*ranks.first, Phase::bubble);
    if (apart >= milliseconds(1)) shown.push_back(*ranks.second);
  }
  return shown;
}

/// A column of exposed communication: labels whose names begin so.
struct ExposedColumn {
  const char* title;
  std::vector<std::string> names{};
};
const std::vector<ExposedColumn>& exposed_columns() {
  static const std::vector<ExposedColumn> columns = {
      {"dispatch", {"dispatch"}},
      {"combine", {"combine"}},
      {"tensor", {"tensor", "expert gather", "expert scatter"}},
      {"context", {"context"}},
      {"pipeline", {"pipeline"}},
      {"data",
       {"gradient", "parameter", "expert gradients", "expert parameters", "shared embedding"}}};
  return columns;
}

Seconds exposed_in(const RankResult& rank, const std::vector<std::string>& labels,
                   const ExposedColumn& column) {
  Seconds sum{};
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const bool belongs =
        std::any_of(column.names.begin(), column.names.end(),
                    [&](const std::string& name) { return labels[i].starts_with(name); });
    if (belongs) sum += rank.exposed[i];
  }
  return sum;
}

Table stage_table(const RunReport& run) {
  const std::vector<RankResult> shown = ranks_to_show(run);
  const bool is_all = shown.size() == run.result.ranks.size();
  Table table{.title = fmt::format(
                  "Pipeline ranks on {}: time by phase, and of it exposed communication{}, s",
                  run.fabric, is_all ? "" : ", of the ranks that wait least and most"),
              .columns = {"pipeline rank", "ranks", "1F", "bubble", "1B", "1W", "1F1B", "optimizer",
                          "compute"}};
  std::vector<ExposedColumn> columns;
  for (const ExposedColumn& column : exposed_columns()) {
    const bool any = std::any_of(shown.begin(), shown.end(), [&](const RankResult& rank) {
      return exposed_in(rank, run.result.labels, column) > Seconds{};
    });
    if (!any) continue;
    columns.push_back(column);
    table.columns.emplace_back(column.title);
  }
  table.columns.emplace_back("skew");
  for (const RankResult& rank : shown) {
    std::vector<std::string> row = {fmt::format("{} (rank {})", rank.stage, rank.rank),
                                    grouped(rank.rank_count)};
    for (const PhaseRow& line : kPhaseRows) row.push_back(seconds_text(phase_of(rank, line.phase)));
    row.push_back(seconds_text(rank.compute));
    for (const ExposedColumn& column : columns) {
      row.push_back(seconds_text(exposed_in(rank, run.result.labels, column)));
    }
    row.push_back(seconds_text(rank.skew));
    table.rows.push_back(std::move(row));
  }
  return table;
}

/// Least, mean and most of each phase over all ranks.
Table spread_table(const RunReport& run) {
  Table table{.title = fmt::format("Phases on {}, over all ranks, s", run.fabric),
              .columns = {"phase", "rank 0", "least", "mean", "most"}};
  for (const PhaseRow& line : kPhaseRows) {
    Seconds least = phase_of(run.result.ranks.front(), line.phase);
    Seconds most = least;
    Seconds sum{};
    double count = 0;
    for (const RankResult& rank : run.result.ranks) {
      const Seconds time = phase_of(rank, line.phase);
      least = std::min(least, time);
      most = std::max(most, time);
      sum += time * static_cast<double>(rank.rank_count);
      count += static_cast<double>(rank.rank_count);
    }
    table.rows.push_back({line.label, seconds_text(phase_of(shown_rank(run), line.phase)),
                          seconds_text(least), seconds_text(sum / count), seconds_text(most)});
  }
  return table;
}

Table communication_table(const RunReport& run, const RankResult& rank) {
  Table table{.title = fmt::format("Communication of rank {}, on pipeline rank {}, on {}, s",
                                   rank.rank, rank.stage, run.fabric),
              .columns = {"kind", "busy", "exposed", "hidden"}};
  CommunicationTime sum{};
  for (const CommunicationTime& kind : communication_of(rank, run.result.labels)) {
    table.rows.push_back({kind.name, seconds_text(kind.busy), seconds_text(kind.exposed),
                          seconds_text(kind.hidden)});
    sum.busy += kind.busy;
    sum.exposed += kind.exposed;
    sum.hidden += kind.hidden;
  }
  table.rows.push_back(
      {"all", seconds_text(sum.busy), seconds_text(sum.exposed), seconds_text(sum.hidden)});
  return table;
}

Table memory_table(const JobMemory& memory) {
  Table table{.title = fmt::format("Memory a GPU, of {} GB, by pipeline rank, GB",
                                   gigabytes_text(memory.gpu_memory)),
              .columns = {"pipeline rank"}};
  for (const char* use : model::kMemoryUseWords) table.columns.emplace_back(use);
  table.columns.insert(table.columns.end(), {"total", "fits"});
  for (std::size_t rank = 0; rank < memory.by_pipeline.size(); ++rank) {
    const model::Memory& held = memory.by_pipeline[rank];
    std::vector<std::string> row = {std::to_string(rank)};
    const bool as_before = rank > 0 && memory.by_pipeline[rank - 1].uses == held.uses;
    if (as_before) {
      std::string& label = table.rows.back().front();
      label = fmt::format("{} to {}", label.substr(0, label.find(' ')), rank);
      continue;
    }
    for (const Bytes use : held.uses) row.push_back(gigabytes_text(use));
    row.push_back(gigabytes_text(held.total()));
    row.emplace_back(held.fits ? "yes" : "NO");
    table.rows.push_back(std::move(row));
  }
  return table;
}

Table estimate_table(const RunReport& run) {
  constexpr std::size_t kMostParts = 3;
  Table table{
      .title = fmt::format("Rests on estimates: {} of compute and exposed communication, most of "
                           "it in",
                           percent(run.result.estimated_share)),
      .columns = {"operator or exchange", "share"}};
  for (std::size_t i = 0; i < std::min(kMostParts, run.estimates.size()); ++i) {
    table.rows.push_back({run.estimates[i].name, percent(run.estimates[i].share)});
  }
  return table;
}

Table block_table(const RunReport& run) {
  Table table{.title = "Compute blocks: one pass of a micro-batch",
              .columns = {"block", "time, ms", "estimated"}};
  for (const workload::Block& block : run.blocks) {
    if (block.is_fused) continue;
    const double share = block.time > Seconds{} ? block.estimated_time.in(block.time) : 0;
    table.rows.push_back({block.name, fixed(block.time.in(milliseconds(1)), 3), percent(share)});
  }
  return table;
}

}  // namespace

void add_run_rows(Table& table, const std::vector<RunReport>& runs) { RunRows(table, runs).add(); }

std::vector<Table> training_tables(const RunReport& run) {
  std::vector<Table> tables;
  if (run.result.is_complete()) {
    tables.push_back(stage_table(run));
    tables.push_back(spread_table(run));
    const RankResult& busiest = busiest_rank(run);
    if (busiest.rank != shown_rank(run).rank) {
      tables.push_back(communication_table(run, shown_rank(run)));
    }
    tables.push_back(communication_table(run, busiest));
    if (!run.estimates.empty()) tables.push_back(estimate_table(run));
  }
  if (!run.memory.by_pipeline.empty()) tables.push_back(memory_table(run.memory));
  tables.push_back(block_table(run));
  return tables;
}

std::vector<Table> memory_tables(const JobMemory& memory) {
  const std::size_t fullest = memory.fullest();
  const model::Memory& held = memory.by_pipeline[fullest];
  const auto largest = static_cast<std::size_t>(held.largest);
  Table overview{.columns = {"", memory.workload}};
  overview.rows = {{"model", memory.model},
                   {"GPU", memory.gpu},
                   {"memory a GPU, GB", gigabytes_text(memory.gpu_memory)},
                   {"fullest pipeline rank", std::to_string(fullest)},
                   {"  needs, GB", gigabytes_text(held.total())},
                   {"  fits", memory.fits() ? "yes" : "DOES NOT FIT"},
                   {"  largest item", model::kMemoryUseWords[largest]},
                   {"    needs, GB", gigabytes_text(held.use(held.largest))}};
  return {std::move(overview), memory_table(memory)};
}

}  // namespace planewise::report
