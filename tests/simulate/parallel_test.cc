// Random small jobs over every schedule and kind of parallelism: built, driven to their end, held
// against the other engine and against what the model says must be computed.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <map>
#include <numeric>
#include <optional>
#include <string>

#include "base/random.h"
#include "model/model_size.h"
#include "simulate/small_system.h"
#include "spec/check_job.h"

namespace planewise::simulate {
namespace {

using workload::Program;
using workload::Step;
using workload::StepKind;

/// What the environment says under `name`, or else `usual`.
std::uint64_t number_or(const char* name, std::uint64_t usual) {
  const char* text = std::getenv(name);
  return text == nullptr ? usual : std::strtoull(text, nullptr, 10);
}

struct Case {
  spec::JobSpec job{};
  spec::ModelSpec model{};
};

int power(Random& random, std::int64_t most) { return 1 << random.integer(0, most); }
bool coin(Random& random) { return random.integer(0, 1) == 0; }

spec::ModelSpec random_model(Random& random) {
  spec::ModelSpec model = test::small_model(static_cast<int>(random.integer(1, 9)));
  model.tied_embedding = coin(random);
  if (coin(random)) {
    model.attention = {.kind = spec::AttentionKind::gqa, .heads = 4, .kv_heads = 2, .head_dim = 32};
  }
  if (random.integer(0, 2) == 0) {
    model.moe.reset();
  } else {
    model.moe->groups = model.moe->groups_per_token = 1;
    model.moe->shared_experts = static_cast<int>(random.integer(0, 1));
    model.moe->first_dense_layers = static_cast<int>(random.integer(0, 1));
  }
  return model;
}

void draw_parallel(Case& c, Random& random) {
  spec::ParallelSpec& p = c.job.parallel;
  p.tensor = power(random, 1);
  p.context = power(random, 1);
  p.data = power(random, 2);
  const bool two_ways = c.job.schedule == spec::Schedule::dualpipe;  // from both ends
  p.pipeline = two_ways ? 2 * power(random, 1) : power(random, 2);
  if (c.model.moe) {
    p.expert = power(random, 3);
    p.expert_tensor = power(random, 1);
  }
  p.context_exchange =
      coin(random) ? spec::ContextExchange::ring : spec::ContextExchange::all_gather;
  for (std::int64_t i = 4; i > 0; --i) {
    std::swap(p.order[static_cast<std::size_t>(i)],
              p.order[static_cast<std::size_t>(random.integer(0, i))]);
  }
  if (c.job.schedule == spec::Schedule::interleaved_one_f_one_b) {
    p.virtual_stages = static_cast<int>(random.integer(2, 3));
  }
  // Each layer on some stage, in order: others stay without.
  p.layers_per_stage.assign(static_cast<std::size_t>(p.stages()), 0);
  for (int layer = 0; layer < c.model.layers; ++layer) {
    p.layers_per_stage[static_cast<std::size_t>(random.integer(0, p.stages() - 1))] += 1;
  }
  // Now and then a placement of its own: the last GPU first.
  if (random.integer(0, 3) == 0) {
    for (std::int64_t rank = 0; rank < p.ranks(); ++rank) p.gpu_of_rank.push_back(31 - rank);
  }
  c.job.batch.micro_batches = std::int64_t{2} * p.pipeline * random.integer(1, 2);
}

Case random_case(Random& random) {
  Case c{.job = test::small_job({}), .model = random_model(random)};
  c.job.schedule = static_cast<spec::Schedule>(random.integer(0, 4));
  c.job.precision = static_cast<spec::Precision>(random.integer(0, 3));
  c.job.recomputation = static_cast<spec::Recomputation>(random.integer(0, 2));
  c.job.has_routing = c.model.moe.has_value();
  c.job.routing.transport =
      coin(random) ? spec::TokenTransport::all_to_all : spec::TokenTransport::node_limited;
  c.job.routing.tokens = coin(random) ? spec::TokenRouting::balanced : spec::TokenRouting::random;
  c.job.routing.nodes_per_token = static_cast<int>(random.integer(1, 2));
  c.job.optimizer.sharding = static_cast<spec::Sharding>(random.integer(0, 2));
  c.job.overlap.tensor = coin(random);
  c.job.overlap.gradients = coin(random);
  c.job.overlap.parameters = coin(random);
  draw_parallel(c, random);
  return c;
}

/// Nothing if the combination is refused.
std::optional<Case> allowed_case(Random& random, const spec::TopologySpec& topology) {
  Case c = random_case(random);
  const spec::ParallelSpec& p = c.job.parallel;
  if (p.ranks() > 32 || p.ranks_per_stage() % (p.expert * p.expert_tensor) != 0)
    return std::nullopt;
  spec::Diagnostics diagnostics;
  spec::check_job_and_model(c.job, c.model, diagnostics);
  spec::check_job_and_topology(c.job, topology, diagnostics);
  if (!diagnostics.list().empty()) return std::nullopt;
  if (workload::refuse_experts(c.job, c.model, topology.nodes.gpus)) return std::nullopt;
  return c;
}

/// Calls `visit` with each step that a rank of `stage` does, in order.
void for_each_step(const workload::StageProgram& stage, const auto& visit) {
  for (const workload::Slot& slot : stage.slots) {
    for (const Step& step : stage.chunks[static_cast<std::size_t>(slot.chunk)].steps) visit(step);
  }
}

/// Every message that is sent is received, and every exchange that is asked for is waited for, as
/// often by each of those who take part.
void expect_balance(const Program& program) {
  std::vector<std::map<int, std::int64_t>> asked(program.stages.size());
  std::map<int, std::int64_t> messages;
  for (std::size_t stage = 0; stage < program.stages.size(); ++stage) {
    std::map<int, std::int64_t> open;
    for_each_step(program.stages[stage], [&](const Step& step) {
      if (step.kind == StepKind::send || step.kind == StepKind::send_queued) {
        messages[step.index] += 1;
      }
      if (step.kind == StepKind::receive) messages[step.index] -= 1;
      if (step.kind == StepKind::start) open[step.index] += 1;
      if (step.kind == StepKind::wait) open[step.index] -= 1;
      if (step.kind == StepKind::start || step.kind == StepKind::exchange) {
        asked[stage][step.index] += 1;
      }
    });
    for (const auto& [label, count] : open) EXPECT_EQ(count, 0) << label;
  }
  for (const auto& [label, count] : messages) EXPECT_EQ(count, 0) << label;
  const auto stage_of = [&](int rank) {
    return static_cast<std::size_t>(program.stage_of_rank[static_cast<std::size_t>(rank)]);
  };
  for (const workload::Transfer& transfer : program.transfers) {
    if (program.labels[static_cast<std::size_t>(transfer.label)].is_message) continue;
    for (const int rank : transfer.members) {
      EXPECT_EQ(asked[stage_of(rank)][transfer.label],
                asked[stage_of(transfer.members.front())][transfer.label])
          << program.labels[static_cast<std::size_t>(transfer.label)].name << " of rank " << rank;
    }
    for (const workload::RankFlow& flow : transfer.flows) {
      EXPECT_TRUE(flow.size > Bytes{} && flow.size < bytes(1e9));
    }
  }
}

Flop matrix_work(const Program& program) {
  std::vector<Flop> of_stage;
  for (const workload::StageProgram& stage : program.stages) {
    Flop& sum = of_stage.emplace_back();
    for_each_step(stage, [&](const Step& step) {
      if (step.kind != StepKind::compute) return;
      const workload::Block& block = program.blocks[static_cast<std::size_t>(step.index)];
      for (const workload::Operator& op : block.operators) {
        if (op.shape.m > 0) sum += op.work;
      }
    });
  }
  Flop sum{};
  for (const int stage : program.stage_of_rank) sum += of_stage[static_cast<std::size_t>(stage)];
  return sum;
}

const spec::TopologySpec& small_topology() {
  static const spec::TopologySpec topology =
      test::make_topology({.family = spec::Family::mrft, .radix = 16, .nodes = 8, .gpus = 4});
  return topology;
}

TEST(Parallelism, OfEveryKindRunsToItsEnd) {
  const std::uint64_t first = number_or("PLANEWISE_SEED", 1);
  const std::uint64_t wanted =
      number_or("PLANEWISE_SEED_COUNT", std::getenv("PLANEWISE_SEED") == nullptr ? 24 : 1);
  std::uint64_t runs = 0;
  for (std::uint64_t seed = first; runs < wanted; ++seed) {
    Random random(seed);
    const auto drawn = allowed_case(random, small_topology());
    if (!drawn) continue;
    ++runs;
    SCOPED_TRACE("PLANEWISE_SEED=" + std::to_string(seed));
    const auto& [job, model] = *drawn;
    const spec::ProfileSpec profile = test::round_profile(job, model);
    const workload::Placement placement =
        workload::place_job(job.parallel, small_topology().nodes.gpus);
    const Program program = workload::training_program(
        {.job = job, .model = model, .profile = profile, .nodes = small_topology().nodes},
        placement);
    expect_balance(program);
    // Up to rounding of rows of experts, which random tokens do not divide evenly.
    if (job.recomputation == spec::Recomputation::none) {
      const double tokens = static_cast<double>(job.batch.tokens_per_micro_batch()) *
                            static_cast<double>(job.batch.micro_batches) * job.parallel.data;
      const Flop expected =
          model::training_flop_per_token(model, {.sequence_length = job.batch.sequence_length})
              .matrices *
          tokens;
      EXPECT_NEAR(matrix_work(program).in(expected), 1, 1e-9);
    }
    const fabric::Fabric fabric = fabric::lay_out(small_topology());
    const Result fast = simulate(program, placement, fabric, {});
    const Result reference = simulate(program, placement, fabric, {.engine = EngineKind::simgrid});
    EXPECT_NEAR(fast.step_time.in(reference.step_time), 1, 1e-9);
    const Result whole = simulate(program, placement, fabric, {.symmetry = false});
    EXPECT_NEAR(fast.step_time.in(whole.step_time), 1, 1e-9);
    for (const RankResult& rank : fast.ranks) {
      const Seconds sum = std::accumulate(rank.phases.begin(), rank.phases.end(), Seconds{});
      EXPECT_NEAR(sum.in(fast.step_time), 1, 1e-9);
    }
  }
}

/// A dense job whose exchanges cost nothing: pieces of its layers, and the step, optimizer and
/// edges left out. Layers are alike on every stage.
struct FreeRun {
  Seconds forward{};   ///< Of a chunk.
  Seconds backward{};  ///< Its weight gradients included.
  Seconds weight{};    ///< Where they are apart.
  Seconds step{};
};
// The last stage has the head alone, those in the middle nothing at all.
TEST(Parallelism, StagesWithoutLayersHandOnWhatTheyGet) {
  using spec::Schedule;
  for (const Schedule schedule :
       {Schedule::gpipe, Schedule::one_f_one_b, Schedule::zb1p, Schedule::dualpipe}) {
    SCOPED_TRACE(static_cast<int>(schedule));
    spec::JobSpec job = test::small_job({.pipeline = 4, .data = 8, .micro_batches = 8});
    job.schedule = schedule;
    job.parallel.layers_per_stage = {4, 0, 0, 0};
    job.overlap.gradients = job.overlap.parameters =
        schedule == Schedule::gpipe || schedule == Schedule::one_f_one_b;
    const spec::ModelSpec model = test::small_model(4);
    const spec::ProfileSpec profile = test::round_profile(job, model);
    const workload::Placement placement = workload::place_in_order(32, 4);
    const Program program = workload::training_program(
        {.job = job, .model = model, .profile = profile, .nodes = small_topology().nodes},
        placement);
    expect_balance(program);
    const fabric::Fabric fabric = fabric::lay_out(small_topology());
    const Seconds fast = simulate(program, placement, fabric, {}).step_time;
    const Seconds reference =
        simulate(program, placement, fabric, {.engine = EngineKind::simgrid}).step_time;
    EXPECT_GT(fast, Seconds{});
    EXPECT_NEAR(fast.in(reference), 1, 1e-9);
  }
}

bool is_of_edge(const workload::Operator& op) {
  const char* const edges[] = {"rows looked up", "rows added", "head",
                               "final norm",     "loss",       "gradient of the logits"};
  return std::any_of(std::begin(edges), std::end(edges),
                     [&](const char* edge) { return op.what.starts_with(edge); });
}

FreeRun run_freely(const spec::JobSpec& job, const spec::ModelSpec& model) {
  spec::ProfileSpec profile = test::round_profile(job, model);
  for (spec::CollectiveCurve& curve : profile.collectives) curve.latency = Seconds{};
  spec::TopologySpec topology = small_topology();
  topology.nodes.nvlink_latency = topology.fabric.switch_latency = Seconds{};
  topology.nodes.nvlink_rate = topology.fabric.link_rate = gigabytes_per_second(1e12);
  topology.fabric.uplink_rate = topology.fabric.link_rate;
  const workload::Placement placement = workload::place_job(job.parallel, topology.nodes.gpus);
  Program program = workload::training_program(
      {.job = job, .model = model, .profile = profile, .nodes = topology.nodes}, placement);
  const auto time_of = [&](const workload::Chunk& chunk) {
    Seconds sum{};
    for (const Step& step : chunk.steps) {
      if (step.kind == StepKind::compute) {
        sum += program.blocks[static_cast<std::size_t>(step.index)].time;
      }
    }
    return sum;
  };
  for (workload::StageProgram& stage : program.stages) stage.slots.pop_back();
  for (workload::Block& block : program.blocks) {
    for (const workload::Operator& op : block.operators) {
      if (is_of_edge(op)) block.time -= op.time;
    }
  }
  FreeRun run;
  for (const workload::Chunk& chunk : program.stages[1].chunks) {
    if (chunk.name.starts_with("forward")) run.forward = time_of(chunk);
    if (chunk.name.starts_with("backward")) run.backward = time_of(chunk);
    if (chunk.name.starts_with("input backward")) run.backward += time_of(chunk);
    if (chunk.name.starts_with("weight backward")) run.weight = time_of(chunk);
  }
  run.backward += run.weight;
  run.step = simulate(program, placement, fabric::lay_out(topology), {}).step_time;
  return run;
}

// M micro-batches of F + B on P ranks, and the bubble: (P - 1)(F + B) under gpipe and 1f1b, of one
// chunk under interleaved_1f1b, (P - 1)(F + B - 2 W) under zb1p, B with the weight gradients W
// (docs/equations.md). Tensor and context parallelism and FSDP change none of it when free.
TEST(Parallelism, TakesTheIdealTimeWhenExchangesAreFree) {
  using spec::Schedule;
  for (const Schedule schedule : {Schedule::gpipe, Schedule::one_f_one_b,
                                  Schedule::interleaved_one_f_one_b, Schedule::zb1p}) {
    for (const spec::Sharding sharding : {spec::Sharding::zero1, spec::Sharding::fsdp}) {
      if (schedule == Schedule::zb1p && sharding == spec::Sharding::fsdp) continue;
      SCOPED_TRACE(static_cast<int>(schedule));
      spec::ModelSpec model = test::small_model(8);
      model.moe.reset();
      spec::JobSpec job = test::small_job({.pipeline = 4, .data = 2, .expert = 1});
      job.schedule = schedule;
      job.has_routing = false;
      job.optimizer.sharding = sharding;
      job.parallel.tensor = job.parallel.context = 2;
      const bool interleaved = schedule == Schedule::interleaved_one_f_one_b;
      const int chunks = job.parallel.virtual_stages = interleaved ? 2 : 1;
      job.parallel.layers_per_stage.assign(std::size_t{4} * static_cast<std::size_t>(chunks),
                                           8 / 4 / chunks);
      job.batch.micro_batches = 8;
      const FreeRun run = run_freely(job, model);
      const Seconds pair = run.forward + run.backward;
      const Seconds ideal = 8.0 * chunks * pair + 3.0 * (pair - 2.0 * run.weight);
      EXPECT_NEAR(run.step.in(ideal), 1, 1e-6);
    }
  }
}

}  // namespace
}  // namespace planewise::simulate
