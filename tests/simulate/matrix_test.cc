// Connection matrices: simulated against times worked out by hand, and written and read again.
#include <gtest/gtest.h>

#include "simulate/small_traffic.h"
#include "spec/htsim_matrix.h"
#include "spec/mistakes.h"
#include "workload/htsim_matrix.h"

namespace planewise::simulate {
namespace {

using spec::Algorithm;
using spec::Collective;
using spec::TrafficStep;
using test::one_switch;
using test::simulate_traffic;
using test::traffic_of;

constexpr double kA = 1e-6, kR = 50e9;  // of one_switch

spec::TrafficSpec parsed(const std::string& text) {
  spec::Diagnostics diagnostics;
  spec::TrafficSpec traffic = spec::parse_htsim_matrix("test.cm", text, diagnostics);
  EXPECT_EQ(test::mistakes(diagnostics, "test.cm"), std::vector<std::string>{});
  return traffic;
}

std::variant<std::string, workload::MatrixRefusal> written(const spec::TrafficSpec& traffic,
                                                           const spec::TopologySpec& topology,
                                                           const spec::ProfileSpec* profile = {}) {
  const auto placement = workload::place_traffic(traffic, topology.nodes.gpus);
  const auto program =
      workload::traffic_program({.traffic = traffic, .profile = profile}, placement);
  return workload::htsim_matrix(program, placement,
                                {.hosts = topology.nodes.count * topology.nodes.gpus});
}

std::string text_of(const std::variant<std::string, workload::MatrixRefusal>& made) {
  const auto* refusal = std::get_if<workload::MatrixRefusal>(&made);
  EXPECT_EQ(refusal, nullptr) << refusal->reason;
  return refusal == nullptr ? std::get<std::string>(made) : "";
}

std::string refusal_of(const std::variant<std::string, workload::MatrixRefusal>& made) {
  const auto* refusal = std::get_if<workload::MatrixRefusal>(&made);
  return refusal == nullptr ? "" : refusal->reason;
}

// 50 MB take 1 ms on a NIC. Flow 1: 0 to 1, from 0. Flow 2: 2 to 3 from 3 ms. Flow 3 after flow 1,
// flow 4 after 1 and 2, flow 5 after 3.
TEST(Matrix, StartsFlowsAtTheirTimesAndTriggers) {
  const spec::TrafficSpec traffic = parsed(R"(Nodes 6
Connections 5
Triggers 3
0->1 id 1 start 0 size 50000000 send_done_trigger 1 recv_done_trigger 2
2->3 id 2 start 3000000000 size 50000000 recv_done_trigger 2
0->4 id 3 trigger 1 size 100000000 recv_done_trigger 3
5->4 id 4 trigger 2 size 50000000
4->0 id 5 trigger 3 size 50000000
trigger id 1 oneshot
trigger id 2 barrier count 2
trigger id 3 oneshot
)");
  const Result result = simulate_traffic(traffic, one_switch(6, 1), {.symmetry = false});
  // Two ranks a flow; flow f is rank 2 f, and its chunks are the wait, the flow and the rest.
  ASSERT_EQ(result.ranks.size(), 10U);
  const double wait[] = {0, 3e-3, kA + 1e-3, 3e-3 + kA + 1e-3, 2 * kA + 3e-3};
  const double takes[] = {kA + 1e-3, kA + 1e-3, kA + 2e-3, kA + 1e-3, kA + 1e-3};
  for (std::size_t f = 0; f < 5; ++f) {
    EXPECT_NEAR(result.ranks[2 * f].chunks[workload::kMatrixWait].base(), wait[f], 1e-12) << f;
    EXPECT_NEAR(result.ranks[2 * f].chunks[workload::kMatrixFlow].base(), takes[f], 1e-12) << f;
  }
  EXPECT_NEAR(result.step_time.base(), 4e-3 + kA + kA + 1e-3, 1e-12);
}

// Eight flows into one host share its NIC; hosts may send several flows at once.
TEST(Matrix, SharesLinksAmongItsFlows) {
  std::string text = "Nodes 9\nConnections 8\n";
  for (int i = 1; i <= 8; ++i) {
    text += std::to_string(i) + "->0 id " + std::to_string(i) + " start 0 size 5000000\n";
  }
  const Result result = simulate_traffic(parsed(text), one_switch(9, 1));
  EXPECT_NEAR(result.step_time.base(), kA + 8 * 5e6 / kR, 1e-12);
  EXPECT_LT(result.symmetry.flow_classes, 3);
}

struct RoundTrip {
  const char* what;
  std::vector<TrafficStep> steps;
  std::int64_t repeat = 1;
};

// Sizes are whole bytes and starts whole picoseconds, so that nothing is rounded on the way.
std::vector<RoundTrip> round_trips() {
  const auto step = [](Collective collective, Algorithm algorithm, int group = 0) {
    return TrafficStep{
        .collective = collective, .algorithm = algorithm, .group = group, .size = bytes(1 << 20)};
  };
  using C = Collective;
  using A = Algorithm;
  TrafficStep limited = step(C::all_to_all, A::node_limited);
  limited.nvlink_size = bytes(70'000);
  const TrafficStep pause{.is_compute = true, .compute = microseconds(3)};
  const TrafficStep sends{.collective = C::send, .size = bytes(999), .pairs = {{0, 9}, {9, 3}}};
  return {
      {"one exchange", {step(C::all_to_all, A::direct)}},
      {"exchanges after a pause", {pause, step(C::all_to_all, A::direct, 4), limited}},
      {"exchanges in a row", {step(C::all_to_all, A::direct, 4), limited}, 3},
      {"two hops", {step(C::all_to_all, A::two_hop)}, 2},
      {"a ring", {pause, step(C::all_reduce, A::ring)}},
      {"rings in a row", {step(C::reduce_scatter, A::ring, 8), step(C::all_gather, A::ring, 8)}},
      {"rings and exchanges",
       {step(C::all_reduce, A::hierarchical), step(C::all_gather, A::direct)}},
      {"a tree", {step(C::broadcast, A::tree)}},
      {"up and down a tree", {step(C::all_reduce, A::tree)}},
      {"a chain", {step(C::broadcast, A::ring)}},
      {"a send among others", {sends, step(C::all_to_all, A::direct)}},
  };
}

TEST(Matrix, WrittenAndReadAgainTakesTheSameTime) {
  for (const RoundTrip& trip : round_trips()) {
    SCOPED_TRACE(trip.what);
    for (const double spread : {0.0, 0.2}) {
      spec::TrafficSpec traffic = traffic_of(trip.steps, 16);
      traffic.repeat = trip.repeat;
      traffic.size_spread = spread;
      const spec::TopologySpec topology =
          test::make_topology({.radix = 12, .nodes = 4, .gpus = 4, .leaf_oversubscription = 2});
      const std::string text = text_of(written(traffic, topology));
      const spec::TrafficSpec again = parsed(text);
      const Result direct = simulate_traffic(traffic, topology, {.symmetry = false});
      const Result through = simulate_traffic(again, topology, {.symmetry = false});
      EXPECT_EQ(direct.statistics.flows_started, through.statistics.flows_started);
      // Drawn sizes are rounded to a byte: one in 999 at most, on every flow of the longest chain.
      EXPECT_NEAR(through.step_time.in(direct.step_time), 1, spread > 0 ? 1e-3 : 1e-12);
      // And what is read is what is written, but for the order of lines.
      EXPECT_EQ(text_of(written(again, topology)).size(), text.size());
    }
  }
}

TEST(Matrix, IsRefusedWhereTheFormatCannotHoldIt) {
  const spec::TopologySpec topology = one_switch(8, 1);
  const TrafficStep exchange{.name = "exchange", .size = bytes(1000)};
  const TrafficStep pause{.name = "pause", .is_compute = true, .compute = microseconds(1)};
  EXPECT_EQ(refusal_of(written(traffic_of({exchange, pause, exchange}, 8), topology)),
            "a connection matrix has no pause after a flow, such as 'pause'");
  EXPECT_EQ(refusal_of(written(traffic_of({pause}, 8), topology)), "there is no flow to write");
  TrafficStep large = exchange;
  large.size = bytes(3e9);
  EXPECT_EQ(refusal_of(written(traffic_of({large}, 8), topology)),
            "htsim reads sizes up to 2,147,483,647 B, and a flow of 'exchange' is larger");
  TrafficStep tree{.name = "tree",
                   .collective = Collective::broadcast,
                   .algorithm = Algorithm::tree,
                   .size = bytes(1000),
                   .chunks = 3};
  EXPECT_TRUE(refusal_of(written(traffic_of({tree}, 8), topology))
                  .starts_with("more than two things wait for one flow"));
  spec::ProfileSpec profile;
  profile.collectives = {{.id = "ring", .latency = microseconds(1)}};
  TrafficStep costly = exchange;
  costly.curve = "ring";
  EXPECT_EQ(refusal_of(written(traffic_of({costly}, 8), topology, &profile)),
            "a connection matrix cannot hold the software latency of 'exchange'");
}

}  // namespace
}  // namespace planewise::simulate
