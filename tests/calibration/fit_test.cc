// Profiles from raw points of machines whose laws are known.
#include "calibration/fit/fit.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "calibration/raw_samples.h"

namespace planewise::calibration {
namespace {

using samples::machine;
using samples::point;
using samples::product;

constexpr double kRounding = 1e-6;  // of sums of squares over a dozen points

RawFile raw_file(std::vector<PointRecord> points) {
  return {.path = "raw.jsonl",
          .sha256 = std::string(64, 'a'),
          .environments = {machine()},
          .points = std::move(points)};
}

/// Three rounds of the same time, in microseconds.
void add_rounds(const Measurement& measurement, double time, std::vector<PointRecord>& points) {
  for (int round = 1; round <= 3; ++round) {
    points.push_back(point(measurement, round, {time, time, time}));
  }
}

const Measurement kGap{.id = "gap.kernel", .kernel = Kernel::empty};

/// An operator of `megabytes` read and written.
Measurement moving(const std::string& id, Kernel kernel, double megabytes) {
  return {.id = id,
          .kernel = kernel,
          .rows = static_cast<std::int64_t>(megabytes * 1000),
          .width = 1000,
          .traffic = bytes(megabytes * 1e6)};
}

/// 5 us, 1500 TFLOPS in tiles of 128 x 128 on 132 SMs, and 3000 GB/s; in microseconds.
double product_time(const Measurement& m) {
  const auto over = [](std::int64_t a, std::int64_t b) { return (a + b - 1) / b; };
  const std::int64_t tiles = m.shape.groups * over(m.shape.m, 128) * over(m.shape.n, 128);
  const double waves = static_cast<double>(over(tiles, 132)) * 132;
  const double flops = waves * 2.0 * 128 * 128 * static_cast<double>(m.shape.k);
  return 5 + flops / 1500e6 + m.traffic.in(bytes(1)) / 3000e3;
}

std::vector<PointRecord> products(double gap) {
  std::vector<PointRecord> points;
  if (gap > 0) add_rounds(kGap, gap, points);
  for (const std::int64_t m : {128, 256, 512, 1024, 2048, 4096, 8192, 16384}) {
    for (const auto& [n, k] : {std::pair<std::int64_t, std::int64_t>{4096, 7168}, {7168, 2048}}) {
      const Measurement measurement = product(m, n, k);
      add_rounds(measurement, product_time(measurement) + gap, points);
    }
  }
  return points;
}

const spec::OperatorCurve& curve_of(const FitResult& result, const std::string& id) {
  const auto found = std::find_if(result.profile.operators.begin(), result.profile.operators.end(),
                                  [&](const auto& curve) { return curve.id == id; });
  if (found == result.profile.operators.end()) throw std::runtime_error("no curve " + id);
  return *found;
}

/// Whether a warning has all of `text` in it.
bool warns(const FitResult& result, const std::string& text) {
  return std::any_of(result.warnings.begin(), result.warnings.end(),
                     [&](const std::string& line) { return line.find(text) != std::string::npos; });
}

TEST(FitProducts, RecoversTheModelAndTheGap) {
  const FitResult result = fit_profile(raw_file(products(2)), {});
  const spec::ProfileSpec& profile = result.profile;
  EXPECT_NEAR(profile.gpu.kernel_gap.in(microseconds(2)), 1, kRounding);
  const spec::OperatorCurve& curve = curve_of(result, "gemm.fp8");
  EXPECT_EQ(curve.form, spec::OperatorForm::gemm);
  EXPECT_EQ(curve.sms, 132);
  EXPECT_EQ(curve.tile, 128);
  EXPECT_NEAR(curve.overhead.in(microseconds(5)), 1, kRounding);
  EXPECT_NEAR(curve.flop_rate.in(teraflops(1500)), 1, kRounding);
  EXPECT_NEAR(curve.memory_rate.in(gigabytes_per_second(3000)), 1, kRounding);
  EXPECT_EQ(curve.evidence, spec::Evidence::measured);
  EXPECT_EQ(curve.model_evidence, spec::Evidence::fitted);
  ASSERT_EQ(curve.points.size(), 16U);
  const Measurement m = product(4096);
  const auto at = std::find_if(curve.points.begin(), curve.points.end(),
                               [&](const auto& p) { return p.shape == m.shape; });
  ASSERT_NE(at, curve.points.end());
  // The point's rate is without the gap, which the simulator adds again.
  EXPECT_NEAR((m.work / at->rate).in(microseconds(product_time(m))), 1, kRounding);
  ASSERT_TRUE(curve.held_out.has_value());
  EXPECT_EQ(curve.held_out->points, 5);  // of 16: the 2nd, 5th, 8th, 11th and 14th
  // Between points the simulator scales bytes by elements, which misses BF16 results by a little.
  EXPECT_LT(curve.held_out->most, 0.01);
  ASSERT_TRUE(curve.valid.has_value());
  EXPECT_EQ(curve.valid->least, 128);
  EXPECT_EQ(curve.valid->most, 16384);
  EXPECT_EQ(curve.implementation, "cublaslt");
  ASSERT_TRUE(curve.check.has_value());
  EXPECT_EQ(curve.check->metric, "difference");
  EXPECT_EQ(curve.source,
            "measured on NVIDIA H200, driver 580.65, 2026-11-25, with planewise-calibrate 1");
  ASSERT_EQ(result.curves.size(), 1U);
  EXPECT_EQ(result.curves[0].points, 16);
  EXPECT_EQ(result.curves[0].held_out, 5);
  EXPECT_LT(result.held_out_p90, 0.01);
}

TEST(FitProducts, TakesOffNoMoreThanHalf) {
  std::vector<PointRecord> points;
  add_rounds(kGap, 8, points);
  add_rounds(product(128), 10, points);  // less 8 would be 2 us
  const spec::OperatorCurve curve = curve_of(fit_profile(raw_file(points), {}), "gemm.fp8");
  EXPECT_NEAR((product(128).work / curve.points.at(0).rate).in(microseconds(5)), 1, kRounding);
  EXPECT_EQ(curve.model_evidence, spec::Evidence::estimated);  // one point makes no model
  EXPECT_FALSE(curve.held_out.has_value());
}

TEST(FitProducts, BoundARateThatPointsDoNotTell) {
  // Times that do not depend on the FLOPs: the model has no rate of them, but may not promise an
  // endless one. The best point does 2 x 16384 x 4096 x 7168 FLOP in 100 us, 9621 TFLOPS.
  std::vector<PointRecord> points;
  for (const std::int64_t m : {128, 1024, 4096, 16384}) add_rounds(product(m), 100, points);
  const spec::OperatorCurve curve = curve_of(fit_profile(raw_file(points), {}), "gemm.fp8");
  EXPECT_LE(curve.flop_rate, teraflops(2 * 9622.0 * 1.04));  // whole waves are up to 4 % more
  EXPECT_GE(curve.flop_rate, teraflops(9621));
}

TEST(FitProducts, UnstablePointsCountLess) {
  std::vector<PointRecord> points = products(0);
  // One size whose rounds are 10 %, 60 % and 110 % too slow.
  const Measurement unstable = product(3000);
  for (int round = 1; round <= 3; ++round) {
    const double time = product_time(unstable) * (0.6 + 0.5 * round);
    points.push_back(point(unstable, round, {time}));
  }
  const FitResult result = fit_profile(raw_file(points), {});
  const spec::OperatorCurve& curve = curve_of(result, "gemm.fp8");
  EXPECT_EQ(curve.points.size(), 17U);  // it is kept
  // Unweighted it would move the model by a few per cent: 1 point of 17 that is 60 % off.
  EXPECT_NEAR(curve.flop_rate.in(teraflops(1500)), 1, 0.005);
  EXPECT_EQ(result.curves[0].unstable, 1);
  EXPECT_TRUE(warns(result, "gemm.fp8: at 1 of 17 sizes the rounds differ by over 3 %"));
}

TEST(FitProducts, ReportsRowsThatAreNotBalanced) {
  std::vector<PointRecord> points = products(0);
  Measurement uneven = product(4096);
  uneven.spread = RowSpread::uneven;
  add_rounds(uneven, product_time(uneven) * 1.06, points);
  Measurement masked = product(64);  // whose balanced twin was not measured
  masked.layout = RowLayout::masked;
  add_rounds(masked, product_time(masked) * 1.5, points);
  const FitResult result = fit_profile(raw_file(points), {});
  EXPECT_EQ(curve_of(result, "gemm.fp8").points.size(), 16U);
  EXPECT_TRUE(warns(result,
                    "gemm.fp8: uneven rows cost +6.0 % over balanced ones in the median "
                    "of 1 shape"));
  EXPECT_TRUE(warns(result, "gemm.fp8: masked rows cost +50.0 %"));
}

TEST(FitProducts, SustainedRoundsCountWhereThereAreBoth) {
  std::vector<PointRecord> points;
  Measurement cool = product(4096);
  cool.regime = Regime::cool;
  add_rounds(cool, 150, points);
  add_rounds(product(4096), 180, points);
  Measurement cool_alone = product(8192);
  cool_alone.regime = Regime::cool;
  add_rounds(cool_alone, 300, points);
  const spec::OperatorCurve curve = curve_of(fit_profile(raw_file(points), {}), "gemm.fp8");
  ASSERT_EQ(curve.points.size(), 2U);
  EXPECT_NEAR((product(4096).work / curve.points[0].rate).in(microseconds(180)), 1, kRounding);
  EXPECT_NEAR((product(8192).work / curve.points[1].rate).in(microseconds(300)), 1, kRounding);
}

TEST(FitProducts, PlacesAreCurvesOfTheirOwn) {
  std::vector<PointRecord> points = products(0);
  Measurement carved = product(4096);
  carved.sms = 112;
  carved.beside = spec::Beside::communication;
  add_rounds(carved, 250, points);
  const FitResult result = fit_profile(raw_file(points), {});
  ASSERT_EQ(result.profile.operators.size(), 2U);
  EXPECT_EQ(result.profile.operators[1].sms, 112);
  EXPECT_EQ(result.profile.operators[1].beside, spec::Beside::communication);
}

TEST(FitProducts, SeveralIdsHaveOneModel) {
  std::vector<PointRecord> points = products(0);
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (i / 3 % 2 == 0) points[i].measurement.id = "grouped_gemm.fp8";
    points[i].key = key_of(points[i].measurement);
  }
  RawFile raw = raw_file(points);
  raw.models = {{.ids = {"gemm.fp8", "grouped_gemm.fp8", "gemm.mxfp8"}, .source = "as FP8"}};
  const FitResult result = fit_profile(raw, {});
  ASSERT_EQ(result.profile.operators.size(), 3U);
  for (const spec::OperatorCurve& curve : result.profile.operators) {
    EXPECT_NEAR(curve.flop_rate.in(teraflops(1500)), 1, kRounding) << curve.id;
    EXPECT_EQ(curve.tile, 128);
  }
  EXPECT_EQ(curve_of(result, "gemm.fp8").points.size(), 8U);
  EXPECT_EQ(curve_of(result, "grouped_gemm.fp8").points.size(), 8U);
  const spec::OperatorCurve& pointless = curve_of(result, "gemm.mxfp8");
  EXPECT_TRUE(pointless.points.empty());
  EXPECT_EQ(pointless.source, "as FP8");
  EXPECT_EQ(pointless.evidence, spec::Evidence::fitted);
}

TEST(FitBytes, TakesOverheadAndRate) {
  std::vector<PointRecord> points;
  for (const double megabytes : {1, 2, 4, 8, 16, 32, 64, 128, 256}) {
    add_rounds(moving("norm", Kernel::norm, megabytes), 4 + megabytes / 3e3 * 1e3, points);
  }
  const FitResult result = fit_profile(raw_file(points), {});
  const spec::OperatorCurve& curve = curve_of(result, "norm");
  EXPECT_EQ(curve.form, spec::OperatorForm::byte_rate);
  EXPECT_NEAR(curve.overhead.in(microseconds(4)), 1, kRounding);
  EXPECT_NEAR(curve.memory_rate.in(gigabytes_per_second(3000)), 1, kRounding);
  EXPECT_TRUE(curve.pieces.empty());
  EXPECT_EQ(curve.evidence, spec::Evidence::fitted);
  EXPECT_EQ(curve.valid->least, 1e6);
  EXPECT_EQ(curve.valid->most, 256e6);
  EXPECT_EQ(curve.held_out->points, 3);  // of 9: the 2nd, 5th and 8th
}

TEST(FitBytes, HasPiecesWhereACacheEnds) {
  // 10 TB/s in a cache up to 32 MB, and 3 TB/s beyond.
  std::vector<PointRecord> points;
  for (double megabytes = 1; megabytes < 1000; megabytes *= 2) {
    const double time = megabytes <= 32 ? 3 + megabytes / 10 : 2 + megabytes / 3;
    add_rounds(moving("swiglu", Kernel::swiglu, megabytes), time, points);
  }
  const spec::OperatorCurve curve = curve_of(fit_profile(raw_file(points), {}), "swiglu");
  EXPECT_NEAR(curve.memory_rate.in(gigabytes_per_second(10'000)), 1, kRounding);
  ASSERT_EQ(curve.pieces.size(), 1U);
  EXPECT_NEAR(curve.pieces[0].memory_rate.in(gigabytes_per_second(3000)), 1, kRounding);
  // Between 32 and 64 MB, at the geometric mean.
  EXPECT_NEAR(curve.pieces[0].from.in(bytes(1e6)), std::sqrt(32.0 * 64), 1e-6);
}

TEST(FitFlops, AttentionHasARateALength) {
  std::vector<PointRecord> points;
  // 400 TFLOPS at 1024 tokens, 500 at 2048, 600 at 4096: linear in the logarithm.
  for (int i = 0; i < 3; ++i) {
    const std::int64_t sequence = 1024 << i;
    const double flops = 1e11 * (i + 1);
    add_rounds({.id = "attention_mla.forward",
                .kernel = Kernel::attention_forward,
                .rows = 8192,
                .width = 128,
                .sequence = sequence,
                .work = flop(flops)},
               flops / ((400 + 100 * i) * 1e6), points);
  }
  const FitResult result = fit_profile(raw_file(points), {});
  const spec::OperatorCurve& curve = curve_of(result, "attention_mla.forward");
  EXPECT_EQ(curve.form, spec::OperatorForm::flop_rate);
  ASSERT_EQ(curve.sequences.size(), 3U);
  EXPECT_EQ(curve.sequences[1].sequence, 2048);
  EXPECT_NEAR(curve.sequences[1].rate.in(teraflops(500)), 1, kRounding);
  EXPECT_EQ(curve.evidence, spec::Evidence::measured);
  // Each length in turn. The middle one lies on the line; an end takes the next length's rate:
  // 400/500 and 600/500 of the time that was measured.
  ASSERT_EQ(curve.held_out->points, 3);
  EXPECT_NEAR(curve.held_out->median, 0.2, kRounding);
  EXPECT_NEAR(curve.held_out->most, 0.2, kRounding);
  EXPECT_TRUE(warns(result,
                    "attention_mla.forward: misses points held out by 20.0 % (90th "
                    "percentile of 3)"));
  EXPECT_NEAR(result.held_out_p90, 0.2, kRounding);
}

TEST(FitFlops, WeightGradientsHaveOneRateWhereItHolds) {
  std::vector<PointRecord> points;
  for (const std::int64_t m : {2048, 4096, 8192, 16384}) {
    Measurement wgrad = product(m);
    wgrad.id = "wgrad.fp8";
    wgrad.kernel = Kernel::weight_gradient;
    add_rounds(wgrad, wgrad.work.in(flop(1)) / 900e6, points);
  }
  const spec::OperatorCurve curve = curve_of(fit_profile(raw_file(points), {}), "wgrad.fp8");
  EXPECT_EQ(curve.form, spec::OperatorForm::flop_rate);
  EXPECT_NEAR(curve.flop_rate.in(teraflops(900)), 1, kRounding);
  EXPECT_EQ(curve.evidence, spec::Evidence::fitted);
}

TEST(FitFlops, WeightGradientsWithOverheadArePoints) {
  std::vector<PointRecord> points;
  for (const std::int64_t m : {128, 256, 512, 1024, 2048, 4096, 8192, 16384}) {
    Measurement wgrad = product(m);
    wgrad.id = "wgrad.fp8";
    wgrad.kernel = Kernel::weight_gradient;
    add_rounds(wgrad, 30 + wgrad.work.in(flop(1)) / 900e6, points);
  }
  const spec::OperatorCurve curve = curve_of(fit_profile(raw_file(points), {}), "wgrad.fp8");
  ASSERT_EQ(curve.form, spec::OperatorForm::gemm);
  // As the simulator asks for it: outputs x inputs, summed over the rows.
  const spec::GemmShape first{.groups = 1, .m = 4096, .n = 7168, .k = 128};
  EXPECT_EQ(curve.points.at(0).shape, first);
}

TEST(FitMachine, ComesFromTheEnvironment) {
  std::vector<PointRecord> points = products(2);
  add_rounds(moving("copy", Kernel::copy, 100), 2 + 30, points);
  add_rounds(moving("copy", Kernel::copy, 4000), 2 + 1000, points);
  const FitResult result = fit_profile(raw_file(points), {});
  const spec::ProfileSpec& profile = result.profile;
  EXPECT_EQ(profile.name, "nvidia_h200_measured");
  EXPECT_EQ(profile.gpu.name, "NVIDIA H200");
  EXPECT_EQ(profile.gpu.sms, 132);
  EXPECT_EQ(profile.gpu.memory, bytes(150e9));
  EXPECT_EQ(profile.gpu.bf16_peak, teraflops(989));
  EXPECT_NE(profile.gpu.source.find("data sheet, recalled"), std::string::npos);
  EXPECT_NEAR(profile.gpu.memory_rate.in(gigabytes_per_second(4000)), 1, kRounding);
  ASSERT_TRUE(profile.provenance.has_value());
  const spec::Provenance& p = *profile.provenance;
  EXPECT_EQ(p.driver, "580.65");
  EXPECT_EQ(p.measured, "2026-11-25T05:11:20Z");
  EXPECT_EQ(p.raw_sha256, std::string(64, 'a'));
  EXPECT_EQ(p.points, (1 + 16 + 2) * 3);
  EXPECT_EQ(p.samples, (1 + 16 + 2) * 3 * 3);
  EXPECT_EQ(p.clock_mhz_min, 1700);
  EXPECT_EQ(p.power_w, 650.5);
  EXPECT_TRUE(profile.collectives.empty());
  EXPECT_EQ(fit_profile(raw_file(points), {.name = "mine"}).profile.name, "mine");
}

TEST(FitMachine, UnknownGpuTakesItsBestProductAsPeak) {
  Measurement bf16 = product(4096);
  bf16.id = "gemm.bf16";
  bf16.precision = spec::Precision::bf16;
  std::vector<PointRecord> points;
  add_rounds(bf16, bf16.work.in(flop(1)) / 140e6, points);
  RawFile raw = raw_file(points);
  raw.environments[0].environment.gpu = "NVIDIA H20";
  const spec::GpuSpec gpu = fit_profile(raw, {}).profile.gpu;
  EXPECT_NEAR(gpu.bf16_peak.in(teraflops(140)), 1, kRounding);
  EXPECT_NE(gpu.source.find("best BF16 product"), std::string::npos) << gpu.source;
}

TEST(FitNotes, NameWhatIsMissing) {
  RawFile raw = raw_file(products(0));
  raw.not_measured = {{.id = "attention_mla.forward", .reason = "no cuDNN"},
                      {.id = "attention_mla.forward", .reason = "no cuDNN, once more"},
                      {.id = "gemm.fp8", .reason = "one size did not fit"}};
  PointRecord wrong =
      point({.id = "router", .kernel = Kernel::router, .rows = 16, .width = 256}, 1, {});
  wrong.check_failed = true;
  wrong.checks = {{.metric = "mismatches", .value = 3, .limit = 0}};
  raw.points.push_back(wrong);
  const FitResult result = fit_profile(raw, {});
  const auto reason = [&](const std::string& id) {
    std::string found;
    for (const auto& entry : result.profile.not_measured) {
      if (entry.id == id) found += entry.reason + "|";
    }
    return found;
  };
  EXPECT_EQ(reason("attention_mla.forward"), "no cuDNN|");
  EXPECT_EQ(reason("gemm.fp8"), "");  // other sizes were measured
  EXPECT_EQ(reason("router"), "its results were wrong: mismatches 3, the limit is 0|");
  EXPECT_EQ(reason("norm"), "not in the raw file|");
  EXPECT_EQ(reason("ep_dispatch"), "measured on one rank|");
}

TEST(FitNotes, SumsOfLayers) {
  std::vector<PointRecord> points;
  const Measurement first = moving("norm", Kernel::norm, 10);
  const Measurement second = moving("swiglu", Kernel::swiglu, 10);
  add_rounds(first, 40, points);
  add_rounds(second, 56, points);
  Measurement layer{.id = "layer.forward",
                    .kernel = Kernel::moe_layer_forward,
                    .rows = 4096,
                    .width = 7168,
                    .parts = {key_of(first), key_of(second)}};
  add_rounds(layer, 100, points);
  layer.rows = 8192;
  add_rounds(layer, 90, points);
  layer.rows = 16;
  layer.parts.push_back("router router rows=16 width=256 sustained");
  add_rounds(layer, 90, points);
  const FitResult result = fit_profile(raw_file(points), {});
  ASSERT_EQ(result.profile.sums.size(), 2U);
  EXPECT_EQ(result.profile.sums[0].id, "layer.forward of 4096 tokens");
  EXPECT_NEAR(result.profile.sums[0].operators.in(microseconds(96)), 1, kRounding);
  EXPECT_NEAR(result.profile.sums[0].whole.in(microseconds(100)), 1, kRounding);
  // 96 of 100 is within 5 %; 96 of 90 is 6.7 % more.
  EXPECT_FALSE(warns(result, "4096 tokens"));
  EXPECT_TRUE(warns(result, "layer.forward of 8192 tokens: the sum of its operators is +6.7 %"));
  EXPECT_TRUE(warns(result, "layer.forward of 16 tokens: no sum of its operators, 'router router"));
}

TEST(FitNotes, ThrottledPointsAreKeptAndSaid) {
  std::vector<PointRecord> points = products(0);
  for (std::size_t i = 0; i < 30; ++i) points[i].throttle = {"sw_power_cap"};
  const FitResult result = fit_profile(raw_file(points), {});
  EXPECT_TRUE(warns(result, "throttled during 30 of 48 points; they were kept"));
  EXPECT_EQ(result.curves[0].throttled, 30);
  EXPECT_EQ(curve_of(result, "gemm.fp8").points.size(), 16U);
  EXPECT_NE(curve_of(result, "gemm.fp8").source.find("throttled during 30 of 48 points"),
            std::string::npos);
  EXPECT_EQ(result.profile.provenance->throttle, (std::vector<std::string>{"sw_power_cap"}));
}

TEST(FitNotes, FailedChecksAreSaid) {
  std::vector<PointRecord> points = products(0);
  PointRecord wrong = point(product(32), 1, {});
  wrong.check_failed = true;
  wrong.checks = {{.metric = "difference", .value = NAN, .limit = 5e-5}};
  points.push_back(wrong);
  const FitResult result = fit_profile(raw_file(points), {});
  EXPECT_TRUE(warns(result, "gemm.fp8: 1 of 49 points were not timed"));
  // NaN is worse than any number, and `check` of the profile must see it.
  EXPECT_GT(curve_of(result, "gemm.fp8").check->value, 1e9);
}

TEST(FitNotes, ImplausibleRatesAreSaid) {
  std::vector<PointRecord> points;
  add_rounds(moving("copy", Kernel::copy, 4000), 1000, points);     // 4 TB/s
  add_rounds(moving("norm", Kernel::norm, 4000), 800, points);      // 5 TB/s
  add_rounds(moving("swiglu", Kernel::swiglu, 4000), 920, points);  // 4.35: within a fifth
  const Measurement m = product(4096);
  add_rounds(m, m.work.in(flop(1)) / 2100e6, points);  // 2.1 x 989 are 2077
  const FitResult result = fit_profile(raw_file(points), {});
  EXPECT_TRUE(warns(result, "norm: 5000 GB/s is more than the GPU's memory moves, 4000 GB/s"));
  EXPECT_TRUE(warns(result, "gemm.fp8: 2100 TFLOPS is more than 2.1 times the BF16 peak of 989"));
  EXPECT_FALSE(warns(result, "swiglu"));
}

TEST(FitNotes, NothingToFitIsAMistakeOfTheFile) {
  EXPECT_THROW(fit_profile(raw_file({}), {}), spec::InputError);
}

TEST(FitPublished, RatesAreTakenAsPrinted) {
  std::vector<PointRecord> points;
  for (const std::int64_t m : {1024, 4096}) {
    PointRecord row = point(product(m), 0, {});
    row.evidence = spec::Evidence::published;
    row.source = "a table";
    row.times = {product(m).work / teraflops(1000)};
    points.push_back(row);
  }
  RawFile raw = raw_file(points);
  raw.environments.clear();
  raw.profile = ProfileRecord{.name = "published",
                              .source = "tables",
                              .gpu = {.name = "H800", .sms = 132, .kernel_gap = microseconds(2)}};
  const FitResult result = fit_profile(raw, {});
  EXPECT_EQ(result.profile.name, "published");
  EXPECT_EQ(result.profile.gpu.kernel_gap, microseconds(2));
  EXPECT_FALSE(result.profile.provenance.has_value());
  EXPECT_TRUE(result.profile.not_measured.empty());
  const spec::OperatorCurve& curve = curve_of(result, "gemm.fp8");
  EXPECT_EQ(curve.evidence, spec::Evidence::published);
  EXPECT_EQ(curve.source, "a table");
  EXPECT_NEAR(curve.points.at(0).rate.in(teraflops(1000)), 1, 1e-12);
}

}  // namespace
}  // namespace planewise::calibration
