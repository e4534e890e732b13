#include "report/tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <numeric>
#include <utility>

#include "report/add_row.h"
#include "report/explain_tables.h"
#include "report/fabric_tables.h"
#include "report/fault_tables.h"
#include "report/network_tables.h"
#include "report/table.h"
#include "report/traffic_report.h"
#include "report/validation_tables.h"

namespace planewise::report {
namespace {

using workload::Phase;

/// The rank that waits least: its stage bounds the step.
const simulate::RankResult& busiest_rank(const RunReport& run) {
  const auto bubble = [](const simulate::RankResult& rank) {
    return rank.phases[static_cast<std::size_t>(Phase::bubble)];
  };
  return *std::min_element(run.result.ranks.begin(), run.result.ranks.end(),
                           [&](const auto& a, const auto& b) { return bubble(a) < bubble(b); });
}

Seconds exposed_communication(const simulate::RankResult& rank) {
  return std::accumulate(rank.exposed.begin(), rank.exposed.end(), Seconds{});
}

void add_run_rows(Table& table, const std::vector<RunReport>& runs) {
  const auto row = [&](const char* label, const std::function<std::string(const RunReport&)>& f) {
    add_row(table, label, runs, [&f](const RunReport& run) {
      return run.result.is_complete() ? f(run) : std::string("none");
    });
  };
  const auto phase = [&](const char* label, Phase which) {
    row(label, [which](const RunReport& r) {
      return fixed(shown_rank(r).phases[static_cast<std::size_t>(which)].in(seconds(1)), 3);
    });
  };
  table.rows.push_back({"training step"});
  row("  step time, s",
      [](const RunReport& r) { return fixed(r.result.step_time.in(seconds(1)), 3); });
  if (runs.size() > 1) {
    const simulate::Result& first = runs.front().result;
    row("    against the first", [&first](const RunReport& r) {
      if (!first.is_complete()) return std::string("-");
      return signed_percent(r.result.step_time.in(first.step_time) - 1, 3);
    });
  }
  table.rows.push_back({"  of rank 0, s"});
  phase("    1F, warm-up", Phase::forward_1f);
  phase("    bubble", Phase::bubble);
  phase("    1B, cool-down", Phase::backward_1b);
  phase("    1W, cool-down", Phase::weight_1w);
  phase("    1F1B", Phase::overlapped_1f1b);
  phase("    optimizer", Phase::optimizer);
  const auto busiest = [&](const char* label, Seconds (*f)(const simulate::RankResult&)) {
    row(label, [f](const RunReport& r) { return fixed(f(busiest_rank(r)).in(seconds(1)), 3); });
  };
  table.rows.push_back({"  of the busiest stage, s"});
  row("    stage", [](const RunReport& r) { return std::to_string(busiest_rank(r).stage); });
  busiest("    compute", [](const simulate::RankResult& r) { return r.compute; });
  busiest("    exposed communication", exposed_communication);
  busiest("    bubble", [](const simulate::RankResult& r) {
    return r.phases[static_cast<std::size_t>(Phase::bubble)];
  });
  row("  tokens a day, B", [](const RunReport& r) { return fixed(r.tokens_per_day / 1e9, 2); });
  row("  TFLOPS a GPU, causal", [](const RunReport& r) { return fixed(r.tflops_causal, 1); });
  row("  TFLOPS a GPU, non-causal",
      [](const RunReport& r) { return fixed(r.tflops_noncausal, 1); });
  row("  MFU, causal", [](const RunReport& r) { return percent(r.mfu_causal, 2); });
  row("  MFU, non-causal", [](const RunReport& r) { return percent(r.mfu_noncausal, 2); });
  row("  rests on estimates", [](const RunReport& r) { return percent(r.result.estimated_share); });
}

Table overview(const Report& report) {
  Table table{.columns = {""}};
  for (const FabricReport& fabric : report.fabrics) {
    table.columns.push_back(fabric.fabric.topology.name);
  }
  add_fabric_rows(table, report);
  if (!report.runs.empty()) add_run_rows(table, report.runs);
  if (!report.traffic.empty()) add_traffic_rows(table, report.traffic);
  return table;
}

/// All ranks; of very many, those of each stage that wait least and most.
std::vector<simulate::RankResult> ranks_to_show(const RunReport& run) {
  constexpr std::size_t kMostRanks = 64;
  const std::vector<simulate::RankResult>& all = run.result.ranks;
  if (all.size() <= kMostRanks) return all;
  std::map<int, std::pair<const simulate::RankResult*, const simulate::RankResult*>> by_stage;
  const auto bubble = [](const simulate::RankResult& rank) {
    return rank.phases[static_cast<std::size_t>(Phase::bubble)];
  };
  for (const simulate::RankResult& rank : all) {
    auto& [least, most] = by_stage.try_emplace(rank.stage, &rank, &rank).first->second;
    if (bubble(rank) < bubble(*least)) least = &rank;
    if (bubble(rank) > bubble(*most)) most = &rank;
  }
  std::vector<simulate::RankResult> shown;
  for (const auto& [stage, ranks] : by_stage) {
    shown.push_back(*ranks.first);
    if (ranks.second != ranks.first) shown.push_back(*ranks.second);
  }
  return shown;
}

Table stage_table(const RunReport& run) {
  const std::vector<simulate::RankResult> shown = ranks_to_show(run);
  const bool is_all = shown.size() == run.result.ranks.size();
  Table table{
      .title = fmt::format("Stages on {}: time by phase and exposed communication{}, s", run.fabric,
                           is_all ? "" : ", of the ranks that wait least and most"),
      .columns = {"stage", "ranks", "1F", "bubble", "1B", "1W", "1F1B", "optimizer", "compute",
                  "dispatch", "combine", "skew"}};
  for (const simulate::RankResult& rank : shown) {
    const auto phase = [&](Phase p) {
      return fixed(rank.phases[static_cast<std::size_t>(p)].in(seconds(1)), 3);
    };
    const auto exposed = [&](const char* label) {
      Seconds sum{};
      for (std::size_t i = 0; i < run.result.labels.size(); ++i) {
        if (run.result.labels[i] == label) sum += rank.exposed[i];
      }
      return fixed(sum.in(seconds(1)), 3);
    };
    table.rows.push_back({fmt::format("{} (rank {})", rank.stage, rank.rank),
                          grouped(rank.rank_count), phase(Phase::forward_1f), phase(Phase::bubble),
                          phase(Phase::backward_1b), phase(Phase::weight_1w),
                          phase(Phase::overlapped_1f1b), phase(Phase::optimizer),
                          fixed(rank.compute.in(seconds(1)), 3), exposed("dispatch"),
                          exposed("combine"), fixed(rank.skew.in(seconds(1)), 3)});
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

Table link_table(const std::string& fabric, const simulate::Result& result, int decimals) {
  Table table{.title = fmt::format("Busiest link of each kind on {}, over the whole step", fabric),
              .columns = {"link", "carried, GB", "mean load"}};
  for (const simulate::LinkLoad& load : result.busiest_links) {
    table.rows.push_back(
        {load.name, fixed(load.carried.in(bytes(1e9)), decimals), percent(load.mean_load)});
  }
  return table;
}

std::string billions(std::int64_t count) { return fixed(static_cast<double>(count) / 1e9, 2); }

std::string billions_or_dash(std::int64_t count) { return count == 0 ? "-" : billions(count); }

/// A row of the model table and what it shows of a part.
struct PartRow {
  const char* label;
  std::int64_t model::ParameterParts::*part;
};
constexpr std::array kParameterRows = {
    PartRow{"    attention", &model::ParameterParts::attention},
    PartRow{"    dense feed-forward", &model::ParameterParts::dense_feed_forward},
    PartRow{"    routed experts", &model::ParameterParts::routed_experts},
    PartRow{"    shared experts", &model::ParameterParts::shared_experts},
    PartRow{"    routers", &model::ParameterParts::routers},
    PartRow{"    norms and biases", &model::ParameterParts::norms_and_biases},
    PartRow{"    embedding", &model::ParameterParts::input_embedding},
    PartRow{"    head", &model::ParameterParts::head},
};
struct FlopRow {
  const char* label;
  Flop model::TrainingFlopParts::*part;
};
constexpr std::array kFlopRows = {
    FlopRow{"    attention, projections", &model::TrainingFlopParts::attention_projections},
    FlopRow{"    attention, scores", &model::TrainingFlopParts::attention_scores},
    FlopRow{"    dense feed-forward", &model::TrainingFlopParts::dense_feed_forward},
    FlopRow{"    routed experts", &model::TrainingFlopParts::routed_experts},
    FlopRow{"    shared experts", &model::TrainingFlopParts::shared_experts},
    FlopRow{"    routers", &model::TrainingFlopParts::routers},
    FlopRow{"    head", &model::TrainingFlopParts::head},
};

Table model_table(const std::vector<ModelReport>& models) {
  Table table{.columns = {""}};
  for (const ModelReport& model : models) table.columns.push_back(model.name);
  const auto row = [&](const std::string& label,
                       const std::function<std::string(const ModelReport&)>& f) {
    add_row(table, label, models, f);
  };
  table.rows.push_back({"parameters, B"});
  row("  main model", [](const ModelReport& m) { return billions(m.size.main); });
  for (const PartRow& shown : kParameterRows) {
    row(shown.label,
        [&shown](const ModelReport& m) { return billions_or_dash(m.parts.*shown.part); });
  }
  row("  with MTP modules", [](const ModelReport& m) { return billions(m.size.with_mtp); });
  row("  active a token",
      [](const ModelReport& m) { return billions(m.size.active.with_head_and_embedding); });
  row("    without embedding",
      [](const ModelReport& m) { return billions(m.size.active.with_head); });
  table.rows.push_back({"KV cache"});
  row("  a token, B (BF16)",
      [](const ModelReport& m) { return fixed(m.kv_cache_per_token.in(bytes(1)), 0); });
  table.rows.push_back({fmt::format("training, GFLOP a token at {} tokens",
                                    models.empty() ? 0 : models.front().sequence_length)});
  row("  causal",
      [](const ModelReport& m) { return fixed(m.flop_per_token_causal.in(gigaflop(1)), 1); });
  for (const FlopRow& shown : kFlopRows) {
    row(shown.label, [&shown](const ModelReport& m) {
      const Flop part = m.flop_parts.*shown.part;
      return part == Flop{} ? std::string("-") : fixed(part.in(gigaflop(1)), 1);
    });
  }
  row("  non-causal",
      [](const ModelReport& m) { return fixed(m.flop_per_token_noncausal.in(gigaflop(1)), 1); });
  return table;
}

Table file_table(const std::vector<CheckedFile>& files) {
  Table table{.columns = {"file", "kind"}};
  for (const CheckedFile& file : files) table.rows.push_back({file.path, file.kind});
  return table;
}

std::vector<Table> tables_of(const Report& report) {
  std::vector<Table> tables;
  const auto append = [&tables](std::vector<Table> more) {
    for (Table& table : more) tables.push_back(std::move(table));
  };
  if (report.explains) {
    for (const Ran& run : all_ran(report)) {
      append(fault_tables(run));
      if (run.result.explanation) append(explain_tables(run));
      append(network_tables(run));
    }
    return tables;
  }
  if (!report.models.empty()) tables.push_back(model_table(report.models));
  if (!report.fabrics.empty()) tables.push_back(overview(report));
  if (!report.files.empty()) tables.push_back(file_table(report.files));
  if (!report.figures.empty()) append(validation_tables(report.figures));
  for (const Ran& run : all_ran(report)) append(fault_tables(run));
  if (!report.detailed) return tables;
  append(bill_tables(report));
  for (const RunReport& run : report.runs) {
    if (run.result.is_complete()) tables.push_back(stage_table(run));
    tables.push_back(block_table(run));
    if (run.result.is_complete()) tables.push_back(link_table(run.fabric, run.result, 1));
  }
  for (const TrafficReport& run : report.traffic) {
    if (!run.result.is_complete()) continue;
    tables.push_back(traffic_table(run));
    tables.push_back(link_table(run.fabric, run.result, 3));
  }
  for (const Ran& run : all_ran(report)) append(network_tables(run));
  return tables;
}

/// The header's lines as "name: text" pairs; names repeat for lists.
std::vector<std::pair<std::string, std::string>> header_lines(const Report& report) {
  const Header& header = report.header;
  std::vector<std::pair<std::string, std::string>> lines;
  for (const std::string& text : figure_notes(report.figures)) lines.emplace_back("note", text);
  lines.emplace_back("version", header.version);
  if (!header.engine.empty()) {
    lines.emplace_back("engine", fmt::format("{}, seed {}", header.engine, header.seed));
  }
  if (!header.draws.empty()) lines.emplace_back("prices", header.draws);
  for (const std::string& text : header.simulated) lines.emplace_back("simulated", text);
  for (const std::string& text : header.symmetry) lines.emplace_back("symmetry", text);
  for (const std::string& text : header.left_out) lines.emplace_back("left out", text);
  for (const InputFile& input : header.inputs) {
    lines.emplace_back("input",
                       fmt::format("{} sha256:{}", input.path, input.sha256.substr(0, 16)));
  }
  return lines;
}

}  // namespace

std::string render_text(const Report& report) {
  std::string out = report.title + "\n\n";
  for (const Table& table : tables_of(report)) out += to_text(table) + "\n";
  std::string last;
  for (const auto& [name, text] : header_lines(report)) {
    out += fmt::format("{:<10} {}\n", name == last ? "" : name, text);
    last = name;
  }
  return out;
}

std::string render_markdown(const Report& report) {
  std::string out = "## " + report.title + "\n\n";
  for (const Table& table : tables_of(report)) out += to_markdown(table) + "\n";
  for (const auto& [name, text] : header_lines(report)) {
    out += fmt::format("- {}: {}\n", name, text);
  }
  return out;
}

}  // namespace planewise::report
