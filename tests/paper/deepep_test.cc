// DeepEP's normal kernels on H800 (github deepseek-ai/DeepEP, README of April 2025), simulated as
// flows on an idle multi-plane fabric. The profile's two efficiencies a collective were fitted to
// these very rows (three rows, two numbers), so this checks the traffic model, not a prediction.
#include <gtest/gtest.h>

#include "fabric/fabric.h"
#include "simulate/simulate.h"
#include "workload/exchange_program.h"
#include "workload/make_job.h"

namespace planewise {
namespace {

struct Row {
  int ranks;
  Rate dispatch;
  Rate combine;
};

constexpr double kTokens = 4096;
constexpr double kDispatchBytes = 7168 + 56 * 4;  // e4m3 and scales
constexpr double kCombineBytes = 2 * 7168;        // BF16

struct Exchange {
  workload::BalancedExchange traffic{};
  Seconds time{};
};

/// One exchange on the fabric of the V3 cluster, with nothing else there.
Exchange exchange(int ranks, double bytes_per_token, const std::string& collective,
                  spec::Beside beside = spec::Beside::alone) {
  spec::Diagnostics diagnostics;
  const spec::ProfileSpec profile =
      spec::read_profile(test::root_path("calibration/profiles/h800_published.yaml"), diagnostics);
  spec::TopologySpec topology =
      spec::read_topology(test::root_path("topologies/mpft_2048.yaml"), diagnostics);
  diagnostics.throw_if_any();
  topology.nodes.count = ranks / 8;
  const spec::CollectiveCurve& curve = *spec::find_collective(profile, collective, beside);
  const workload::Placement placement = workload::place_in_order(ranks, 8);
  const workload::BalancedExchange moe{.ranks = ranks,
                                       .tokens = kTokens,
                                       .choice = {.routed_experts = 256,
                                                  .experts_per_token = 8,
                                                  .nodes_per_token = std::min(4, ranks / 8)},
                                       .bytes_per_token = bytes_per_token};
  const workload::Program program = workload::exchange_program(moe, placement, curve);
  const Seconds time =
      simulate::simulate(program, placement, fabric::lay_out(topology), {}).step_time;
  return {.traffic = moe, .time = time};
}

Rate logical_rate(int ranks, double bytes_per_token, const std::string& collective) {
  const Exchange simulated = exchange(ranks, bytes_per_token, collective);
  return workload::logical_rate(simulated.traffic, simulated.time);
}

class DeepEp : public testing::TestWithParam<Row> {};

// Two efficiencies cannot meet three rows exactly; 3 % is the spread that is left.
TEST_P(DeepEp, NormalKernelsComeOut) {
  const Row row = GetParam();
  EXPECT_NEAR(logical_rate(row.ranks, kDispatchBytes, "ep_dispatch").in(row.dispatch), 1, 0.03);
  EXPECT_NEAR(logical_rate(row.ranks, kCombineBytes, "ep_combine").in(row.combine), 1, 0.03);
}
INSTANTIATE_TEST_SUITE_P(
    April2025, DeepEp,
    testing::Values(Row{16, gigabytes_per_second(43), gigabytes_per_second(43)},
                    Row{32, gigabytes_per_second(58), gigabytes_per_second(57)},
                    Row{64, gigabytes_per_second(51), gigabytes_per_second(50)}));

// The data kernels of the training trace (github deepseek-ai/profile-data, train.json, EP64), on 20
// SMs beside compute. One efficiency a kernel was fitted to each; without the tail of the last
// chunk, 0.1 % of the time, 1 % is plenty.
TEST(DeepEpTrace, KernelsBesideComputeComeOut) {
  struct Kernel {
    std::string collective;
    double bytes_per_token;
    double microseconds;
  };
  for (const Kernel& kernel :
       {Kernel{"ep_dispatch", kDispatchBytes, 4346}, Kernel{"ep_combine", kCombineBytes, 5994},
        Kernel{"ep_combine_backward", kDispatchBytes, 3405},
        Kernel{"ep_dispatch_backward", kCombineBytes, 6368}}) {
    const Seconds time =
        exchange(64, kernel.bytes_per_token, kernel.collective, spec::Beside::compute).time;
    EXPECT_NEAR(time.in(microseconds(kernel.microseconds)), 1, 0.01) << kernel.collective;
  }
}

}  // namespace
}  // namespace planewise
