// Pipeline schedules: every micro-batch once each way on every stage, in an order that can run; the
// published bubbles when communication is free; what is held at most.
#include "workload/schedule.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <random>

#include "workload/run_plan.h"

namespace planewise::workload {
namespace {

using spec::Schedule;
using test::SlotTimes;

constexpr std::array kSchedules{Schedule::gpipe, Schedule::one_f_one_b,
                                Schedule::interleaved_one_f_one_b, Schedule::zb1p,
                                Schedule::dualpipe};

/// [rank] Time in which a rank does not compute.
std::vector<std::int64_t> bubbles(const PipelineShape& shape, const SlotTimes& times) {
  const PipelinePlan plan = pipeline_plan(shape);
  const auto run = test::PlanRunner(plan, times).run();
  std::vector<std::int64_t> result;
  if (!run) return result;
  for (const std::int64_t busy : run->busy) result.push_back(run->makespan - busy);
  return result;
}

std::vector<std::int64_t> everywhere(int ranks, std::int64_t value) {
  return std::vector<std::int64_t>(static_cast<std::size_t>(ranks), value);
}

unsigned seed() {
  const char* given = std::getenv("PLANEWISE_SEED");
  return given == nullptr ? 1 : static_cast<unsigned>(std::stoul(given));
}

PipelineShape random_shape(Schedule schedule, std::mt19937& random) {
  const auto up_to = [&](int most) { return 1 + static_cast<int>(random() % unsigned(most)); };
  PipelineShape shape{.schedule = schedule, .ranks = up_to(12), .micro_batches = up_to(40)};
  if (schedule == Schedule::interleaved_one_f_one_b) {
    shape.chunks = up_to(5);
    shape.micro_batches = std::int64_t{shape.ranks} * up_to(5);
  }
  if (schedule == Schedule::dualpipe) {
    shape.ranks = 2 * up_to(8);
    shape.micro_batches = 2 * (shape.ranks + up_to(20) - 1);
  }
  return shape;
}

TEST(PipelinePlan, RunsEveryMicroBatchOnceThroughEveryStage) {
  std::mt19937 random(seed());
  for (int i = 0; i < 200; ++i) {
    const PipelineShape shape = random_shape(kSchedules[std::size_t(i) % 5], random);
    SCOPED_TRACE(testing::Message()
                 << "seed " << seed() << ", case " << i << ": " << shape.ranks << " ranks, "
                 << shape.chunks << " chunks, " << shape.micro_batches << " micro-batches");
    const PipelinePlan plan = pipeline_plan(shape);
    test::PlanRunner runner(plan, {.forward = 3, .backward = 7, .weight = 3, .pair = 9});
    ASSERT_TRUE(runner.run().has_value());
    const bool both_ends = shape.schedule == Schedule::dualpipe;
    const auto each =
        static_cast<std::size_t>(both_ends ? shape.micro_batches / 2 : shape.micro_batches);
    for (const auto& chunks : runner.ends()) {
      for (const test::StageEnds& ends : chunks) {
        EXPECT_EQ(ends.forward.size(), each);
        EXPECT_EQ(ends.backward.size(), each);
        EXPECT_EQ(ends.weights, each);
      }
    }
  }
}

TEST(PipelinePlan, NeighboursHoldTheStagesBesideIt) {
  std::mt19937 random(seed());
  for (int i = 0; i < 50; ++i) {
    const PipelinePlan plan = pipeline_plan(random_shape(kSchedules[std::size_t(i) % 5], random));
    for (int rank = 0; rank < plan.shape.ranks; ++rank) {
      for (int chunk = 0; chunk < plan.chunk_count(); ++chunk) {
        for (const int step : {-1, 1}) {
          const int there = plan.stage(rank, chunk) + step;
          const int neighbour = plan.neighbour(rank, chunk, step);
          if (there < 0 || there >= plan.stage_count()) {
            EXPECT_EQ(neighbour, -1);
          } else {
            EXPECT_EQ(plan.stage(neighbour, plan.neighbour_chunk(rank, chunk, step)), there);
          }
        }
      }
    }
  }
}

// Narayanan et al. 2021 (arXiv 2104.04473), section 2.2: (P-1)(F+B), over the chunks when
// interleaved. A slot of a chunk takes 3 or 7, so F = 3 chunks and B = 7 chunks: 30 either way.
TEST(Bubble, OfGPipeAnd1F1B) {
  const SlotTimes times{.forward = 3, .backward = 7};
  for (const Schedule schedule : {Schedule::gpipe, Schedule::one_f_one_b}) {
    EXPECT_EQ(bubbles({.schedule = schedule, .ranks = 4, .micro_batches = 9}, times),
              everywhere(4, 30));
  }
  for (const int chunks : {1, 2, 3, 6}) {
    EXPECT_EQ(bubbles({.schedule = Schedule::interleaved_one_f_one_b,
                       .ranks = 4,
                       .chunks = chunks,
                       .micro_batches = 8},
                      times),
              everywhere(4, 30));
  }
}

// Qi et al. (arXiv 2401.10241), table 1, with B their B + W: (P-1)(F+B-2W), for W up to B/2 and at
// least as many micro-batches as ranks.
TEST(Bubble, OfZb1p) {
  for (std::int64_t weight = 0; weight <= 4; ++weight) {
    EXPECT_EQ(bubbles({.schedule = Schedule::zb1p, .ranks = 4, .micro_batches = 12},
                      {.forward = 4, .backward = 9, .weight = weight}),
              everywhere(4, 3 * (13 - 2 * weight)));
  }
  EXPECT_EQ(bubbles({.schedule = Schedule::zb1p, .ranks = 8, .micro_batches = 8},
                    {.forward = 4, .backward = 8, .weight = 4}),
            everywhere(8, 7 * 4));
}

// arXiv 2412.19437, table 2: (P/2-1)(F&B+B-3W). Where F, W and the gradients of inputs take the
// same time, and a pair as long as both of its halves, it is so on every rank.
TEST(Bubble, OfDualPipe) {
  for (const int ranks : {2, 4, 8, 16}) {
    EXPECT_EQ(bubbles({.schedule = Schedule::dualpipe, .ranks = ranks, .micro_batches = 4 * ranks},
                      {.forward = 4, .backward = 8, .weight = 4, .pair = 12}),
              everywhere(ranks, (ranks / 2 - 1) * (12 + 8 - 12)));
  }
}

// A pair shorter than its halves leaves it exact in the middle; ranks with fewer pairs, so more to
// do on their own, wait less: two ticks a rank here, F + B - F&B.
TEST(Bubble, OfDualPipeWithOverlap) {
  const std::vector<std::int64_t> found =
      bubbles({.schedule = Schedule::dualpipe, .ranks = 16, .micro_batches = 120},
              {.forward = 4, .backward = 8, .weight = 4, .pair = 10});
  ASSERT_EQ(found.size(), 16U);
  for (std::size_t rank = 6; rank < 10; ++rank) EXPECT_EQ(found[rank], 7 * (10 + 8 - 12));
  for (std::size_t rank = 0; rank < 6; ++rank) {
    EXPECT_EQ(found[rank] + 2, found[rank + 1]);
    EXPECT_EQ(found[rank], found[15 - rank]);
  }
}

// In other proportions the published formula is an upper bound.
TEST(Bubble, OfDualPipeIsAtMostTheFormula) {
  std::mt19937 random(seed());
  for (int i = 0; i < 60; ++i) {
    const PipelineShape shape = random_shape(Schedule::dualpipe, random);
    const auto weight = static_cast<std::int64_t>(1 + random() % 20);
    const std::int64_t forward = weight + static_cast<std::int64_t>(random() % 20);
    const std::int64_t backward = forward + weight + static_cast<std::int64_t>(random() % 20);
    const SlotTimes times{
        .forward = forward, .backward = backward, .weight = weight, .pair = forward + backward};
    for (const std::int64_t bubble : bubbles(shape, times)) {
      EXPECT_LE(bubble, (shape.ranks / 2 - 1) * (times.pair + backward - 3 * weight))
          << "seed " << seed() << ", case " << i;
    }
  }
}

struct Counts {
  int forward = 0;
  int full = 0;
  int input = 0;
  int weight = 0;
  int pair = 0;

  bool operator==(const Counts&) const = default;
};

Counts count(const std::vector<PipelineSlot>& slots) {
  Counts counts;
  for (const PipelineSlot& slot : slots) {
    counts.forward += slot.pass == Pass::forward;
    counts.full += slot.pass == Pass::backward;
    counts.input += slot.pass == Pass::backward_input;
    counts.weight += slot.pass == Pass::weight;
    counts.pair += slot.pass == Pass::pair;
  }
  return counts;
}

// By hand from the eight steps of github deepseek-ai/DualPipe with 16 ranks and 120 micro-batches.
TEST(DualPipe, CountsSlots) {
  const PipelinePlan plan =
      pipeline_plan({.schedule = Schedule::dualpipe, .ranks = 16, .micro_batches = 120});
  EXPECT_EQ(count(plan.slots[0]), (Counts{23, 8, 15, 15, 97}));
  EXPECT_EQ(count(plan.slots[15]), (Counts{23, 8, 15, 15, 97}));
  EXPECT_EQ(count(plan.slots[7]), (Counts{17, 9, 8, 8, 103}));
  EXPECT_EQ(count(plan.slots[8]), (Counts{17, 9, 8, 8, 103}));
}

TEST(DualPipe, IsTheSameFromBothEnds) {
  const PipelinePlan plan =
      pipeline_plan({.schedule = Schedule::dualpipe, .ranks = 8, .micro_batches = 20});
  for (std::size_t rank = 0; rank < 4; ++rank) {
    std::vector<PipelineSlot> mirrored = plan.slots[7 - rank];
    for (PipelineSlot& slot : mirrored) {
      slot.chunk = 1 - slot.chunk;
      if (slot.pass == Pass::pair) slot.other = 1 - slot.other;
    }
    EXPECT_EQ(plan.slots[rank], mirrored);
  }
}

// 1F1B and ZB-H1 hold P - rank micro-batches, GPipe all. Interleaved: its warm-up,
// 2 (P-1-rank) + (chunks-1) P, and one more (arXiv 2104.04473, Megatron-LM's schedules.py).
TEST(MostInFlight, FollowsFromTheWarmUp) {
  const auto held = [](const PipelineShape& shape) {
    std::vector<std::int64_t> sums;
    for (const auto& chunks : most_in_flight(pipeline_plan(shape))) {
      sums.push_back(0);
      for (const std::int64_t each : chunks) sums.back() += each;
    }
    return sums;
  };
  using Held = std::vector<std::int64_t>;
  EXPECT_EQ(held({.schedule = Schedule::one_f_one_b, .ranks = 4, .micro_batches = 9}),
            (Held{4, 3, 2, 1}));
  EXPECT_EQ(held({.schedule = Schedule::one_f_one_b, .ranks = 4, .micro_batches = 2}),
            (Held{2, 2, 2, 1}));
  EXPECT_EQ(held({.schedule = Schedule::zb1p, .ranks = 4, .micro_batches = 9}), (Held{4, 3, 2, 1}));
  EXPECT_EQ(held({.schedule = Schedule::gpipe, .ranks = 4, .micro_batches = 9}),
            (Held{9, 9, 9, 9}));
  // 2*3+2*4+1 = 15 of all chunks, 13, 11, 9; but the
  // most of each chunk does not come at one moment, so that the sums are larger.
  const Held interleaved = held({.schedule = Schedule::interleaved_one_f_one_b,
                                 .ranks = 4,
                                 .chunks = 3,
                                 .micro_batches = 16});
  for (std::size_t rank = 0; rank < 4; ++rank) {
    EXPECT_GE(interleaved[rank], std::int64_t(15 - 2 * rank));
    EXPECT_LE(interleaved[rank], std::int64_t(15 - 2 * rank) + 4);
  }
}

// arXiv 2412.19437, table 2: DualPipe holds activations of PP + 1 micro-batches. Each of ours is a
// whole stage, of one direction or the other.
TEST(MostInFlight, OfDualPipeIsOneMoreThanRanks) {
  for (const int ranks : {2, 8, 16}) {
    const PipelinePlan plan =
        pipeline_plan({.schedule = Schedule::dualpipe, .ranks = ranks, .micro_batches = 3 * ranks});
    for (const auto& chunks : most_in_flight(plan)) EXPECT_EQ(chunks[0] + chunks[1], ranks + 1);
  }
}

// ZB-H1 puts off `rank` weight gradients, and with one more just begun holds no more than the
// first rank of 1F1B in all.
TEST(MostWeightsPending, StaysWithin1F1BsActivations) {
  EXPECT_EQ(most_weights_pending(
                pipeline_plan({.schedule = Schedule::zb1p, .ranks = 4, .micro_batches = 9})),
            (std::vector<std::int64_t>{1, 2, 3, 4}));
  EXPECT_EQ(most_weights_pending(
                pipeline_plan({.schedule = Schedule::dualpipe, .ranks = 8, .micro_batches = 16})),
            (std::vector<std::int64_t>{1, 2, 3, 4, 4, 3, 2, 1}));
}

// ZB-H1: in the steady state `rank` wait, and one more while a backward runs. DualPipe: PP + 1 are
// in flight in a pair alone, and no weight gradient waits for one: step 3 computes each before the
// next forward, and the others are put off as the pipeline drains (github deepseek-ai/DualPipe,
// steps 3 to 7).
TEST(WeightsPendingAtPeak, CountsOnlyWhatIsPutOffWhileTheMostIsInFlight) {
  EXPECT_EQ(weights_pending_at_peak(
                pipeline_plan({.schedule = Schedule::zb1p, .ranks = 4, .micro_batches = 9})),
            (std::vector<std::int64_t>{1, 2, 3, 4}));
  EXPECT_EQ(weights_pending_at_peak(
                pipeline_plan({.schedule = Schedule::dualpipe, .ranks = 8, .micro_batches = 16})),
            std::vector<std::int64_t>(8, 0));
  EXPECT_EQ(weights_pending_at_peak(
                pipeline_plan({.schedule = Schedule::one_f_one_b, .ranks = 3, .micro_batches = 9})),
            (std::vector<std::int64_t>{0, 0, 0}));
}

}  // namespace
}  // namespace planewise::workload
