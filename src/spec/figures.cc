#include "spec/figures.h"

#include <algorithm>
#include <array>

#include "base/overloads.h"
#include "spec/read.h"
#include "spec/read_file.h"

namespace planewise::spec {
namespace {

constexpr IntegerRange kCount{.min = 1, .max = 1'000'000'000};
constexpr IntegerRange kSmallCount{.min = 1, .max = 1'000'000};
constexpr std::array<std::string_view, 4> kRoles = {"identity", "fitted", "checked", "predicted"};
constexpr std::array<std::string_view, 3> kDigits = {"rounded", "truncated", "below"};

ours::KvCache read_kv_cache(MapReader& map) {
  ours::KvCache cache{.model_path = map.file("model")};
  if (map.has("against")) cache.against_path = map.file("against");
  return cache;
}

ours::TrainingFlop read_training_flop(MapReader& map) {
  ours::TrainingFlop flop{.model_path = map.file("model")};
  flop.sequence_length = map.integer("sequence_length", kCount);
  if (map.has("causal")) flop.causal = map.boolean("causal");
  return flop;
}

ours::Parameters read_parameters(MapReader& map) {
  using P = ours::ParameterPart;
  ours::Parameters parameters{.model_path = map.file("model")};
  parameters.part = map.choice<P>("part", {{"total", P::total},
                                           {"active", P::active},
                                           {"embedding", P::embedding},
                                           {"head", P::head},
                                           {"mtp_layer", P::mtp_layer}});
  return parameters;
}

ours::Fabric read_fabric(MapReader& map) {
  using V = ours::FabricValue;
  ours::Fabric fabric{.topology_path = map.file("topology")};
  fabric.value = map.choice<V>("value", {{"endpoints", V::endpoints},
                                         {"switches", V::switches},
                                         {"inter_switch_links", V::inter_switch_links},
                                         {"cost", V::cost},
                                         {"cost_per_endpoint", V::cost_per_endpoint},
                                         {"saving", V::saving}});
  if (!map.read_well({"value"})) {
    map.allow({"against"});
  } else if (fabric.value == V::saving) {
    fabric.against_path = map.file("against");
  } else {
    map.not_used({"against"}, "only 'value: saving' has it");
  }
  return fabric;
}

ours::DecodeLimit read_decode_limit(MapReader& map) {
  using V = ours::DecodeValue;
  ours::DecodeLimit limit;
  limit.value = map.choice<V>("value", {{"exchange", V::exchange},
                                        {"layer", V::layer},
                                        {"tpot", V::tpot},
                                        {"tokens_per_s", V::tokens_per_s}});
  limit.tokens = map.integer("tokens", kSmallCount);
  limit.experts_per_token = map.integer("experts_per_token", kSmallCount);
  limit.hidden = map.integer("hidden", kSmallCount);
  limit.dispatch_bytes = map.small_integer("dispatch_bytes", {.min = 1, .max = 8});
  limit.combine_bytes = map.small_integer("combine_bytes", {.min = 1, .max = 8});
  limit.layers = map.integer("layers", kSmallCount);
  limit.rate = map.quantity<Rate>("rate");
  return limit;
}

ours::ExpertExchange read_expert_exchange(MapReader& map) {
  ours::ExpertExchange exchange{.topology_path = map.file("topology"),
                                .profile_path = map.file("profile"),
                                .collective = map.text("collective")};
  exchange.ranks = map.small_integer("ranks", {.min = 2, .max = 100'000});
  exchange.tokens = map.integer("tokens", kCount);
  exchange.nodes_per_token = map.small_integer("nodes_per_token", kSmallCount);
  exchange.experts_per_token = map.small_integer("experts_per_token", kSmallCount);
  exchange.routed_experts = map.small_integer("routed_experts", kSmallCount);
  exchange.token_size = map.quantity<Bytes>("token_size");
  return exchange;
}

ours::LowLatencyExchange read_low_latency_exchange(MapReader& map) {
  ours::LowLatencyExchange exchange{.topology_path = map.file("topology"),
                                    .profile_path = map.file("profile"),
                                    .collective = map.text("collective")};
  exchange.ranks = map.small_integer("ranks", {.min = 2, .max = 100'000});
  exchange.tokens = map.integer("tokens", kCount);
  exchange.experts_per_token = map.small_integer("experts_per_token", kSmallCount);
  exchange.message_size = map.quantity<Bytes>("message_size");
  return exchange;
}

ours::Product read_product(MapReader& map) {
  ours::Product product{.profile_path = map.file("profile")};
  product.precision =
      map.choice<Precision>("precision", {{"bf16", Precision::bf16},
                                          {"fp8_blockwise", Precision::fp8_blockwise},
                                          {"fp8_tensorwise", Precision::fp8_tensorwise},
                                          {"mxfp8", Precision::mxfp8}});
  if (map.has("groups")) product.groups = map.integer("groups", kSmallCount);
  product.m = map.integer("m", kSmallCount);
  product.n = map.integer("n", kSmallCount);
  product.k = map.integer("k", kSmallCount);
  return product;
}

ours::Attention read_attention(MapReader& map) {
  ours::Attention attention{.profile_path = map.file("profile"),
                            .operator_id = map.text("operator")};
  attention.sequence_length = map.integer("sequence_length", kCount);
  return attention;
}

/// Shapes that the schedule cannot run.
void check_bubble(MapReader& map, const ours::IdealBubble& bubble) {
  if (!map.read_well({"schedule", "ranks", "micro_batches", "virtual", "rank", "weight", "backward",
                      "pair"})) {
    return;
  }
  const bool is_dualpipe = bubble.schedule == Schedule::dualpipe;
  const bool is_interleaved = bubble.schedule == Schedule::interleaved_one_f_one_b;
  if (is_dualpipe && bubble.ranks % 2 != 0) map.error("ranks", "dualpipe needs an even number");
  if (is_dualpipe && (bubble.micro_batches % 2 != 0 || bubble.micro_batches < 2 * bubble.ranks)) {
    map.error("micro_batches", "dualpipe needs an even number, of at least two a rank");
  }
  if (is_dualpipe && bubble.pair == Seconds{}) {
    map.error("pair", "dualpipe needs the time of a forward and a backward, overlapped");
  }
  if (is_interleaved && bubble.micro_batches % bubble.ranks != 0) {
    map.error("micro_batches", "interleaved_1f1b needs a multiple of the ranks");
  }
  if (!is_interleaved && bubble.chunks > 1) {
    map.error("virtual", "only interleaved_1f1b has several chunks a rank");
  }
  if (bubble.weight > bubble.backward) {
    map.error("weight", "more than 'backward', of which it is a part");
  }
  if (bubble.rank >= bubble.ranks) map.error("rank", "ranks count from 0 and end before 'ranks'");
}

ours::IdealBubble read_ideal_bubble(MapReader& map) {
  ours::IdealBubble bubble{.topology_path = map.file("topology")};
  bubble.schedule =
      map.choice<Schedule>("schedule", {{"gpipe", Schedule::gpipe},
                                        {"1f1b", Schedule::one_f_one_b},
                                        {"interleaved_1f1b", Schedule::interleaved_one_f_one_b},
                                        {"zb1p", Schedule::zb1p},
                                        {"dualpipe", Schedule::dualpipe}});
  bubble.ranks = map.small_integer("ranks", {.min = 2, .max = 1024});
  bubble.micro_batches = map.integer("micro_batches", {.min = 1, .max = 100'000});
  if (map.has("virtual")) bubble.chunks = map.small_integer("virtual", {.min = 1, .max = 64});
  bubble.forward = map.quantity<Seconds>("forward");
  bubble.backward = map.quantity<Seconds>("backward");
  if (map.has("weight")) bubble.weight = map.quantity<Seconds>("weight", Sign::not_negative);
  if (map.has("pair")) bubble.pair = map.quantity<Seconds>("pair");
  if (map.has("rank")) bubble.rank = map.small_integer("rank", {.min = 0, .max = 1023});
  check_bubble(map, bubble);
  return bubble;
}

ours::ChunkPair read_chunk_pair(MapReader& map) {
  using V = ours::PairValue;
  ours::ChunkPair pair{.workload_path = map.file("workload"),
                       .topology_path = map.file("topology")};
  pair.moe_layers = map.small_integer("moe_layers", {.min = 1, .max = 1000});
  pair.value = map.choice<V>("value", {{"span", V::span},
                                       {"attention_forward", V::attention_forward},
                                       {"experts_forward", V::experts_forward},
                                       {"experts_backward", V::experts_backward},
                                       {"experts_weight", V::experts_weight},
                                       {"attention_backward", V::attention_backward},
                                       {"attention_weight", V::attention_weight},
                                       {"dispatch", V::dispatch},
                                       {"combine", V::combine},
                                       {"combine_backward", V::combine_backward},
                                       {"dispatch_backward", V::dispatch_backward}});
  return pair;
}

ours::Traffic read_traffic_step(MapReader& map) {
  using V = ours::TrafficValue;
  ours::Traffic traffic{.workload_path = map.file("workload"),
                        .topology_path = map.file("topology"),
                        .step = map.text("step")};
  traffic.value =
      map.choice<V>("value", {{"time", V::time}, {"algbw", V::algbw}, {"busbw", V::busbw}});
  return traffic;
}

ours::Step read_step(MapReader& map) {
  using V = ours::StepValue;
  ours::Step step{.workload_path = map.file("workload"), .topology_path = map.file("topology")};
  step.value =
      map.choice<V>("value", {{"step_time", V::step_time},
                              {"forward_1f", V::forward_1f},
                              {"bubble", V::bubble},
                              {"backward_1b", V::backward_1b},
                              {"weight_1w", V::weight_1w},
                              {"overlapped_1f1b", V::overlapped_1f1b},
                              {"optimizer", V::optimizer},
                              {"tokens_per_day", V::tokens_per_day},
                              {"tokens_per_s_per_gpu", V::tokens_per_s_per_gpu},
                              {"gpu_hours_per_trillion_tokens", V::gpu_hours_per_trillion_tokens},
                              {"tflops_causal", V::tflops_causal},
                              {"tflops_noncausal", V::tflops_noncausal},
                              {"mfu_causal", V::mfu_causal},
                              {"mfu_noncausal", V::mfu_noncausal}});
  return step;
}

ours::StepRatio read_step_ratio(MapReader& map) {
  return {.workload_path = map.file("workload"),
          .topology_path = map.file("topology"),
          .against_path = map.file("against")};
}

ours::Serving read_serving(MapReader& map) {
  using V = ours::ServingValue;
  ours::Serving serving{.workload_path = map.file("workload"),
                        .topology_path = map.file("topology")};
  serving.value =
      map.choice<V>("value", {{"tpot", V::tpot},
                              {"tokens_per_s_per_user", V::tokens_per_s_per_user},
                              {"tokens_per_s_per_gpu", V::tokens_per_s_per_gpu},
                              {"tokens_per_s_per_node", V::tokens_per_s_per_node},
                              {"exchange", V::exchange},
                              {"tokens_per_iteration", V::tokens_per_iteration},
                              {"mtp_gain", V::mtp_gain},
                              {"ttft", V::ttft},
                              {"prompt_tokens_per_s_per_gpu", V::prompt_tokens_per_s_per_gpu},
                              {"prompt_tokens_per_s_per_node", V::prompt_tokens_per_s_per_node}});
  if (map.has("sequences")) serving.sequences = map.integer("sequences", kSmallCount);
  return serving;
}

Dimension dimension_of(const ours::Serving& serving) {
  using V = ours::ServingValue;
  const bool is_time =
      serving.value == V::tpot || serving.value == V::exchange || serving.value == V::ttft;
  return is_time ? Seconds::dimension : Dimension{};
}

using ReadOurs = Ours (*)(MapReader&);

/// How what the map's `kind` says is read; null after reporting that it says none.
ReadOurs reader_of_kind(MapReader& map) {
  const auto reader = map.choice<ReadOurs>(
      "kind",
      {{"kv_cache", [](MapReader& m) -> Ours { return read_kv_cache(m); }},
       {"training_flop", [](MapReader& m) -> Ours { return read_training_flop(m); }},
       {"parameters", [](MapReader& m) -> Ours { return read_parameters(m); }},
       {"fabric", [](MapReader& m) -> Ours { return read_fabric(m); }},
       {"decode_limit", [](MapReader& m) -> Ours { return read_decode_limit(m); }},
       {"expert_exchange", [](MapReader& m) -> Ours { return read_expert_exchange(m); }},
       {"low_latency_exchange", [](MapReader& m) -> Ours { return read_low_latency_exchange(m); }},
       {"product", [](MapReader& m) -> Ours { return read_product(m); }},
       {"attention", [](MapReader& m) -> Ours { return read_attention(m); }},
       {"ideal_bubble", [](MapReader& m) -> Ours { return read_ideal_bubble(m); }},
       {"chunk_pair", [](MapReader& m) -> Ours { return read_chunk_pair(m); }},
       {"traffic", [](MapReader& m) -> Ours { return read_traffic_step(m); }},
       {"step", [](MapReader& m) -> Ours { return read_step(m); }},
       {"step_ratio", [](MapReader& m) -> Ours { return read_step_ratio(m); }},
       {"serving", [](MapReader& m) -> Ours { return read_serving(m); }}});
  if (map.read_well({"kind"})) return reader;
  map.allow({"model",
             "sequence_length",
             "causal",
             "part",
             "topology",
             "value",
             "against",
             "tokens",
             "experts_per_token",
             "hidden",
             "dispatch_bytes",
             "combine_bytes",
             "layers",
             "rate",
             "profile",
             "collective",
             "ranks",
             "nodes_per_token",
             "routed_experts",
             "token_size",
             "workload",
             "step",
             "sequences"});
  return nullptr;
}

Dimension dimension_of(const ours::Fabric& fabric) {
  using V = ours::FabricValue;
  const bool is_cost = fabric.value == V::cost || fabric.value == V::cost_per_endpoint;
  return is_cost ? Usd::dimension : Dimension{};
}

Dimension dimension_of(const ours::Step& step) {
  using V = ours::StepValue;
  switch (step.value) {
    case V::tokens_per_day:
    case V::tokens_per_s_per_gpu:
    case V::mfu_causal:
    case V::mfu_noncausal:
      return Dimension{};
    case V::tflops_causal:
    case V::tflops_noncausal:
      return FlopRate::dimension;
    default:
      return Seconds::dimension;
  }
}

/// Of what ours is, and so of the published value.
Dimension dimension_of(const Ours& ours) {
  return std::visit(Overloads{[](const ours::KvCache& cache) {
                                return cache.against_path.empty() ? Bytes::dimension : Dimension{};
                              },
                              [](const ours::TrainingFlop&) { return Flop::dimension; },
                              [](const ours::Parameters&) { return Dimension{}; },
                              [](const ours::Fabric& fabric) { return dimension_of(fabric); },
                              [](const ours::DecodeLimit& limit) {
                                return limit.value == ours::DecodeValue::tokens_per_s
                                           ? Dimension{}
                                           : Seconds::dimension;
                              },
                              [](const ours::ExpertExchange&) { return Rate::dimension; },
                              [](const ours::LowLatencyExchange&) { return Seconds::dimension; },
                              [](const ours::Product&) { return FlopRate::dimension; },
                              [](const ours::Attention&) { return FlopRate::dimension; },
                              [](const ours::IdealBubble&) { return Seconds::dimension; },
                              [](const ours::ChunkPair&) { return Seconds::dimension; },
                              [](const ours::Traffic& traffic) {
                                return traffic.value == ours::TrafficValue::time
                                           ? Seconds::dimension
                                           : Rate::dimension;
                              },
                              [](const ours::Step& step) { return dimension_of(step); },
                              [](const ours::StepRatio&) { return Dimension{}; },
                              [](const ours::Serving& serving) { return dimension_of(serving); }},
                    ours);
}

/// Nothing if the map does not say what it is.
std::optional<Ours> read_ours(MapReader map) {
  const ReadOurs reader = reader_of_kind(map);
  if (reader == nullptr) return std::nullopt;
  return reader(map);
}

void read_limit(MapReader& map, FigureSpec& figure) {
  if (map.has("limit")) figure.limit = map.number("limit", {.min = 0, .max = 10});
  if (!map.has("digits")) return;
  figure.digits = map.choice<PrintedDigits>("digits", {{kDigits[0], PrintedDigits::rounded},
                                                       {kDigits[1], PrintedDigits::truncated},
                                                       {kDigits[2], PrintedDigits::below}});
  if (!figure.limit) return;
  map.error("digits", "a figure has one limit, here are two", "keep 'limit' or 'digits'");
}

FigureSpec read_figure(MapReader& map, const std::string& source) {
  FigureSpec figure{.id = map.text("id"), .name = map.text("name")};
  figure.source = map.has("source") || source.empty() ? map.text("source") : source;
  figure.role = map.choice<FigureRole>("role", {{kRoles[0], FigureRole::identity},
                                                {kRoles[1], FigureRole::fitted},
                                                {kRoles[2], FigureRole::checked},
                                                {kRoles[3], FigureRole::predicted}});
  read_limit(map, figure);
  if (map.has("note")) figure.note = map.text("note");
  if (map.has("series")) figure.series = map.text("series");
  const std::optional<Ours> ours = read_ours(map.map("ours"));
  if (!ours) {
    map.allow({"published"});
    return figure;
  }
  figure.ours = *ours;
  figure.published = map.printed("published", dimension_of(*ours));
  if (!figure.series.empty() && !std::holds_alternative<ours::Step>(*ours)) {
    map.error("series", "a series is of steps, of one model at several sizes",
              "remove it, or write 'ours: {kind: step, ...}'");
  }
  return figure;
}

void fill_figures(FiguresSpec& figures, MapReader& root) {
  figures.name = root.text("name");
  UniqueNames groups;
  UniqueNames ids;
  std::size_t group_index = 0;
  for (MapReader& map : root.maps("groups")) {
    const std::string place = "groups[" + std::to_string(group_index++) + "]";
    FigureGroup group{.id = map.text("id"), .name = map.text("name")};
    groups.check(map, "id", group.id, place);
    const std::string source = map.has("source") ? map.text("source") : "";
    std::size_t index = 0;
    for (MapReader& one : map.maps("figures")) {
      group.figures.push_back(read_figure(one, source));
      ids.check(one, "id", group.figures.back().id,
                place + ".figures[" + std::to_string(index++) + "]");
    }
    figures.groups.push_back(std::move(group));
  }
}

void add_once(std::vector<std::string>& paths, const std::string& path) {
  if (path.empty() || std::find(paths.begin(), paths.end(), path) != paths.end()) return;
  paths.push_back(path);
}

}  // namespace

std::string_view role_word(FigureRole role) { return kRoles[static_cast<std::size_t>(role)]; }

std::string_view digits_word(PrintedDigits digits) {
  return kDigits[static_cast<std::size_t>(digits)];
}

FigureFiles files_of(const FiguresSpec& figures) {
  FigureFiles files;
  const Overloads add{
      [&](const ours::KvCache& o) { add_once(files.models, o.model_path); },
      [&](const ours::TrainingFlop& o) { add_once(files.models, o.model_path); },
      [&](const ours::Parameters& o) { add_once(files.models, o.model_path); },
      [&](const ours::Fabric& o) {
        add_once(files.topologies, o.topology_path);
        add_once(files.topologies, o.against_path);
      },
      [](const ours::DecodeLimit&) {},
      [&](const ours::ExpertExchange& o) {
        add_once(files.topologies, o.topology_path);
        add_once(files.profiles, o.profile_path);
      },
      [&](const ours::LowLatencyExchange& o) {
        add_once(files.topologies, o.topology_path);
        add_once(files.profiles, o.profile_path);
      },
      [&](const ours::Product& o) { add_once(files.profiles, o.profile_path); },
      [&](const ours::Attention& o) { add_once(files.profiles, o.profile_path); },
      [&](const ours::IdealBubble& o) { add_once(files.topologies, o.topology_path); },
      [&](const ours::ChunkPair& o) {
        add_once(files.workloads, o.workload_path);
        add_once(files.topologies, o.topology_path);
      },
      [&](const ours::Traffic& o) {
        add_once(files.workloads, o.workload_path);
        add_once(files.topologies, o.topology_path);
      },
      [&](const ours::Step& o) {
        add_once(files.workloads, o.workload_path);
        add_once(files.topologies, o.topology_path);
      },
      [&](const ours::StepRatio& o) {
        add_once(files.workloads, o.workload_path);
        add_once(files.topologies, o.topology_path);
        add_once(files.topologies, o.against_path);
      },
      [&](const ours::Serving& o) {
        add_once(files.workloads, o.workload_path);
        add_once(files.topologies, o.topology_path);
      }};
  for (const FigureGroup& group : figures.groups) {
    for (const FigureSpec& figure : group.figures) std::visit(add, figure.ours);
  }
  return files;
}

FiguresSpec read_figures(Document document, Diagnostics& diagnostics) {
  return read_document<FiguresSpec>(std::move(document), kFiguresFile, diagnostics, fill_figures);
}

FiguresSpec read_figures(const std::string& path, Diagnostics& diagnostics) {
  return read_figures(load_document(path, diagnostics), diagnostics);
}

}  // namespace planewise::spec
