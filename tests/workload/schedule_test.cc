// 1F1B: every micro-batch once each way, in an order that can run, with the memory bound it is
// known for.
#include "workload/schedule.h"

#include <gtest/gtest.h>

namespace planewise::workload {
namespace {

struct Shape {
  int stages;
  std::int64_t micro_batches;
};
class OneFOneB : public testing::TestWithParam<Shape> {};

TEST_P(OneFOneB, RunsEveryMicroBatchOnceEachWay) {
  const auto [stages, micro_batches] = GetParam();
  for (int stage = 0; stage < stages; ++stage) {
    std::int64_t forwards = 0;
    std::int64_t backwards = 0;
    std::int64_t most_in_flight = 0;
    for (const PipelineSlot& slot : one_f_one_b_slots(
             {.stage_count = stages, .stage = stage, .micro_batches = micro_batches})) {
      (slot.pass == Pass::forward ? forwards : backwards) += 1;
      EXPECT_LE(backwards, forwards);
      most_in_flight = std::max(most_in_flight, forwards - backwards);
    }
    EXPECT_EQ(forwards, micro_batches);
    EXPECT_EQ(backwards, micro_batches);
    // At most stages - stage activations are held: what 1F1B is for (Narayanan et al. 2021,
    // section 2.2).
    EXPECT_LE(most_in_flight, stages - stage);
  }
}
INSTANTIATE_TEST_SUITE_P(Shapes, OneFOneB,
                         testing::Values(Shape{1, 1}, Shape{1, 5}, Shape{4, 2}, Shape{4, 4},
                                         Shape{16, 120}, Shape{8, 7}));

TEST(OneFOneB, LastStageTakesTurnsFromTheStart) {
  const auto slots = one_f_one_b_slots({.stage_count = 4, .stage = 3, .micro_batches = 3});
  for (std::size_t i = 0; i < slots.size(); ++i) {
    EXPECT_EQ(slots[i].pass, i % 2 == 0 ? Pass::forward : Pass::backward);
    EXPECT_EQ(slots[i].phase, Phase::overlapped_1f1b);
  }
}

TEST(OneFOneB, FirstStageWarmsUpAndCoolsDown) {
  const auto slots = one_f_one_b_slots({.stage_count = 4, .stage = 0, .micro_batches = 5});
  ASSERT_EQ(slots.size(), 10U);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(slots[i].phase, Phase::forward_1f);
    EXPECT_EQ(slots[9 - i].phase, Phase::backward_1b);
  }
}

}  // namespace
}  // namespace planewise::workload
