// One profile from several, and what is told of a profile.
#include "calibration/report/merge.h"

#include <gtest/gtest.h>

#include "calibration/report/profile_report.h"

namespace planewise::calibration {
namespace {

spec::ProfileSpec profile(const std::string& name, std::vector<spec::OperatorCurve> operators) {
  return {.name = name,
          .source = "a test",
          .gpu = {.name = "NVIDIA H200", .sms = 132},
          .operators = std::move(operators)};
}

TEST(Merge, TakesWhatTheFirstLacks) {
  spec::ProfileSpec first =
      profile("ours", {{.id = "norm", .sms = 132, .memory_rate = gigabytes_per_second(4000)}});
  first.not_measured = {{.id = "attention_forward", .reason = "no cuDNN"},
                        {.id = "gelu", .reason = "not in the model"}};
  const spec::ProfileSpec other =
      profile("theirs", {{.id = "norm", .sms = 132, .memory_rate = gigabytes_per_second(1)},
                         {.id = "norm", .sms = 112, .memory_rate = gigabytes_per_second(3000)},
                         {.id = "attention_forward", .sms = 132, .source = "a table"}});
  const Merged merged = merge_profiles(first, {other});
  const auto& operators = merged.profile.operators;
  ASSERT_EQ(operators.size(), 3U);
  EXPECT_EQ(operators[0].memory_rate, gigabytes_per_second(4000));  // the first profile wins
  EXPECT_EQ(operators[1].sms, 112);  // another place is another entry
  EXPECT_EQ(operators[2].source, "a table (from theirs)");
  ASSERT_EQ(merged.profile.not_measured.size(), 1U);  // attention is there now
  EXPECT_EQ(merged.profile.not_measured[0].id, "gelu");
  ASSERT_EQ(merged.taken.size(), 2U);
  EXPECT_EQ(merged.taken[0].what, "norm, 112 SMs");
  EXPECT_EQ(merged.taken[0].from, "theirs");
}

TEST(Merge, TakesFromEarlierProfilesFirst) {
  const Merged merged = merge_profiles(
      profile("a", {}),
      {profile("b", {{.id = "norm", .kernels = 2}}), profile("c", {{.id = "norm", .kernels = 3}})});
  ASSERT_EQ(merged.profile.operators.size(), 1U);
  EXPECT_EQ(merged.profile.operators[0].kernels, 2);
}

TEST(Merge, RefusesAnotherGpu) {
  spec::ProfileSpec other = profile("theirs", {});
  other.gpu.name = "NVIDIA B200";
  try {
    merge_profiles(profile("ours", {}), {other});
    FAIL() << "it merged";
  } catch (const spec::InputError& error) {
    ASSERT_EQ(error.diagnostics().size(), 1U);
    EXPECT_NE(error.diagnostics()[0].message.find("'NVIDIA B200' with 132 SMs is another GPU"),
              std::string::npos);
  }
}

TEST(Merge, KnowsAGpuByItsChip) {
  spec::ProfileSpec other = profile("published", {{.id = "norm"}});
  other.gpu.name = "H200-SXM-141GB";
  EXPECT_EQ(merge_profiles(profile("ours", {}), {other}).taken.size(), 1U);
  other.gpu.sms = 114;
  EXPECT_THROW(merge_profiles(profile("ours", {}), {other}), spec::InputError);
}

TEST(Findings, OfAGoodProfileAreNone) {
  const ProfileFindings findings = find_problems(
      profile("ours", {{.id = "norm", .held_out = spec::HeldOutError{.p90 = 0.09}}}), 0.10);
  EXPECT_TRUE(findings.lines.empty());
  EXPECT_FALSE(findings.is_beyond_limit);
}

TEST(Findings, NameWhatIsBeyondItsLimit) {
  spec::ProfileSpec bad =
      profile("ours", {{.id = "norm", .held_out = spec::HeldOutError{.p90 = 0.11}},
                       {.id = "router", .check = spec::ResultCheck{"mismatches", 1, 0}},
                       {.id = "gemm.fp8", .proxy = "bf16 for fp8"}});
  // Operators 95 us, layer 100 us: 5 % is still within, 6 % is not.
  bad.sums = {
      {.id = "near", .operators = microseconds(96), .whole = microseconds(100), .limit = 0.05},
      {.id = "far", .operators = microseconds(94), .whole = microseconds(100), .limit = 0.05}};
  const ProfileFindings findings = find_problems(bad, 0.10);
  ASSERT_EQ(findings.lines.size(), 4U);
  EXPECT_EQ(findings.lines[0], "norm: misses points held out by 11.0 % (p90)");
  EXPECT_EQ(findings.lines[1], "router: results are WRONG, mismatches 1 over the limit 0");
  EXPECT_EQ(findings.lines[2], "gemm.fp8: bf16 for fp8 was timed in its stead");
  EXPECT_TRUE(findings.lines[3].starts_with("far: its operators take 94.0 %"));
  EXPECT_TRUE(findings.is_beyond_limit);
  EXPECT_TRUE(findings.has_wrong_result);
}

TEST(Comparison, IsOfShapesThatBothMeasured) {
  const spec::GemmShape small{.m = 128, .n = 4096, .k = 7168};
  const spec::GemmShape large{.m = 4096, .n = 4096, .k = 7168};
  const auto gemm = [](std::vector<spec::GemmPoint> points) {
    return profile("p", {{.id = "gemm.fp8",
                          .form = spec::OperatorForm::gemm,
                          .sms = 132,
                          .points = std::move(points),
                          .flop_rate = teraflops(1500)}});
  };
  const Sheet sheet = comparison_sheet(gemm({{small, teraflops(500)}, {large, teraflops(1200)}}),
                                       gemm({{large, teraflops(1000)}}));
  ASSERT_EQ(sheet.rows.size(), 1U);
  EXPECT_EQ(sheet.rows[0][1].number, 1);                   // one shape
  EXPECT_DOUBLE_EQ(sheet.rows[0][3].number.value(), 1.2);  // 1200 / 1000
}

}  // namespace
}  // namespace planewise::calibration
