#include "spec/job_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace planewise::spec {
namespace {

constexpr IntegerRange kTokens{.min = 1, .max = 100'000'000};
constexpr IntegerRange kRanks{.min = 1, .max = 1'000'000};
constexpr std::int64_t kMostExpertRanks = 4096;  // Each sends to every node of its group.

int optional_ranks(MapReader& map, std::string_view key, IntegerRange range = kRanks) {
  return map.has(key) ? map.small_integer(key, range) : 1;
}

struct AxisWord {
  std::string_view word;
  Axis axis;
};
constexpr AxisWord kAxes[] = {{"tp", Axis::tensor},
                              {"cp", Axis::context},
                              {"ep", Axis::expert},
                              {"dp", Axis::data},
                              {"pp", Axis::pipeline}};

/// The axes of `tp-cp-ep-dp-pp`, each once, or nothing.
std::optional<std::vector<Axis>> parse_order(std::string_view text) {
  std::vector<Axis> axes;
  while (true) {
    const std::size_t dash = text.find('-');
    const std::string_view word = text.substr(0, dash);
    const auto* known = std::find_if(std::begin(kAxes), std::end(kAxes),
                                     [&](const AxisWord& a) { return a.word == word; });
    if (known == std::end(kAxes)) return std::nullopt;
    if (std::find(axes.begin(), axes.end(), known->axis) != axes.end()) return std::nullopt;
    axes.push_back(known->axis);
    if (dash == std::string_view::npos) break;
    text.remove_prefix(dash + 1);
  }
  if (axes.size() != std::size(kAxes)) return std::nullopt;
  return axes;
}

void read_order(ParallelSpec& parallel, MapReader& map) {
  if (!map.has("order")) return;
  const std::string text = map.text("order");
  if (!map.read_well({"order"})) return;
  if (auto axes = parse_order(text)) {
    parallel.order = std::move(*axes);
  } else {
    map.error("order", fmt::format("'{}' is no order of the five axes", text),
              "write each of tp, cp, ep, dp and pp once, fastest first, such as 'tp-cp-ep-dp-pp'");
  }
}

void check_virtual(const ParallelSpec& parallel, Schedule schedule, MapReader& map) {
  if (!map.read_well({"virtual", "pipeline"})) return;
  const bool interleaves = schedule == Schedule::interleaved_one_f_one_b;
  if (interleaves && parallel.virtual_stages < 2) {
    map.error("virtual", "interleaved_1f1b needs two chunks of layers a rank or more",
              "write 'virtual: 2', or 'schedule: 1f1b'");
  } else if (!interleaves && parallel.virtual_stages > 1) {
    map.error("virtual", "only interleaved_1f1b has several chunks of layers a rank",
              "write 'schedule: interleaved_1f1b', or leave out 'virtual'");
  }
  if (schedule == Schedule::dualpipe && parallel.pipeline % 2 != 0) {
    map.error("pipeline", fmt::format("dualpipe runs from both ends of an even number of ranks, "
                                      "not of {}",
                                      parallel.pipeline));
  }
}

void check_layers(const ParallelSpec& parallel, MapReader& map) {
  const std::int64_t stages = parallel.stages();
  const bool known = map.read_well({"pipeline", "virtual", "layers_per_stage"});
  if (!known || !map.has("layers_per_stage")) return;
  if (static_cast<std::int64_t>(parallel.layers_per_stage.size()) != stages) {
    map.error(
        "layers_per_stage",
        fmt::format("{} numbers for {} stages", parallel.layers_per_stage.size(), stages),
        parallel.virtual_stages > 1
            ? fmt::format("write one number a stage: {} ranks x {} chunks, in order of the layers",
                          parallel.pipeline, parallel.virtual_stages)
            : "write one number a stage");
  }
}

/// Expert groups are cut from the ranks of a stage.
void check_experts(const ParallelSpec& parallel, MapReader& map) {
  if (!map.read_well({"tensor", "context", "data", "expert", "expert_tensor"})) return;
  const std::int64_t group = std::int64_t{parallel.expert} * parallel.expert_tensor;
  const std::int64_t ranks = parallel.ranks_per_stage();
  if (ranks % group == 0) return;
  const std::string parts =
      parallel.expert_tensor > 1
          ? fmt::format("{} x {} ranks", parallel.expert, parallel.expert_tensor)
          : std::to_string(parallel.expert);
  map.error("expert",
            fmt::format("{} ranks a stage do not divide into expert groups of {}", ranks, parts));
}

void check_ranks(const ParallelSpec& parallel, MapReader& map) {
  if (!map.read_well({"tensor", "context", "data", "pipeline"})) return;
  if (parallel.ranks() <= kRanks.max) return;
  map.error("data",
            fmt::format("{} stages x {} ranks = {} ranks; the most is {}", parallel.pipeline,
                        parallel.ranks_per_stage(), parallel.ranks(), kRanks.max));
}

}  // namespace

Schedule read_schedule(MapReader& map, std::string_view key) {
  return map.choice<Schedule>(key, {{"gpipe", Schedule::gpipe},
                                    {"1f1b", Schedule::one_f_one_b},
                                    {"interleaved_1f1b", Schedule::interleaved_one_f_one_b},
                                    {"zb1p", Schedule::zb1p},
                                    {"dualpipe", Schedule::dualpipe}});
}

Precision read_precision(MapReader& map, std::string_view key) {
  return map.choice<Precision>(key, {{"bf16", Precision::bf16},
                                     {"fp8_blockwise", Precision::fp8_blockwise},
                                     {"fp8_tensorwise", Precision::fp8_tensorwise},
                                     {"mxfp8", Precision::mxfp8}});
}

Recomputation read_recomputation(MapReader& map, std::string_view key) {
  return map.choice<Recomputation>(key, {{"none", Recomputation::none},
                                         {"selective", Recomputation::selective},
                                         {"full", Recomputation::full}});
}

BatchSpec read_batch(MapReader& map, const ParallelSpec& parallel, bool parallel_is_known) {
  BatchSpec batch;
  batch.sequence_length = map.integer("sequence_length", kTokens);
  batch.sequences_per_micro_batch =
      map.integer("sequences_per_micro_batch", {.min = 1, .max = 4096});
  constexpr IntegerRange kMicroBatches{.min = 1, .max = 1'000'000};
  if (!map.has("global_batch")) {
    batch.micro_batches = map.integer("micro_batches", kMicroBatches);
  } else {
    map.not_used({"micro_batches"}, "follows from 'global_batch'; keep one of the two");
    const std::int64_t global = map.integer("global_batch", {.min = 1, .max = 1'000'000'000});
    batch.micro_batches = 1;
    const std::int64_t at_once = parallel.data * batch.sequences_per_micro_batch;
    if (parallel_is_known && map.read_well({"global_batch", "sequences_per_micro_batch"})) {
      if (global % at_once != 0) {
        map.error("global_batch",
                  fmt::format("{} sequences do not divide over {} replicas in micro-batches of {}",
                              global, parallel.data, batch.sequences_per_micro_batch),
                  fmt::format("write a multiple of {}, such as {}", at_once,
                              std::max<std::int64_t>(1, global / at_once) * at_once));
      } else if (global / at_once > kMicroBatches.max) {
        map.error("global_batch", fmt::format("{} micro-batches a pipeline; the most is {}",
                                              global / at_once, kMicroBatches.max));
      } else {
        batch.micro_batches = global / at_once;
      }
    }
  }
  batch.source = map.text("source");
  return batch;
}

ParallelSpec read_parallel(MapReader& map, Schedule schedule) {
  ParallelSpec parallel;
  parallel.tensor = optional_ranks(map, "tensor", {.min = 1, .max = 1024});
  parallel.context = optional_ranks(map, "context", {.min = 1, .max = 4096});
  parallel.pipeline = map.small_integer("pipeline", kRanks);
  parallel.virtual_stages = optional_ranks(map, "virtual", {.min = 1, .max = 1000});
  parallel.data = map.small_integer("data", kRanks);
  parallel.expert = optional_ranks(map, "expert", {.min = 1, .max = kMostExpertRanks});
  parallel.expert_tensor = optional_ranks(map, "expert_tensor", {.min = 1, .max = 1024});
  read_order(parallel, map);
  if (map.has("layers_per_stage")) {
    parallel.layers_per_stage = map.integers("layers_per_stage", {.min = 0, .max = 100'000});
  }
  parallel.layout = read_group_layout(map, "layout");
  if (map.has("placement")) parallel.placement_path = map.file("placement");
  if (map.has("context_exchange")) {
    parallel.context_exchange = map.choice<ContextExchange>(
        "context_exchange",
        {{"ring", ContextExchange::ring}, {"all_gather", ContextExchange::all_gather}});
  }
  parallel.source = map.text("source");
  check_virtual(parallel, schedule, map);
  check_layers(parallel, map);
  check_experts(parallel, map);
  check_ranks(parallel, map);
  if (!parallel.placement_path.empty() && parallel.layout == GroupLayout::spread) {
    map.error("layout", "a placement says where every rank is", "keep one of the two");
  }
  return parallel;
}

MoeRoutingSpec read_routing(MapReader map) {
  MoeRoutingSpec routing;
  routing.tokens = map.choice<TokenRouting>("tokens", {{"balanced", TokenRouting::balanced},
                                                       {"random", TokenRouting::random},
                                                       {"zipf", TokenRouting::zipf},
                                                       {"counts", TokenRouting::counts}});
  if (!map.read_well({"tokens"})) {
    map.allow({"popularity_spread", "zipf_exponent", "counts"});
  } else {
    const std::string message = "this is not what 'tokens' asks for";
    if (routing.tokens == TokenRouting::random) {
      routing.popularity_spread = map.number("popularity_spread", {.min = 0, .max = 10});
    } else {
      map.not_used({"popularity_spread"}, message);
    }
    if (routing.tokens == TokenRouting::zipf) {
      routing.zipf_exponent = map.number("zipf_exponent", {.min = 0, .max = 10});
    } else {
      map.not_used({"zipf_exponent"}, message);
    }
    if (routing.tokens == TokenRouting::counts) {
      routing.counts_path = map.file("counts");
    } else {
      map.not_used({"counts"}, message);
    }
  }
  if (map.has("transport")) {
    routing.transport =
        map.choice<TokenTransport>("transport", {{"node_limited", TokenTransport::node_limited},
                                                 {"all_to_all", TokenTransport::all_to_all}});
  }
  routing.nodes_per_token = map.small_integer("nodes_per_token", {.min = 1, .max = 1024});
  routing.source = map.text("source");
  return routing;
}

OptimizerSpec read_optimizer(MapReader map) {
  OptimizerSpec optimizer;
  constexpr IntegerRange kElement{.min = 1, .max = 8};
  if (map.has("sharding")) {
    optimizer.sharding = map.choice<Sharding>(
        "sharding",
        {{"none", Sharding::none}, {"zero1", Sharding::zero1}, {"fsdp", Sharding::fsdp}});
  }
  optimizer.gradient_bytes = map.small_integer("gradient_bytes", kElement);
  optimizer.parameter_bytes = map.small_integer("parameter_bytes", kElement);
  optimizer.master_bytes = map.small_integer("master_bytes", kElement);
  optimizer.moment_bytes = map.small_integer("moment_bytes", kElement);
  optimizer.source = map.text("source");
  return optimizer;
}

OverlapSpec read_overlap(MapReader map) {
  OverlapSpec overlap;
  const auto is_on = [&](std::string_view key) { return map.has(key) && map.boolean(key); };
  if (map.has("communication_sms")) {
    overlap.communication_sms = map.small_integer("communication_sms", {.min = 0, .max = 1023});
  }
  overlap.tensor = is_on("tensor");
  overlap.gradients = is_on("gradients");
  overlap.parameters = is_on("parameters");
  overlap.source = map.text("source");
  return overlap;
}

}  // namespace planewise::spec
