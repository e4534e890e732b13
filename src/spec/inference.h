// What an inference workload says: which model is served how, on how many ranks, to whom.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/units.h"
#include "spec/input_error.h"
#include "spec/job.h"

namespace planewise::spec {

/// Elements of the KV cache, spelled as in YAML.
enum class CacheElement : std::uint8_t { bf16, fp8 };

/// How tokens travel to experts and back, spelled as in YAML.
enum class ExchangeMode : std::uint8_t {
  low_latency,  ///< Each token straight to each of its experts, in one message each (DeepEP).
  normal,       ///< As the routing's transport says; in chunks, by SMs that do nothing else.
};

/// Who posts the messages of low-latency exchanges, spelled as in YAML.
enum class Posting : std::uint8_t {
  ibgda,      ///< The GPU itself.
  cpu_proxy,  ///< A thread of the host, one message after the other.
};

/// Where shared experts are, spelled as in YAML.
enum class SharedExperts : std::uint8_t {
  local,   ///< On every rank, beside the exchange.
  routed,  ///< Reached like routed experts: a token has so many more.
};

/// Where the routed experts' weights are, spelled as in YAML.
enum class ExpertMemory : std::uint8_t {
  gpu,
  host,  ///< Computed by the host's processor, where they lie.
};

/// Requests of one kind.
struct RequestKind {
  std::int64_t prompt_length = 0;  ///< Tokens.
  std::int64_t output_length = 0;
  double share = 1;  ///< Of all requests.
};

/// Multi-token prediction: `acceptance.size()` draft tokens a step.
struct DraftSpec {
  /// [draft position] Probability that the draft is right if those before it are.
  std::vector<double> acceptance{};
  std::string source{};
};

/// Ranks that serve together: one expert group, or several beside each other.
struct ServingUnit {
  ParallelSpec parallel{};  ///< tensor, data, expert; one stage.
  int micro_batches = 1;    ///< Two overlap: one computes while the other exchanges.
  ExchangeMode exchange = ExchangeMode::low_latency;
  Posting posting = Posting::ibgda;
  int communication_sms = 0;  ///< That kernels of normal exchanges take.
  int redundant_experts = 0;  ///< Copies of the busiest experts of a layer, on top.
  SharedExperts shared_experts = SharedExperts::local;
  /// Every expert counts as remote: what stays on the rank or in the node crosses the network too.
  bool all_remote = false;
  Seconds host_time{};  ///< Of scheduling and sampling between two iterations, beside no GPU work.
  std::string source{};
};

struct DecodeSpec {
  ServingUnit unit{};
  std::vector<std::int64_t> sequences{};  ///< Of a replica (a tensor group), ascending: the curve.
  std::optional<DraftSpec> draft{};
  std::optional<Seconds> tpot_limit{};
};

struct PrefillSpec {
  ServingUnit unit{};
  std::int64_t tokens = 0;  ///< Prompt tokens of a replica in an iteration, cached ones left out.
};

struct InferenceSpec {
  Origin origin{};
  std::string name{};
  std::string source{};
  std::string model_path{};
  std::string profile_path{};
  Precision precision = Precision::fp8_blockwise;
  CacheElement cache = CacheElement::bf16;
  ExpertMemory expert_memory = ExpertMemory::gpu;
  double memory_share = 0.9;  ///< Of the GPU's, for weights, cache and buffers.
  std::vector<RequestKind> requests{};
  double prefix_hit_rate = 0;  ///< Of prompt tokens, those whose cache is there already.
  std::optional<DecodeSpec> decode{};
  std::optional<PrefillSpec> prefill{};  ///< On GPUs of its own if there is a decode unit as well.
  /// Prefill and decode take turns on the same GPUs.
  bool shares_gpus = false;
  bool has_routing = true;  ///< Dense models need none.
  MoeRoutingSpec routing{};
  std::optional<Usd> gpu_hour{};  ///< Price of a GPU for an hour; a scenario's comes first.
  std::string gpu_hour_source{};
  std::vector<Origin> tables{};  ///< Of the expert counts, where there are any.
};

/// Tokens that an iteration adds to a sequence: 1 and, of each draft, the probability that it and
/// all before it are right.
double tokens_per_iteration(const DecodeSpec& decode);

/// Tokens of a sequence that an iteration computes: 1 and its drafts.
std::int64_t tokens_computed(const DecodeSpec& decode);

/// Means over the requests, each by the iterations that it stays.
struct MeanRequest {
  double prompt = 0;  ///< Tokens, over requests.
  double output = 0;
  double cached = 0;         ///< Tokens in the cache of a sequence that is being decoded.
  double cached_most = 0;    ///< Of the longest request at its end.
  double prompt_square = 0;  ///< Mean of the square of prompt lengths.
};
MeanRequest mean_request(const std::vector<RequestKind>& requests);

/// Experts of a layer that are kept somewhere, copies counted, over the ranks of an expert group.
std::int64_t expert_slots(const ServingUnit& unit, int routed_experts);

}  // namespace planewise::spec
