// Totals, shares and efficiencies from rows of published tables, on small numbers.
#include <gtest/gtest.h>

#include <cmath>

#include "calibration/fit/published.h"
#include "calibration/fit/published_collectives.h"
#include "calibration/fit/published_totals.h"

namespace planewise::calibration {
namespace {

constexpr double kExact = 1e-12;  // Of doubles: a handful of roundings.

TotalRecord bytes_in(double megabytes, double time_us, double kernels) {
  return {.id = "norm",
          .phase = "attn(F)",
          .sms = 112,
          .beside = spec::Beside::communication,
          .calls = {{.traffic = bytes(megabytes * 1e6)}, {.traffic = bytes(megabytes * 1e6)}},
          .time = microseconds(time_us),
          .kernels = kernels,
          .source = "trace"};
}

TEST(Totals, RateIsAllBytesOverAllTime) {
  // (2 x 10 + 2 x 20) MB in 10 + 50 us are 1000 GB/s; 4 + 5 kernels in 2 phases are 4.5,
  // rounded away from 0.
  const spec::OperatorCurve curve = rate_of_totals({bytes_in(10, 10, 4), bytes_in(20, 50, 5)});
  EXPECT_EQ(curve.form, spec::OperatorForm::byte_rate);
  EXPECT_NEAR(curve.memory_rate.in(gigabytes_per_second(1000)), 1, kExact);
  EXPECT_EQ(curve.kernels, 5);
  EXPECT_EQ(curve.sms, 112);
  EXPECT_EQ(curve.evidence, spec::Evidence::published);
  EXPECT_EQ(curve.source, "trace: attn(F) 10 us, attn(F) 50 us");
}

TEST(Totals, LeastSquaresWeighPhasesAlike) {
  // 2000 and 1000 GB/s: the rate r that minimises (2000/r - 1)^2 + (1000/r - 1)^2 is
  // (2000^2 + 1000^2) / (2000 + 1000) = 1666.7.
  TotalRecord fast = bytes_in(10, 10, 1);
  TotalRecord slow = bytes_in(20, 40, 1);
  fast.by_least_squares = slow.by_least_squares = true;
  const spec::OperatorCurve curve = rate_of_totals({fast, slow});
  EXPECT_NEAR(curve.memory_rate.in(gigabytes_per_second(5000.0 / 3)), 1, kExact);
  EXPECT_EQ(curve.evidence, spec::Evidence::fitted);
  EXPECT_EQ(curve.kernels, 1);
}

TEST(Totals, CurvesKeepTheOrderOfTheFile) {
  TotalRecord other = bytes_in(1, 1, 1);
  other.id = "rope";
  const std::vector<CurveTotals> curves = by_curve({bytes_in(1, 1, 1), other, bytes_in(2, 1, 1)});
  ASSERT_EQ(curves.size(), 2U);
  EXPECT_EQ(curves[0].size(), 2U);
  EXPECT_EQ(curves[1].front().id, "rope");
}

/// One point, and a model of 100 TFLOPS and 1 us without bytes, on 20 SMs.
spec::OperatorCurve product_curve() {
  return {
      .id = "gemm.fp8",
      .form = spec::OperatorForm::gemm,
      .sms = 20,
      .points = {{.shape = {.groups = 1, .m = 256, .n = 256, .k = 1000}, .rate = teraflops(50)}},
      .flop_rate = teraflops(100),
      .memory_rate = gigabytes_per_second(1e9),
      .overhead = microseconds(1),
      .tile = 128};
}

TotalRecord products(double time_us) {
  // The point: 131.072 MFLOP at 50 TFLOPS are 2.62144 us. The other: 12 tiles of 128 x 128 on 8 SMs
  // are two waves, so 16 x 2 x 128 x 128 x 1000 = 524.288 MFLOP, 5.24288 us, and 1 us before.
  const spec::GemmShape other{.groups = 1, .m = 384, .n = 512, .k = 1000};
  return {
      .id = "gemm.fp8",
      .phase = "mlp(F)",
      .sms = 8,
      .beside = spec::Beside::communication,
      .calls = {{.shape = {.groups = 1, .m = 256, .n = 256, .k = 1000}, .work = flop(131.072e6)},
                {.shape = other, .work = flop(2.0 * 384 * 512 * 1000)}},
      .time = microseconds(time_us),
      .kernels = 2,
      .source = "trace"};
}

constexpr double kAlone = 2.62144 + 1 + 5.24288;

TEST(Totals, ProductsSlowTheirCurveSoThatTheTotalComesOut) {
  const spec::OperatorCurve alone = product_curve();
  const CurveTotals totals{products(1.5 * kAlone)};
  EXPECT_NEAR(slowdown(totals, alone), 1.5, 1e-9);
  const spec::OperatorCurve slowed = slowed_curve(totals, alone);
  EXPECT_EQ(slowed.sms, 8);
  EXPECT_EQ(slowed.beside, spec::Beside::communication);
  EXPECT_EQ(slowed.evidence, spec::Evidence::fitted);
  EXPECT_NEAR(slowed.points[0].rate.in(teraflops(50 / 1.5)), 1, 1e-9);
  EXPECT_NEAR(slowed.flop_rate.in(teraflops(100 / 1.5)), 1, 1e-9);
  EXPECT_NEAR(slowed.overhead.in(microseconds(1.5)), 1, 1e-9);
  EXPECT_NEAR(slowdown(totals, slowed), 1, 1e-9);
}

TEST(Published, ShareInStepIsWhatTotalsLeave) {
  // On 8 of 20 SMs 2.5 times as long is expected; three times as long leaves 2.5 / 3.
  RawFile raw;
  raw.totals = {products(3 * kAlone)};
  raw.in_steps = {{.ids = {"gemm.fp8", "gemm.mxfp8"},
                   .from = "gemm.fp8",
                   .evidence = spec::Evidence::fitted,
                   .source = "totals"}};
  spec::ProfileSpec profile{.gpu = {.sms = 20}, .operators = {product_curve(), product_curve()}};
  profile.operators[1].id = "gemm.mxfp8";
  add_published(raw, profile);
  ASSERT_EQ(profile.operators.size(), 3U);
  EXPECT_NEAR(profile.operators[0].in_step, 2.5 / 3, 1e-9);
  EXPECT_NEAR(profile.operators[1].in_step, 2.5 / 3, 1e-9);
  EXPECT_EQ(profile.operators[0].in_step_source, "totals");
  EXPECT_EQ(profile.operators[2].in_step, 1);  // Taken in a step already.
}

TEST(Published, CurvesScaleWhatTheyTake) {
  RawFile raw;
  const auto byte_curve = [](const std::string& id) {
    return spec::OperatorCurve{.id = id, .form = spec::OperatorForm::byte_rate, .sms = 20};
  };
  raw.curves = {
      {.curve = byte_curve("copy"), .memory_share = 0.8},
      {.curve = byte_curve("gelu"), .as = "copy", .scale = {.times = 1, .over = 4}},
      {.curve = {.id = "gemm.mxfp8", .sms = 20}, .as = "gemm.fp8", .scale = {.times = 2}}};
  spec::ProfileSpec profile{.gpu = {.sms = 20, .memory_rate = gigabytes_per_second(1000)},
                            .operators = {product_curve()}};
  add_published(raw, profile);
  EXPECT_NEAR(profile.operators[1].memory_rate.in(gigabytes_per_second(800)), 1, kExact);
  EXPECT_NEAR(profile.operators[2].memory_rate.in(gigabytes_per_second(200)), 1, kExact);
  const spec::OperatorCurve& taken = profile.operators[3];
  EXPECT_EQ(taken.form, spec::OperatorForm::gemm);
  EXPECT_NEAR(taken.flop_rate.in(teraflops(200)), 1, kExact);
  EXPECT_EQ(taken.memory_rate, product_curve().memory_rate);
  EXPECT_EQ(taken.overhead, product_curve().overhead);
  EXPECT_TRUE(taken.points.empty());
}

TEST(Published, ModelOfACurveWithPointsIsReplaced) {
  RawFile raw;
  raw.curves = {{.curve = {.id = "gemm.fp8",
                           .form = spec::OperatorForm::gemm,
                           .sms = 20,
                           .flop_rate = teraflops(80),
                           .memory_rate = gigabytes_per_second(3000),
                           .overhead = microseconds(10)}}};
  spec::ProfileSpec profile{.gpu = {.sms = 20}, .operators = {product_curve()}};
  add_published(raw, profile);
  ASSERT_EQ(profile.operators.size(), 1U);
  EXPECT_EQ(profile.operators[0].points.size(), 1U);
  EXPECT_EQ(profile.operators[0].flop_rate, teraflops(80));
  EXPECT_EQ(profile.operators[0].tile, 0);
}

const LinksRecord kLinks{.rail = gigabytes_per_second(50),
                         .nvlink = gigabytes_per_second(200),
                         .nvlink_latency = microseconds(1)};

TEST(Exchange, RailsCarryWhatLeavesTheNode) {
  // DeepEP's own count of 57.14 GB/s at 8 nodes is 50 GB/s of a NIC: 1/8 of it stays.
  ExchangeRecord exchange{.bound_by_rails = true,
                          .nodes = 8,
                          .nodes_per_token = 4,
                          .tokens = 4096,
                          .bytes_per_token = bytes(7392),
                          .logical = gigabytes_per_second(40)};
  EXPECT_NEAR(rail_efficiency(exchange, kLinks), 40.0 * 7 / 8 / 50, kExact);
  // The same said as a time: 4096 x 4 x 7392 B at 40 GB/s are 3.0277632 ms.
  exchange.time = microseconds(3027.7632);
  exchange.logical = Rate{};
  EXPECT_NEAR(rail_efficiency(exchange, kLinks), 0.7, 1e-9);
}

TEST(Exchange, NvlinkCarriesCopiesThatDoNotStay) {
  const ExchangeRecord exchange{.nodes = 2,
                                .nodes_per_token = 2,
                                .copies = 3.3425,
                                .tokens = 4096,
                                .bytes_per_token = bytes(7392),
                                .logical = gigabytes_per_second(43)};
  // 200 x e x 8/7 / 3.3425 = 43 gives 0.62880781.
  EXPECT_NEAR(nvlink_efficiency(exchange, kLinks), 0.62880781, 1e-8);
}

TEST(Collective, SeveralRowsTakeTheirGeometricMean) {
  RawFile raw;
  raw.links = kLinks;
  ExchangeRecord exchange{.ids = {"ep_dispatch"},
                          .bound_by_rails = true,
                          .nodes = 2,
                          .nodes_per_token = 2,
                          .tokens = 1,
                          .bytes_per_token = bytes(1),
                          .logical = gigabytes_per_second(50)};
  raw.exchanges.push_back(exchange);  // 0.5
  exchange.logical = gigabytes_per_second(98);
  raw.exchanges.push_back(exchange);  // 0.98
  exchange.beside = spec::Beside::compute;
  exchange.logical = gigabytes_per_second(35);
  raw.exchanges.push_back(exchange);  // 0.35, beside compute
  raw.collectives = {{.curve = {.id = "ep_dispatch", .nvlink_efficiency = 0.6}, .has_nvlink = true},
                     {.curve = {.id = "ep_dispatch", .beside = spec::Beside::compute}}};
  spec::ProfileSpec profile;
  add_published(raw, profile);
  EXPECT_NEAR(profile.collectives[0].rail_efficiency, 0.7, kExact);  // sqrt(0.5 x 0.98)
  EXPECT_EQ(profile.collectives[0].nvlink_efficiency, 0.6);
  EXPECT_NEAR(profile.collectives[1].rail_efficiency, 0.35, kExact);
  EXPECT_NEAR(profile.collectives[1].nvlink_efficiency, 0.3, kExact);  // The ratio 6 : 7 alone.
}

TransferRecord transfer(double megabytes, double time_us) {
  return {.ids = {"all_gather"},
          .ranks = 8,
          .size = bytes(megabytes * 1e6),
          .time = microseconds(time_us)};
}

TEST(Transfer, LinesJoinTheSizes) {
  // 7/8 are sent: 7, 14, 28, 56 MB. First line: 7 MB in 70 us are 100 GB/s, and 35 us less the
  // fabric's 1 are left before the first byte. The second would be 1400 GB/s: 200 it is, and what
  // is left at its end, 185 us less 28 MB at 200 GB/s. Third: 28 MB in 140 us.
  const std::vector<spec::CollectivePiece> pieces = pieces_of(
      {transfer(8, 105), transfer(16, 175), transfer(32, 185), transfer(64, 325)}, kLinks);
  ASSERT_EQ(pieces.size(), 3U);
  EXPECT_NEAR(pieces[0].nvlink_efficiency, 0.5, kExact);
  EXPECT_NEAR(pieces[0].latency.in(microseconds(34)), 1, 1e-9);
  EXPECT_EQ(pieces[1].from, bytes(14e6));
  EXPECT_NEAR(pieces[1].nvlink_efficiency, 1, kExact);
  EXPECT_NEAR(pieces[1].latency.in(microseconds(185 - 140 - 1)), 1, 1e-9);
  EXPECT_NEAR(pieces[2].nvlink_efficiency, 1, kExact);
  EXPECT_NEAR(pieces[2].latency.in(microseconds(325 - 280 - 1)), 1, 1e-9);
}

TEST(Transfer, OneSizeTellsTheRateAlone) {
  RawFile raw;
  raw.links = kLinks;
  raw.transfers = {transfer(64, 560)};  // 56 MB in 560 us: 100 of 200 GB/s.
  raw.collectives = {
      {.curve = {.id = "all_gather", .latency = microseconds(3), .rail_efficiency = 0.94},
       .has_latency = true,
       .has_rail = true}};
  spec::ProfileSpec profile;
  add_published(raw, profile);
  EXPECT_NEAR(profile.collectives[0].nvlink_efficiency, 0.5, kExact);
  EXPECT_EQ(profile.collectives[0].latency, microseconds(3));
  EXPECT_TRUE(profile.collectives[0].pieces.empty());
}

}  // namespace
}  // namespace planewise::calibration
