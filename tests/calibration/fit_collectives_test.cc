// Collectives fitted to points that a known cost made: the cost comes back, and the simulator's
// closed form says the points again.
#include <gtest/gtest.h>

#include <cmath>

#include "calibration/fit/fit.h"
#include "calibration/fit/measured_collectives.h"
#include "calibration/fit/published_collectives.h"
#include "calibration/raw_samples.h"
#include "spec/profile.h"
#include "workload/measured_program.h"
#include "workload/traffic_program.h"

namespace planewise::calibration {
namespace {

/// Without latencies, so that a curve's own is all there is.
const workload::IdleFabric kFabric{.network_rate = gigabytes_per_second(50),
                                   .nvlink_rate = gigabytes_per_second(200)};

/// An operation over sizes, at the times that `curve` gives.
void add_points(RawFile& raw, Operation operation, GroupKind group, int ranks, int nodes,
                const spec::CollectiveCurve& curve) {
  for (int power = 10; power <= 26; ++power) {
    CommPointRecord record{.environment = raw.environments.front().fingerprint};
    record.point = {.operation = operation,
                    .group = group,
                    .ranks = ranks,
                    .nodes = nodes,
                    .groups = raw.cluster->ranks / ranks,
                    .size = bytes(std::ldexp(1, power))};
    record.key = key_of(record.point);
    const spec::MeasuredExchange exchange{.operation = operation,
                                          .group = group,
                                          .ranks = ranks,
                                          .nodes = nodes,
                                          .groups = record.point.groups,
                                          .ranks_per_node = raw.cluster->ranks_per_node};
    const spec::TrafficStep step = workload::step_of(exchange, {.size = record.point.size});
    const spec::CollectiveCurve at = spec::at_size(curve, workload::sent_by_rank(step));
    record.times = {workload::idle_time(
        {.step = step,
         .groups = workload::groups_of(exchange),
         .placement = workload::place_in_order(raw.cluster->ranks, raw.cluster->ranks_per_node),
         .curve = at},
        kFabric)};
    raw.comm_points.push_back(std::move(record));
  }
}

RawFile made_file() {
  RawFile raw{.path = "raw.jsonl"};
  raw.environments = {samples::machine()};
  raw.cluster = ClusterRecord{.ranks = 16,
                              .ranks_per_node = 8,
                              .launcher = "slurm",
                              .transport = "nccl 2.28.9",
                              .rail = gigabytes_per_second(50),
                              .nvlink = gigabytes_per_second(200)};
  return raw;
}

const spec::CollectiveCurve* find(const FittedCollectives& fitted, const std::string& id,
                                  spec::Reach reach) {
  for (const spec::CollectiveCurve& curve : fitted.curves) {
    if (curve.id == id && curve.reach == reach) return &curve;
  }
  return nullptr;
}

TEST(FitCollectives, FindsLatencyAndEfficiencyInANodeAndOverNodes) {
  RawFile raw = made_file();
  const spec::CollectiveCurve node{.latency = microseconds(12), .nvlink_efficiency = 0.8};
  const spec::CollectiveCurve network{
      .latency = microseconds(25), .rail_efficiency = 0.9, .nvlink_efficiency = 0.9};
  add_points(raw, Operation::all_to_all, GroupKind::node, 8, 1, node);
  add_points(raw, Operation::all_to_all, GroupKind::world, 16, 2, network);
  add_points(raw, Operation::all_reduce, GroupKind::world, 16, 2, network);
  const FittedCollectives fitted =
      fit_collectives(raw, {.fabric = kFabric, .source = "made"}, "test");
  // The points are exact; what is left is the sampling of the pieces' borders.
  constexpr double kClose = 1e-3;
  const spec::CollectiveCurve* a = find(fitted, "all_to_all", spec::Reach::node);
  ASSERT_NE(a, nullptr);
  EXPECT_NEAR(a->latency.in(microseconds(12)), 1, kClose);
  EXPECT_NEAR(spec::at_size(*a, bytes(1e9)).nvlink_efficiency, 0.8, 0.8 * kClose);
  const spec::CollectiveCurve* b = find(fitted, "all_to_all", spec::Reach::network);
  ASSERT_NE(b, nullptr);
  EXPECT_NEAR(b->latency.in(microseconds(25)), 1, kClose);
  EXPECT_NEAR(spec::at_size(*b, bytes(1e9)).rail_efficiency, 0.9, 0.9 * kClose);
  const spec::CollectiveCurve* c = find(fitted, "ring", spec::Reach::network);
  ASSERT_NE(c, nullptr);
  EXPECT_NEAR(spec::at_size(*c, bytes(1e9)).rail_efficiency, 0.9, 0.9 * kClose);
  for (const double error : fitted.errors) EXPECT_LT(std::fabs(error), kClose);
  ASSERT_EQ(fitted.exchanges.size(), 3U);
  for (const spec::MeasuredExchange& exchange : fitted.exchanges) {
    for (const spec::ExchangeTime& time : exchange.times) EXPECT_TRUE(time.is_fitted);
  }
}

TEST(FitCollectives, FindsWhereTheRateChanges) {
  RawFile raw = made_file();
  // Up to 1 MiB slow, then fast: a protocol's border, as NCCL has them.
  spec::CollectiveCurve curve{.latency = microseconds(10), .nvlink_efficiency = 0.05};
  curve.pieces = {{.from = bytes(1 << 20), .latency = microseconds(60), .nvlink_efficiency = 0.85}};
  add_points(raw, Operation::all_to_all, GroupKind::node, 8, 1, curve);
  const FittedCollectives fitted =
      fit_collectives(raw, {.fabric = kFabric, .source = "made"}, "test");
  const spec::CollectiveCurve* found = find(fitted, "all_to_all", spec::Reach::node);
  ASSERT_NE(found, nullptr);
  EXPECT_NEAR(found->nvlink_efficiency, 0.05, 0.05 * 0.01);
  EXPECT_NEAR(spec::at_size(*found, bytes(1e9)).nvlink_efficiency, 0.85, 0.85 * 0.01);
  ASSERT_FALSE(found->pieces.empty());
  // Points are a factor of 2 apart: the border is known as well as that.
  EXPECT_NEAR(std::log2(found->pieces.back().from.in(bytes(1 << 20))), 0, 1);
}

TEST(FitCollectives, NeverBeatsTheLink) {
  RawFile raw = made_file();
  add_points(raw, Operation::all_to_all, GroupKind::node, 8, 1, {.latency = microseconds(10)});
  for (CommPointRecord& record : raw.comm_points) record.times.front() = record.times.front() * 0.5;
  const FittedCollectives fitted =
      fit_collectives(raw, {.fabric = kFabric, .source = "made"}, "test");
  const spec::CollectiveCurve* found = find(fitted, "all_to_all", spec::Reach::node);
  ASSERT_NE(found, nullptr);
  EXPECT_LE(spec::at_size(*found, bytes(1e9)).nvlink_efficiency, 1);
}

TEST(FitCollectives, KeepsWhatItDoesNotFit) {
  RawFile raw = made_file();
  const spec::CollectiveCurve curve{.latency = microseconds(10), .rail_efficiency = 0.9};
  add_points(raw, Operation::all_to_all, GroupKind::world, 16, 2, curve);
  add_points(raw, Operation::all_to_all, GroupKind::rail, 2, 2, curve);
  add_points(raw, Operation::broadcast, GroupKind::world, 16, 2, curve);
  const FittedCollectives fitted =
      fit_collectives(raw, {.fabric = kFabric, .source = "made"}, "test");
  ASSERT_EQ(fitted.curves.size(), 1U);
  for (const spec::MeasuredExchange& exchange : fitted.exchanges) {
    const bool is_chosen =
        exchange.operation == Operation::all_to_all && exchange.group == GroupKind::world;
    EXPECT_EQ(exchange.times.front().is_fitted, is_chosen);
  }
}

TEST(FitCollectives, TakesLinksFromTheFastestPairsIfNobodyTells) {
  RawFile raw = made_file();
  raw.cluster->rail = raw.cluster->nvlink = Rate{};
  EXPECT_FALSE(links_of(raw).has_value());
  for (const auto& [nodes, us] : {std::pair{1, 10.0}, std::pair{2, 40.0}, std::pair{2, 50.0}}) {
    CommPointRecord record;
    record.point = {.operation = Operation::send,
                    .group = GroupKind::pair,
                    .ranks = 2,
                    .nodes = nodes,
                    .size = bytes(1e6)};
    record.times = {microseconds(us)};
    raw.comm_points.push_back(record);
  }
  const auto links = links_of(raw);
  ASSERT_TRUE(links.has_value());
  EXPECT_NEAR(links->fabric.nvlink_rate.in(gigabytes_per_second(100)), 1, 1e-12);  // 1 MB in 10 us
  EXPECT_NEAR(links->fabric.network_rate.in(gigabytes_per_second(25)), 1, 1e-12);  // in 40 us
}

TEST(LowLatencyFit, IsTheLineOfItsRows) {
  // T = 20 us + bytes / 40 GB/s, of 100 tokens to 8 experts with 10 kB each: 8 MB, of which half
  // and three quarters leave a node of 8 at 16 and 32 ranks: 120 and 170 us.
  RawFile raw;
  raw.links = LinksRecord{.rail = gigabytes_per_second(50), .nvlink = gigabytes_per_second(200)};
  const auto row = [](int ranks, double us) {
    return LowLatencyRecord{.ids = {"x"},
                            .ranks = ranks,
                            .ranks_per_node = 8,
                            .tokens = 100,
                            .experts_per_token = 8,
                            .bytes_per_message = bytes(1e4),
                            .time = microseconds(us)};
  };
  raw.low_latencies = {row(16, 120), row(32, 170)};
  auto fit = low_latency_fit("x", raw);
  ASSERT_TRUE(fit.has_value());
  EXPECT_NEAR(fit->latency.in(microseconds(20)), 1, 1e-9);
  EXPECT_NEAR(fit->rail_efficiency, 0.8, 1e-9);
  EXPECT_FALSE(low_latency_fit("y", raw).has_value());
  // 80 GB/s are beyond the NIC's 50: 100 and 125 us less 80 and 120 us leave 20 and 5 us, whose
  // mean by relative errors is (20 / 100^2 + 5 / 125^2) / (1 / 100^2 + 1 / 125^2) = 14.15 us.
  raw.low_latencies = {row(16, 100), row(32, 125)};
  fit = low_latency_fit("x", raw);
  EXPECT_EQ(fit->rail_efficiency, 1);
  EXPECT_NEAR(fit->latency.in(microseconds(1)), (20 / 1e4 + 5 / 15625.0) / (1 / 1e4 + 1 / 15625.0),
              1e-9);
}

}  // namespace
}  // namespace planewise::calibration
