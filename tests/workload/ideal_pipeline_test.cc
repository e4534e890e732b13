// A schedule by itself as a program: every rank computes what its plan says, and what is sent is
// received.
#include "workload/ideal_pipeline.h"

#include <gtest/gtest.h>

#include <map>

namespace planewise::workload {
namespace {

constexpr PassTimes kTimes{.forward = Seconds::from_base(1),
                           .backward = Seconds::from_base(2),
                           .weight = Seconds::from_base(0.5),
                           .pair = Seconds::from_base(2.75)};

/// [label] Steps of a kind over all slots of a rank.
std::map<int, int> count_of(const Program& program, int rank, StepKind kind) {
  std::map<int, int> count;
  const StageProgram& stage = program.stages[static_cast<std::size_t>(rank)];
  for (const Slot& slot : stage.slots) {
    for (const Step& step : stage.chunks[static_cast<std::size_t>(slot.chunk)].steps) {
      if (step.kind == kind) count[step.index] += 1;
    }
  }
  return count;
}

class IdealPipeline : public testing::TestWithParam<PipelineShape> {};

TEST_P(IdealPipeline, WhatIsSentIsReceived) {
  const Program program = ideal_pipeline(pipeline_plan(GetParam()), kTimes);
  ASSERT_EQ(program.rank_count(), GetParam().ranks);
  for (const Transfer& transfer : program.transfers) {
    const int sent = count_of(program, transfer.members[0], StepKind::send)[transfer.label];
    const int received = count_of(program, transfer.members[1], StepKind::receive)[transfer.label];
    EXPECT_EQ(sent, received) << program.labels[static_cast<std::size_t>(transfer.label)].name;
    EXPECT_GT(sent, 0);
  }
}

// Each rank runs micro-batches x chunks forwards and backwards, whatever is fused or apart.
TEST_P(IdealPipeline, EveryRankComputesAllPasses) {
  const PipelineShape& shape = GetParam();
  const PipelinePlan plan = pipeline_plan(shape);
  const Program program = ideal_pipeline(plan, kTimes);
  for (int rank = 0; rank < shape.ranks; ++rank) {
    Seconds time{};
    int pairs = 0;
    for (const auto& [block, times] : count_of(program, rank, StepKind::compute)) {
      time += program.blocks[static_cast<std::size_t>(block)].time * times;
      if (program.blocks[static_cast<std::size_t>(block)].name == "pair") pairs += times;
    }
    // 3 s for both ways of a micro-batch and chunk, a quarter of one less in each pair.
    const double passes = static_cast<double>(shape.micro_batches) * shape.chunks;
    EXPECT_DOUBLE_EQ(time.base(), 3 * passes - 0.25 * pairs);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Schedules, IdealPipeline,
    testing::Values(
        PipelineShape{.schedule = spec::Schedule::gpipe, .ranks = 4, .micro_batches = 6},
        PipelineShape{.schedule = spec::Schedule::one_f_one_b, .ranks = 4, .micro_batches = 6},
        PipelineShape{.schedule = spec::Schedule::interleaved_one_f_one_b,
                      .ranks = 4,
                      .chunks = 3,
                      .micro_batches = 8},
        PipelineShape{.schedule = spec::Schedule::zb1p, .ranks = 4, .micro_batches = 6},
        PipelineShape{.schedule = spec::Schedule::dualpipe, .ranks = 4, .micro_batches = 12}));

}  // namespace
}  // namespace planewise::workload
