// Rates, operating points and costs of serving, by hand; what JSON and CSV have of them.
#include "report/serving.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "report/report.h"

namespace planewise::report {
namespace {

spec::InferenceSpec served() {
  spec::InferenceSpec spec;
  spec.requests = {{.prompt_length = 4000, .output_length = 1000}};
  spec::DecodeSpec decode;
  decode.unit.parallel.tensor = 4;
  decode.draft = spec::DraftSpec{.acceptance = {0.5}};
  spec.decode = decode;
  spec::PrefillSpec prefill;
  prefill.tokens = 8000;
  spec.prefill = prefill;
  return spec;
}

// 1.5 tokens of each of 80 sequences in 30 ms on 4 GPUs: TPOT 20 ms, 50 tokens/s a user, 1,000 a
// GPU; at 3.60 USD an hour, 0.001 USD a second and so a USD a million tokens.
TEST(MakePoint, DividesByTokensAndGpus) {
  const spec::InferenceSpec spec = served();
  const DecodePoint point =
      make_point({.spec = spec, .gpus_per_node = 8, .gpu_hour = usd(3.6)}, 80, milliseconds(30));
  EXPECT_DOUBLE_EQ(point.tpot.in(milliseconds(1)), 20);
  EXPECT_DOUBLE_EQ(point.tokens_per_s_per_user, 50);
  EXPECT_DOUBLE_EQ(point.tokens_per_s_per_gpu, 1000);
  EXPECT_DOUBLE_EQ(point.tokens_per_s_per_node, 8000);
  EXPECT_NEAR(point.usd_per_million_tokens->in(usd(1)), 1, 1e-12);
}

// 8,000 new tokens in 2 s; half of each prompt was cached: 16,000 prompt tokens, 4 prompts.
TEST(MakePrefill, CountsCachedTokens) {
  spec::InferenceSpec spec = served();
  spec.prefix_hit_rate = 0.5;
  const PrefillReport prefill = make_prefill({.spec = spec, .gpus_per_node = 8}, seconds(2));
  EXPECT_DOUBLE_EQ(prefill.prompts, 4);
  EXPECT_DOUBLE_EQ(prefill.tokens_per_s_per_gpu, 8000);
  EXPECT_FALSE(prefill.usd_per_million_tokens.has_value());
}

DecodePoint point_of(std::int64_t sequences, double tpot_ms) {
  return {.sequences = sequences,
          .tpot = milliseconds(tpot_ms),
          .tokens_per_s_per_gpu = 1e3 * static_cast<double>(sequences) / tpot_ms};
}

TEST(OperatingPointOf, HasTheMostThroughputWithinTheLimit) {
  const std::vector<DecodePoint> points = {point_of(1, 10), point_of(4, 20), point_of(8, 60)};
  EXPECT_EQ(operating_point(points, std::nullopt).index, 1U);  // 100, 200, 133 tokens/s
  EXPECT_EQ(operating_point(points, milliseconds(15)).index, 0U);
  const OperatingPoint none = operating_point(points, milliseconds(5));
  EXPECT_EQ(none.index, 0U);  // the fastest
  EXPECT_FALSE(none.meets_limit);
}

// 4 prompt tokens an output token; 1,000 output and 8,000 prompt tokens a second and GPU: half a
// prefill GPU a decode GPU, so output costs 1.5 times as much with its prompts.
ServingReport report_of(const spec::InferenceSpec& spec) {
  ServingReport report{.fabric = "f", .workload = "w"};
  const DecodeRates rates{.spec = spec, .gpu_hour = usd(3.6)};
  report.points = {make_point(rates, 80, milliseconds(30))};
  report.prefill = make_prefill(rates, seconds(1));
  report.transfer = CacheTransfer{.time = milliseconds(5)};
  complete_serving(rates, report);
  return report;
}

TEST(CompleteServing, AddsPromptsToTheCost) {
  const ServingReport apart = report_of(served());
  EXPECT_DOUBLE_EQ(*apart.prefill_per_decode_gpu, 0.5);
  EXPECT_NEAR(apart.usd_per_million_tokens->in(usd(1)), 1.5, 1e-12);
  EXPECT_DOUBLE_EQ(apart.ttft->in(milliseconds(1)), 1005);
  EXPECT_FALSE(apart.tokens_per_s_per_gpu_shared.has_value());
  spec::InferenceSpec together = served();
  together.shares_gpus = true;
  EXPECT_NEAR(*report_of(together).tokens_per_s_per_gpu_shared, 1000 / 1.5, 1e-9);
}

TEST(BoundsOf, IsByWhatSavesMost) {
  IterationTimes times{.as_is = milliseconds(10)};
  times.with_twice = {milliseconds(9), milliseconds(10), milliseconds(9.5), milliseconds(10),
                      milliseconds(7)};
  const Bounds bounds = bounds_of(times);
  EXPECT_EQ(bounds.by, workload::Resource::network_bandwidth);
  EXPECT_NEAR(bounds.saved[0], 0.1, 1e-12);
}

TEST(ServingJson, HasTheStableFieldsAndTheCurve) {
  Report report{.title = "t"};
  report.serving = {report_of(served())};
  report.serving[0].result.ranks = {{}};
  const auto json = nlohmann::json::parse(render(report, Format::json));
  const auto& run = json["runs"][0];
  EXPECT_DOUBLE_EQ(run["tpot_s"].get<double>(), 0.02);
  EXPECT_DOUBLE_EQ(run["ttft_s"].get<double>(), 1.005);
  EXPECT_DOUBLE_EQ(run["tokens_per_s_per_gpu"].get<double>(), 1000);
  ASSERT_EQ(run["curve"].size(), 1U);
  EXPECT_EQ(run["curve"][0]["sequences_per_replica"], 80);
  EXPECT_TRUE(run["curve"][0]["is_operating_point"].get<bool>());
  EXPECT_DOUBLE_EQ(run["curve"][0]["saved_with_twice"]["memory"].get<double>(), 0);
  const std::string csv = render(report, Format::csv);
  EXPECT_NE(csv.find("sequences_per_replica"), std::string::npos);
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 2);
}

}  // namespace
}  // namespace planewise::report
