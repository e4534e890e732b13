// The backend that computes on the processor: every kernel's results hold, and wrong ones do not.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "calibration/host/e4m3.h"
#include "calibration/host/host_bench.h"
#include "calibration/host/kernels.h"
#include "calibration/measure/plan.h"
#include "calibration/measure/plan_operators.h"
#include "spec/read.h"

namespace planewise::calibration {
namespace {

spec::ModelSpec v3() {
  spec::Diagnostics diagnostics;
  spec::ModelSpec model = spec::read_model(PLANEWISE_ROOT "/models/deepseek_v3.yaml", diagnostics);
  diagnostics.throw_if_any();
  return model;
}

/// The first measurement of each kernel, precision, spread and layout in small plans of all phases.
std::vector<Measurement> one_of_each(LayerSizes& sizes) {
  std::vector<Measurement> some;
  std::set<std::string> seen;
  for (const Phase phase : {Phase::train, Phase::prefill, Phase::decode}) {
    const Plan plan = make_plan(v3(), {.phase = phase, .is_host = true});
    sizes = plan.sizes;
    for (const Measurement& m : plan.measurements) {
      const std::string kind = to_string(m.kernel) + to_string(m.spread) + to_string(m.layout) +
                               (m.precision == spec::Precision::bf16 ? "bf16" : "fp8") +
                               (m.shape.groups > 1 ? "grouped" : "");
      if (seen.insert(kind).second) some.push_back(m);
    }
  }
  return some;
}

TEST(HostBackend, EveryKernelsResultsHold) {
  LayerSizes sizes;
  const std::unique_ptr<Backend> backend = make_host_backend();
  std::set<Kernel> kernels;
  for (const Measurement& m : one_of_each(sizes)) {
    kernels.insert(m.kernel);
    auto prepared = backend->prepare(m, sizes);
    ASSERT_TRUE(std::holds_alternative<std::unique_ptr<Bench>>(prepared)) << key_of(m);
    Bench& bench = *std::get<std::unique_ptr<Bench>>(prepared);
    const std::vector<CheckResult> checks = bench.check(11);
    EXPECT_EQ(checks.empty(), m.kernel == Kernel::empty) << key_of(m);
    for (const CheckResult& check : checks) {
      EXPECT_TRUE(check.holds()) << key_of(m) << ": " << check.reference << " " << check.metric
                                 << " " << check.value << " over " << check.limit;
    }
    for (const Seconds time : bench.run(3)) EXPECT_GT(time, Seconds{});
  }
  // All but gelu, which DeepSeek-V3 has not.
  EXPECT_EQ(kernels.size(), static_cast<std::size_t>(Kernel::moe_layer_backward));
}

TEST(HostBackend, GeluHolds) {
  const std::unique_ptr<Backend> backend = make_host_backend();
  auto prepared = backend->prepare({.id = "gelu", .kernel = Kernel::gelu, .rows = 64, .width = 128},
                                   LayerSizes{});
  for (const CheckResult& check : std::get<0>(prepared)->check(1)) EXPECT_TRUE(check.holds());
}

TEST(HostBackend, TheWholeLayerInBf16Holds) {
  LayerSizes sizes;
  one_of_each(sizes);
  const std::unique_ptr<Backend> backend = make_host_backend();
  for (const Kernel kernel : {Kernel::moe_layer_forward, Kernel::moe_layer_backward}) {
    auto prepared = backend->prepare(
        {.id = "layer", .kernel = kernel, .rows = 64, .width = sizes.hidden}, sizes);
    for (const CheckResult& check : std::get<0>(prepared)->check(1)) {
      EXPECT_TRUE(check.holds()) << check.reference << " " << check.value;
    }
  }
}

TEST(HostBackend, WhatWasNotComputedIsNoResult) {
  LayerSizes sizes;
  for (const Measurement& m : one_of_each(sizes)) {
    // What works in place has its inputs there: they are no results either.
    if (m.kernel == Kernel::empty) continue;
    host::HostWork work = host::work_of(m, sizes);
    work.launch = [](int) {};
    const std::unique_ptr<Bench> bench = host::make_host_bench(std::move(work));
    bool all_hold = true;
    for (const CheckResult& check : bench->check(11)) all_hold = all_hold && check.holds();
    EXPECT_FALSE(all_hold) << key_of(m);
  }
}

TEST(HostBackend, OtherSeedsAreOtherInputs) {
  EXPECT_NE(host::random_bits(8, 1, 1), host::random_bits(8, 1, 2));
  EXPECT_EQ(host::random_bits(8, 1, 1), host::random_bits(8, 1, 1));
}

TEST(HostBackend, RefusesWhatAProcessorCannot) {
  const std::unique_ptr<Backend> backend = make_host_backend();
  const auto reason = [&](const Measurement& m) {
    return std::get<NotMeasured>(backend->prepare(m, LayerSizes{})).reason;
  };
  EXPECT_EQ(reason({.id = "copy", .kernel = Kernel::copy, .rows = 1, .width = 128, .sms = 4}),
            "a processor has no SMs to take away");
  Measurement large{.id = "gemm.fp8",
                    .precision = spec::Precision::fp8_blockwise,
                    .shape = {.groups = 1, .m = 4096, .n = 4096, .k = 7168}};
  set_product_work(large);
  EXPECT_NE(reason(large).find("too much for a processor"), std::string::npos);
  EXPECT_EQ(reason({.id = "quantise", .kernel = Kernel::quantise, .rows = 4, .width = 100}),
            "100 is no multiple of 128, the width of a scale");
}

// ---- The limits see what they are there for ----

struct Operands {
  host::RowQuantised x{};
  host::BlockQuantised w{};
  host::Segments segments{.first = {0}, .count = {128}, .rows_all = 128};
  std::vector<float> expected{};

  Operands() {
    x = host::quantise(host::random_floats(128 * 256, 1, 1), {128, 256});
    w = host::quantise_blocks(host::from_bf16(host::random_weights(1, {256, 256}, 0.06, 2)), 1,
                              {256, 256});
    expected = host::product(x, w, segments);
  }
  double difference() const {
    std::vector<host::Bits> y(128 * 256);
    host::fast_product(x, w, segments, y);
    return host::difference(host::from_bf16(y), expected);
  }
};

TEST(HostBackend, LimitsSeeWrongScales) {
  Operands right;
  EXPECT_LT(right.difference(), host::kDequantisedLimit);
  Operands rows = right;
  std::rotate(rows.x.scales.begin(), rows.x.scales.begin() + 1, rows.x.scales.end());
  EXPECT_GT(rows.difference(), host::kDequantisedLimit);
  Operands blocks = right;
  ASSERT_NE(blocks.w.scales[0], blocks.w.scales[1]);
  std::swap(blocks.w.scales[0], blocks.w.scales[1]);
  EXPECT_GT(blocks.difference(), host::kDequantisedLimit);
  Operands values = right;
  std::swap(values.x.values[0], values.x.values[1]);
  values.x.values[128 * 256 - 1] = 0;
  EXPECT_GT(values.difference(), right.difference());
}

}  // namespace
}  // namespace planewise::calibration
