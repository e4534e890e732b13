#include "report/json.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "print/csv.h"
#include "report/json_cost.h"
#include "report/json_validation.h"
#include "report/json_watched.h"
#include "report/notes.h"
#include "report/replay_tables.h"
#include "report/serving_tables.h"

namespace planewise::report {
namespace {

constexpr int kSchema = 1;
// The order of the published table (arXiv 2505.09343, Table 4), which the contract keeps.
constexpr std::array kPhaseOrder = {workload::Phase::forward_1f,      workload::Phase::bubble,
                                    workload::Phase::backward_1b,     workload::Phase::weight_1w,
                                    workload::Phase::overlapped_1f1b, workload::Phase::optimizer};

Json phases_json(const simulate::RankResult& rank) {
  Json json = Json::object();
  for (const workload::Phase phase : kPhaseOrder) {
    const auto index = static_cast<std::size_t>(phase);
    json[workload::kPhaseWords[index]] = rank.phases[index].in(seconds(1));
  }
  return json;
}

Json header_json(const Header& header) {
  Json inputs = Json::array();
  for (const InputFile& input : header.inputs) {
    inputs.push_back({{"path", input.path}, {"sha256", input.sha256}});
  }
  return {{"version", header.version},
          {"seed", header.engine.empty() ? Json(nullptr) : Json(header.seed)},
          {"engine", header.engine.empty() ? Json(nullptr) : Json(header.engine)},
          {"inputs", std::move(inputs)},
          {"simulated", header.simulated},
          {"symmetry", header.symmetry},
          {"left_out", header.left_out}};
}

/// Labels of one name are one line of a report.
void add_seconds(Json& times, const std::string& label, Seconds time) {
  times[label] = times.value(label, 0.0) + time.in(seconds(1));
}

Json rank_json(const simulate::RankResult& rank, const std::vector<std::string>& labels) {
  Json busy = Json::object();
  Json exposed = Json::object();
  Json hidden = Json::object();
  for (std::size_t i = 0; i < labels.size(); ++i) {
    add_seconds(busy, labels[i], rank.busy[i]);
    add_seconds(exposed, labels[i], rank.exposed[i]);
    add_seconds(hidden, labels[i], rank.hidden(i));
  }
  return {{"rank", rank.rank},
          {"ranks", rank.rank_count},
          {"stage", rank.stage},
          {"phases_s", phases_json(rank)},
          {"compute_s", rank.compute.in(seconds(1))},
          {"estimated_compute_s", rank.estimated_compute.in(seconds(1))},
          {"imbalance_s", rank.imbalance.in(seconds(1))},
          {"busy_communication_s", std::move(busy)},
          {"exposed_communication_s", std::move(exposed)},
          {"hidden_communication_s", std::move(hidden)},
          {"skew_s", rank.skew.in(seconds(1))}};
}

Json symmetry_json(const simulate::Symmetry& s) {
  return {{"ranks", s.ranks}, {"rank_classes", s.rank_classes},
          {"flows", s.flows}, {"flow_classes", s.flow_classes},
          {"links", s.links}, {"link_classes", s.link_classes}};
}

Json block_json(const workload::Block& block) {
  Json operators = Json::array();
  for (const workload::Operator& op : block.operators) {
    operators.push_back({{"id", op.id},
                         {"what", op.what},
                         {"flop", op.work.base()},
                         {"memory_bytes", op.traffic.in(bytes(1))},
                         {"time_s", op.time.in(seconds(1))},
                         {"evidence", std::string(spec::evidence_name(op.evidence))}});
  }
  return {{"name", block.name},
          {"time_s", block.time.in(seconds(1))},
          {"estimated_time_s", block.estimated_time.in(seconds(1))},
          {"operators", std::move(operators)}};
}

Json faults_json(const simulate::FaultReport& faults, const std::vector<std::string>& labels) {
  Json events = Json::array();
  std::int64_t moved = 0;
  for (const simulate::FaultRecord& record : faults.records) {
    moved += record.moved_flows;
    events.push_back({{"time_s", record.time.in(seconds(1))},
                      {"changes", record.changes},
                      {"moved_flows", record.moved_flows},
                      {"waiting_flows", record.waiting_flows}});
  }
  Json cut_off = Json::array();
  for (const simulate::CutOffFlow& flow : faults.cut_off) {
    cut_off.push_back({{"source_rank", flow.source},
                       {"destination_rank", flow.destination},
                       {"exchange", labels[static_cast<std::size_t>(flow.label)]},
                       {"since_s", flow.since.in(seconds(1))},
                       {"left_bytes", flow.left.in(bytes(1))}});
  }
  return {{"name", faults.name},
          {"moved_flows", moved},
          {"cut_off_flows", faults.cut_off.size()},
          {"events", std::move(events)},
          {"cut_off", std::move(cut_off)}};
}

/// The figures that there are only if the step came to its end.
void remove_figures(Json& run) {
  for (const char* key :
       {"step_time_s", "tokens_per_day", "tokens_per_s_per_gpu", "tflops_causal",
        "tflops_noncausal", "mfu_causal", "mfu_noncausal", "gpu_hours_per_trillion_tokens",
        "usd_per_trillion_tokens", "estimated_share", "imbalance"}) {
    run[key] = nullptr;
  }
  for (auto& phase : run["phases_s"]) phase = nullptr;
  run["ranks"] = Json::array();
  run["estimates"] = Json::array();
  run["extrapolated"] = Json::array();
}

Json links_json(const std::vector<simulate::LinkLoad>& loads) {
  Json links = Json::array();
  for (const simulate::LinkLoad& load : loads) {
    links.push_back({{"link", load.name},
                     {"carried_bytes", load.carried.in(bytes(1))},
                     {"mean_load", load.mean_load}});
  }
  return links;
}

Json memory_json(const JobMemory& memory) {
  Json ranks = Json::array();
  for (std::size_t rank = 0; rank < memory.by_pipeline.size(); ++rank) {
    const model::Memory& held = memory.by_pipeline[rank];
    Json json = {{"pipeline_rank", rank}};
    for (std::size_t use = 0; use < held.uses.size(); ++use) {
      json[std::string(model::kMemoryUseWords[use]) + "_bytes"] = held.uses[use].in(bytes(1));
    }
    json["total_bytes"] = held.total().in(bytes(1));
    json["gpu_memory_bytes"] = memory.gpu_memory.in(bytes(1));
    json["largest"] = model::kMemoryUseWords[static_cast<std::size_t>(held.largest)];
    json["fits"] = held.fits;
    ranks.push_back(std::move(json));
  }
  return ranks;
}

/// The cost of tokens that are not balanced; null if they are.
Json imbalance_json(const RunReport& run) {
  if (!run.balanced_step_time) return nullptr;
  const auto& ranks = run.result.ranks;
  const auto most = std::max_element(ranks.begin(), ranks.end(), [](const auto& a, const auto& b) {
    return a.imbalance < b.imbalance;
  });
  return {{"balanced_step_time_s", run.balanced_step_time->in(seconds(1))},
          {"cost_s", (run.result.step_time - *run.balanced_step_time).in(seconds(1))},
          {"most_loaded_rank", most->rank},
          {"most_loaded_rank_s", most->imbalance.in(seconds(1))}};
}

Json estimates_json(const RunReport& run) {
  Json parts = Json::array();
  for (const EstimatedPart& part : run.estimates) {
    parts.push_back(
        {{"name", part.name}, {"time_s", part.time.in(seconds(1))}, {"share", part.share}});
  }
  return parts;
}

Json extrapolated_json(const RunReport& run) {
  Json parts = Json::array();
  for (const ExtrapolatedPart& part : run.extrapolated) {
    parts.push_back({{"operator", part.id},
                     {"asked_least", part.asked.least},
                     {"asked_most", part.asked.most},
                     {"valid_least", part.valid.least},
                     {"valid_most", part.valid.most},
                     {"unit", size_unit(part.kind)},
                     {"compute_share", part.compute_share}});
  }
  return parts;
}

Json run_json(const RunReport& run) {
  Json ranks = Json::array();
  for (const simulate::RankResult& rank : run.result.ranks) {
    ranks.push_back(rank_json(rank, run.result.labels));
  }
  Json json = {
      {"name", run.workload + " on " + run.fabric},
      {"fabric", run.fabric},
      {"workload", run.workload},
      {"model", run.model},
      {"profile", run.profile},
      {"step_time_s", run.result.step_time.in(seconds(1))},
      {"phases_s", phases_json(shown_rank(run))},
      {"tokens_per_step", run.tokens_per_step},
      {"tokens_per_day", run.tokens_per_day},
      {"tokens_per_s_per_gpu", run.tokens_per_second_and_gpu},
      {"tflops_causal", run.tflops_causal},
      {"tflops_noncausal", run.tflops_noncausal},
      {"mfu_causal", run.mfu_causal},
      {"mfu_noncausal", run.mfu_noncausal},
      {"gpu_hours_per_trillion_tokens", run.gpu_hours_per_trillion_tokens},
      {"usd_per_trillion_tokens",
       run.usd_per_trillion_tokens ? Json(run.usd_per_trillion_tokens->in(usd(1))) : Json(nullptr)},
      {"estimated_share", run.result.estimated_share},
      {"imbalance", imbalance_json(run)},
      {"estimates", estimates_json(run)},
      {"extrapolated", extrapolated_json(run)},
      {"memory", memory_json(run.memory)},
      {"symmetry", symmetry_json(run.result.symmetry)},
      {"ranks", std::move(ranks)},
      {"busiest_links", links_json(run.result.busiest_links)}};
  add_watched(json, run.result);
  if (!run.result.is_complete()) remove_figures(json);
  if (run.result.faults) json["faults"] = faults_json(*run.result.faults, run.result.labels);
  return json;
}

Json traffic_line_json(const TrafficLine& line) {
  const bool is_one = line.groups > 0;
  const auto number = [](bool there, double value) { return there ? Json(value) : Json(nullptr); };
  const double idle = line.idle.in(seconds(1));
  return {
      {"step", line.name},
      {"collective", line.collective},
      {"algorithm", line.algorithm.empty() ? Json(nullptr) : Json(line.algorithm)},
      {"group", line.group},
      {"groups", line.groups},
      {"size_bytes", line.size.in(bytes(1))},
      {"time_s", line.time.in(seconds(1))},
      {"rank_mean_s", line.mean.in(seconds(1))},
      {"algbw_bytes_per_s", number(is_one, line.algbw.base())},
      {"busbw_bytes_per_s", number(is_one, line.busbw.base())},
      {"idle_s", number(idle > 0, idle)},
      {"over_idle", number(is_one && idle > 0, is_one && idle > 0 ? line.time.in(line.idle) : 0)}};
}

Json traffic_json(const TrafficReport& run) {
  const bool complete = run.result.is_complete();
  Json steps = Json::array();
  for (const TrafficLine& line : run.lines) {
    if (complete) steps.push_back(traffic_line_json(line));
  }
  const double total = run.result.step_time.in(seconds(1));
  Json json = {{"name", run.workload + " on " + run.fabric},
               {"fabric", run.fabric},
               {"workload", run.workload},
               {"profile", run.profile.empty() ? Json(nullptr) : Json(run.profile)},
               {"ranks", run.ranks},
               {"repeat", run.repeat},
               {"total_s", complete ? Json(total) : Json(nullptr)},
               {"steps", std::move(steps)},
               {"symmetry", symmetry_json(run.result.symmetry)},
               {"busiest_links", links_json(run.result.busiest_links)}};
  add_watched(json, run.result);
  if (run.result.faults) json["faults"] = faults_json(*run.result.faults, run.result.labels);
  return json;
}

Json parts_json(const model::ParameterParts& parts) {
  return {{"attention", parts.attention},
          {"dense_feed_forward", parts.dense_feed_forward},
          {"routed_experts", parts.routed_experts},
          {"shared_experts", parts.shared_experts},
          {"routers", parts.routers},
          {"norms_and_biases", parts.norms_and_biases},
          {"embedding", parts.input_embedding},
          {"head", parts.head}};
}

Json flop_parts_json(const model::TrainingFlopParts& parts) {
  const Flop unit = gigaflop(1);
  return {{"attention_projections", parts.attention_projections.in(unit)},
          {"attention_scores", parts.attention_scores.in(unit)},
          {"dense_feed_forward", parts.dense_feed_forward.in(unit)},
          {"routed_experts", parts.routed_experts.in(unit)},
          {"shared_experts", parts.shared_experts.in(unit)},
          {"routers", parts.routers.in(unit)},
          {"head", parts.head.in(unit)}};
}

Json model_json(const ModelReport& model) {
  return {{"name", model.name},
          {"parameters", model.size.main},
          {"parameters_by_part", parts_json(model.parts)},
          {"parameters_with_mtp", model.size.with_mtp},
          {"active_parameters", model.size.active.with_head_and_embedding},
          {"active_parameters_without_embedding", model.size.active.with_head},
          {"kv_cache_per_token_bytes", model.kv_cache_per_token.in(bytes(1))},
          {"sequence_length", model.sequence_length},
          {"training_gflop_per_token_causal", model.flop_per_token_causal.in(gigaflop(1))},
          {"training_gflop_per_token_causal_by_part", flop_parts_json(model.flop_parts)},
          {"training_gflop_per_token_noncausal", model.flop_per_token_noncausal.in(gigaflop(1))}};
}

Json file_json(const CheckedFile& file) { return {{"path", file.path}, {"kind", file.kind}}; }

/// Adds the scalars of `json` to `row`, objects with dotted names; lists stay out.
void flatten(const Json& json, const std::string& prefix, Json& row) {
  for (const auto& [key, value] : json.items()) {
    const std::string name = prefix.empty() ? key : prefix + "." + key;
    if (value.is_object()) {
      flatten(value, name, row);
    } else if (!value.is_array()) {
      row[name] = value;
    }
  }
}

std::string csv_cell(const Json& value) {
  if (value.is_null()) return "";
  if (!value.is_string()) return value.dump();
  return csv_text(value.get<std::string>());
}

std::string csv_of(const std::vector<Json>& rows) {
  std::vector<std::string> columns;
  std::set<std::string> seen;
  for (const Json& row : rows) {
    for (const auto& [key, value] : row.items()) {
      if (seen.insert(key).second) columns.push_back(key);
    }
  }
  std::string out;
  for (std::size_t i = 0; i < columns.size(); ++i) out += (i > 0 ? "," : "") + csv_cell(columns[i]);
  out += "\n";
  for (const Json& row : rows) {
    for (std::size_t i = 0; i < columns.size(); ++i) {
      out += i > 0 ? "," : "";
      if (row.contains(columns[i])) out += csv_cell(row[columns[i]]);
    }
    out += "\n";
  }
  return out;
}

/// A row a step of each fabric.
std::string traffic_csv(const std::vector<TrafficReport>& runs) {
  std::vector<Json> rows;
  for (const TrafficReport& run : runs) {
    for (const TrafficLine& line : run.lines) {
      Json row = {{"fabric", run.fabric},
                  {"workload", run.workload},
                  {"total_s", run.result.step_time.in(seconds(1))},
                  {"repeat", run.repeat}};
      flatten(traffic_line_json(line), "", row);
      rows.push_back(std::move(row));
    }
  }
  return csv_of(rows);
}

/// A row a point of the curve.
std::string serving_csv(const std::vector<ServingReport>& runs) {
  std::vector<Json> rows;
  for (const Json& point : serving_rows(runs)) {
    Json row = Json::object();
    flatten(point, "", row);
    rows.push_back(std::move(row));
  }
  return csv_of(rows);
}

}  // namespace

std::string render_json(const Report& report) {
  Json fabrics = Json::array();
  for (std::size_t i = 0; i < report.fabrics.size(); ++i) fabrics.push_back(fabric_json(report, i));
  Json runs = Json::array();
  for (const RunReport& run : report.runs) {
    runs.push_back(run_json(run));
    if (!report.detailed) continue;
    Json blocks = Json::array();
    for (const workload::Block& block : run.blocks) {
      if (!block.is_fused) blocks.push_back(block_json(block));
    }
    runs.back()["blocks"] = std::move(blocks);
  }
  for (const ServingReport& run : report.serving) {
    runs.push_back(serving_json(run, report.detailed));
    add_watched(runs.back(), run.result);
  }
  Json json = {{"schema", kSchema},
               {"header", header_json(report.header)},
               {"fabrics", std::move(fabrics)},
               {"runs", std::move(runs)}};
  if (!report.traffic.empty()) {
    Json traffic = Json::array();
    for (const TrafficReport& run : report.traffic) traffic.push_back(traffic_json(run));
    json["traffic"] = std::move(traffic);
  }
  if (report.uncertainty) json["uncertainty"] = uncertainty_json(report);
  if (!report.models.empty()) {
    Json models = Json::array();
    for (const ModelReport& model : report.models) models.push_back(model_json(model));
    json["models"] = std::move(models);
  }
  if (!report.memory.empty()) {
    Json memory = Json::array();
    for (const JobMemory& job : report.memory) {
      memory.push_back(
          {{"workload", job.workload}, {"model", job.model}, {"ranks", memory_json(job)}});
    }
    json["memory"] = std::move(memory);
  }
  if (!report.files.empty()) {
    Json files = Json::array();
    for (const CheckedFile& file : report.files) files.push_back(file_json(file));
    json["files"] = std::move(files);
  }
  if (!report.figures.empty()) {
    Json figures = Json::array();
    for (const FigureLine& line : report.figures) {
      figures.push_back(figure_json(line, report.figures));
    }
    json["figures"] = std::move(figures);
    json["validation"] = validation_json(summarise(report.figures));
  }
  if (!report.replay.empty()) {
    Json lines = Json::array();
    for (const ReplayLine& line : report.replay) lines.push_back(replay_json(line));
    json["replay"] = std::move(lines);
    json["replay_errors"] = {{"fitted", replay_errors_json(errors_of(report.replay, true))},
                             {"predicted", replay_errors_json(errors_of(report.replay, false))}};
  }
  return json.dump(2) + "\n";
}

std::string render_csv(const Report& report) {
  if (!report.traffic.empty()) return traffic_csv(report.traffic);
  if (!report.serving.empty() && !report.explains) return serving_csv(report.serving);
  std::vector<Json> rows;
  if (report.explains) return csv_of(composition_rows(report));
  for (std::size_t i = 0; i < report.fabrics.size(); ++i) {
    Json row = Json::object();
    Json fabric = fabric_json(report, i);
    if (fabric["bill"].is_null()) fabric.erase("bill");
    flatten(fabric, "", row);
    if (i < report.runs.size()) {
      Json run = run_json(report.runs[i]);
      run.erase("name");
      flatten(run, "", row);
    }
    rows.push_back(std::move(row));
  }
  for (const ModelReport& model : report.models) {
    Json row = Json::object();
    flatten(model_json(model), "", row);
    rows.push_back(std::move(row));
  }
  for (const JobMemory& job : report.memory) {
    for (const Json& rank : memory_json(job)) rows.push_back(rank);
  }
  for (const CheckedFile& file : report.files) rows.push_back(file_json(file));
  for (const FigureLine& line : report.figures) rows.push_back(figure_json(line, report.figures));
  for (const ReplayLine& line : report.replay) rows.push_back(replay_json(line));
  return csv_of(rows);
}

}  // namespace planewise::report
