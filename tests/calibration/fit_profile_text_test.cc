// A profile as YAML is read back as the same profile.
#include "calibration/fit/profile_text.h"

#include <gtest/gtest.h>

#include <cmath>

#include "calibration/fit/yaml_text.h"
#include "spec/read.h"
#include "spec/temporary_folder.h"

namespace planewise::calibration {
namespace {

constexpr double kSixDigits = 5.1e-6;  // half a unit of the sixth digit, of numbers from 1.00000

spec::ProfileSpec read(const std::string& text) {
  const test::TemporaryFolder folder;
  spec::Diagnostics diagnostics;
  spec::ProfileSpec profile = spec::read_profile(folder.write("p.yaml", text), diagnostics);
  for (const spec::Diagnostic& d : diagnostics.list()) ADD_FAILURE() << spec::render(d);
  return profile;
}

void expect_near(double a, double b, const std::string& what) {
  EXPECT_LE(std::abs(a - b), kSixDigits * std::abs(b)) << what << ": " << a << " and " << b;
}

template <class Quantity>
void expect_same(Quantity a, Quantity b, const std::string& what) {
  expect_near(a.base(), b.base(), what);
}

void expect_same(const spec::OperatorCurve& a, const spec::OperatorCurve& b) {
  const std::string& id = b.id;
  EXPECT_EQ(a.id, b.id);
  EXPECT_EQ(a.form, b.form) << id;
  EXPECT_EQ(a.sms, b.sms) << id;
  EXPECT_EQ(a.beside, b.beside) << id;
  EXPECT_EQ(a.evidence, b.evidence) << id;
  EXPECT_EQ(a.source, b.source) << id;
  EXPECT_EQ(a.kernels, b.kernels) << id;
  EXPECT_EQ(a.tile, b.tile) << id;
  EXPECT_EQ(a.implementation, b.implementation) << id;
  EXPECT_EQ(a.proxy, b.proxy) << id;
  EXPECT_EQ(a.model_evidence, b.model_evidence) << id;
  EXPECT_EQ(a.in_step_source, b.in_step_source) << id;
  expect_near(a.in_step, b.in_step, id + " in_step");
  expect_same(a.flop_rate, b.flop_rate, id + " flop_rate");
  expect_same(a.memory_rate, b.memory_rate, id + " memory_rate");
  expect_same(a.overhead, b.overhead, id + " overhead");
  ASSERT_EQ(a.points.size(), b.points.size()) << id;
  for (std::size_t i = 0; i < a.points.size(); ++i) {
    EXPECT_EQ(a.points[i].shape, b.points[i].shape) << id;
    expect_same(a.points[i].rate, b.points[i].rate, id + " point");
  }
  ASSERT_EQ(a.sequences.size(), b.sequences.size()) << id;
  for (std::size_t i = 0; i < a.sequences.size(); ++i) {
    EXPECT_EQ(a.sequences[i].sequence, b.sequences[i].sequence) << id;
    expect_same(a.sequences[i].rate, b.sequences[i].rate, id + " sequence");
  }
  ASSERT_EQ(a.pieces.size(), b.pieces.size()) << id;
  for (std::size_t i = 0; i < a.pieces.size(); ++i) {
    expect_same(a.pieces[i].from, b.pieces[i].from, id + " from");
    expect_same(a.pieces[i].overhead, b.pieces[i].overhead, id + " piece");
    expect_same(a.pieces[i].memory_rate, b.pieces[i].memory_rate, id + " piece");
  }
  ASSERT_EQ(a.valid.has_value(), b.valid.has_value()) << id;
  if (a.valid) expect_near(a.valid->least, b.valid->least, id + " valid");
  if (a.valid) expect_near(a.valid->most, b.valid->most, id + " valid");
  ASSERT_EQ(a.held_out.has_value(), b.held_out.has_value()) << id;
  if (a.held_out) {
    EXPECT_EQ(a.held_out->points, b.held_out->points) << id;
    expect_near(a.held_out->median, b.held_out->median, id + " held out");
    expect_near(a.held_out->p90, b.held_out->p90, id + " held out");
    expect_near(a.held_out->most, b.held_out->most, id + " held out");
  }
  ASSERT_EQ(a.check.has_value(), b.check.has_value()) << id;
  if (a.check) {
    EXPECT_EQ(a.check->metric, b.check->metric) << id;
    expect_near(a.check->value, b.check->value, id + " check");
    expect_near(a.check->limit, b.check->limit, id + " check");
  }
}

void expect_same(const spec::CollectiveCurve& a, const spec::CollectiveCurve& b) {
  EXPECT_EQ(a.id, b.id);
  EXPECT_EQ(a.beside, b.beside) << b.id;
  EXPECT_EQ(a.chunk_tokens, b.chunk_tokens) << b.id;
  EXPECT_EQ(a.evidence, b.evidence) << b.id;
  EXPECT_EQ(a.source, b.source) << b.id;
  expect_same(a.latency, b.latency, b.id);
  expect_near(a.rail_efficiency, b.rail_efficiency, b.id);
  expect_near(a.nvlink_efficiency, b.nvlink_efficiency, b.id);
  ASSERT_EQ(a.pieces.size(), b.pieces.size()) << b.id;
  for (std::size_t i = 0; i < a.pieces.size(); ++i) {
    expect_same(a.pieces[i].from, b.pieces[i].from, b.id);
    expect_same(a.pieces[i].latency, b.pieces[i].latency, b.id);
    expect_near(a.pieces[i].rail_efficiency, b.pieces[i].rail_efficiency, b.id);
    expect_near(a.pieces[i].nvlink_efficiency, b.pieces[i].nvlink_efficiency, b.id);
  }
}

void expect_same(const spec::ProfileSpec& a, const spec::ProfileSpec& b) {
  EXPECT_EQ(a.name, b.name);
  EXPECT_EQ(a.source, b.source);
  EXPECT_EQ(a.gpu.name, b.gpu.name);
  EXPECT_EQ(a.gpu.sms, b.gpu.sms);
  EXPECT_EQ(a.gpu.source, b.gpu.source);
  expect_same(a.gpu.bf16_peak, b.gpu.bf16_peak, "bf16_peak");
  expect_same(a.gpu.kernel_gap, b.gpu.kernel_gap, "kernel_gap");
  expect_same(a.gpu.memory_rate, b.gpu.memory_rate, "memory_rate");
  expect_same(a.gpu.memory, b.gpu.memory, "memory");
  ASSERT_EQ(a.operators.size(), b.operators.size());
  for (std::size_t i = 0; i < a.operators.size(); ++i) expect_same(a.operators[i], b.operators[i]);
  ASSERT_EQ(a.collectives.size(), b.collectives.size());
  for (std::size_t i = 0; i < a.collectives.size(); ++i) {
    expect_same(a.collectives[i], b.collectives[i]);
  }
  ASSERT_EQ(a.not_measured.size(), b.not_measured.size());
  for (std::size_t i = 0; i < a.not_measured.size(); ++i) {
    EXPECT_EQ(a.not_measured[i].id, b.not_measured[i].id);
    EXPECT_EQ(a.not_measured[i].reason, b.not_measured[i].reason);
  }
  ASSERT_EQ(a.sums.size(), b.sums.size());
  for (std::size_t i = 0; i < a.sums.size(); ++i) {
    EXPECT_EQ(a.sums[i].id, b.sums[i].id);
    expect_same(a.sums[i].operators, b.sums[i].operators, "sum");
    expect_same(a.sums[i].whole, b.sums[i].whole, "sum");
    expect_near(a.sums[i].limit, b.sums[i].limit, "sum");
  }
}

class PublishedProfiles : public testing::TestWithParam<const char*> {};

TEST_P(PublishedProfiles, AreReadBackTheSame) {
  spec::Diagnostics diagnostics;
  const spec::ProfileSpec profile = spec::read_profile(
      std::string(PLANEWISE_ROOT) + "/calibration/profiles/" + GetParam() + ".yaml", diagnostics);
  ASSERT_TRUE(diagnostics.empty());
  expect_same(read(profile_text(profile, "Written by a test")), profile);
}

INSTANTIATE_TEST_SUITE_P(All, PublishedProfiles,
                         testing::Values("h800_published", "h200_published", "h100_published",
                                         "b200_published", "a100_published"));

spec::ProfileSpec full_profile() {
  spec::OperatorCurve gemm{.id = "gemm.fp8",
                           .form = spec::OperatorForm::gemm,
                           .sms = 132,
                           .evidence = spec::Evidence::measured,
                           .source = R"(a "quoted" \ text: # no comment)",
                           .points = {{.shape = {.groups = 4, .m = 16, .n = 4096, .k = 7168},
                                       .rate = teraflops(1346.123456)}},
                           .kernels = 4,
                           .flop_rate = teraflops(1234567.891),
                           .memory_rate = gigabytes_per_second(1e6),
                           .overhead = Seconds{},
                           .model_evidence = spec::Evidence::fitted,
                           .in_step = 0.894,
                           .in_step_evidence = spec::Evidence::estimated,
                           .in_step_source = "a share",
                           .tile = 128,
                           .valid = spec::ValidRange{.least = 16, .most = 16384},
                           .held_out = spec::HeldOutError{5, 0.0212345678, 0.05, 0.1234567},
                           .implementation = "cublaslt_loop",
                           .proxy = "bf16 for fp8",
                           .check = spec::ResultCheck{"difference", 1.234567e-5, 5e-5}};
  spec::OperatorCurve norm{
      .id = "norm",
      .form = spec::OperatorForm::byte_rate,
      .sms = 112,
      .beside = spec::Beside::communication,
      .evidence = spec::Evidence::fitted,
      .source = "measured",
      .memory_rate = gigabytes_per_second(0.000123456789),
      .overhead = microseconds(0.00001234567),
      .pieces = {{bytes(45254833.99), microseconds(2), bytes_per_second(3e12)}},
      .valid = spec::ValidRange{.least = 1, .most = 2.123456789e9}};
  spec::OperatorCurve attention{.id = "attention_mla.forward",
                                .form = spec::OperatorForm::flop_rate,
                                .sms = 132,
                                .evidence = spec::Evidence::measured,
                                .source = "measured",
                                .sequences = {{1024, teraflops(400)}, {8192, teraflops(600)}},
                                .flop_rate = teraflops(600),
                                .valid = spec::ValidRange{.least = 1024, .most = 8192}};
  return {
      .name = "no",  // which YAML takes for false
      .source = "a test",
      .provenance = spec::Provenance{.tool = "planewise-calibrate \"1\"",
                                     .backend = "cuda",
                                     .measured = "2026-11-25T05:11:20Z",
                                     .gpu_id = "012345678912",
                                     .driver = "580.65",
                                     .libraries = {{"cublasLt", "13.1"}, {"a b", "2"}, {"c", ""}},
                                     .compiler = "nvcc",
                                     .raw_sha256 = std::string(64, '1'),
                                     .points = 48,
                                     .samples = 4320,
                                     .clock_mhz_min = 1700,
                                     .clock_mhz_max = 1980,
                                     .power_w = 650.25,
                                     .throttle = {"sw_power_cap"}},
      .not_measured = {{"gelu", "not in the \"raw\" file"}},
      .sums = {{"layer.forward of 4096 tokens", microseconds(96), microseconds(100), 0.05}},
      .gpu = {.name = "NVIDIA H200",
              .sms = 132,
              .bf16_peak = teraflops(989),
              .kernel_gap = microseconds(1.95),
              .memory_rate = gigabytes_per_second(4251.23),
              .memory = bytes(150754820096),
              .source = "a test"},
      .operators = {gemm, norm, attention},
      .collectives = {{.id = "ring",
                       .latency = microseconds(2.35),
                       .rail_efficiency = 0.881,
                       .nvlink_efficiency = 0.629,
                       .chunk_tokens = 32,
                       .beside = spec::Beside::compute,
                       .pieces = {{bytes(1e6), microseconds(3), 0.9, 0.7}},
                       .evidence = spec::Evidence::fitted,
                       .source = "a test"}}};
}

TEST(ProfileText, EverythingIsReadBackTheSame) {
  const spec::ProfileSpec profile = full_profile();
  const spec::ProfileSpec again = read(profile_text(profile, "one\ntwo\x1b"));
  expect_same(again, profile);
  ASSERT_TRUE(again.provenance.has_value());
  const spec::Provenance& p = *again.provenance;
  EXPECT_EQ(p.tool, profile.provenance->tool);
  EXPECT_EQ(p.gpu_id, "012345678912");
  EXPECT_EQ(p.raw_sha256, std::string(64, '1'));
  EXPECT_EQ(p.libraries, (std::map<std::string, std::string>{{"a b", "2"}, {"cublasLt", "13.1"}}));
  EXPECT_EQ(p.points, 48);
  EXPECT_EQ(p.samples, 4320);
  EXPECT_EQ(p.clock_mhz_min, 1700);
  EXPECT_EQ(p.power_w, 650.25);
  EXPECT_EQ(p.throttle, profile.provenance->throttle);
}

TEST(ProfileText, NothingInItIsReadBackTheSame) {
  spec::ProfileSpec profile = full_profile();
  profile.operators.clear();
  profile.collectives.clear();
  profile.provenance.reset();
  profile.not_measured.clear();
  profile.sums.clear();
  expect_same(read(profile_text(profile, "")), profile);
}

TEST(ProfileText, BeginsWithItsHeading) {
  EXPECT_TRUE(profile_text(full_profile(), "one\ntwo")
                  .starts_with("# one\n# two\nplanewise_calibration: 1\nname: \"no\"\n"));
}

TEST(YamlNumber, HasSixDigitsAndNoExponent) {
  EXPECT_EQ(yaml_number(0), "0");
  EXPECT_EQ(yaml_number(1346.123456), "1346.12");
  EXPECT_EQ(yaml_number(1e6), "1000000");
  EXPECT_EQ(yaml_number(1234567.891), "1234570");
  EXPECT_EQ(yaml_number(999999.9), "1000000");
  EXPECT_EQ(yaml_number(0.00001234567), "0.0000123457");
  EXPECT_EQ(yaml_number(-2.5e-7), "-0.00000025");
}

}  // namespace
}  // namespace planewise::calibration
