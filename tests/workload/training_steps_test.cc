// The steps of chunks: the order inside a pair, and that nothing is waited for that was not
// started.
#include "workload/training_steps.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "base/random.h"
#include "workload/make_job.h"

namespace planewise::workload {
namespace {

const spec::NodesSpec kNodes{.count = 64,
                             .gpus = 4,
                             .nics = 4,
                             .nvlink_rate = gigabytes_per_second(200),
                             .nvlink_latency = microseconds(1)};

Program program_of(const spec::JobSpec& job, const spec::ModelSpec& model) {
  const spec::ProfileSpec profile = test::round_profile(job, model);
  return training_program({.job = job, .model = model, .profile = profile, .nodes = kNodes},
                          place_job(job.parallel, kNodes.gpus));
}

std::string word(const Program& program, const Step& step) {
  const auto index = static_cast<std::size_t>(step.index);
  const std::string name =
      step.kind == StepKind::compute ? program.blocks[index].name : program.labels[index].name;
  switch (step.kind) {
    case StepKind::compute:
      return name;
    case StepKind::exchange:
      return "exchange " + name;
    case StepKind::start:
      return "start " + name;
    case StepKind::wait:
      return "wait " + name;
    case StepKind::send:
      return "send " + name;
    case StepKind::send_queued:
      return "send queued " + name;
    case StepKind::receive:
      return "receive " + name;
  }
  return "";
}

spec::JobSpec dualpipe_job() {
  spec::JobSpec job = test::small_job(
      {.pipeline = 4, .data = 8, .expert = 8, .layers_per_stage = 2, .micro_batches = 8});
  job.schedule = spec::Schedule::dualpipe;
  return job;
}

// The order of the published trace (deepseek-ai/profile-data, train.json): attn(F), mlp(B), mlp(W),
// mlp(F), attn(B), attn(W), beside combine(B), dispatch(F), dispatch(B), combine(F); the next
// layer's combine(B) begins before attn(W). Rank 1 holds stages 1 and 2, two MoE layers each.
TEST(PairSteps, FollowTheTrace) {
  const Program program = program_of(dualpipe_job(), test::small_model(8));
  const auto& chunks = program.stages[1].chunks;
  const auto pair = std::find_if(chunks.begin(), chunks.end(), [](const Chunk& chunk) {
    return chunk.name == "forward 0 and backward 1";
  });
  ASSERT_NE(pair, chunks.end());
  std::vector<std::string> words;
  for (const Step& step : pair->steps) words.push_back(word(program, step));
  const std::string attention = "attention input forward, paired to router forward, paired";
  const std::string attention_back = "router backward, paired to attention input backward, paired";
  const std::string attention_weight =
      "attention output weight gradient, paired to attention input weight gradients, paired";
  EXPECT_EQ(words, (std::vector<std::string>{
                       "receive pipeline backward",
                       "gradient quantised for dispatch, paired",
                       "start combine backward",
                       "receive pipeline forward",
                       attention,
                       "start dispatch",
                       "wait combine backward",
                       "experts backward, paired",
                       "start dispatch backward",
                       "experts weight gradients, paired",
                       "wait dispatch",
                       "experts forward, paired",
                       "start combine",
                       "wait dispatch backward",
                       "router backward, paired to gradient quantised for dispatch, paired",
                       "start combine backward",
                       attention_weight,
                       "wait combine",
                       attention,
                       "start dispatch",
                       "wait combine backward",
                       "experts backward, paired",
                       "start dispatch backward",
                       "experts weight gradients, paired",
                       "wait dispatch",
                       "experts forward, paired",
                       "start combine",
                       "send queued pipeline forward",
                       "wait dispatch backward",
                       attention_back,
                       "send pipeline backward",
                       attention_weight,
                       "wait combine",
                   }));
}

/// A job over any mix of schedules and parallel sizes that can be simulated together.
spec::JobSpec random_job(Random& random) {
  using spec::Schedule;
  spec::JobSpec job = test::small_job({.pipeline = 2 * static_cast<int>(random.integer(1, 2)),
                                       .data = 4 << random.integer(0, 1),
                                       .expert = 2 << random.integer(0, 1),
                                       .micro_batches = 8});
  constexpr Schedule kSchedules[] = {Schedule::gpipe, Schedule::one_f_one_b,
                                     Schedule::interleaved_one_f_one_b, Schedule::zb1p,
                                     Schedule::dualpipe};
  job.schedule = kSchedules[random.integer(0, 4)];
  const bool delays = job.schedule == Schedule::zb1p || job.schedule == Schedule::dualpipe;
  spec::ParallelSpec& p = job.parallel;
  p.tensor = 1 << random.integer(0, 1);
  p.context = 1 << random.integer(0, 1);
  p.expert_tensor = p.tensor;
  if (job.schedule == Schedule::interleaved_one_f_one_b) {
    p.virtual_stages = 2;
    p.layers_per_stage.assign(static_cast<std::size_t>(p.stages()), 1);
  }
  p.context_exchange =
      random.integer(0, 1) == 1 ? spec::ContextExchange::ring : spec::ContextExchange::all_gather;
  job.precision = random.integer(0, 1) == 1 ? spec::Precision::bf16 : job.precision;
  job.overlap.tensor = random.integer(0, 1) == 1;
  if (!delays) {
    job.recomputation = static_cast<spec::Recomputation>(random.integer(0, 2));
    if (random.integer(0, 2) == 0) {
      job.optimizer.sharding = spec::Sharding::fsdp;
    } else {
      job.overlap.gradients = random.integer(0, 1) == 1;
      job.overlap.parameters = random.integer(0, 1) == 1;
    }
  }
  // Some stages hold no layer.
  if (random.integer(0, 2) == 0) {
    p.layers_per_stage[static_cast<std::size_t>(
        random.integer(0, static_cast<std::int64_t>(p.layers_per_stage.size()) - 1))] = 0;
  }
  if (random.integer(0, 1) == 1) {
    job.routing.tokens = spec::TokenRouting::random;
    job.routing.popularity_spread = 0.2;
  }
  if (random.integer(0, 1) == 1) job.routing.transport = spec::TokenTransport::all_to_all;
  return job;
}

// Over a whole step, each pipeline rank waits for every exchange that it starts, and as often; what
// one sends the next receives.
TEST(TrainingSteps, WaitForWhatTheyStartAndReceiveWhatIsSent) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    Random random(seed);
    const spec::JobSpec job = random_job(random);
    const auto layers =
        static_cast<int>(std::accumulate(job.parallel.layers_per_stage.begin(),
                                         job.parallel.layers_per_stage.end(), std::int64_t{0}));
    const Program program = program_of(job, test::small_model(layers));
    std::map<int, std::int64_t> sent, received;
    for (const StageProgram& stage : program.stages) {
      std::map<int, std::int64_t> open;
      for (const Slot& slot : stage.slots) {
        for (const Step& step : stage.chunks[static_cast<std::size_t>(slot.chunk)].steps) {
          if (step.kind == StepKind::start) open[step.index] += 1;
          if (step.kind == StepKind::wait) open[step.index] -= 1;
          EXPECT_GE(open[step.index], 0) << seed << " " << word(program, step);
          if (step.kind == StepKind::send || step.kind == StepKind::send_queued)
            sent[step.index] += 1;
          if (step.kind == StepKind::receive) received[step.index] += 1;
        }
      }
      for (const auto& [label, count] : open) EXPECT_EQ(count, 0) << seed << " " << label;
    }
    EXPECT_EQ(sent, received) << seed;
  }
}

}  // namespace
}  // namespace planewise::workload
