// What a run leaves out when it has too little time.
#include "calibration/measure/budget.h"

#include <gtest/gtest.h>

namespace planewise::calibration {
namespace {

/// Nine sizes of one product, 3 rounds, 270 s: 10 s a measurement.
Plan nine_sizes() {
  Plan plan{.repetitions = 3, .estimated = seconds(270)};
  for (std::int64_t m = 16; m <= 4096; m *= 2) {
    plan.measurements.push_back({.id = "gemm", .shape = {.m = m, .n = 128, .k = 128}});
  }
  return plan;
}

std::vector<std::int64_t> sizes_of(const Plan& plan) {
  std::vector<std::int64_t> sizes;
  for (const Measurement& measurement : plan.measurements) sizes.push_back(measurement.shape.m);
  return sizes;
}

TEST(Budget, LeavesAPlanThatFits) {
  Plan plan = nine_sizes();
  EXPECT_TRUE(cut_to_budget(plan, seconds(270)).empty());
  EXPECT_EQ(plan.repetitions, 3);
  EXPECT_EQ(plan.measurements.size(), 9U);
}

TEST(Budget, DropsRoundsFirst) {
  Plan plan = nine_sizes();
  const std::vector<std::string> expected = {"left out for the budget: 1 of 3 rounds"};
  EXPECT_EQ(cut_to_budget(plan, seconds(180)), expected);  // two rounds of 90 s
  EXPECT_EQ(plan.repetitions, 2);
  EXPECT_EQ(plan.measurements.size(), 9U);
  EXPECT_DOUBLE_EQ(plan.estimated.in(seconds(1)), 180);
}

TEST(Budget, ThenEverySecondSizeButTheEnds) {
  Plan plan = nine_sizes();
  const std::vector<std::string> expected = {"left out for the budget: 2 of 3 rounds",
                                             "left out for the budget: 4 of 9 sizes"};
  EXPECT_EQ(cut_to_budget(plan, seconds(60)), expected);  // 5 sizes of 10 s
  EXPECT_EQ(sizes_of(plan), (std::vector<std::int64_t>{16, 64, 256, 1024, 4096}));
}

TEST(Budget, SaysWhenTheRestIsTooLong) {
  Plan plan = nine_sizes();
  const auto cuts = cut_to_budget(plan, seconds(1));
  EXPECT_EQ(sizes_of(plan), (std::vector<std::int64_t>{16, 4096}));
  ASSERT_EQ(cuts.size(), 3U);
  EXPECT_EQ(cuts[2], "about 20 s are still needed, more than the budget of 1 s");
}

TEST(Budget, KeepsThePartsOfALayer) {
  Plan plan = nine_sizes();
  const std::string part = key_of(plan.measurements[1]);
  plan.measurements.push_back({.id = "layer.forward",
                               .kernel = Kernel::moe_layer_forward,
                               .rows = 32,
                               .width = 128,
                               .parts = {part}});
  cut_to_budget(plan, seconds(1));
  EXPECT_EQ(sizes_of(plan), (std::vector<std::int64_t>{16, 32, 4096, 0}));
}

}  // namespace
}  // namespace planewise::calibration
