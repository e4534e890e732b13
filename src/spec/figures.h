// What a file of published figures says: values that others printed, what of ours stands beside
// each, and how far the two may be apart.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/unit_text.h"
#include "base/units.h"
#include "spec/input_error.h"
#include "spec/job.h"

namespace planewise::spec {

/// How a figure relates to what planewise was made from, spelled as in YAML.
enum class FigureRole : std::uint8_t {
  identity,   ///< Arithmetic: it must come out.
  fitted,     ///< Constants of ours were solved from this very figure.
  checked,    ///< Not fitted itself, but constants were taken from the same source or machine.
  predicted,  ///< Nothing of ours was ever fitted to it.
};
std::string_view role_word(FigureRole role);

/// How ours must give the digits that are printed, spelled as in YAML.
enum class PrintedDigits : std::uint8_t {
  rounded,
  truncated,
  below,  ///< Ours is less than what is printed as a bound.
};
std::string_view digits_word(PrintedDigits digits);

/// What of ours stands beside a figure, by `kind`. Paths are of existing files.
namespace ours {

/// model::kv_cache_per_token, or that over the one of `against`.
struct KvCache {
  std::string model_path{};
  std::string against_path{};  ///< Empty: none.
};

/// model::training_flop_per_token.
struct TrainingFlop {
  std::string model_path{};
  std::int64_t sequence_length = 0;
  bool causal = true;
};

/// Spelled as in YAML.
enum class ParameterPart : std::uint8_t {
  total,      ///< Without MTP modules.
  active,     ///< That a token uses: with the head, without the input embedding.
  embedding,  ///< The input embedding.
  head,
  mtp_layer,  ///< The transformer layer of an MTP module.
};
/// model::model_size.
struct Parameters {
  std::string model_path{};
  ParameterPart part = ParameterPart::total;
};

/// Spelled as in YAML.
enum class FabricValue : std::uint8_t {
  endpoints,
  switches,
  inter_switch_links,
  cost,
  cost_per_endpoint,
  saving,  ///< 1 - cost an endpoint over that of `against`.
};
/// fabric::count and, of costs, the topology's price book.
struct Fabric {
  std::string topology_path{};
  std::string against_path{};  ///< Of a saving; else empty.
  FabricValue value = FabricValue::switches;
};

/// Spelled as in YAML.
enum class DecodeValue : std::uint8_t { exchange, layer, tpot, tokens_per_s };
/// model::decode_limit.
struct DecodeLimit {
  DecodeValue value = DecodeValue::exchange;
  std::int64_t tokens = 0;
  std::int64_t experts_per_token = 0;
  std::int64_t hidden = 0;
  int dispatch_bytes = 1;  ///< An element.
  int combine_bytes = 2;
  std::int64_t layers = 0;
  Rate rate{};
};

/// One expert exchange alone on a fabric, as the logical rate that DeepEP prints: tokens *
/// nodes_per_token * token_size over its time.
struct ExpertExchange {
  std::string topology_path{};  ///< Resized to `ranks` GPUs.
  std::string profile_path{};
  std::string collective{};  ///< Of the profile.
  int ranks = 0;
  std::int64_t tokens = 0;  ///< A rank.
  int nodes_per_token = 1;
  int experts_per_token = 1;
  int routed_experts = 1;
  Bytes token_size{};  ///< Payload of one token, scales included.
};

/// One exchange of low-latency kernels alone on a fabric, as the time that DeepEP prints: every
/// rank sends each token to each of its experts at once.
struct LowLatencyExchange {
  std::string topology_path{};  ///< Resized to `ranks` GPUs.
  std::string profile_path{};
  std::string collective{};  ///< Of the profile.
  int ranks = 0;
  std::int64_t tokens = 0;  ///< A rank.
  int experts_per_token = 1;
  Bytes message_size{};  ///< Of one token for one expert, with all that goes with it.
};

/// The bubble of one rank of a pipeline schedule, simulated with passes of these times and free
/// communication.
struct IdealBubble {
  std::string topology_path{};
  Schedule schedule = Schedule::one_f_one_b;
  int ranks = 1;
  int chunks = 1;  ///< `virtual`, under interleaved_1f1b.
  std::int64_t micro_batches = 0;
  Seconds forward{};  ///< Of a chunk.
  Seconds backward{};
  Seconds weight{};  ///< The part of `backward` for weights.
  Seconds pair{};    ///< dualpipe: a forward and a backward, overlapped.
  int rank = 0;
};

/// workload::product_rate.
struct Product {
  std::string profile_path{};
  Precision precision = Precision::bf16;
  std::int64_t groups = 0;  ///< 0: one plain product.
  std::int64_t m = 0;       ///< Rows a group.
  std::int64_t n = 0;
  std::int64_t k = 0;
};

/// workload::attention_rate.
struct Attention {
  std::string profile_path{};
  std::string operator_id{};
  std::int64_t sequence_length = 0;
};

/// Spelled as in YAML.
enum class PairValue : std::uint8_t {
  span,  ///< Of the whole pair; the others are of one layer.
  attention_forward,
  experts_forward,
  experts_backward,
  experts_weight,
  attention_backward,
  attention_weight,
  dispatch,
  combine,
  combine_backward,
  dispatch_backward,
};
/// A forward and a backward chunk of MoE layers, overlapped, by themselves: workload::chunk_pair.
struct ChunkPair {
  std::string workload_path{};
  std::string topology_path{};
  int moe_layers = 1;  ///< Of each chunk.
  PairValue value = PairValue::span;
};

/// Spelled as in YAML.
enum class TrafficValue : std::uint8_t { time, algbw, busbw };
/// One step of a simulated traffic workload.
struct Traffic {
  std::string workload_path{};
  std::string topology_path{};
  std::string step{};
  TrafficValue value = TrafficValue::time;
};

/// Spelled as in YAML. Phases are of rank 0.
enum class StepValue : std::uint8_t {
  step_time,
  forward_1f,
  bubble,
  backward_1b,
  weight_1w,
  overlapped_1f1b,
  optimizer,
  tokens_per_day,
  tokens_per_s_per_gpu,
  gpu_hours_per_trillion_tokens,
  tflops_causal,
  tflops_noncausal,
  mfu_causal,
  mfu_noncausal,
};
/// A simulated training step.
struct Step {
  std::string workload_path{};
  std::string topology_path{};
  StepValue value = StepValue::step_time;
};

/// The step time on `topology` over that on `against`.
struct StepRatio {
  std::string workload_path{};
  std::string topology_path{};
  std::string against_path{};
};

/// Spelled as in YAML.
enum class ServingValue : std::uint8_t {
  tpot,
  tokens_per_s_per_user,
  tokens_per_s_per_gpu,
  tokens_per_s_per_node,
  exchange,  ///< Dispatch and combine of one micro-batch in one layer.
  tokens_per_iteration,
  mtp_gain,
  ttft,
  prompt_tokens_per_s_per_gpu,
  prompt_tokens_per_s_per_node,
};
/// A simulated inference workload.
struct Serving {
  std::string workload_path{};
  std::string topology_path{};
  ServingValue value = ServingValue::tpot;
  std::int64_t sequences = 0;  ///< Of a replica, one of the curve's; 0: the operating point.
};

}  // namespace ours

using Ours = std::variant<ours::KvCache, ours::TrainingFlop, ours::Parameters, ours::Fabric,
                          ours::DecodeLimit, ours::ExpertExchange, ours::LowLatencyExchange,
                          ours::Product, ours::Attention, ours::IdealBubble, ours::ChunkPair,
                          ours::Traffic, ours::Step, ours::StepRatio, ours::Serving>;

struct FigureSpec {
  std::string id{};
  std::string name{};
  std::string source{};  ///< Its own, or that of its group.
  PrintedValue published{};
  FigureRole role = FigureRole::predicted;
  std::optional<double> limit{};          ///< Of the relative error's absolute value.
  std::optional<PrintedDigits> digits{};  ///< Another limit. With neither it is only shown.
  std::string note{};                     ///< Empty: none.
  std::string series{};  ///< Steps of one model at several sizes, for the trivial predictor.
  Ours ours{};
};

struct FigureGroup {
  std::string id{};
  std::string name{};
  std::vector<FigureSpec> figures{};
};

struct FiguresSpec {
  Origin origin{};
  std::string name{};
  std::vector<FigureGroup> groups{};
};

/// The files that the figures name, each once, in the order in which they are named first.
struct FigureFiles {
  std::vector<std::string> models{};
  std::vector<std::string> profiles{};
  std::vector<std::string> topologies{};
  std::vector<std::string> workloads{};
};
FigureFiles files_of(const FiguresSpec& figures);

}  // namespace planewise::spec
