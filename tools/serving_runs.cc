#include "tools/serving_runs.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/check.h"
#include "model/serving_memory.h"
#include "workload/serving_program.h"

namespace planewise::tools {
namespace {

using report::DecodePoint;
using report::ServingReport;

/// What is asked of an iteration. All of it grows evenly with the layers.
struct Iteration {
  Seconds time{};
  // Of the rank that computes longest.
  Seconds compute{};
  Seconds exposed{};
  Seconds exchanges{};  ///< Dispatches and combines of all layers, of the first rank.
  double estimated_share = 0;
};

Iteration iteration_of(const simulate::Result& result) {
  const auto& rank =
      *std::max_element(result.ranks.begin(), result.ranks.end(),
                        [](const auto& a, const auto& b) { return a.compute < b.compute; });
  Iteration iteration{
      .time = result.step_time,
      .compute = rank.compute,
      .exposed = std::accumulate(rank.exposed.begin(), rank.exposed.end(), Seconds{}),
      .estimated_share = result.estimated_share};
  for (std::size_t i = 0; i < result.labels.size(); ++i) {
    if (result.labels[i] != "dispatch" && result.labels[i] != "combine") continue;
    iteration.exchanges += result.ranks.front().busy[i];
  }
  return iteration;
}

/// What `more` has over `few`, one layer less, so many times over.
Iteration with_layers(const Iteration& few, const Iteration& more, int layers) {
  const auto grown = [layers](Seconds a, Seconds b) {
    return b + (b - a) * static_cast<double>(layers);
  };
  return {.time = grown(few.time, more.time),
          .compute = grown(few.compute, more.compute),
          .exposed = grown(few.exposed, more.exposed),
          .exchanges = grown(few.exchanges, more.exchanges),
          .estimated_share = more.estimated_share};
}

/// Simulates one workload on one fabric.
class ServingRun {
 public:
  ServingRun(const LoadedInference& loaded, const PricedTopology& priced,
             const fabric::Fabric& fabric, const RunContext& context)
      : loaded_(loaded),
        spec_(loaded.inference),
        fabric_(fabric),
        context_(context),
        input_{.spec = loaded.inference,
               .model = loaded.model,
               .profile = loaded.profile,
               .topology = fabric.topology,
               .seed = context.flags.seed},
        rates_{.spec = loaded.inference,
               .gpus_per_node = fabric.topology.nodes.gpus,
               .gpu_hour = loaded.inference.gpu_hour} {
    if (priced.scenario && priced.scenario->gpu_hour) rates_.gpu_hour = priced.scenario->gpu_hour;
  }

  ServingReport run() {
    ServingReport report{.fabric = fabric_.topology.name,
                         .workload = spec_.name,
                         .model = loaded_.model.name,
                         .profile = loaded_.profile.name};
    if (spec_.decode) {
      report.decode_gpus = spec_.decode->unit.parallel.ranks();
      report.tpot_limit = spec_.decode->tpot_limit;
      add_points(report);
    }
    if (spec_.prefill) {
      report.prefill_gpus = spec_.prefill->unit.parallel.ranks();
      add_prefill(report);
    }
    if (spec_.decode && spec_.prefill && !spec_.shares_gpus) add_transfer(report);
    complete_serving(rates_, report);
    add_shown(report);
    return report;
  }

 private:
  static constexpr int kFewLayers = 3;

  int gpus_per_node() const { return fabric_.topology.nodes.gpus; }
  int expert_layers() const {
    return loaded_.model.moe ? loaded_.model.layers - loaded_.model.moe->first_dense_layers : 0;
  }
  workload::Placement place(const spec::ServingUnit& unit) const {
    return workload::place_unit(unit, gpus_per_node());
  }
  /// Throws spec::InputError if faults keep the program from its end: then there is no time.
  simulate::Result simulate(const workload::Program& program,
                            const workload::Placement& placement) const {
    simulate::Result result = simulate_quietly(program, placement, fabric_, context_, spec_.name);
    if (result.is_complete()) return result;
    throw spec::InputError({context_.faults->origin.diagnose(
        "events",
        fmt::format("on {} they leave flows of an iteration of {} without any way",
                    fabric_.topology.name, spec_.name),
        "let what fails come back ('until'), or place the ranks elsewhere")});
  }
  /// An iteration of `sequences` sequences; 0: of prefill.
  struct Batch {
    std::int64_t sequences = 0;
    std::optional<workload::Resource> twice{};
  };
  workload::Program program(const workload::ServingInput& input, const Batch& batch,
                            const workload::Placement& placement) const;
  bool is_extrapolated(const spec::ServingUnit& unit) const;
  Iteration iterate(const workload::ServingInput& input, const Batch& batch) const;
  report::Bounds bounds(std::int64_t sequences, Seconds as_is) const {
    report::IterationTimes times{.as_is = as_is};
    for (int i = 0; i < workload::kResourceCount; ++i) {
      times.with_twice[static_cast<std::size_t>(i)] =
          iterate(input_, {.sequences = sequences, .twice = static_cast<workload::Resource>(i)})
              .time;
    }
    return report::bounds_of(times);
  }
  DecodePoint point(std::int64_t sequences) const;
  std::optional<std::int64_t> most_within_limit(const ServingReport& report) const;
  void add_points(ServingReport& report) const;
  void add_prefill(ServingReport& report) const;
  void add_transfer(ServingReport& report) const;
  void add_shown(ServingReport& report) const;

  const LoadedInference& loaded_;
  const spec::InferenceSpec& spec_;
  const fabric::Fabric& fabric_;
  const RunContext& context_;
  workload::ServingInput input_;
  report::DecodeRates rates_;
};

workload::Program ServingRun::program(const workload::ServingInput& input, const Batch& batch,
                                      const workload::Placement& placement) const {
  workload::Program program = batch.sequences > 0
                                  ? workload::decode_program(input, batch.sequences, placement)
                                  : workload::prefill_program(input, placement);
  return batch.twice ? workload::with_twice(std::move(program), *batch.twice) : program;
}

/// Where routes leave no symmetry an iteration takes seconds, and a curve minutes: the layers after
/// the first few are then taken to be like the last one simulated. Their routes are the same, too.
bool ServingRun::is_extrapolated(const spec::ServingUnit& unit) const {
  const spec::Routing routing = fabric_.topology.fabric.routing;
  const bool is_fixed = routing == spec::Routing::ecmp || routing == spec::Routing::static_path;
  return is_fixed && context_.faults == nullptr && context_.flags.size_spread.value_or(0) == 0 &&
         expert_layers() > 2 * kFewLayers && unit.parallel.expert > gpus_per_node();
}

Iteration ServingRun::iterate(const workload::ServingInput& input, const Batch& batch) const {
  const spec::ServingUnit& unit =
      batch.sequences > 0 ? input.spec.decode->unit : input.spec.prefill->unit;
  const workload::Placement placement = place(unit);
  const auto run = [&](int layers) {
    workload::ServingInput some = input;
    some.expert_layers = layers;
    return iteration_of(simulate(program(some, batch, placement), placement));
  };
  if (!is_extrapolated(unit)) return run(0);
  return with_layers(run(kFewLayers), run(kFewLayers + 1), expert_layers() - kFewLayers - 1);
}

DecodePoint ServingRun::point(std::int64_t sequences) const {
  const spec::DecodeSpec& decode = *spec_.decode;
  const Iteration iteration = iterate(input_, {.sequences = sequences});
  DecodePoint point = report::make_point(rates_, sequences, iteration.time);
  point.bounds = bounds(sequences, iteration.time);
  point.compute = iteration.compute;
  point.exposed = iteration.exposed;
  if (loaded_.model.moe && decode.unit.parallel.expert > 1) {
    point.exchange_a_layer =
        iteration.exchanges / (static_cast<double>(expert_layers()) * decode.unit.micro_batches);
  }
  point.estimated_share = iteration.estimated_share;
  if (decode.draft) {
    spec::InferenceSpec plain = spec_;
    plain.decode->draft.reset();
    const workload::ServingInput input{.spec = plain,
                                       .model = loaded_.model,
                                       .profile = loaded_.profile,
                                       .topology = fabric_.topology,
                                       .seed = context_.flags.seed};
    point.tpot_without_drafts = iterate(input, {.sequences = sequences}).time;
  }
  return point;
}

/// The most sequences whose TPOT is within the limit, if more than the best point of the curve has;
/// by halving what is between that and what is too many, as TPOT grows with them.
std::optional<std::int64_t> ServingRun::most_within_limit(const ServingReport& report) const {
  if (!report.tpot_limit) return std::nullopt;
  const std::int64_t step = spec_.decode->unit.micro_batches;
  const double tokens = spec::tokens_per_iteration(*spec_.decode);
  const auto is_within = [&](std::int64_t steps) {
    return iterate(input_, {.sequences = steps * step}).time / tokens <= *report.tpot_limit;
  };
  const auto best = report::operating_point(report.points, report.tpot_limit);
  std::int64_t within = best.meets_limit ? report.points[best.index].sequences / step : 0;
  std::int64_t beyond = report.decode_memory.sequences_most / step + 1;
  for (const DecodePoint& point : report.points) {
    if (point.tpot > *report.tpot_limit) beyond = std::min(beyond, point.sequences / step);
  }
  const std::int64_t first = within;
  while (beyond - within > 1) {
    const std::int64_t middle = within + (beyond - within) / 2;
    (is_within(middle) ? within : beyond) = middle;
  }
  if (within == first) return std::nullopt;
  return within * step;
}

void ServingRun::add_points(ServingReport& report) const {
  report.decode_memory = model::decode_memory(spec_, loaded_.model, loaded_.profile.gpu.memory);
  for (const std::int64_t sequences : spec_.decode->sequences) {
    report.points.push_back(point(sequences));
  }
  const std::optional<std::int64_t> most = most_within_limit(report);
  if (!most) return;
  const auto place = std::lower_bound(
      report.points.begin(), report.points.end(), *most,
      [](const DecodePoint& p, std::int64_t sequences) { return p.sequences < sequences; });
  report.points.insert(place, point(*most));
}

void ServingRun::add_prefill(ServingReport& report) const {
  const Iteration iteration = iterate(input_, {});
  report::PrefillReport prefill = report::make_prefill(rates_, iteration.time);
  prefill.bounds = bounds(0, iteration.time);
  prefill.compute = iteration.compute;
  prefill.exposed = iteration.exposed;
  prefill.estimated_share = iteration.estimated_share;
  prefill.memory = model::prefill_memory(spec_, loaded_.model, loaded_.profile.gpu.memory);
  report.prefill = std::move(prefill);
}

/// The prefill unit's nodes come first here; what a prompt's cache takes does not hang on it.
void ServingRun::add_transfer(ServingReport& report) const {
  workload::Placement placement = place(spec_.prefill->unit);
  const std::int64_t nodes =
      1 + *std::max_element(placement.gpu_of_rank.begin(), placement.gpu_of_rank.end()) /
              gpus_per_node();
  for (const std::int64_t gpu : place(spec_.decode->unit).gpu_of_rank) {
    placement.gpu_of_rank.push_back(gpu + nodes * gpus_per_node());
  }
  const spec::MeanRequest mean = spec::mean_request(spec_.requests);
  const bool drafts = spec_.decode->draft.has_value();
  const int tensor = spec_.prefill->unit.parallel.tensor;
  // Every rank of a tensor group has the same latents; each sends a part of them.
  const bool is_same = loaded_.model.attention.kind == spec::AttentionKind::mla;
  const Bytes size = model::cache_per_token(loaded_.model, spec_, tensor, drafts) * mean.prompt /
                     (is_same ? tensor : 1);
  report::CacheTransfer transfer{.size = size};
  transfer.time =
      simulate(workload::transfer_program(input_, size, placement), placement).step_time;
  const auto best = report::operating_point(report.points, report.tpot_limit);
  const double prompts_per_s = report.points[best.index].tokens_per_s_per_gpu / mean.output;
  const Bytes of_prompt =
      model::cache_per_token(loaded_.model, spec_, spec_.decode->unit.parallel.tensor, drafts) *
      mean.prompt * (is_same ? 1 : spec_.decode->unit.parallel.tensor);
  transfer.nic_share =
      (of_prompt * prompts_per_s / seconds(1)).in(workload::nic_rate(fabric_.topology));
  report.transfer = transfer;
}

/// Once more what the report shows, all of its layers, with all that the command line asks for.
void ServingRun::add_shown(ServingReport& report) const {
  const bool decodes = report.has_decode();
  const workload::Placement placement = place(decodes ? spec_.decode->unit : spec_.prefill->unit);
  workload::Program shown =
      program(input_, {.sequences = decodes ? report.best().sequences : 0}, placement);
  report.result = simulate_program(shown, placement, fabric_, context_, spec_.name);
  if (decodes && spec_.decode->draft) {
    report.points[report.operating].drafting =
        report.result.chunks[static_cast<std::size_t>(workload::ServedChunk::mtp)];
  }
  report.estimates = report::largest_estimates(shown, report.result);
  report.extrapolated = report::extrapolated_parts(shown, report.result);
  report.blocks = std::move(shown.blocks);
}

}  // namespace

ServingReport simulate_serving(const LoadedInference& loaded, const PricedTopology& priced,
                               const fabric::Fabric& fabric, const RunContext& context) {
  return ServingRun(loaded, priced, fabric, context).run();
}

}  // namespace planewise::tools
