#include "model/serving_memory.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "model/model_size.h"

namespace planewise::model {
namespace {

constexpr double kBf16 = 2;
constexpr double kScale = 4;  // FP32.
// CUDA context, NCCL's and DeepEP's buffers, what the allocator cannot use: an allowance,
// estimated.
constexpr Bytes kAllowance = bytes(2e9);

std::int64_t over(std::int64_t count, std::int64_t parts) { return (count + parts - 1) / parts; }

/// Parameters of a rank, by how they are kept.
struct Held {
  double matrices = 0;
  double experts = 0;  ///< Routed ones.
  double full = 0;     ///< In BF16.
};

/// Of one layer; experts are slots of the rank.
void add_layer(const LayerSize& layer, const ModelSize& size, const spec::ServingUnit& unit,
               std::int64_t slots, Held& held) {
  const auto cut = [&](std::int64_t count) {
    return static_cast<double>(count) / unit.parallel.tensor;
  };
  held.matrices += cut(layer.attention + layer.feed_forward);
  if (unit.shared_experts == spec::SharedExperts::local) held.matrices += cut(layer.shared_experts);
  held.full +=
      static_cast<double>(layer.attention_bias + layer.norms + layer.router + layer.router_bias);
  if (layer.routed_experts > 0) held.experts += static_cast<double>(slots * size.expert);
}

Held held_by_rank(const spec::ModelSpec& model, const spec::ServingUnit& unit, bool drafts) {
  const ModelSize size = model_size(model);
  const std::int64_t slots =
      model.moe ? over(spec::expert_slots(unit, model.moe->routed_experts), unit.parallel.expert)
                : 0;
  Held held;
  for (std::int64_t i = 0; i < size.dense_layers; ++i) {
    add_layer(size.dense_layer, size, unit, slots, held);
  }
  for (std::int64_t i = 0; i < size.moe_layers; ++i) {
    add_layer(size.moe_layer, size, unit, slots, held);
  }
  held.full += static_cast<double>(size.input_embedding + size.head) / unit.parallel.tensor +
               static_cast<double>(size.final_norm);
  if (!drafts) return held;
  add_layer(size.mtp_module.layer, size, unit, slots, held);
  held.matrices += static_cast<double>(size.mtp_module.projection) / unit.parallel.tensor;
  held.full += static_cast<double>(size.mtp_module.norms);
  return held;
}

/// Inputs and outputs of a layer for `tokens` of a replica, twice, and the logits of `sampled`.
Bytes activations(const spec::ModelSpec& model, const spec::ServingUnit& unit, double tokens,
                  double sampled) {
  const double per_rank = 2 * 4 * kBf16 * tokens * model.hidden;
  const double logits = kBf16 * sampled * static_cast<double>(model.vocabulary);
  return bytes(per_rank + logits / unit.parallel.tensor);
}

ServingMemory memory_of(const spec::InferenceSpec& spec, const spec::ModelSpec& model,
                        const spec::ServingUnit& unit, bool drafts, Bytes gpu_memory) {
  const Held held = held_by_rank(model, unit, drafts);
  const double weight = weight_bytes(spec.precision);
  const bool is_int4 = spec.precision == spec::Precision::int4;
  const bool on_host = spec.expert_memory == spec::ExpertMemory::host;
  ServingMemory memory{.weights = bytes(weight * (held.matrices + (on_host ? 0 : held.experts)) +
                                        held.full * (is_int4 ? weight : kBf16)),
                       .host_weights = bytes(on_host ? weight * held.experts : 0),
                       .available = gpu_memory * spec.memory_share};
  memory.cache_per_sequence = cache_per_token(model, spec, unit.parallel.tensor, drafts) *
                              spec::mean_request(spec.requests).cached;
  return memory;
}

/// How many sequences fit: of the mean length, but none if not one of the longest.
std::int64_t most_sequences(const ServingMemory& memory, Bytes longest) {
  const Bytes room = memory.available - memory.weights - memory.buffers;
  if (room < longest) return 0;
  return static_cast<std::int64_t>(std::floor(room.in(memory.cache_per_sequence)));
}

}  // namespace

Bytes cache_per_token(const spec::ModelSpec& model, const spec::InferenceSpec& spec, int tensor,
                      bool drafts) {
  const spec::AttentionSpec& a = model.attention;
  Bytes size = kv_cache_per_token(model);
  if (drafts) size = size * (static_cast<double>(model.layers + 1) / model.layers);
  if (spec.cache == spec::CacheElement::fp8) size = size / 2;
  if (a.kind == spec::AttentionKind::mla) return size;
  const int heads = a.kind == spec::AttentionKind::mha ? a.heads : a.kv_heads;
  return size * (static_cast<double>(over(heads, tensor)) / heads);
}

double weight_bytes(spec::Precision precision) {
  switch (precision) {
    case spec::Precision::bf16:
      return kBf16;
    case spec::Precision::fp8_blockwise:
      return 1 + kScale / (128 * 128);
    case spec::Precision::fp8_tensorwise:
      return 1;
    case spec::Precision::mxfp8:
      return 1 + 1.0 / 32;
    case spec::Precision::int4:
      return 0.5 + kBf16 / 128;
  }
  PW_UNREACHABLE("Precision has five values");
}

ServingMemory decode_memory(const spec::InferenceSpec& spec, const spec::ModelSpec& model,
                            Bytes gpu_memory) {
  const spec::DecodeSpec& decode = *spec.decode;
  const bool drafts = decode.draft.has_value();
  ServingMemory memory = memory_of(spec, model, decode.unit, drafts, gpu_memory);
  memory.sequences = decode.sequences.back();
  const double tokens = static_cast<double>(memory.sequences * spec::tokens_computed(decode));
  memory.buffers = kAllowance + activations(model, decode.unit, tokens, tokens);
  if (spec.shares_gpus) {
    memory.buffers = std::max(memory.buffers, prefill_memory(spec, model, gpu_memory).buffers);
  }
  const Bytes longest = cache_per_token(model, spec, decode.unit.parallel.tensor, drafts) *
                        spec::mean_request(spec.requests).cached_most;
  memory.sequences_most = most_sequences(memory, longest);
  return memory;
}

ServingMemory prefill_memory(const spec::InferenceSpec& spec, const spec::ModelSpec& model,
                             Bytes gpu_memory) {
  const spec::PrefillSpec& prefill = *spec.prefill;
  ServingMemory memory = memory_of(spec, model, prefill.unit, false, gpu_memory);
  const auto tokens = static_cast<double>(prefill.tokens);
  const spec::MeanRequest mean = spec::mean_request(spec.requests);
  memory.cache_per_sequence =
      cache_per_token(model, spec, prefill.unit.parallel.tensor, false) * mean.prompt;
  const double prompts = tokens / (mean.prompt * (1 - spec.prefix_hit_rate));
  memory.sequences = static_cast<std::int64_t>(std::ceil(prompts));
  memory.buffers = kAllowance + activations(model, prefill.unit, tokens, prompts);
  memory.sequences_most = most_sequences(memory, memory.cache_per_sequence);
  return memory;
}

}  // namespace planewise::model
