// Rates of single operators: a point of the profile is what it says, less the gap between kernels.
#include "workload/operator_rate.h"

#include <gtest/gtest.h>

namespace planewise::workload {
namespace {

spec::ProfileSpec profile() {
  spec::ProfileSpec profile;
  profile.gpu = {.name = "test", .sms = 100, .kernel_gap = microseconds(1)};
  profile.operators = {{.id = "gemm.bf16",
                        .form = spec::OperatorForm::gemm,
                        .sms = 100,
                        .points = {{{1, 1000, 1000, 500}, teraflops(100)}},
                        .flop_rate = teraflops(200),
                        .memory_rate = gigabytes_per_second(1000)},
                       {.id = "attention.forward",
                        .form = spec::OperatorForm::flop_rate,
                        .sms = 100,
                        .sequences = {{1024, teraflops(300)}, {4096, teraflops(500)}}}};
  return profile;
}

TEST(ProductRate, OfAPointIsThePointsLessAGap) {
  // 2 x 1000 x 1000 x 500 = 1 GFLOP at 100 TFLOPS: 10 us, and 1 us of gap: 90.9 TFLOPS.
  const auto rate = product_rate(profile(), {.m = 1000, .n = 1000, .k = 500});
  ASSERT_TRUE(rate);
  EXPECT_NEAR(rate->in(teraflops(1)), 1e3 / 11, 1e-9);
}

TEST(ProductRate, OfAnotherShapeIsTheModels) {
  // 4 GFLOP at 200 TFLOPS: 20 us; 2 x 1000 x 1000 + 2 x 2000 x 1000 elements of 2 B, 10 MB at 1000
  // GB/s: 10 us; and 1 us of gap.
  const auto rate = product_rate(profile(), {.m = 1000, .n = 2000, .k = 1000});
  ASSERT_TRUE(rate);
  EXPECT_NEAR(rate->in(teraflops(1)), 4e3 / 31, 1e-9);
}

TEST(ProductRate, NeedsTheOperator) {
  EXPECT_EQ(product_rate(profile(), {.groups = 4, .m = 8, .n = 8, .k = 8}), std::nullopt);
  EXPECT_EQ(product_rate(profile(),
                         {.precision = spec::Precision::fp8_blockwise, .m = 8, .n = 8, .k = 8}),
            std::nullopt);
}

TEST(AttentionRate, IsLinearInTheLogarithmOfTheLength) {
  // The gap is 1 us of 1e12 / 300e12 = 3333 us: under 0.1 %.
  EXPECT_NEAR(attention_rate(profile(), "attention.forward", 1024)->in(teraflops(300)), 1, 1e-3);
  EXPECT_NEAR(attention_rate(profile(), "attention.forward", 2048)->in(teraflops(400)), 1, 1e-3);
  EXPECT_EQ(attention_rate(profile(), "attention.backward", 2048), std::nullopt);
}

}  // namespace
}  // namespace planewise::workload
