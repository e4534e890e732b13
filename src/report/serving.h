// What a simulated inference workload comes to: throughput against latency, what bounds each point,
// and cost a token.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/units.h"
#include "model/serving_memory.h"
#include "report/estimates.h"
#include "simulate/result.h"
#include "spec/inference.h"
#include "spec/model.h"
#include "workload/serving_program.h"

namespace planewise::report {

/// [workload::Resource] As in reports.
inline constexpr std::array<const char*, workload::kResourceCount> kResourceWords = {
    "memory", "compute", "launches", "network_latency", "network_bandwidth"};

/// Iteration times of one program: as it is, and with twice of each resource.
struct IterationTimes {
  Seconds as_is{};
  std::array<Seconds, workload::kResourceCount> with_twice{};  ///< [Resource]
};

/// What bounds an iteration: how much shorter it would be with twice of each resource.
struct Bounds {
  std::array<double, workload::kResourceCount> saved{};  ///< [Resource] Share of the iteration.
  workload::Resource by = workload::Resource::memory;    ///< With the largest share.
};
Bounds bounds_of(const IterationTimes& times);

/// One point of the throughput-latency curve of decode.
struct DecodePoint {
  std::int64_t sequences = 0;  ///< Of a replica.
  Seconds iteration{};
  double tokens_per_iteration = 1;  ///< Of a sequence.
  Seconds tpot{};                   ///< iteration / tokens_per_iteration.
  double tokens_per_s_per_user = 0;
  double tokens_per_s_per_gpu = 0;
  double tokens_per_s_per_node = 0;
  Bounds bounds{};
  Seconds compute{};           ///< Of the busiest rank.
  Seconds exposed{};           ///< Exchanges that the busiest rank waited for.
  Seconds exchange_a_layer{};  ///< Dispatch and combine of one micro-batch in one layer.
  double estimated_share = 0;
  // With drafts only, at as many sequences.
  std::optional<Seconds> tpot_without_drafts{};
  /// Of the iteration at the operating point, what the MTP module takes.
  std::optional<Seconds> drafting{};
  std::optional<Usd> usd_per_million_tokens{};  ///< Of output, the decode unit's GPUs alone.

  /// Tokens a second with drafts over those without.
  std::optional<double> draft_gain() const {
    if (!tpot_without_drafts) return std::nullopt;
    return tpot_without_drafts->in(tpot);
  }
};

struct PrefillReport {
  Seconds iteration{};
  double prompts = 0;               ///< Of a replica in an iteration.
  double tokens_per_s_per_gpu = 0;  ///< Prompt tokens, cached ones counted.
  double tokens_per_s_per_node = 0;
  Bounds bounds{};
  Seconds compute{};
  Seconds exposed{};
  double estimated_share = 0;
  model::ServingMemory memory{};
  std::optional<Usd> usd_per_million_tokens{};  ///< Of prompts, cached ones counted.
};

/// The cache's way from prefill to decode, where they are apart.
struct CacheTransfer {
  Bytes size{};          ///< Of one prompt, on a rank.
  Seconds time{};        ///< Of one prompt, every pair of ranks at once and nothing else.
  double nic_share = 0;  ///< Of a decode GPU's NIC at the operating point.
};

/// An inference workload on one fabric.
struct ServingReport {
  std::string fabric{};
  std::string workload{};
  std::string model{};
  std::string profile{};
  std::int64_t decode_gpus = 0;
  std::int64_t prefill_gpus = 0;
  std::vector<DecodePoint> points{};  ///< By sequences; the operating point among them.
  std::size_t operating = 0;          ///< Into points; see operating_point.
  std::optional<Seconds> tpot_limit{};
  bool meets_limit = true;  ///< False: no number of sequences does, `operating` is the fastest.
  model::ServingMemory decode_memory{};
  std::optional<PrefillReport> prefill{};
  std::optional<CacheTransfer> transfer{};
  /// Time to the first token: a prefill iteration and the cache's transfer; without waiting.
  std::optional<Seconds> ttft{};
  /// Output tokens a GPU where prefill takes turns with decode on it.
  std::optional<double> tokens_per_s_per_gpu_shared{};
  /// GPUs of prefill that keep one of decode busy, where they are apart.
  std::optional<double> prefill_per_decode_gpu{};
  /// Of output, their prompts' prefill with it.
  std::optional<Usd> usd_per_million_tokens{};
  // Of an iteration at the operating point, of prefill if there is no decode.
  simulate::Result result{};
  std::vector<workload::Block> blocks{};
  std::vector<EstimatedPart> estimates{};
  std::vector<ExtrapolatedPart> extrapolated{};

  bool has_decode() const { return !points.empty(); }
  const DecodePoint& best() const { return points[operating]; }
};

/// The point with the most tokens a second and GPU among those within the limit; none: false in
/// `meets_limit`, and the one with the least TPOT.
struct OperatingPoint {
  std::size_t index = 0;
  bool meets_limit = true;
};
OperatingPoint operating_point(const std::vector<DecodePoint>& points,
                               const std::optional<Seconds>& limit);

struct DecodeRates {
  const spec::InferenceSpec& spec;
  int gpus_per_node = 1;
  std::optional<Usd> gpu_hour{};
};
/// Rates and cost of an iteration of `sequences` sequences a replica.
DecodePoint make_point(const DecodeRates& rates, std::int64_t sequences, Seconds iteration);
/// The same of a prefill iteration.
PrefillReport make_prefill(const DecodeRates& rates, Seconds iteration);

/// Fills in what follows from points, prefill and transfer together.
void complete_serving(const DecodeRates& rates, ServingReport& report);

}  // namespace planewise::report
