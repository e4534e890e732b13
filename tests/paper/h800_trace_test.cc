// The compute phases of the H800 training trace (github deepseek-ai/profile-data, train.json: one
// MoE layer of DeepSeek-V3, 4,096 tokens, EP64, 112 SMs beside communication) from the rates of
// h800_published. Its rates were fitted to the trace's kernels by category, over all phases at
// once; here each phase is put together again and held against its span.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "spec/read.h"
#include "workload/make_job.h"

namespace planewise {
namespace {

constexpr spec::OperatorPlace kPlace{.sms = 112, .beside = spec::Beside::communication};

/// `work`: FLOPs of a flop_rate, bytes of a byte_rate; of products the shape.
struct Call {
  std::string id;
  double work = 0;
  spec::GemmShape shape{};
};

struct PhaseOfTrace {
  std::string name;
  double span_us;  ///< Mean over the four layers, first kernel's start to last one's end.
  std::vector<Call> calls;
};

Call product(const std::string& id, const spec::GemmShape& shape) {
  return {.id = id, .work = 0, .shape = shape};
}
Call dense(std::int64_t n, std::int64_t k) {
  return product("gemm.fp8", {.groups = 1, .m = 4096, .n = n, .k = k});
}
Call grouped(std::int64_t n, std::int64_t k) {
  return product("grouped_gemm.fp8", {.groups = 4, .m = 8192, .n = n, .k = k});
}

/// Seconds of a product: a point of its shape, else the model over FLOPs and bytes (e4m3 with a
/// scale of 4 bytes for each 128 in, BF16 out; BF16 throughout in gemm.bf16).
double product_time(const spec::OperatorCurve& curve, const spec::GemmShape& shape) {
  const auto g = static_cast<double>(shape.groups);
  const auto m = static_cast<double>(shape.m);
  const auto n = static_cast<double>(shape.n);
  const auto k = static_cast<double>(shape.k);
  const Flop work = flop(2 * g * m * n * k);
  for (const spec::GemmPoint& point : curve.points) {
    if (point.shape == shape) return (work / point.rate).base();
  }
  const bool is_bf16 = curve.id == "gemm.bf16";
  const double operands = is_bf16 ? 2 * (m * k + n * k) : m * k * (1 + 4.0 / 128) + n * k;
  return (curve.overhead + work / curve.flop_rate +
          bytes(g * (operands + 2 * m * n)) / curve.memory_rate)
      .base();
}

double time_of(const spec::ProfileSpec& profile, const Call& call) {
  const spec::OperatorCurve* curve = spec::find_operator(profile, call.id, kPlace);
  EXPECT_NE(curve, nullptr) << call.id;
  if (curve == nullptr) return 0;
  const double gaps = curve->kernels * profile.gpu.kernel_gap.base();
  switch (curve->form) {
    case spec::OperatorForm::gemm:
      return gaps + product_time(*curve, call.shape);
    case spec::OperatorForm::flop_rate:
      return gaps + (flop(call.work) / curve->flop_rate).base();
    case spec::OperatorForm::byte_rate:
    case spec::OperatorForm::roofline:
      return gaps + (bytes(call.work) / curve->memory_rate).base();
  }
  return 0;
}

// Work and bytes: docs/profiles.md, "Rates from the training trace". Spans: means of the trace.
std::vector<PhaseOfTrace> phases() {
  const spec::GemmShape router{.groups = 1, .m = 4096, .n = 256, .k = 7168};
  const spec::GemmShape router_input{.groups = 1, .m = 4096, .n = 7168, .k = 256};
  const spec::GemmShape router_weight{.groups = 1, .m = 256, .n = 7168, .k = 4096};
  return {
      {"attn(F)",
       4599,
       {dense(2112, 7168), dense(24576, 1536), dense(32768, 512), dense(7168, 16384),
        product("gemm.bf16", router), Call{"attention_mla.forward", 687.2e9},
        Call{"norm", 268.44e6}, Call{"rope", 135.27e6}, Call{"copy", 605.03e6},
        Call{"elementwise", 176.16e6}, Call{"quantise", 406.85e6}, Call{"router", 4.19e6}}},
      {"mlp(F)",
       4641,
       {grouped(4096, 7168), grouped(7168, 2048), dense(4096, 7168), dense(7168, 2048),
        Call{"permute", 1423.97e6}, Call{"swiglu", 452.98e6}, Call{"quantise", 228.85e6},
        Call{"elementwise", 58.72e6}}},
      {"mlp(B)",
       5363,
       {grouped(2048, 7168), grouped(7168, 4096), dense(2048, 7168), dense(7168, 4096),
        Call{"norm", 117.44e6}, Call{"permute", 1423.97e6}, Call{"swiglu", 1207.96e6},
        Call{"quantise.backward", 2517.37e6}, Call{"elementwise", 58.72e6}}},
      {"attn(B)",
       9540,
       {dense(24576, 1536), dense(32768, 512), dense(16384, 7168), dense(1536, 24576),
        dense(512, 32768), dense(7168, 2112), product("gemm.bf16", router_input),
        product("gemm.bf16", router_weight), Call{"attention_mla.backward", 1718.0e9},
        Call{"norm", 553.65e6}, Call{"rope", 270.53e6}, Call{"copy", 1210.06e6},
        Call{"elementwise", 352.32e6}, Call{"quantise.backward", 1997.68e6}}},
      {"attn(W)", 2396, {Call{"wgrad.fp8", 1532.8e9}}},
      {"mlp(W)", 5073, {Call{"wgrad.fp8", 3247.0e9}}},
  };
}

TEST(H800Trace, ComputePhasesComeOut) {
  spec::Diagnostics diagnostics;
  const spec::ProfileSpec profile =
      spec::read_profile(test::root_path("calibration/profiles/h800_published.yaml"), diagnostics);
  diagnostics.throw_if_any();
  double ours = 0;
  double spans = 0;
  for (const PhaseOfTrace& phase : phases()) {
    double time = 0;
    for (const Call& call : phase.calls) time += time_of(profile, call) * 1e6;
    EXPECT_NEAR(time / phase.span_us, 1, 0.08) << phase.name << ": " << time << " us";
    ours += time;
    spans += phase.span_us;
  }
  EXPECT_NEAR(ours / spans, 1, 0.02);
}

}  // namespace
}  // namespace planewise
