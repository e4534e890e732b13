// The chunk pair of the training trace: every phase of every layer once, the exchanges beside them.
#include "workload/chunk_pair.h"

#include <gtest/gtest.h>

#include <numeric>

#include "workload/make_job.h"

namespace planewise::workload {
namespace {

constexpr int kLayers = 4;

ChunkPair v3_pair() {
  const test::Loaded v3 = test::load_bundled("workloads/deepseek_v3_train_2048_h800.yaml");
  const spec::NodesSpec nodes{.count = 256, .gpus = 8, .nics = 8};
  return chunk_pair({.job = v3.job, .model = v3.model, .profile = v3.profile, .nodes = nodes},
                    kLayers);
}

const std::vector<Step>& steps_of(const ChunkPair& pair) {
  return pair.program.stages.front().chunks.front().steps;
}

TEST(ChunkPair, ComputesEveryPhaseOfEveryLayer) {
  const ChunkPair pair = v3_pair();
  Seconds computed{};
  for (const Step& step : steps_of(pair)) {
    if (step.kind != StepKind::compute) continue;
    computed += pair.program.blocks[static_cast<std::size_t>(step.index)].time;
  }
  const Seconds phases = std::accumulate(pair.compute.begin(), pair.compute.end(), Seconds{});
  EXPECT_GT(computed, phases * kLayers);
  for (const Seconds phase : pair.compute) EXPECT_GT(phase, Seconds{});
  // What is left is the quantisation of gradients, of combine(B): 0.27 ms a layer in the trace.
  EXPECT_LT(computed - phases * kLayers, milliseconds(0.5) * kLayers);
}

TEST(ChunkPair, StartsAndAwaitsEveryExchangeOfEveryLayer) {
  const ChunkPair pair = v3_pair();
  for (const int label : pair.exchanges) {
    int started = 0;
    int awaited = 0;
    for (const Step& step : steps_of(pair)) {
      if (step.index != label) continue;
      started += step.kind == StepKind::start ? 1 : 0;
      awaited += step.kind == StepKind::wait ? 1 : 0;
    }
    EXPECT_EQ(started, kLayers);
    EXPECT_EQ(awaited, kLayers);
  }
}

TEST(ChunkPair, SendsNothingBetweenStages) {
  const ChunkPair pair = v3_pair();
  for (const Step& step : steps_of(pair)) {
    EXPECT_NE(step.kind, StepKind::send);
    EXPECT_NE(step.kind, StepKind::send_queued);
    EXPECT_NE(step.kind, StepKind::receive);
  }
  EXPECT_EQ(pair.program.rank_count(), 128);  // Those of one stage.
}

}  // namespace
}  // namespace planewise::workload
