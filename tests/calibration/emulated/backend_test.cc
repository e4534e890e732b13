// The CUDA backend on an emulated GPU: every bench makes its inputs, launches, checks, captures and
// replays. What remains for a real one are cuBLASLt, wgmma, races and time.
#include <gtest/gtest.h>

#include <set>

#include "calibration/measure/backend.h"

namespace planewise::calibration {
namespace {

constexpr LayerSizes kSizes{.hidden = 128,
                            .expert_width = 128,
                            .vocabulary = 96,
                            .experts = 32,
                            .experts_per_token = 3,
                            .expert_groups = 4,
                            .groups_per_token = 2,
                            .local_experts = 2,
                            .heads = 2,
                            .qk_nope_head_dim = 32,
                            .qk_rope_head_dim = 64,
                            .v_head_dim = 32,
                            .kv_lora_rank = 512};

Measurement bytes_of(Kernel kernel, std::int64_t rows, std::int64_t width) {
  return {.id = to_string(kernel), .kernel = kernel, .rows = rows, .width = width};
}

Measurement product_of(Kernel kernel, const spec::GemmShape& shape, spec::Precision precision,
                       RowSpread spread = RowSpread::balanced) {
  return {.id = to_string(kernel),
          .kernel = kernel,
          .precision = precision,
          .shape = shape,
          .spread = spread};
}

Measurement attention_of(Kernel kernel) {
  return {.id = to_string(kernel), .kernel = kernel, .rows = 48, .width = 2, .sequence = 24};
}

Measurement layer_of(Kernel kernel, spec::Precision precision) {
  return {
      .id = to_string(kernel), .kernel = kernel, .precision = precision, .rows = 24, .width = 128};
}

std::vector<Measurement> small_ones() {
  constexpr spec::Precision kFp8 = spec::Precision::fp8_blockwise;
  constexpr spec::Precision kBf16 = spec::Precision::bf16;
  return {
      bytes_of(Kernel::empty, 0, 0),
      product_of(Kernel::product, {1, 40, 192, 256}, kFp8),
      product_of(Kernel::product, {3, 20, 128, 128}, kFp8, RowSpread::uneven),
      product_of(Kernel::product, {2, 24, 64, 128}, kBf16, RowSpread::zipf),
      product_of(Kernel::weight_gradient, {2, 100, 192, 128}, kFp8),
      product_of(Kernel::weight_gradient, {1, 40, 64, 64}, kBf16),
      bytes_of(Kernel::router, 20, 32),
      bytes_of(Kernel::quantise, 20, 256),
      bytes_of(Kernel::quantise_backward, 128, 128),
      bytes_of(Kernel::requantise_transposed, 128, 128),
      bytes_of(Kernel::permute, 20, 128),
      bytes_of(Kernel::swiglu, 20, 128),
      bytes_of(Kernel::swiglu_backward, 20, 128),
      bytes_of(Kernel::swiglu_quantise, 20, 128),
      bytes_of(Kernel::gelu, 20, 64),
      bytes_of(Kernel::norm, 20, 128),
      bytes_of(Kernel::rope, 20, 192),
      bytes_of(Kernel::copy, 20, 64),
      bytes_of(Kernel::elementwise, 20, 64),
      bytes_of(Kernel::embedding, 20, 64),
      bytes_of(Kernel::cross_entropy, 20, 96),
      bytes_of(Kernel::optimizer, 1024, 1),
      attention_of(Kernel::attention_forward),
      attention_of(Kernel::attention_backward),
      {.id = "decode", .kernel = Kernel::attention_decode, .rows = 1, .width = 2, .sequence = 40},
      layer_of(Kernel::moe_layer_forward, kFp8),
      layer_of(Kernel::moe_layer_backward, kFp8),
      layer_of(Kernel::moe_layer_forward, kBf16),
      layer_of(Kernel::moe_layer_backward, kBf16)};
}

std::unique_ptr<Backend> emulated_gpu() {
  return std::move(std::get<std::unique_ptr<Backend>>(make_cuda_backend(0)));
}

void expect_bench(Backend& backend, const Measurement& m) {
  auto prepared = backend.prepare(m, kSizes);
  ASSERT_TRUE(std::holds_alternative<std::unique_ptr<Bench>>(prepared))
      << key_of(m) << ": " << std::get<NotMeasured>(prepared).reason;
  Bench& bench = *std::get<std::unique_ptr<Bench>>(prepared);
  const std::vector<CheckResult> checks = bench.check(3);
  EXPECT_EQ(checks.empty(), m.kernel == Kernel::empty) << key_of(m);
  for (const CheckResult& check : checks) {
    EXPECT_TRUE(check.holds()) << key_of(m) << " by " << bench.implementation() << ": "
                               << check.reference << " " << check.metric << " " << check.value;
  }
  const std::vector<Seconds> times = bench.run(1);
  ASSERT_EQ(times.size(), 1U);
  EXPECT_GT(times.front(), Seconds{}) << key_of(m);
  const bool is_fp8_product =
      m.kernel == Kernel::product && m.precision == spec::Precision::fp8_blockwise;
  if (is_fp8_product) {
    EXPECT_NE(bench.implementation().find("(wrong: wrong results)"), std::string::npos)
        << bench.implementation();
  }
}

TEST(EmulatedBackend, EveryKernelsResultsHold) {
  const std::unique_ptr<Backend> gpu = emulated_gpu();
  std::set<Kernel> kernels;
  for (const Measurement& m : small_ones()) {
    expect_bench(*gpu, m);
    kernels.insert(m.kernel);
  }
  EXPECT_EQ(kernels.size(), static_cast<std::size_t>(Kernel::moe_layer_backward) + 1);
}

TEST(EmulatedBackend, MaskedRowsAreOnlyForTheGroupedKernel) {
  const std::unique_ptr<Backend> gpu = emulated_gpu();
  const Measurement m{.id = "grouped_gemm.fp8",
                      .precision = spec::Precision::fp8_blockwise,
                      .shape = {.groups = 2, .m = 16, .n = 128, .k = 128},
                      .layout = RowLayout::masked};
  auto prepared = gpu->prepare(m, kSizes);
  Bench& bench = *std::get<std::unique_ptr<Bench>>(prepared);
  // The only kernel that takes them is wrong here, and so there is nothing to time.
  bool all_hold = true;
  for (const CheckResult& check : bench.check(3)) all_hold = all_hold && check.holds();
  EXPECT_FALSE(all_hold);
  EXPECT_EQ(bench.implementation(), "wrong");
}

TEST(EmulatedBackend, SaysWhatItIs) {
  const std::unique_ptr<Backend> gpu = emulated_gpu();
  const Environment& e = gpu->environment();
  EXPECT_EQ(e.backend, "cuda");
  EXPECT_EQ(e.compute_capability, "9.0");
  EXPECT_EQ(e.sms, 4);
  EXPECT_EQ(e.gpu_id.size(), 12U);
  EXPECT_TRUE(e.libraries.contains("cublasLt"));
  EXPECT_EQ(gpu->telemetry().sm_clock_mhz, 0);
}

}  // namespace
}  // namespace planewise::calibration
