// Random programs that compute beside their exchanges: against a replay in the order of the
// program, the other engine, themselves reduced by symmetry, and laws of what the driver tells.
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <numeric>

#include "base/random.h"
#include "engine/seeds.h"
#include "fabric/make_topology.h"
#include "simulate/critical_path.h"
#include "simulate/simulate.h"

namespace planewise::simulate {
namespace {

using workload::Phase;
using workload::Program;
using workload::Step;
using workload::StepKind;

constexpr int kRanksOfStage = 8;
constexpr int kExchanges = 6;  // Labels, before that of messages.
constexpr int kMessage = kExchanges;

std::size_t at(int index) { return static_cast<std::size_t>(index); }

struct Options {
  int stages = 1;
  bool flows = true;  ///< Else exchanges take their tail, whatever else goes on.
};

/// Steps that all ranks of a stage run, in which every wait has its start.
std::vector<Step> random_steps(Random& random, int loads) {
  std::vector<Step> steps;
  std::vector<int> open;
  for (int i = 0; i < 30; ++i) {
    const auto label = static_cast<int>(random.integer(0, kExchanges - 1));
    switch (random.integer(0, 4)) {
      case 0:
        steps.push_back({StepKind::exchange, label});
        break;
      case 1:
      case 2:
        steps.push_back({StepKind::start, label});
        open.push_back(label);
        break;
      case 3:
        if (open.empty()) break;
        steps.push_back({StepKind::wait, open.front()});
        open.erase(open.begin());
        break;
      default:
        steps.push_back({StepKind::compute, static_cast<int>(random.integer(0, 2)),
                         loads == 0 ? -1 : static_cast<int>(random.integer(0, loads - 1))});
    }
  }
  return steps;
}

/// Groups of `size` ranks of a stage, neighbours or spread.
void add_transfers(Program& program, int label, Random& random, const Options& options) {
  const int size = 1 << random.integer(1, 3);
  const bool is_spread = random.integer(0, 1) == 1;
  const auto bytes_of = [&] { return bytes(static_cast<double>(random.integer(1, 4)) * 256e3); };
  const workload::AllPairs pairs{.in_node = bytes_of(), .between_nodes = bytes_of()};
  const Seconds tail = microseconds(static_cast<double>(random.integer(1, 40)));
  const int groups = kRanksOfStage / size;
  for (int stage = 0; stage < options.stages; ++stage) {
    for (int group = 0; group < groups; ++group) {
      workload::Transfer transfer{.label = label, .latency = microseconds(3), .tail = tail};
      for (int i = 0; i < size; ++i) {
        transfer.members.push_back(stage * kRanksOfStage +
                                   (is_spread ? group + i * groups : group * size + i));
      }
      if (options.flows) transfer.all_pairs = pairs;
      program.transfers.push_back(std::move(transfer));
    }
  }
}

/// Stages send down to the next one, some messages at once and some behind a queue.
void add_messages(Program& program, Random& random) {
  program.labels[at(kMessage)].queue = static_cast<int>(random.integer(0, 3));
  const auto stages = static_cast<int>(program.stages.size());
  for (int rank = 0; rank < (stages - 1) * kRanksOfStage; ++rank) {
    program.transfers.push_back({.label = kMessage,
                                 .members = {rank, rank + kRanksOfStage},
                                 .flows = {{rank, rank + kRanksOfStage, bytes(512e3)}},
                                 .latency = microseconds(3)});
  }
  for (int stage = 0; stage < stages; ++stage) {
    for (workload::Chunk& chunk : program.stages[at(stage)].chunks) {
      const auto insert = [&](StepKind kind) {
        const auto place = random.integer(0, static_cast<std::int64_t>(chunk.steps.size()));
        chunk.steps.insert(chunk.steps.begin() + place, {kind, kMessage});
      };
      if (stage + 1 < stages)
        insert(random.integer(0, 1) == 1 ? StepKind::send : StepKind::send_queued);
      if (stage > 0) insert(StepKind::receive);
    }
  }
}

Program random_program(std::uint64_t seed, const Options& options, int loads = 0) {
  Random random(seed);
  Program program;
  for (const double time : {20.0, 50.0, 90.0}) {
    program.blocks.push_back(
        {.name = "block", .time = microseconds(time), .routed_time = microseconds(time * 0.6)});
  }
  for (int label = 0; label < kExchanges; ++label) {
    program.labels.push_back({.name = "exchange " + std::to_string(label),
                              .queue = static_cast<int>(random.integer(0, 3))});
    add_transfers(program, label, random, options);
  }
  program.labels.push_back({.name = "message", .is_message = true});
  for (int stage = 0; stage < options.stages; ++stage) {
    workload::StageProgram steps;
    for (const Phase phase : {Phase::forward_1f, Phase::overlapped_1f1b, Phase::optimizer}) {
      steps.slots.push_back({phase, static_cast<int>(steps.chunks.size())});
      steps.chunks.push_back({.name = "chunk", .steps = random_steps(random, loads)});
    }
    program.stages.push_back(std::move(steps));
    program.stage_of_rank.insert(program.stage_of_rank.end(), kRanksOfStage, stage);
  }
  if (options.stages > 1) add_messages(program, random);
  for (int load = 0; load < loads; ++load) {
    std::vector<double>& of_ranks = program.loads.emplace_back();
    for (int rank = 0; rank < program.rank_count(); ++rank) {
      of_ranks.push_back(0.5 + random.uniform());
    }
  }
  return program;
}

/// Nodes of 4 GPUs; spines half as wide as what is below them.
Result simulated(const Program& program, const SimulationOptions& how) {
  const auto nodes = static_cast<std::int64_t>(program.rank_count() / 4);
  const spec::TopologySpec topology =
      test::make_topology({.radix = 12, .nodes = nodes, .gpus = 4, .leaf_oversubscription = 2});
  return simulate(program, workload::place_in_order(program.rank_count(), 4),
                  fabric::lay_out(topology), how);
}

// --- a replay: without flows an exchange takes its tail, so that one pass over the steps, which
// all ranks run in the same order, gives every time.

struct Replay {
  std::vector<Seconds> now{};                            // [rank]
  std::vector<std::vector<Seconds>> queue_free{};        // [rank][queue]
  std::vector<std::vector<std::deque<Seconds>>> ends{};  // [rank][label]

  explicit Replay(const Program& program)
      : now(at(program.rank_count())),
        queue_free(now.size(), std::vector<Seconds>(workload::kQueueCount)),
        ends(now.size(), std::vector<std::deque<Seconds>>(program.labels.size())) {}

  void start(const Program& program, int label) {
    const std::size_t queue = at(program.labels[at(label)].queue);
    for (const workload::Transfer& transfer : program.transfers) {
      if (transfer.label != label) continue;
      Seconds began{};
      for (const int rank : transfer.members) {
        began = std::max({began, now[at(rank)], queue_free[at(rank)][queue]});
      }
      for (const int rank : transfer.members) {
        queue_free[at(rank)][queue] = began + transfer.tail;
        ends[at(rank)][at(label)].push_back(began + transfer.tail);
      }
    }
  }
  void wait(int label) {
    for (std::size_t rank = 0; rank < now.size(); ++rank) {
      now[rank] = std::max(now[rank], ends[rank][at(label)].front());
      ends[rank][at(label)].pop_front();
    }
  }
  void compute(const Program& program, const Step& step) {
    const workload::Block& block = program.blocks[at(step.index)];
    for (std::size_t rank = 0; rank < now.size(); ++rank) {
      const double load = program.loads[at(step.load)][rank];
      now[rank] += block.time + block.routed_time * (load - 1);
    }
  }
  Seconds end() const {
    Seconds last = *std::max_element(now.begin(), now.end());
    for (const std::vector<Seconds>& queues : queue_free) {
      last = std::max(last, *std::max_element(queues.begin(), queues.end()));
    }
    return last;
  }
};

Seconds replayed(const Program& program) {
  Replay replay(program);
  for (const workload::Slot& slot : program.stages[0].slots) {
    for (const Step& step : program.stages[0].chunks[at(slot.chunk)].steps) {
      if (step.kind == StepKind::compute) replay.compute(program, step);
      if (step.kind == StepKind::start || step.kind == StepKind::exchange) {
        replay.start(program, step.index);
      }
      if (step.kind == StepKind::wait || step.kind == StepKind::exchange) replay.wait(step.index);
    }
  }
  return replay.end();
}

TEST(Overlap, TakesWhatAReplayTakes) {
  for (const std::uint64_t seed : engine::seeds(60)) {
    const Program program = random_program(seed, {.flows = false}, 3);
    EXPECT_NEAR(simulated(program, {}).step_time.in(replayed(program)), 1, 1e-12)
        << engine::seed_note(seed);
  }
}

TEST(Overlap, IsTheSameOnBothEngines) {
  for (const std::uint64_t seed : engine::seeds(12)) {
    const Program program = random_program(seed, {.stages = 2}, static_cast<int>(seed % 3));
    const Result fast = simulated(program, {.symmetry = false});
    const Result reference = simulated(program, {.engine = EngineKind::simgrid});
    EXPECT_NEAR(fast.step_time.in(reference.step_time), 1, 1e-9) << engine::seed_note(seed);
  }
}

void expect_near(const std::vector<Seconds>& found, const std::vector<Seconds>& expected,
                 Seconds step_time) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_NEAR(found[i].in(step_time), expected[i].in(step_time), 1e-12) << i;
  }
}

// Every class spends the step as each of its ranks does where nothing is reduced.
TEST(Overlap, IsTheSameWithoutSymmetry) {
  std::int64_t classes = 0;
  std::int64_t ranks = 0;
  for (const std::uint64_t seed : engine::seeds(30)) {
    SCOPED_TRACE(engine::seed_note(seed));
    const Program program = random_program(seed, {.stages = 3});
    const Result reduced = simulated(program, {});
    const Result whole = simulated(program, {.symmetry = false});
    classes += reduced.symmetry.rank_classes;
    ranks += reduced.symmetry.ranks;
    EXPECT_NEAR(reduced.step_time.in(whole.step_time), 1, 1e-12);
    for (const RankResult& rank : reduced.ranks) {
      const RankResult& same = whole.ranks[at(rank.rank)];
      expect_near({rank.phases.begin(), rank.phases.end()},
                  {same.phases.begin(), same.phases.end()}, whole.step_time);
      expect_near(rank.busy, same.busy, whole.step_time);
      expect_near(rank.exposed, same.exposed, whole.step_time);
      expect_near({rank.skew}, {same.skew}, whole.step_time);
    }
  }
  EXPECT_LT(classes * 2, ranks);  // Or nothing was shown.
}

TEST(Overlap, IsNotReducedWhereLoadsDiffer) {
  const Result result = simulated(random_program(1, {}, 2), {});
  EXPECT_TRUE(result.uneven_loads);
  EXPECT_EQ(result.symmetry.rank_classes, result.symmetry.ranks);
}

/// Checks the order of what it is told: steps of a rank without a gap, parts of a queue one after
/// the other.
class Order final : public Observer {
 public:
  void run_began(const System& system) override {
    system_ = &system;
    steps_.resize(system.rank_of.size());
    parts_.resize(system.rank_of.size() * workload::kQueueCount);
  }
  void part_ended(const PartEvent& part) override {
    const int label = system_->transfers[at(part.transfer)].label;
    const int queue = system_->program->labels[at(label)].queue;
    Seconds& last = parts_[at(part.rank * workload::kQueueCount + queue)];
    EXPECT_GE(part.joined, last);
    EXPECT_GE(part.began, part.joined);
    EXPECT_GE(part.ended, part.began);
    EXPECT_LE(part.waited_since.value_or(part.ended), part.ended);
    last = part.ended;
  }
  void step_ended(const StepEvent& step) override {
    Seconds& last = steps_[at(step.rank)];
    EXPECT_EQ(step.began, last);  // bit for bit
    EXPECT_GE(step.started, step.began);
    EXPECT_GE(step.ended, step.started);
    EXPECT_EQ(step.transfer >= 0, step.step.kind != StepKind::compute);
    last = step.ended;
  }

 private:
  const System* system_ = nullptr;
  std::vector<Seconds> steps_;  // [rank]
  std::vector<Seconds> parts_;  // [rank][queue]
};

TEST(Overlap, AddsUp) {
  for (const std::uint64_t seed : engine::seeds(30)) {
    SCOPED_TRACE(engine::seed_note(seed));
    CriticalPath path;
    Order order;
    const Program program = random_program(seed, {.stages = 3}, static_cast<int>(seed % 2));
    const Result result = simulated(program, {.observers = {&path, &order}});
    for (const RankResult& rank : result.ranks) {
      const Seconds sum = std::accumulate(rank.phases.begin(), rank.phases.end(), Seconds{});
      EXPECT_NEAR(sum.in(result.step_time), 1, 1e-12);
      for (std::size_t label = 0; label < rank.busy.size(); ++label) {
        EXPECT_LE(rank.exposed[label].in(result.step_time),
                  rank.busy[label].in(result.step_time) + 1e-12);
      }
    }
    Seconds end{};
    for (const PathSegment& segment : path.segments()) {
      EXPECT_EQ(segment.began, end);  // bit for bit
      EXPECT_GT(segment.ended, segment.began);
      EXPECT_LE(segment.latency, segment.time());
      end = segment.ended;
    }
    EXPECT_EQ(end, result.step_time);
  }
}

}  // namespace
}  // namespace planewise::simulate
