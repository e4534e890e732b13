// Traffic workloads and connection matrices as they are read, key by key.
#include "spec/traffic.h"

#include <gtest/gtest.h>

#include "spec/cross_check.h"
#include "spec/example_files.h"
#include "spec/htsim_matrix.h"
#include "spec/mistakes.h"
#include "spec/read.h"

namespace planewise::spec {
namespace {

TrafficSpec read_text(std::string_view text, Diagnostics& diagnostics) {
  Document document = parse_document("traffic.yaml", std::string(text), diagnostics);
  EXPECT_TRUE(is_traffic(document));
  return read_traffic(std::move(document), diagnostics);
}

std::vector<std::pair<int, int>> pairs_of(const TrafficStep& step) {
  std::vector<std::pair<int, int>> pairs;
  for (const RankPair& pair : step.pairs) pairs.emplace_back(pair.from, pair.to);
  return pairs;
}

TEST(ReadTraffic, FindsEveryKey) {
  Diagnostics diagnostics;
  const TrafficSpec traffic = read_text(test::kTraffic, diagnostics);
  ASSERT_TRUE(diagnostics.empty());
  EXPECT_EQ(traffic.name, "t");
  EXPECT_EQ(traffic.ranks, 64);
  EXPECT_EQ(traffic.size_spread, 0.2);
  EXPECT_EQ(traffic.repeat, 5);
  ASSERT_EQ(traffic.steps.size(), 6U);
  const TrafficStep& dispatch = traffic.steps[0];
  EXPECT_EQ(dispatch.name, "dispatch");
  EXPECT_EQ(dispatch.collective, Collective::all_to_all);
  EXPECT_EQ(dispatch.algorithm, Algorithm::node_limited);
  EXPECT_EQ(dispatch.layout, GroupLayout::spread);
  EXPECT_EQ(dispatch.group, 16);
  EXPECT_EQ(dispatch.size, bytes(3e6));
  EXPECT_EQ(dispatch.nvlink_size, bytes(2e6));
  EXPECT_EQ(dispatch.curve, "ep_combine");
  EXPECT_TRUE(traffic.steps[1].is_compute);
  EXPECT_EQ(traffic.steps[1].compute, microseconds(200));
  EXPECT_EQ(traffic.steps[2].name, "broadcast");
  EXPECT_EQ(traffic.steps[2].group, 64);  // all ranks
  EXPECT_EQ(traffic.steps[2].chunks, 8);
  EXPECT_EQ(traffic.steps[2].curve, "ring");
  using Pairs = std::vector<std::pair<int, int>>;
  EXPECT_EQ(pairs_of(traffic.steps[3]), (Pairs{{5, 3}}));
  EXPECT_EQ(pairs_of(traffic.steps[4]), (Pairs{{0, 3}, {1, 0}, {2, 1}, {3, 2}}));
  EXPECT_EQ(pairs_of(traffic.steps[5]), (Pairs{{1, 0}, {2, 0}}));
  EXPECT_EQ(curves_of(traffic), (std::vector<std::string>{"ep_combine", "ring", "point_to_point"}));
}

TopologySpec nodes_of(std::int64_t count, int gpus) {
  TopologySpec topology;
  topology.origin.path = "topology.yaml";
  topology.nodes = {.count = count, .gpus = gpus};
  topology.fabric.shape = TreeSpec{.layers = 2};
  return topology;
}

TEST(TrafficAndTopology, RanksFitAndGroupsFillNodesWhereTheyHaveTo) {
  Diagnostics diagnostics;
  const TrafficSpec traffic = read_text(test::kTraffic, diagnostics);
  check_traffic_and_topology(traffic, nodes_of(8, 8), diagnostics);
  EXPECT_TRUE(diagnostics.empty());
  Diagnostics small;
  check_traffic_and_topology(traffic, nodes_of(4, 8), small);
  EXPECT_EQ(
      test::mistakes(small, "traffic.yaml"),
      (std::vector<std::string>{"5:8: ranks: 64 ranks, but topology.yaml has 4 x 8 = 32 GPUs"}));
  Diagnostics wide;
  check_traffic_and_topology(traffic, nodes_of(4, 32), wide);
  EXPECT_EQ(test::mistakes(wide, "traffic.yaml"),
            (std::vector<std::string>{
                "12:12: steps[0].group: groups of 16 ranks do not fill nodes of 32 GPUs, which "
                "'layout: spread' needs"}));
}

TEST(Workload, OfTrainingIsNoTraffic) {
  Diagnostics diagnostics;
  EXPECT_FALSE(is_traffic(
      parse_document("w.yaml", "planewise_workload: 1\nphase: training\n", diagnostics)));
  EXPECT_FALSE(is_traffic(parse_document("w.yaml", "phase: traffic\n", diagnostics)));
  EXPECT_FALSE(is_traffic(parse_document("w.yaml", "[planewise_workload, phase]\n", diagnostics)));
}

// Two flows from the top, one after either's sender, one after both receivers.
constexpr std::string_view kMatrix = R"(# as htsim's own scripts write it
Nodes 8
Connections 4
Triggers 2
0->1 id 1 start 0 size 2000000 send_done_trigger 4 recv_done_trigger 9
2->3 id 2 start 1.5e6 size 4096 recv_done_trigger 9
0->4 id 3 trigger 4 size 10 prio 5

5->6 id 7 trigger 9 size 20
trigger id 4 oneshot
trigger id 9 barrier count 2
)";

TEST(ReadMatrix, FindsFlowsAndTriggers) {
  Diagnostics diagnostics;
  const TrafficSpec traffic =
      parse_htsim_matrix("folder/some.cm", std::string(kMatrix), diagnostics);
  ASSERT_TRUE(diagnostics.empty()) << test::mistakes(diagnostics, "")[0];
  EXPECT_EQ(traffic.name, "some");
  EXPECT_EQ(traffic.ranks, 8);
  ASSERT_TRUE(traffic.matrix);
  const auto& [flows, triggers] = *traffic.matrix;
  ASSERT_EQ(flows.size(), 4U);
  EXPECT_EQ(flows[0].source, 0);
  EXPECT_EQ(flows[0].destination, 1);
  EXPECT_EQ(flows[0].size, bytes(2e6));
  EXPECT_EQ(flows[0].trigger, -1);
  EXPECT_EQ(flows[0].send_done_trigger, 0);
  EXPECT_EQ(flows[0].recv_done_trigger, 1);
  EXPECT_EQ(flows[1].start, microseconds(1.5));  // picoseconds, as a float
  EXPECT_EQ(flows[3].trigger, 1);
  ASSERT_EQ(triggers.size(), 2U);
  EXPECT_EQ(triggers[0].senders, (std::vector<int>{0}));
  EXPECT_EQ(triggers[0].targets, (std::vector<int>{2}));
  EXPECT_EQ(triggers[1].receivers, (std::vector<int>{0, 1}));
  EXPECT_EQ(triggers[1].targets, (std::vector<int>{3}));
}

// A multishot of one flow for one is a oneshot; what nothing activates or awaits says nothing.
TEST(ReadMatrix, TakesTheMultishotsThatHaveNoChoice) {
  Diagnostics diagnostics;
  const TrafficSpec traffic = parse_htsim_matrix("some.cm",
                                                 "Nodes 3\r\nConnections 2\r\nTriggers 2\r\n"
                                                 "0->1 id 1 start 0 size 5 send_done_trigger 1\r\n"
                                                 "0->2 id 2 trigger 1 size 5\r\n"
                                                 "trigger id 1 multishot\r\n"
                                                 "trigger id 2 oneshot\r\n",
                                                 diagnostics);
  ASSERT_TRUE(diagnostics.empty()) << test::mistakes(diagnostics, "")[0];
  EXPECT_EQ(traffic.matrix->triggers.size(), 1U);
}

// Whatever is cut off anywhere is either read or told, never worse.
TEST(ReadMatrix, SurvivesEveryCut) {
  for (std::size_t length = 0; length < kMatrix.size(); ++length) {
    Diagnostics diagnostics;
    const TrafficSpec traffic =
        parse_htsim_matrix("cut.cm", std::string(kMatrix.substr(0, length)), diagnostics);
    EXPECT_TRUE(!diagnostics.empty() || traffic.matrix->flows.size() == 4U) << length;
  }
}

}  // namespace
}  // namespace planewise::spec
