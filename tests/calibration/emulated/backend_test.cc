// The CUDA backend on an emulated GPU: every bench makes its inputs, launches, checks, captures and
// replays. What remains for a real one are cuBLASLt, races and time.
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "calibration/cuda/gpu_bench.h"
#include "calibration/measure/backend.h"
#include "emulator.h"

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

TEST(EmulatedBackend, MaskedRowsAreForTheGroupedKernel) {
  const std::unique_ptr<Backend> gpu = emulated_gpu();
  const Measurement m{.id = "grouped_gemm.fp8",
                      .precision = spec::Precision::fp8_blockwise,
                      .shape = {.groups = 2, .m = 16, .n = 128, .k = 128},
                      .spread = RowSpread::uneven,
                      .layout = RowLayout::masked};
  expect_bench(*gpu, m);
  auto prepared = gpu->prepare(m, kSizes);
  EXPECT_EQ(std::get<std::unique_ptr<Bench>>(prepared)->implementation(), "pw_grouped_wgmma");
}

/// Copies x to y, or forgets to.
GpuWork copy_work(const std::shared_ptr<std::vector<float>>& y, const char* name, float result) {
  return {
      .fill = [](std::uint64_t, cudaStream_t) {},
      .poison = [y](cudaStream_t) { y->front() = NAN; },
      .launch = [y, result](
                    int, cudaStream_t) { emulated::submit([y, result] { y->front() = result; }); },
      .compare =
          [y](std::uint64_t, cudaStream_t) {
            return std::vector<CheckResult>{
                {.metric = "difference", .value = std::abs(y->front() - 1), .limit = 0.1}};
          },
      .implementation = name};
}

TEST(EmulatedBackend, AWrongKernelIsFoundOut) {
  auto opened = Device::open(0);
  const Device& device = *std::get<std::unique_ptr<Device>>(opened);
  const auto y = std::make_shared<std::vector<float>>(1);
  const Measurement m{.kernel = Kernel::copy};
  const auto bench =
      make_best_bench({copy_work(y, "wrong", 2), copy_work(y, "right", 1)}, m, device);
  ASSERT_EQ(bench->check(1).size(), 1U);
  EXPECT_TRUE(bench->check(1).front().holds());
  EXPECT_EQ(bench->implementation(), "right (wrong: wrong results)");
  EXPECT_EQ(bench->run(2).size(), 2U);

  const auto wrong =
      make_best_bench({copy_work(y, "wrong", 2), copy_work(y, "lost", NAN)}, m, device);
  EXPECT_FALSE(wrong->check(1).front().holds());
  EXPECT_EQ(wrong->implementation(), "wrong, lost");
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
