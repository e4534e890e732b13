#include "tools/validation.h"

#include <fmt/format.h>
#include <git_version.h>

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "base/check.h"
#include "model/decode_limit.h"
#include "report/validation.h"
#include "spec/figures.h"
#include "spec/nearest_word.h"
#include "tools/pair_run.h"
#include "tools/serving_figure.h"
#include "workload/exchange_program.h"
#include "workload/ideal_pipeline.h"
#include "workload/measured_program.h"
#include "workload/operator_rate.h"

namespace planewise::tools {
namespace {

namespace ours = spec::ours;

/// A figure, its group and where it is in the file.
struct Picked {
  const spec::FigureGroup& group;
  const spec::FigureSpec& figure;
  std::string place;  ///< `groups[0].figures[2]`.
};

bool contains(const std::vector<std::string>& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// Refuses a word of `asked` that is none of `known`.
void check_asked(const spec::FiguresSpec& figures, const std::vector<std::string>& asked,
                 const spec::WordSet& known, const std::string& what,
                 spec::Diagnostics& diagnostics) {
  for (const std::string& word : asked) {
    if (known.contains(word)) continue;
    const auto nearest = spec::nearest_word(word, known);
    diagnostics.add(figures.origin.diagnose(
        "groups", fmt::format("no {} '{}'{}", what, word,
                              nearest ? fmt::format("; did you mean '{}'?", *nearest) : "")));
  }
}

std::vector<Picked> pick(const spec::FiguresSpec& figures, const ValidationFlags& flags) {
  const bool is_all = flags.ids.empty() && flags.groups.empty();
  std::vector<Picked> picked;
  spec::WordSet ids;
  spec::WordSet groups;
  for (std::size_t g = 0; g < figures.groups.size(); ++g) {
    const spec::FigureGroup& group = figures.groups[g];
    groups.insert(group.id);
    for (std::size_t f = 0; f < group.figures.size(); ++f) {
      const spec::FigureSpec& figure = group.figures[f];
      ids.insert(figure.id);
      if (!is_all && !contains(flags.ids, figure.id) && !contains(flags.groups, group.id)) continue;
      picked.push_back({group, figure, fmt::format("groups[{}].figures[{}]", g, f)});
    }
  }
  spec::Diagnostics diagnostics;
  check_asked(figures, flags.ids, ids, "figure", diagnostics);
  check_asked(figures, flags.groups, groups, "group", diagnostics);
  diagnostics.throw_if_any();
  return picked;
}

/// A simulated workload: a step, or traffic.
struct SimulatedRun {
  std::optional<report::RunReport> step{};
  std::optional<report::TrafficReport> traffic{};
  std::optional<report::ServingReport> serving{};
  std::int64_t ranks = 0;
};

/// What was computed so far, and what for.
class Computation {
 public:
  Computation(const spec::FiguresSpec& figures, const ValidationFlags& flags, Stopwatch& watch)
      : figures_(figures), flags_(flags), watch_(watch) {}

  report::FigureLine line(const Picked& picked) {
    report::FigureLine line{
        .group = picked.group.id, .group_name = picked.group.name, .figure = picked.figure};
    place_ = picked.place;
    line.ours = std::visit([this](const auto& what) { return value(what); }, picked.figure.ours);
    if (const auto* serving = std::get_if<ours::Serving>(&picked.figure.ours)) {
      const report::DecodePoint* point = point_of(serving_run(*serving), *serving);
      if (point != nullptr) line.estimated_share = point->estimated_share;
    }
    if (const auto* step = std::get_if<ours::Step>(&picked.figure.ours)) {
      const SimulatedRun& run = step_run(step->workload_path, step->topology_path);
      line.estimated_share = run.step->result.estimated_share;
      line.ranks = picked.figure.series.empty() ? 0 : run.ranks;
    }
    return line;
  }

  /// The files behind all lines, each once.
  std::vector<report::InputFile> take_inputs() { return std::move(inputs_); }
  /// Engine, seed and how the runs were reduced, a note each.
  report::Header take_header() { return std::move(header_); }

 private:
  double value(const ours::KvCache& what) {
    const Bytes cache = model::kv_cache_per_token(model(what.model_path));
    if (what.against_path.empty()) return cache.base();
    return cache.in(model::kv_cache_per_token(model(what.against_path)));
  }
  double value(const ours::TrainingFlop& what) {
    return model::training_flop_per_token(
               model(what.model_path),
               {.sequence_length = what.sequence_length, .causal = what.causal})
        .total()
        .base();
  }
  double value(const ours::Parameters& what);
  double value(const ours::Fabric& what);
  double value(const ours::DecodeLimit& what);
  double value(const ours::ExpertExchange& what);
  double value(const ours::LowLatencyExchange& what);
  double value(const ours::Product& what);
  double value(const ours::Attention& what);
  double value(const ours::IdealBubble& what);
  double value(const ours::ChunkPair& what);
  double value(const ours::Traffic& what);
  double value(const ours::Step& what);
  double value(const ours::Serving& what) {
    const report::ServingReport& run = serving_run(what);
    const ServingRefusal refusal = serving_refusal(run, what);
    if (!refusal.reason.empty()) refuse(refusal.key, refusal.reason);
    return serving_value(run, what);
  }
  double value(const ours::StepRatio& what) {
    const auto time = [&](const std::string& topology) {
      return step_run(what.workload_path, topology).step->result.step_time;
    };
    return time(what.topology_path).in(time(what.against_path));
  }

  const spec::ModelSpec& model(const std::string& path);
  const spec::ProfileSpec& profile(const std::string& path);
  const report::FabricReport& fabric(const std::string& path);
  const SimulatedRun& run(const std::string& workload, const std::string& topology);
  /// The same; refuses traffic.
  const SimulatedRun& step_run(const std::string& workload, const std::string& topology);
  /// The same; refuses all but inference.
  const report::ServingReport& serving_run(const ours::Serving& what);
  void check_exchange(const ours::ExpertExchange& what, const spec::TopologySpec& topology,
                      const spec::ProfileSpec& profile) const;
  double cost(const std::string& topology_path, bool per_endpoint);
  void add_inputs(const std::vector<report::InputFile>& files);
  [[noreturn]] void refuse(const std::string& key, const std::string& message,
                           const std::string& hint = {}) const {
    throw spec::InputError({figures_.origin.diagnose(place_ + ".ours" + key, message, hint)});
  }

  const spec::FiguresSpec& figures_;
  const ValidationFlags& flags_;
  Stopwatch& watch_;
  std::string place_;  ///< Of the figure that is computed.
  std::map<std::string, spec::ModelSpec> models_;
  std::map<std::string, spec::ProfileSpec> profiles_;
  std::map<std::string, report::FabricReport> fabrics_;
  std::map<std::pair<std::string, std::string>, SimulatedRun> runs_;
  std::map<std::tuple<std::string, std::string, int>, PairRun> pairs_;
  std::vector<report::InputFile> inputs_;
  report::Header header_;
};

void Computation::add_inputs(const std::vector<report::InputFile>& files) {
  for (const report::InputFile& file : files) {
    const auto same = [&](const report::InputFile& other) { return other.path == file.path; };
    if (std::none_of(inputs_.begin(), inputs_.end(), same)) inputs_.push_back(file);
  }
}

const spec::ModelSpec& Computation::model(const std::string& path) {
  const auto found = models_.find(path);
  if (found != models_.end()) return found->second;
  spec::Diagnostics diagnostics;
  spec::ModelSpec model = spec::read_model(path, diagnostics);
  diagnostics.throw_if_any();
  add_inputs({{.path = model.origin.path, .sha256 = model.origin.sha256}});
  return models_.emplace(path, std::move(model)).first->second;
}

const spec::ProfileSpec& Computation::profile(const std::string& path) {
  const auto found = profiles_.find(path);
  if (found != profiles_.end()) return found->second;
  spec::Diagnostics diagnostics;
  spec::ProfileSpec profile = spec::read_profile(path, diagnostics);
  diagnostics.throw_if_any();
  add_inputs({{.path = profile.origin.path, .sha256 = profile.origin.sha256}});
  return profiles_.emplace(path, std::move(profile)).first->second;
}

const report::FabricReport& Computation::fabric(const std::string& path) {
  const auto found = fabrics_.find(path);
  if (found != fabrics_.end()) return found->second;
  watch_.begin("count and price");
  const Inputs inputs = load_inputs({.topologies = {path}});
  add_inputs(input_files(inputs));
  return fabrics_.emplace(path, std::move(fabric_reports(inputs).front())).first->second;
}

const SimulatedRun& Computation::run(const std::string& workload, const std::string& topology) {
  const auto key = std::pair(workload, topology);
  const auto found = runs_.find(key);
  if (found != runs_.end()) return found->second;
  const Inputs inputs = load_inputs({.topologies = {topology}, .workload = workload});
  report::Report report = simulate_runs(inputs, flags_.simulation, watch_);
  add_inputs(report.header.inputs);
  header_.engine = report.header.engine;
  header_.seed = report.header.seed;
  SimulatedRun run;
  if (inputs.job) {
    run.ranks = inputs.job->job.parallel.ranks();
    run.step = std::move(report.runs.front());
    header_.symmetry.push_back(inputs.job->job.name + ": " + report.header.symmetry.front());
  } else if (inputs.inference) {
    run.serving = std::move(report.serving.front());
  } else {
    run.ranks = inputs.traffic->traffic.ranks;
    run.traffic = std::move(report.traffic.front());
  }
  return runs_.emplace(key, std::move(run)).first->second;
}

const SimulatedRun& Computation::step_run(const std::string& workload,
                                          const std::string& topology) {
  const SimulatedRun& simulated = run(workload, topology);
  if (!simulated.step) refuse(".workload", "this workload has no training step");
  return simulated;
}

const report::ServingReport& Computation::serving_run(const ours::Serving& what) {
  const SimulatedRun& simulated = run(what.workload_path, what.topology_path);
  if (!simulated.serving) refuse(".workload", "this workload is not inference");
  return *simulated.serving;
}

double Computation::value(const ours::Product& what) {
  const auto rate = workload::product_rate(
      profile(what.profile_path),
      {.precision = what.precision, .groups = what.groups, .m = what.m, .n = what.n, .k = what.k});
  if (!rate) refuse(".precision", fmt::format("{} has no such products", what.profile_path));
  return rate->base();
}

double Computation::value(const ours::Attention& what) {
  const auto rate =
      workload::attention_rate(profile(what.profile_path), what.operator_id, what.sequence_length);
  if (!rate) {
    refuse(".operator",
           fmt::format("{} has no operator '{}'", what.profile_path, what.operator_id));
  }
  return rate->base();
}

double Computation::value(const ours::IdealBubble& what) {
  const Inputs inputs = load_inputs({.topologies = {what.topology_path}});
  add_inputs(input_files(inputs));
  const spec::TopologySpec& topology = inputs.topologies.front().topology;
  if (topology.nodes.count * topology.nodes.gpus < what.ranks) {
    refuse(".ranks", fmt::format("{} has {} GPUs", topology.name,
                                 topology.nodes.count * topology.nodes.gpus));
  }
  const workload::Program program =
      workload::ideal_pipeline(workload::pipeline_plan({.schedule = what.schedule,
                                                        .ranks = what.ranks,
                                                        .chunks = what.chunks,
                                                        .micro_batches = what.micro_batches}),
                               {.forward = what.forward,
                                .backward = what.backward,
                                .weight = what.weight,
                                .pair = what.pair});
  watch_.begin("drive");
  const simulate::Result result = simulate::simulate(
      program, workload::place_in_order(what.ranks, topology.nodes.gpus), fabric::lay_out(topology),
      {.engine = flags_.simulation.engine, .symmetry = false, .seed = flags_.simulation.seed});
  const simulate::RankResult& rank = result.ranks[static_cast<std::size_t>(what.rank)];
  return rank.phases[static_cast<std::size_t>(workload::Phase::bubble)].base();
}

double Computation::value(const ours::ChunkPair& what) {
  const auto key = std::tuple(what.workload_path, what.topology_path, what.moe_layers);
  auto found = pairs_.find(key);
  if (found == pairs_.end()) {
    const Inputs inputs =
        load_inputs({.topologies = {what.topology_path}, .workload = what.workload_path});
    add_inputs(input_files(inputs));
    const bool has_pairs = inputs.job && inputs.job->job.schedule == spec::Schedule::dualpipe &&
                           inputs.job->model.moe.has_value() && inputs.job->job.parallel.expert > 1;
    if (!has_pairs) {
      refuse(".workload", "a pair is of dualpipe, and of experts that are spread over ranks");
    }
    watch_.begin("drive");
    found = pairs_.emplace(key, simulate_pair(inputs, what.moe_layers, flags_.simulation)).first;
  }
  const PairRun& run = found->second;
  using V = ours::PairValue;
  using workload::ExpertExchange;
  using workload::PairPhase;
  const auto phase = [&](PairPhase which) {
    return run.compute[static_cast<std::size_t>(which)].base();
  };
  const auto exchange = [&](ExpertExchange which) {
    return run.exchanges[static_cast<std::size_t>(which)].base();
  };
  switch (what.value) {
    case V::span:
      return run.span.base();
    case V::attention_forward:
      return phase(PairPhase::attention_forward);
    case V::experts_forward:
      return phase(PairPhase::experts_forward);
    case V::experts_backward:
      return phase(PairPhase::experts_backward);
    case V::experts_weight:
      return phase(PairPhase::experts_weight);
    case V::attention_backward:
      return phase(PairPhase::attention_backward);
    case V::attention_weight:
      return phase(PairPhase::attention_weight);
    case V::dispatch:
      return exchange(ExpertExchange::dispatch);
    case V::combine:
      return exchange(ExpertExchange::combine);
    case V::combine_backward:
      return exchange(ExpertExchange::combine_backward);
    case V::dispatch_backward:
      return exchange(ExpertExchange::dispatch_backward);
  }
  PW_UNREACHABLE("PairValue has eleven values");
}

double Computation::value(const ours::Traffic& what) {
  const SimulatedRun& simulated = run(what.workload_path, what.topology_path);
  if (!simulated.traffic) refuse(".workload", "this workload is not traffic");
  spec::WordSet names;
  for (const report::TrafficLine& line : simulated.traffic->lines) {
    names.insert(line.name);
    if (line.name != what.step) continue;
    switch (what.value) {
      case ours::TrafficValue::time:
        return line.time.base();
      case ours::TrafficValue::algbw:
        return line.algbw.base();
      case ours::TrafficValue::busbw:
        return line.busbw.base();
    }
  }
  refuse(".step", fmt::format("{} has no step '{}'", what.workload_path, what.step),
         fmt::format("write one of {}", fmt::join(names, ", ")));
}

double Computation::value(const ours::Parameters& what) {
  const model::ModelSize size = model::model_size(model(what.model_path));
  switch (what.part) {
    case ours::ParameterPart::total:
      return static_cast<double>(size.main);
    case ours::ParameterPart::active:
      return static_cast<double>(size.active.with_head);
    case ours::ParameterPart::embedding:
      return static_cast<double>(size.input_embedding);
    case ours::ParameterPart::head:
      return static_cast<double>(size.head);
    case ours::ParameterPart::mtp_layer:
      return static_cast<double>(size.mtp_module.layer.total());
  }
  PW_UNREACHABLE("ParameterPart has five values");
}

double Computation::cost(const std::string& topology_path, bool per_endpoint) {
  const std::optional<cost::Bill>& bill = fabric(topology_path).bill;
  if (!bill) {
    refuse(".topology", fmt::format("no price book prices {}", topology_path),
           "name one in the topology: 'prices:'");
  }
  return (per_endpoint ? bill->per_endpoint : bill->total).base();
}

double Computation::value(const ours::Fabric& what) {
  const fabric::Counts& counts = fabric(what.topology_path).counts;
  switch (what.value) {
    case ours::FabricValue::endpoints:
      return static_cast<double>(counts.endpoints);
    case ours::FabricValue::switches:
      return static_cast<double>(counts.switches());
    case ours::FabricValue::inter_switch_links:
      return static_cast<double>(counts.inter_switch_links);
    case ours::FabricValue::cost:
      return cost(what.topology_path, false);
    case ours::FabricValue::cost_per_endpoint:
      return cost(what.topology_path, true);
    case ours::FabricValue::saving:
      return 1 - cost(what.topology_path, true) / cost(what.against_path, true);
  }
  PW_UNREACHABLE("FabricValue has six values");
}

double Computation::value(const ours::DecodeLimit& what) {
  const model::DecodeLimit limit = model::decode_limit({.tokens = what.tokens,
                                                        .experts_per_token = what.experts_per_token,
                                                        .hidden = what.hidden,
                                                        .dispatch_bytes = what.dispatch_bytes,
                                                        .combine_bytes = what.combine_bytes,
                                                        .layers = what.layers,
                                                        .rate = what.rate});
  switch (what.value) {
    case ours::DecodeValue::exchange:
      return limit.exchange.base();
    case ours::DecodeValue::layer:
      return limit.layer.base();
    case ours::DecodeValue::tpot:
      return limit.tpot.base();
    case ours::DecodeValue::tokens_per_s:
      return limit.tokens_per_s;
  }
  PW_UNREACHABLE("DecodeValue has four values");
}

void Computation::check_exchange(const ours::ExpertExchange& what,
                                 const spec::TopologySpec& topology,
                                 const spec::ProfileSpec& profile) const {
  const std::int64_t gpus = topology.nodes.gpus;
  if (what.ranks % gpus != 0 || what.ranks / gpus > topology.nodes.count) {
    refuse(".ranks", fmt::format("{} ranks do not fill nodes of {}, which has {} of {} GPUs",
                                 what.ranks, topology.name, topology.nodes.count, gpus));
  }
  if (what.nodes_per_token > what.ranks / gpus) {
    refuse(".nodes_per_token",
           fmt::format("{} nodes a token of {}", what.nodes_per_token, what.ranks / gpus));
  }
  if (what.experts_per_token % what.nodes_per_token != 0) {
    refuse(".experts_per_token", fmt::format("{} experts do not divide over {} nodes",
                                             what.experts_per_token, what.nodes_per_token));
  }
  if (what.routed_experts % what.ranks != 0) {
    refuse(".routed_experts",
           fmt::format("{} experts do not divide over {} ranks", what.routed_experts, what.ranks));
  }
  if (spec::find_collective(profile, what.collective) == nullptr) {
    refuse(".collective",
           fmt::format("profile {} has no collective '{}'", profile.name, what.collective));
  }
}

double Computation::value(const ours::ExpertExchange& what) {
  spec::Diagnostics diagnostics;
  const spec::ProfileSpec& used = profile(what.profile_path);
  spec::TopologySpec topology = spec::read_topology(what.topology_path, diagnostics);
  diagnostics.throw_if_any();
  check_exchange(what, topology, used);
  add_inputs({{.path = topology.origin.path, .sha256 = topology.origin.sha256}});
  topology.nodes.count = what.ranks / topology.nodes.gpus;
  const workload::BalancedExchange exchange{.ranks = what.ranks,
                                            .tokens = static_cast<double>(what.tokens),
                                            .choice = {.routed_experts = what.routed_experts,
                                                       .experts_per_token = what.experts_per_token,
                                                       .nodes_per_token = what.nodes_per_token},
                                            .bytes_per_token = what.token_size.in(bytes(1))};
  const workload::Placement placement = workload::place_in_order(what.ranks, topology.nodes.gpus);
  watch_.begin("drive");
  const workload::Program program = workload::exchange_program(
      exchange, placement, *spec::find_collective(used, what.collective));
  const simulate::Result result =
      simulate::simulate(program, placement, fabric::lay_out(topology),
                         {.engine = flags_.simulation.engine, .seed = flags_.simulation.seed});
  return workload::logical_rate(exchange, result.step_time).base();
}

double Computation::value(const ours::LowLatencyExchange& what) {
  spec::Diagnostics diagnostics;
  const spec::ProfileSpec& used = profile(what.profile_path);
  spec::TopologySpec topology = spec::read_topology(what.topology_path, diagnostics);
  diagnostics.throw_if_any();
  const int gpus = topology.nodes.gpus;
  if (what.ranks % gpus != 0 || what.ranks / gpus > topology.nodes.count) {
    refuse(".ranks", fmt::format("{} ranks are no whole nodes of {}", what.ranks, topology.name));
  }
  add_inputs({{.path = topology.origin.path, .sha256 = topology.origin.sha256}});
  topology.nodes.count = what.ranks / gpus;
  const spec::MeasuredExchange exchange{
      .operation = spec::Operation::dispatch,
      .algorithm = spec::ExchangeAlgorithm::deepep_low_latency,
      .group = spec::GroupKind::expert,
      .ranks = what.ranks,
      .nodes = what.ranks / gpus,
      .ranks_per_node = gpus,
      .load = {.experts_per_token = what.experts_per_token, .bytes_per_token = what.message_size}};
  const spec::CollectiveCurve* curve = spec::find_collective(
      used, what.collective, spec::Beside::alone, workload::reach_of(exchange));
  if (curve == nullptr) {
    refuse(".collective",
           fmt::format("profile {} has no collective '{}'", used.name, what.collective));
  }
  const workload::Placement placement = workload::place_in_order(what.ranks, gpus);
  const workload::Program program =
      workload::measured_program(exchange, {.tokens = what.tokens}, placement, *curve);
  watch_.begin("drive");
  return simulate::simulate(program, placement, fabric::lay_out(topology),
                            {.engine = flags_.simulation.engine, .seed = flags_.simulation.seed})
      .step_time.base();
}

double Computation::value(const ours::Step& what) {
  using V = ours::StepValue;
  using workload::Phase;
  const SimulatedRun& simulated = step_run(what.workload_path, what.topology_path);
  const report::RunReport& run = *simulated.step;
  const double tokens_per_s = run.tokens_per_step / run.result.step_time.in(seconds(1));
  const auto ranks = static_cast<double>(simulated.ranks);
  const auto phase = [&](Phase which) {
    return report::shown_rank(run).phases[static_cast<std::size_t>(which)].base();
  };
  switch (what.value) {
    case V::step_time:
      return run.result.step_time.base();
    case V::forward_1f:
      return phase(Phase::forward_1f);
    case V::bubble:
      return phase(Phase::bubble);
    case V::backward_1b:
      return phase(Phase::backward_1b);
    case V::weight_1w:
      return phase(Phase::weight_1w);
    case V::overlapped_1f1b:
      return phase(Phase::overlapped_1f1b);
    case V::optimizer:
      return phase(Phase::optimizer);
    case V::tokens_per_day:
      return run.tokens_per_day;
    case V::tokens_per_s_per_gpu:
      return tokens_per_s / ranks;
    case V::gpu_hours_per_trillion_tokens:
      return (seconds(1e12 / tokens_per_s) * ranks).base();
    case V::tflops_causal:
      return teraflops(run.tflops_causal).base();
    case V::tflops_noncausal:
      return teraflops(run.tflops_noncausal).base();
    case V::mfu_causal:
      return run.mfu_causal;
    case V::mfu_noncausal:
      return run.mfu_noncausal;
  }
  PW_UNREACHABLE("StepValue has fourteen values");
}

}  // namespace

report::Report validate(const std::string& path, const ValidationFlags& flags, Stopwatch& watch) {
  watch.begin("read");
  spec::Diagnostics diagnostics;
  const spec::FiguresSpec figures = spec::read_figures(path, diagnostics);
  diagnostics.throw_if_any();
  Computation computation(figures, flags, watch);
  report::Report report;
  for (const Picked& picked : pick(figures, flags)) {
    report.figures.push_back(computation.line(picked));
  }
  report.title = fmt::format("{}: published figures and ours", figures.name);
  report.header = computation.take_header();
  report.header.version = kPlanewiseVersion;
  report.header.inputs = {{.path = figures.origin.path, .sha256 = figures.origin.sha256}};
  for (report::InputFile& file : computation.take_inputs()) {
    report.header.inputs.push_back(std::move(file));
  }
  return report;
}

}  // namespace planewise::tools
