#include "spec/inference.h"

#include <fmt/format.h>

#include <algorithm>

#include "spec/expert_counts.h"
#include "spec/inference_parts.h"
#include "spec/job_parts.h"
#include "spec/read.h"
#include "spec/read_file.h"

namespace planewise::spec {
namespace {

Precision read_served_precision(MapReader& map, std::string_view key) {
  return map.choice<Precision>(key, {{"bf16", Precision::bf16},
                                     {"fp8_blockwise", Precision::fp8_blockwise},
                                     {"fp8_tensorwise", Precision::fp8_tensorwise},
                                     {"mxfp8", Precision::mxfp8},
                                     {"int4", Precision::int4}});
}

void read_units(InferenceSpec& spec, MapReader& root) {
  if (root.has("decode")) spec.decode = read_decode(root.map("decode"));
  if (root.has("prefill")) spec.prefill = read_prefill(root.map("prefill"));
  if (!spec.decode && !spec.prefill) {
    root.error("decode", "there is neither a decode nor a prefill unit",
               "add 'decode:', 'prefill:' or both");
  }
  if (!root.has("disaggregated")) return;
  spec.shares_gpus = !root.boolean("disaggregated");
  if (!root.read_well({"disaggregated", "decode", "prefill"})) return;
  if (!spec.decode || !spec.prefill) {
    root.error("disaggregated", "this is about a decode and a prefill unit, and one is missing",
               "leave it out");
    return;
  }
  const ParallelSpec& decode = spec.decode->unit.parallel;
  const ParallelSpec& prefill = spec.prefill->unit.parallel;
  if (spec.shares_gpus && decode.ranks() != prefill.ranks()) {
    root.error("disaggregated",
               fmt::format("decode runs on {} ranks and prefill on {}; on the same GPUs they have "
                           "as many",
                           decode.ranks(), prefill.ranks()),
               "write 'disaggregated: true', or give both as many ranks");
  }
}

void read_served(InferenceSpec& spec, MapReader& root) {
  spec.model_path = root.file("model");
  spec.profile_path = root.file("profile");
  spec.precision = read_served_precision(root, "precision");
  if (root.has("kv_cache")) {
    spec.cache = root.choice<CacheElement>(
        "kv_cache", {{"bf16", CacheElement::bf16}, {"fp8", CacheElement::fp8}});
  }
  if (root.has("expert_memory")) {
    spec.expert_memory = root.choice<ExpertMemory>(
        "expert_memory", {{"gpu", ExpertMemory::gpu}, {"host", ExpertMemory::host}});
  }
  if (root.has("memory_share")) {
    spec.memory_share = root.number("memory_share", {.min = 0.1, .max = 1});
  }
  spec.requests = read_requests(root);
  if (root.has("prefix_hit_rate")) {
    spec.prefix_hit_rate = root.number("prefix_hit_rate", {.min = 0, .max = 0.999});
  }
}

}  // namespace

double tokens_per_iteration(const DecodeSpec& decode) {
  double tokens = 1;
  double right = 1;
  if (!decode.draft) return tokens;
  for (const double acceptance : decode.draft->acceptance) {
    right *= acceptance;
    tokens += right;
  }
  return tokens;
}

std::int64_t tokens_computed(const DecodeSpec& decode) {
  return 1 + (decode.draft ? static_cast<std::int64_t>(decode.draft->acceptance.size()) : 0);
}

MeanRequest mean_request(const std::vector<RequestKind>& requests) {
  MeanRequest mean;
  for (const RequestKind& kind : requests) {
    const auto prompt = static_cast<double>(kind.prompt_length);
    const auto output = static_cast<double>(kind.output_length);
    mean.prompt += kind.share * prompt;
    mean.prompt_square += kind.share * prompt * prompt;
    mean.output += kind.share * output;
    mean.cached += kind.share * output * (prompt + output / 2);
    mean.cached_most = std::max(mean.cached_most, prompt + output);
  }
  mean.cached /= mean.output;
  return mean;
}

std::int64_t expert_slots(const ServingUnit& unit, int routed_experts) {
  return std::int64_t{routed_experts} + unit.redundant_experts;
}

InferenceSpec read_inference(Document document, Diagnostics& diagnostics) {
  InferenceSpec read = read_document<InferenceSpec>(
      std::move(document), kWorkloadFile, diagnostics, [](InferenceSpec& spec, MapReader& root) {
        enum class Phase { of_inference };
        spec.name = root.text("name");
        spec.source = root.text("source");
        root.choice<Phase>("phase", {{"inference", Phase::of_inference}});
        read_served(spec, root);
        read_units(spec, root);
        spec.has_routing = root.has("routing");
        if (spec.has_routing) spec.routing = read_routing(root.map("routing"));
        if (!root.has("gpu_hour")) {
          root.not_used({"gpu_hour_source"}, "there is no 'gpu_hour'");
          return;
        }
        spec.gpu_hour = root.quantity<Usd>("gpu_hour");
        spec.gpu_hour_source = root.text("gpu_hour_source");
      });
  if (!read.routing.counts_path.empty() && diagnostics.empty()) {
    ExpertCounts file = read_expert_counts(read.routing.counts_path, diagnostics);
    read.routing.counts = std::move(file.tokens);
    read.tables.push_back(std::move(file.origin));
  }
  return read;
}

InferenceSpec read_inference(const std::string& path, Diagnostics& diagnostics) {
  return read_inference(load_document(path, diagnostics), diagnostics);
}

}  // namespace planewise::spec
