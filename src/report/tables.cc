#include "report/tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <utility>

#include "print/table.h"
#include "report/add_row.h"
#include "report/explain_tables.h"
#include "report/fabric_tables.h"
#include "report/fault_tables.h"
#include "report/network_tables.h"
#include "report/replay_tables.h"
#include "report/serving_tables.h"
#include "report/traffic_report.h"
#include "report/training_tables.h"
#include "report/validation_tables.h"

namespace planewise::report {
namespace {

Table overview(const Report& report) {
  Table table{.columns = {""}};
  for (const FabricReport& fabric : report.fabrics) {
    table.columns.push_back(fabric.fabric.topology.name);
  }
  add_fabric_rows(table, report);
  if (!report.runs.empty()) add_run_rows(table, report.runs);
  if (!report.traffic.empty()) add_traffic_rows(table, report.traffic);
  if (!report.serving.empty()) add_serving_rows(table, report.serving);
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
  for (const JobMemory& memory : report.memory) append(memory_tables(memory));
  if (!report.fabrics.empty()) tables.push_back(overview(report));
  if (!report.files.empty()) tables.push_back(file_table(report.files));
  if (!report.figures.empty()) append(validation_tables(report.figures));
  if (!report.replay.empty()) append(replay_tables(report.replay));
  for (const Ran& run : all_ran(report)) append(fault_tables(run));
  if (!report.detailed) return tables;
  append(bill_tables(report));
  for (const RunReport& run : report.runs) {
    append(training_tables(run));
    if (run.result.is_complete()) tables.push_back(link_table(run.fabric, run.result, 1));
  }
  for (const ServingReport& run : report.serving) {
    if (!run.result.is_complete()) continue;
    append(serving_tables(run));
    tables.push_back(link_table(run.fabric, run.result, 3));
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
