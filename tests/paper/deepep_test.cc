// DeepEP's normal kernels on H800 (github deepseek-ai/DeepEP, README of April 2025), simulated as
// flows on an idle multi-plane fabric. The profile's two efficiencies a collective were fitted to
// these very rows (three rows, two numbers), so this checks the traffic model, not a prediction.
#include <gtest/gtest.h>

#include "fabric/fabric.h"
#include "simulate/simulate.h"
#include "workload/make_job.h"
#include "workload/traffic.h"

namespace planewise {
namespace {

struct Row {
  int ranks;
  double dispatch_gb_per_s;
  double combine_gb_per_s;
};

constexpr double kTokens = 4096;
constexpr double kDispatchBytes = 7168 + 56 * 4;  // e4m3 and scales
constexpr double kCombineBytes = 2 * 7168;        // BF16

/// Seconds that one exchange takes on the fabric of the V3 cluster, with nothing else there.
double exchange_time(int ranks, double bytes_per_token, const std::string& collective,
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
  workload::MoeTraffic moe{.tokens = kTokens,
                           .nodes_per_token = std::min(4, ranks / 8),
                           .experts_per_token = 8,
                           .routed_experts = 256,
                           .bytes_per_token = bytes_per_token};
  for (int rank = 0; rank < ranks; ++rank) moe.ranks.push_back(rank);
  workload::Program program;
  program.labels = {{.name = collective}};
  program.stage_of_rank.assign(static_cast<std::size_t>(ranks), 0);
  program.stages = {{.chunks = {{.name = "one", .steps = {{workload::StepKind::exchange, 0}}}},
                     .slots = {{workload::Phase::forward_1f, 0}}}};
  program.transfers = {{.label = 0,
                        .members = moe.ranks,
                        .flows = dispatch_flows(moe, placement, curve),
                        .latency = curve.latency}};
  return simulate::simulate(program, placement, fabric::lay_out(topology), {}).step_time.base();
}

// DeepEP's bandwidth counts each token once for each of its nodes, its own included.
double logical_rate(int ranks, double bytes_per_token, const std::string& collective) {
  const int nodes_per_token = std::min(4, ranks / 8);
  return kTokens * nodes_per_token * bytes_per_token /
         exchange_time(ranks, bytes_per_token, collective) / 1e9;
}

class DeepEp : public testing::TestWithParam<Row> {};

// Two efficiencies cannot meet three rows exactly; 3 % is the spread that is left.
TEST_P(DeepEp, NormalKernelsComeOut) {
  const Row row = GetParam();
  EXPECT_NEAR(logical_rate(row.ranks, kDispatchBytes, "ep_dispatch") / row.dispatch_gb_per_s, 1,
              0.03);
  EXPECT_NEAR(logical_rate(row.ranks, kCombineBytes, "ep_combine") / row.combine_gb_per_s, 1, 0.03);
}
INSTANTIATE_TEST_SUITE_P(April2025, DeepEp,
                         testing::Values(Row{16, 43, 43}, Row{32, 58, 57}, Row{64, 51, 50}));

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
    const double time =
        exchange_time(64, kernel.bytes_per_token, kernel.collective, spec::Beside::compute);
    EXPECT_NEAR(time * 1e6 / kernel.microseconds, 1, 0.01) << kernel.collective;
  }
}

}  // namespace
}  // namespace planewise
