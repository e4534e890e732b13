// What a profile says of how it was measured: valid sizes, errors, pieces, provenance.
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "spec/example_files.h"
#include "spec/read.h"
#include "spec/yaml_document.h"

namespace planewise::spec {
namespace {

ProfileSpec profile_of(const std::string& text) {
  Diagnostics diagnostics;
  ProfileSpec profile = read_profile(parse_document("p.yaml", text, diagnostics), diagnostics);
  EXPECT_TRUE(diagnostics.empty())
      << (diagnostics.empty() ? "" : InputError(diagnostics.list()).what());
  return profile;
}

/// The example profile with `lines` behind the line `after`.
std::string with_lines(const std::string& after, const std::string& lines) {
  return test::changed(test::kProfile, after, after + lines);
}

TEST(Profile, HasNoneOfItUnlessItSaysSo) {
  const ProfileSpec profile = profile_of(std::string(test::kProfile));
  EXPECT_FALSE(profile.provenance);
  EXPECT_TRUE(profile.not_measured.empty());
  EXPECT_TRUE(profile.sums.empty());
  for (const OperatorCurve& curve : profile.operators) {
    EXPECT_FALSE(curve.valid || curve.held_out || curve.check) << curve.id;
    EXPECT_EQ(curve.implementation + curve.proxy, "") << curve.id;
    EXPECT_TRUE(curve.pieces.empty()) << curve.id;
  }
  EXPECT_EQ(profile.operators[2].overhead, Seconds{});
}

TEST(Profile, SaysHowWellAnOperatorIsKnown) {
  const ProfileSpec profile =
      profile_of(with_lines("    source: a\n", R"(    implementation: cublaslt_loop
    proxy: bf16 for fp8
    check: {metric: relative L2, value: 0.03, limit: 0.05}
    held_out: {points: 4, median: 2.1 %, p90: 5 %, most: 6.8 %}
    in_step: {share: 90 %, evidence: estimated, source: a guess}
)"));
  const OperatorCurve& curve = profile.operators[0];
  EXPECT_EQ(curve.implementation, "cublaslt_loop");
  EXPECT_EQ(curve.proxy, "bf16 for fp8");
  EXPECT_EQ(curve.in_step_source, "a guess");
  ASSERT_TRUE(curve.check);
  EXPECT_EQ(curve.check->metric, "relative L2");
  EXPECT_EQ(curve.check->value, 0.03);
  EXPECT_EQ(curve.check->limit, 0.05);
  ASSERT_TRUE(curve.held_out);
  EXPECT_EQ(curve.held_out->points, 4);
  EXPECT_DOUBLE_EQ(curve.held_out->median, 0.021);
  EXPECT_DOUBLE_EQ(curve.held_out->p90, 0.05);
  EXPECT_DOUBLE_EQ(curve.held_out->most, 0.068);
}

TEST(Profile, IsValidByWhatTheFormHangsOn) {
  const ProfileSpec gemm =
      profile_of(with_lines("    source: a\n", "    valid: {rows: [128, 16384]}\n"));
  ASSERT_TRUE(gemm.operators[0].valid);
  EXPECT_EQ(gemm.operators[0].valid->least, 128);
  EXPECT_EQ(gemm.operators[0].valid->most, 16384);
  const ProfileSpec attention =
      profile_of(with_lines("    source: b\n", "    valid: {sequence: [1024, 1024]}\n"));
  ASSERT_TRUE(attention.operators[1].valid);
  EXPECT_EQ(attention.operators[1].valid->most, 1024);
  const ProfileSpec norm =
      profile_of(with_lines("    source: c\n", "    valid: {traffic: [1 MB, 2 GB]}\n"));
  ASSERT_TRUE(norm.operators[2].valid);
  EXPECT_EQ(norm.operators[2].valid->least, 1e6);
  EXPECT_EQ(norm.operators[2].valid->most, 2e9);
}

TEST(Profile, HasPiecesByTraffic) {
  const ProfileSpec profile = profile_of(with_lines("    source: c\n", R"(    overhead: 2 us
    pieces:
      - {from: 1 MB, overhead: 3 us, memory_rate: 2000 GB/s}
      - {from: 64 MB, overhead: 0 us, memory_rate: 3000 GB/s}
)"));
  const OperatorCurve& norm = profile.operators[2];
  EXPECT_EQ(norm.overhead, microseconds(2));
  EXPECT_EQ(norm.memory_rate, gigabytes_per_second(1090));
  ASSERT_EQ(norm.pieces.size(), 2U);
  EXPECT_EQ(norm.pieces[0].from, bytes(1e6));
  EXPECT_EQ(norm.pieces[0].overhead, microseconds(3));
  EXPECT_EQ(norm.pieces[1].overhead, Seconds{});
  EXPECT_EQ(norm.pieces[1].memory_rate, gigabytes_per_second(3000));
}

TEST(Profile, SaysHowItWasMeasuredAndWhatWasNot) {
  const ProfileSpec profile = profile_of(with_lines("source: made up\n", R"(provenance:
  tool: planewise-calibrate 0.1.0 (abc)
  backend: cuda
  measured: 2026-01-02T03:04:05Z
  gpu_id: 0123abcd
  driver: "580.65"
  libraries: {cublasLt: "13.1.0", cudnn: "9.19.0"}
  compiler: nvcc 13.0
  raw_sha256: ff00
  points: 120
  samples: 4000
  clock_mhz_min: 1500
  clock_mhz_max: 1980
  power_w: 640.5
  throttle: [sw_power_cap]
not_measured:
  - {id: ring, reason: one GPU}
sums:
  - {id: moe_layer.forward, operators: 1.9 ms, whole: 2 ms, limit: 5 %}
)"));
  ASSERT_TRUE(profile.provenance);
  const Provenance& p = *profile.provenance;
  EXPECT_EQ(p.tool, "planewise-calibrate 0.1.0 (abc)");
  EXPECT_EQ(p.backend, "cuda");
  EXPECT_EQ(p.measured, "2026-01-02T03:04:05Z");
  EXPECT_EQ(p.gpu_id, "0123abcd");
  EXPECT_EQ(p.driver, "580.65");
  EXPECT_EQ(p.libraries,
            (std::map<std::string, std::string>{{"cublasLt", "13.1.0"}, {"cudnn", "9.19.0"}}));
  EXPECT_EQ(p.compiler, "nvcc 13.0");
  EXPECT_EQ(p.raw_sha256, "ff00");
  EXPECT_EQ(p.points, 120);
  EXPECT_EQ(p.samples, 4000);
  EXPECT_EQ(p.clock_mhz_min, 1500);
  EXPECT_EQ(p.clock_mhz_max, 1980);
  EXPECT_EQ(p.power_w, 640.5);
  EXPECT_EQ(p.throttle, std::vector<std::string>{"sw_power_cap"});
  ASSERT_EQ(profile.not_measured.size(), 1U);
  EXPECT_EQ(profile.not_measured[0].id, "ring");
  EXPECT_EQ(profile.not_measured[0].reason, "one GPU");
  ASSERT_EQ(profile.sums.size(), 1U);
  EXPECT_EQ(profile.sums[0].id, "moe_layer.forward");
  EXPECT_EQ(profile.sums[0].operators, milliseconds(1.9));
  EXPECT_EQ(profile.sums[0].whole, milliseconds(2));
  EXPECT_DOUBLE_EQ(profile.sums[0].limit, 0.05);
}

TEST(Profile, MayHaveNoCurves) {
  std::string text(test::kProfile);
  text = text.substr(0, text.find("operators:\n")) + "operators: []\ncollectives: []\n";
  const ProfileSpec profile = profile_of(text);
  EXPECT_TRUE(profile.operators.empty());
  EXPECT_TRUE(profile.collectives.empty());
}

}  // namespace
}  // namespace planewise::spec
