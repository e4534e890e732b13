// The JSON and CSV of simulated inference.
#include <nlohmann/json.hpp>

#include "report/serving_tables.h"

namespace planewise::report {
namespace {

Json usd_json(const std::optional<Usd>& price) {
  return price ? Json(price->in(usd(1))) : Json(nullptr);
}
Json seconds_json(const std::optional<Seconds>& time) {
  return time ? Json(time->in(seconds(1))) : Json(nullptr);
}
Json number_json(const std::optional<double>& number) {
  return number ? Json(*number) : Json(nullptr);
}

/// Bound, and what twice of each resource saves.
void add_bounds(Json& json, const Bounds& bounds) {
  json["bound_by"] = kResourceWords[static_cast<std::size_t>(bounds.by)];
  Json saved = Json::object();
  for (std::size_t i = 0; i < bounds.saved.size(); ++i) {
    saved[kResourceWords[i]] = bounds.saved[i];
  }
  json["saved_with_twice"] = std::move(saved);
}

Json point_json(const DecodePoint& point, bool is_operating) {
  Json json = {
      {"sequences_per_replica", point.sequences},
      {"is_operating_point", is_operating},
      {"tpot_s", point.tpot.in(seconds(1))},
      {"iteration_s", point.iteration.in(seconds(1))},
      {"tokens_per_iteration", point.tokens_per_iteration},
      {"tokens_per_s_per_user", point.tokens_per_s_per_user},
      {"tokens_per_s_per_gpu", point.tokens_per_s_per_gpu},
      {"tokens_per_s_per_node", point.tokens_per_s_per_node},
      {"compute_s", point.compute.in(seconds(1))},
      {"exposed_communication_s", point.exposed.in(seconds(1))},
      {"exchange_per_layer_s", point.exchange_a_layer.in(seconds(1))},
      {"tpot_without_mtp_s", seconds_json(point.tpot_without_drafts)},
      {"mtp_module_s", seconds_json(point.drafting)},
      {"mtp_gain", number_json(point.draft_gain())},
      {"usd_per_million_output_tokens_decode_alone", usd_json(point.usd_per_million_tokens)},
      {"estimated_share", point.estimated_share}};
  add_bounds(json, point.bounds);
  return json;
}

Json memory_json(const model::ServingMemory& memory) {
  return {{"weights_bytes", memory.weights.in(bytes(1))},
          {"host_weights_bytes", memory.host_weights.in(bytes(1))},
          {"buffers_bytes", memory.buffers.in(bytes(1))},
          {"cache_per_sequence_bytes", memory.cache_per_sequence.in(bytes(1))},
          {"available_bytes", memory.available.in(bytes(1))},
          {"sequences", memory.sequences},
          {"sequences_most", memory.sequences_most}};
}

Json prefill_json(const PrefillReport& prefill) {
  Json json = {{"iteration_s", prefill.iteration.in(seconds(1))},
               {"prompts_per_replica", prefill.prompts},
               {"tokens_per_s_per_gpu", prefill.tokens_per_s_per_gpu},
               {"tokens_per_s_per_node", prefill.tokens_per_s_per_node},
               {"compute_s", prefill.compute.in(seconds(1))},
               {"exposed_communication_s", prefill.exposed.in(seconds(1))},
               {"usd_per_million_prompt_tokens", usd_json(prefill.usd_per_million_tokens)},
               {"estimated_share", prefill.estimated_share},
               {"memory", memory_json(prefill.memory)}};
  add_bounds(json, prefill.bounds);
  return json;
}

/// What a row of the curve and the run itself begin with.
Json run_json(const ServingReport& run) {
  return {{"fabric", run.fabric},
          {"workload", run.workload},
          {"model", run.model},
          {"profile", run.profile}};
}

Json transfer_json(const CacheTransfer& transfer) {
  return {{"bytes_per_rank", transfer.size.in(bytes(1))},
          {"time_s", transfer.time.in(seconds(1))},
          {"nic_share", transfer.nic_share}};
}

}  // namespace

Json serving_json(const ServingReport& run, bool detailed) {
  Json json = {{"name", run.workload + " on " + run.fabric}};
  json.update(run_json(run));
  const bool decodes = run.has_decode();
  json["decode_gpus"] = run.decode_gpus;
  json["prefill_gpus"] = run.prefill_gpus;
  json["tpot_s"] = decodes ? Json(run.best().tpot.in(seconds(1))) : Json(nullptr);
  json["ttft_s"] = seconds_json(run.ttft);
  json["tokens_per_s_per_gpu"] =
      decodes ? run.best().tokens_per_s_per_gpu : run.prefill->tokens_per_s_per_gpu;
  json["tokens_per_s_per_user"] = decodes ? Json(run.best().tokens_per_s_per_user) : Json(nullptr);
  json["tokens_per_s_per_node"] =
      decodes ? run.best().tokens_per_s_per_node : run.prefill->tokens_per_s_per_node;
  json["tokens_per_s_per_gpu_shared"] = number_json(run.tokens_per_s_per_gpu_shared);
  json["prefill_gpus_per_decode_gpu"] = number_json(run.prefill_per_decode_gpu);
  json["usd_per_million_output_tokens"] = usd_json(run.usd_per_million_tokens);
  json["tpot_limit_s"] = seconds_json(run.tpot_limit);
  json["meets_tpot_limit"] = run.meets_limit;
  Json curve = Json::array();
  for (std::size_t i = 0; i < run.points.size(); ++i) {
    curve.push_back(point_json(run.points[i], i == run.operating));
  }
  json["curve"] = std::move(curve);
  json["prefill"] = run.prefill ? prefill_json(*run.prefill) : Json(nullptr);
  json["cache_transfer"] = run.transfer ? transfer_json(*run.transfer) : Json(nullptr);
  json["memory"] = decodes ? memory_json(run.decode_memory) : Json(nullptr);
  json["estimated_share"] = run.result.estimated_share;
  if (!detailed) return json;
  Json estimates = Json::array();
  for (const EstimatedPart& part : run.estimates) {
    estimates.push_back({{"name", part.name}, {"share", part.share}});
  }
  json["estimates"] = std::move(estimates);
  return json;
}

std::vector<Json> serving_rows(const std::vector<ServingReport>& runs) {
  std::vector<Json> rows;
  for (const ServingReport& run : runs) {
    const auto add = [&](const Json& more) {
      Json row = run_json(run);
      row.update(more);
      row["ttft_s"] = seconds_json(run.ttft);
      rows.push_back(std::move(row));
    };
    for (std::size_t i = 0; i < run.points.size(); ++i) {
      add(point_json(run.points[i], i == run.operating));
    }
    if (!run.has_decode()) add(prefill_json(*run.prefill));
  }
  return rows;
}

}  // namespace planewise::report
