// What a traffic run reports: bandwidths as nccl-tests define them, in every form.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "report/report.h"
#include "simulate/small_traffic.h"

namespace planewise::report {
namespace {

using spec::Algorithm;
using spec::Collective;

/// Eight GPUs behind one switch without latency: NICs of 50 GB/s.
TrafficReport run_of(std::vector<spec::TrafficStep> steps, std::int64_t repeat = 1) {
  spec::TopologySpec topology = test::one_switch(8, 1);
  topology.fabric.switch_latency = Seconds{};
  spec::TrafficSpec traffic = test::traffic_of(std::move(steps), 8);
  traffic.repeat = repeat;
  return make_traffic({.traffic = traffic, .topology = topology},
                      test::simulate_traffic(traffic, topology));
}

// That is what bus bandwidth is for: whatever the collective, it comes to the rate of a NIC.
TEST(Traffic, HasABusBandwidthOfTheLinksRate) {
  for (const auto& [collective, algorithm] :
       std::vector<std::pair<Collective, Algorithm>>{{Collective::all_to_all, Algorithm::direct},
                                                     {Collective::all_reduce, Algorithm::ring},
                                                     {Collective::reduce_scatter, Algorithm::ring},
                                                     {Collective::all_gather, Algorithm::ring},
                                                     {Collective::all_gather, Algorithm::direct}}) {
    const TrafficReport run =
        run_of({{.collective = collective, .algorithm = algorithm, .size = bytes(8e6)}}, 3);
    ASSERT_EQ(run.lines.size(), 1U);
    const TrafficLine& line = run.lines[0];
    EXPECT_NEAR(line.busbw.in(gigabytes_per_second(50)), 1, 1e-10) << line.collective;
    EXPECT_NEAR(line.time.in(line.idle), 1, 1e-10);
    EXPECT_NEAR(line.time.in(line.mean), 1, 1e-10);
    EXPECT_EQ(line.groups, 1);
  }
}

// All-to-all of 8 x 1 MB: 7 MB a NIC in 140 us, and nccl-tests count 8 MB. An all-reduce of 1 MB:
// 14/8 MB in 35 us.
TEST(Traffic, CountsSizesAsNcclTestsDo) {
  const TrafficReport run = run_of(
      {{.size = bytes(1e6)},
       {.collective = Collective::all_reduce, .algorithm = Algorithm::ring, .size = bytes(1e6)}});
  EXPECT_EQ(run.lines[0].size, bytes(8e6));
  EXPECT_NEAR(run.lines[0].time.in(microseconds(140)), 1, 1e-10);
  EXPECT_NEAR(run.lines[0].algbw.base(), 8e6 / 140e-6, 1);
  EXPECT_EQ(run.lines[1].size, bytes(1e6));
  EXPECT_NEAR(run.lines[1].time.in(microseconds(35)), 1, 1e-10);
  EXPECT_NEAR(run.lines[1].algbw.base(), 1e6 / 35e-6, 1);
}

TEST(Traffic, IsToldInEveryForm) {
  Report report;
  report.title = "test";
  report.traffic.push_back(
      run_of({{.name = "dispatch", .size = bytes(1e6)},
              {.name = "pause", .is_compute = true, .compute = microseconds(200)}}));
  const auto json = nlohmann::json::parse(render(report, Format::json));
  const auto& run = json.at("traffic").at(0);
  EXPECT_NEAR(run.at("total_s").get<double>(), 340e-6, 1e-12);
  EXPECT_EQ(run.at("steps").size(), 2U);
  EXPECT_EQ(run.at("steps").at(0).at("step"), "dispatch");
  EXPECT_NEAR(run.at("steps").at(0).at("time_s").get<double>(), 140e-6, 1e-12);
  EXPECT_NEAR(run.at("steps").at(0).at("over_idle").get<double>(), 1, 1e-10);
  EXPECT_TRUE(run.at("steps").at(1).at("busbw_bytes_per_s").is_null());
  EXPECT_TRUE(json.at("runs").empty());
  const std::string csv = render(report, Format::csv);
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 3);  // a row a step, under the names
  for (const Format format : {Format::text, Format::md}) {
    report.detailed = true;
    report.fabrics.resize(0);
    EXPECT_NE(render(report, format).find("busbw, GB/s"), std::string::npos);
  }
}

}  // namespace
}  // namespace planewise::report
