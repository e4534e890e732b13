// The CUDA backend as a whole: refused without a GPU, every kernel checked and timed with one.
#include <gtest/gtest.h>

#include <set>

#include "calibration/measure/backend.h"
#include "calibration/measure/plan.h"
#include "gpu.h"
#include "spec/read.h"

namespace planewise::calibration {
namespace {

TEST(CudaBackend, SaysWhyThereIsNone) {
  if (has_gpu()) GTEST_SKIP() << "there is a GPU";
  const auto made = make_cuda_backend(0);
  ASSERT_TRUE(std::holds_alternative<NotMeasured>(made));
  EXPECT_EQ(std::get<NotMeasured>(made).reason.substr(0, 6), "no GPU");
}

/// Every measurement of `phase` at sizes that a processor would take, on the GPU.
void check_all(Phase phase) {
  spec::Diagnostics diagnostics;
  const spec::ModelSpec model =
      spec::read_model(PLANEWISE_ROOT "/models/deepseek_v3.yaml", diagnostics);
  diagnostics.throw_if_any();
  auto made = make_cuda_backend(0);
  ASSERT_TRUE(std::holds_alternative<std::unique_ptr<Backend>>(made));
  Backend& backend = *std::get<std::unique_ptr<Backend>>(made);
  EXPECT_NE(backend.environment().gpu, "");
  const Plan plan =
      make_plan(model, {.phase = phase, .expert_ranks = 64, .is_quick = true, .is_host = true});
  for (const Measurement& m : plan.measurements) {
    auto prepared = backend.prepare(m, plan.sizes);
    // The small model's router and decode are not among the kernels' sizes.
    if (std::holds_alternative<NotMeasured>(prepared)) continue;
    Bench& bench = *std::get<std::unique_ptr<Bench>>(prepared);
    for (const CheckResult& check : bench.check(1)) {
      EXPECT_TRUE(check.holds()) << key_of(m) << " by " << bench.implementation() << ": "
                                 << check.reference << " " << check.metric << " " << check.value;
    }
    const std::vector<Seconds> times = bench.run(3);
    ASSERT_EQ(times.size(), 3U);
    for (const Seconds time : times) EXPECT_GT(time, Seconds{}) << key_of(m);
  }
}

TEST(CudaBackendGpu, TrainsInSmall) {
  PW_NEEDS_GPU();
  check_all(Phase::train);
}

TEST(CudaBackendGpu, DecodesInSmall) {
  PW_NEEDS_GPU();
  check_all(Phase::decode);
}

/// Kernels at the real model's widths, for what the small one does not reach.
TEST(CudaBackendGpu, RoutesAndDecodesAtV3Widths) {
  PW_NEEDS_GPU();
  auto made = make_cuda_backend(0);
  ASSERT_TRUE(std::holds_alternative<std::unique_ptr<Backend>>(made));
  Backend& backend = *std::get<std::unique_ptr<Backend>>(made);
  const std::vector<Measurement> all = {
      {.id = "router", .kernel = Kernel::router, .rows = 100, .width = 256},
      {.id = "permute", .kernel = Kernel::permute, .rows = 100, .width = 7168},
      {.id = "attention_mla.decode",
       .kernel = Kernel::attention_decode,
       .rows = 2,
       .width = 128,
       .sequence = 300},
      {.id = "layer.forward",
       .kernel = Kernel::moe_layer_forward,
       .precision = spec::Precision::fp8_blockwise,
       .rows = 128,
       .width = 7168},
      {.id = "layer.backward",
       .kernel = Kernel::moe_layer_backward,
       .precision = spec::Precision::fp8_blockwise,
       .rows = 128,
       .width = 7168}};
  for (const Measurement& m : all) {
    auto prepared = backend.prepare(m, LayerSizes{});
    ASSERT_TRUE(std::holds_alternative<std::unique_ptr<Bench>>(prepared)) << key_of(m);
    Bench& bench = *std::get<std::unique_ptr<Bench>>(prepared);
    for (const CheckResult& check : bench.check(1)) {
      EXPECT_TRUE(check.holds()) << key_of(m) << " by " << bench.implementation() << ": "
                                 << check.reference << " " << check.metric << " " << check.value;
    }
  }
}

}  // namespace
}  // namespace planewise::calibration
