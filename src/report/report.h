// Everything that one call of the program has to say, as values; the renderers turn it into text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cost/cost.h"
#include "cost/ownership.h"
#include "cost/uncertainty.h"
#include "fabric/fabric.h"
#include "model/model_parts.h"
#include "model/model_size.h"
#include "report/estimates.h"
#include "report/replay.h"
#include "report/serving.h"
#include "report/training_memory.h"
#include "report/validation.h"
#include "simulate/result.h"
#include "spec/job.h"
#include "spec/model.h"
#include "spec/profile.h"
#include "spec/topology.h"
#include "spec/traffic.h"
#include "workload/program.h"

namespace planewise::report {

struct InputFile {
  std::string path{};
  std::string sha256{};
};

/// What a reader needs to trust a report, and to get it again.
struct Header {
  std::string version{};
  std::uint64_t seed = 0;
  std::string engine{};  ///< Empty if nothing was simulated.
  std::vector<InputFile> inputs{};
  std::vector<std::string> simulated{};
  std::vector<std::string> symmetry{};
  std::vector<std::string> left_out{};
  std::string draws{};  ///< How prices were drawn for percentiles; empty if they were not.
};

struct FabricReport {
  fabric::Fabric fabric{};
  fabric::Counts counts{};
  int diameter = 0;
  Rate bisection{};
  std::optional<cost::Bill> bill{};            ///< None without a price book.
  std::optional<cost::Ownership> ownership{};  ///< None without a scenario.
  std::string scenario{};
  double ownership_years = 0;
};

/// How sure the costs are, over all fabrics of a report.
struct UncertaintyReport {
  std::int64_t draws = 0;
  std::uint64_t seed = 0;
  double common_share = 0;
  cost::Uncertainty result{};
  /// [fabrics but the first] Prices at which each costs as much an endpoint as the first.
  std::vector<std::vector<cost::BreakEven>> break_even{};
};

/// One simulated step. Rates are over the step time, and 0 if it has none; TFLOPS and MFU are a
/// GPU.
struct RunReport {
  std::string fabric{};
  std::string workload{};
  std::string model{};
  std::string profile{};
  simulate::Result result{};
  std::vector<workload::Block> blocks{};  ///< What the ranks computed, with times and evidence.
  double tokens_per_step = 0;
  double tokens_per_day = 0;
  double tflops_causal = 0;
  double tflops_noncausal = 0;
  double mfu_causal = 0;
  double mfu_noncausal = 0;
  double tokens_per_second_and_gpu = 0;
  double gpu_hours_per_trillion_tokens = 0;
  std::optional<Usd> usd_per_trillion_tokens{};  ///< None without a price of a GPU-hour.
  /// Of the same step with balanced tokens; none if the tokens are balanced.
  std::optional<Seconds> balanced_step_time{};
  JobMemory memory{};
  std::vector<EstimatedPart> estimates{};        ///< Most first; see largest_estimates.
  std::vector<ExtrapolatedPart> extrapolated{};  ///< Most first; see extrapolated_parts.
};

/// One step of a traffic workload on one fabric. Times are of one pass through the steps.
struct TrafficLine {
  std::string name{};
  std::string collective{};  ///< As in YAML; `compute`; of a connection matrix `flows`.
  std::string algorithm{};   ///< Empty if there is none.
  int group = 0;             ///< Ranks a group; of a connection matrix its flows; 0: a pause.
  int groups = 0;            ///< 0: no collective.
  Bytes size{};              ///< workload::counted_size; of a connection matrix all its flows'.
  /// From when the last rank begins the step to when the last one ends it (simulate::Result), on
  /// average over the passes; of flows the longest.
  Seconds time{};
  /// What a rank spends in it, waiting for others included, on average over ranks; of flows a flow.
  Seconds mean{};
  Rate algbw{};    ///< size / time.
  Rate busbw{};    ///< algbw * workload::bus_factor.
  Seconds idle{};  ///< workload::idle_time; of a pause its length.
};

/// A simulated traffic workload.
struct TrafficReport {
  std::string fabric{};
  std::string workload{};
  std::string profile{};  ///< Empty: none.
  int ranks = 0;
  std::int64_t repeat = 1;
  std::vector<TrafficLine> lines{};
  simulate::Result result{};
};

/// Where something was simulated and what came of it: what steps and traffic have in common.
struct Ran {
  const std::string& fabric;
  const std::string& workload;
  const simulate::Result& result;
};

struct ModelReport {
  std::string name{};
  model::ModelSize size{};
  model::ParameterParts parts{};
  Bytes kv_cache_per_token{};
  std::int64_t sequence_length = 0;       ///< That the FLOPs hold for.
  model::TrainingFlopParts flop_parts{};  ///< Causal.
  Flop flop_per_token_causal{};
  Flop flop_per_token_noncausal{};
};

/// A file that `planewise check` found nothing wrong with.
struct CheckedFile {
  std::string path{};
  std::string kind{};  ///< "topology", "workload", ...
};

struct Report {
  std::string title{};
  Header header{};
  std::vector<FabricReport> fabrics{};
  std::optional<UncertaintyReport> uncertainty{};
  std::vector<RunReport> runs{};
  std::vector<TrafficReport> traffic{};
  std::vector<ServingReport> serving{};
  std::vector<ModelReport> models{};
  std::vector<JobMemory> memory{};  ///< Of jobs that were not simulated.
  std::vector<CheckedFile> files{};
  std::vector<FigureLine> figures{};  ///< Of planewise validate, by group.
  std::vector<ReplayLine> replay{};   ///< Of planewise replay, by group.
  /// Text and Markdown show every line of each bill, and stages, blocks and links of each run.
  bool detailed = false;
  /// Text, Markdown and CSV show why each run takes its time, and nothing else.
  bool explains = false;
};

/// All that was simulated, steps first.
std::vector<Ran> all_ran(const Report& report);

/// Derives a run's rates. MFU is against the profile's BF16 dense peak.
///
/// tokens a step = tokens a micro-batch x micro-batches x pipelines; FLOPs a token as
/// model::training_flop_per_token (6 N_active + attention, MTP not counted).
RunReport make_run(const spec::JobSpec& job, const spec::ModelSpec& model,
                   const spec::ProfileSpec& profile, const std::string& fabric_name,
                   simulate::Result result);

struct TrafficRun {
  const spec::TrafficSpec& traffic;
  const spec::ProfileSpec* profile = nullptr;  ///< May be none.
  const spec::TopologySpec& topology;
};
/// Times, bandwidths and closed forms of every step. Requires that `result` is of this run.
TrafficReport make_traffic(const TrafficRun& run, simulate::Result result);

ModelReport make_model(const spec::ModelSpec& model, std::int64_t sequence_length);

/// The rank that waits least: its stage bounds the step.
const simulate::RankResult& busiest_rank(const RunReport& run);

/// Time of one kind of exchange on one rank; labels of one name are one kind.
struct CommunicationTime {
  std::string name{};
  Seconds busy{};
  Seconds exposed{};
  Seconds hidden{};
};
/// [kind] In order of the labels; kinds that took no time on the rank are left out.
std::vector<CommunicationTime> communication_of(const simulate::RankResult& rank,
                                                const std::vector<std::string>& labels);

/// The rank whose phases a run's table shows: rank 0, as far as the published table can be read.
const simulate::RankResult& shown_rank(const RunReport& run);

/// Output forms, spelled as after --format.
enum class Format : std::uint8_t { text, json, csv, md };

/// Renders `report`. The same report gives the same bytes.
std::string render(const Report& report, Format format);

}  // namespace planewise::report
