// Collectives on an idle fabric of one switch against closed forms, derived beside each case.
//
// R = 50 GB/s a NIC and a = 1 us a path between nodes; V = 160 GB/s and b = 2 us by NVLink.
#include <gtest/gtest.h>

#include <numeric>

#include "simulate/small_traffic.h"

namespace planewise::simulate {
namespace {

using spec::Algorithm;
using spec::Collective;
using spec::TrafficStep;
using test::one_switch;
using test::simulate_traffic;
using test::traffic_of;

constexpr double kA = 1e-6, kB = 2e-6, kR = 50e9, kV = 160e9;
// Sums of thousands of events in doubles, relative.
constexpr double kRounding = 1e-10;

struct IdleCase {
  const char* what;
  TrafficStep step;
  std::int64_t nodes;
  int gpus;
  double seconds;
};

std::vector<IdleCase> idle_cases() {
  const double s = 64e6;  // the size of each
  const auto step = [&](Collective collective, Algorithm algorithm, int chunks = 1) {
    return TrafficStep{
        .collective = collective, .algorithm = algorithm, .size = bytes(s), .chunks = chunks};
  };
  using C = Collective;
  using A = Algorithm;
  TrafficStep limited = step(C::all_to_all, A::node_limited);
  limited.nvlink_size = bytes(3 * s);
  return {
      // 8 nodes of one GPU: each NIC sends 7 s.
      {"all-to-all", step(C::all_to_all, A::direct), 8, 1, kA + 7 * s / kR},
      // 2 nodes of 4: 4 s by NIC, 3 s by NVLink, at once.
      {"all-to-all of nodes", step(C::all_to_all, A::direct), 2, 4, kA + 4 * s / kR},
      {"all-to-all in a node", step(C::all_to_all, A::direct), 1, 4, kB + 3 * s / kV},
      // 4 nodes of 2 GPUs: 3 s by NIC; 3 s by NVLink beside it.
      {"node-limited", limited, 4, 2, kA + 3 * s / kR},
      // 4 nodes of 2: to one peer 4 s, then to 3 nodes 2 s each.
      {"two hops", step(C::all_to_all, A::two_hop), 4, 2, kB + 4 * s / kV + kA + 3 * 2 * s / kR},
      // A ring of n: 2 (n - 1) rounds of s/n. As fast as its slowest link.
      {"ring all-reduce", step(C::all_reduce, A::ring), 8, 1, 14 * (kA + s / 8 / kR)},
      {"ring all-reduce of nodes", step(C::all_reduce, A::ring), 2, 4, 14 * (kA + s / 8 / kR)},
      {"ring all-reduce in a node", step(C::all_reduce, A::ring), 1, 8, 14 * (kB + s / 8 / kV)},
      {"ring reduce-scatter", step(C::reduce_scatter, A::ring), 8, 1, 7 * (kA + s / 8 / kR)},
      {"ring all-gather", step(C::all_gather, A::ring), 8, 1, 7 * (kA + s / 8 / kR)},
      {"direct all-gather", step(C::all_gather, A::direct), 8, 1, kA + 7 * s / 8 / kR},
      {"direct reduce-scatter", step(C::reduce_scatter, A::direct), 1, 8, kB + 7 * s / 8 / kV},
      // 4 nodes of 2: half the buffer to the peer, a ring of 4 on each rail over the other half,
      // and
      // back: 2 (b + s/2 / V) + 2 * 3 (a + s/8 / R).
      {"hierarchical all-reduce", step(C::all_reduce, A::hierarchical), 4, 2,
       2 * (kB + s / 2 / kV) + 6 * (kA + s / 8 / kR)},
      {"hierarchical all-gather", step(C::all_gather, A::hierarchical), 4, 2,
       kB + s / 2 / kV + 3 * (kA + s / 8 / kR)},
      {"hierarchical reduce-scatter", step(C::reduce_scatter, A::hierarchical), 4, 2,
       kB + s / 2 / kV + 3 * (kA + s / 8 / kR)},
      // A chain of 7 links in 16 chunks: the last chunk leaves after 15, and crosses all 7.
      {"broadcast chain", step(C::broadcast, A::ring, 16), 8, 1, (7 + 15) * (kA + s / 16 / kR)},
      // A full tree of 7: two levels, each parent sends to two at once. 4 chunks: 3 periods more.
      {"broadcast tree", step(C::broadcast, A::tree), 7, 1, 2 * (kA + 2 * s / kR)},
      {"broadcast tree, chunks", step(C::broadcast, A::tree, 4), 7, 1,
       (2 + 3) * (kA + 2 * s / 4 / kR)},
      // The same up, where two children share their parent's NIC, and down.
      {"tree all-reduce", step(C::all_reduce, A::tree), 7, 1, 4 * (kA + 2 * s / kR)},
      // 3 ranks in a row would be 0 over 1 and 2: one level, up and down.
      {"tree of three", step(C::all_reduce, A::tree), 3, 1, 2 * (kA + 2 * s / kR)},
      // 2 ranks: one link each way.
      {"tree of two", step(C::all_reduce, A::tree), 2, 1, 2 * (kA + s / kR)},
  };
}

TEST(IdleFabric, TakesTheClosedForm) {
  for (const IdleCase& c : idle_cases()) {
    SCOPED_TRACE(c.what);
    const auto ranks = static_cast<int>(c.nodes) * c.gpus;
    const spec::TrafficSpec traffic = traffic_of({c.step}, ranks);
    const spec::TopologySpec topology = one_switch(c.nodes, c.gpus);
    for (const bool symmetry : {true, false}) {
      const Seconds time = simulate_traffic(traffic, topology, {.symmetry = symmetry}).step_time;
      EXPECT_NEAR(time.base() / c.seconds, 1, kRounding) << "symmetry " << symmetry;
    }
    // And what the report calls idle.
    const auto placement = workload::place_traffic(traffic, c.gpus);
    const auto groups = workload::groups_of(traffic.steps[0], ranks, c.gpus);
    const Seconds idle = workload::idle_time(
        {.step = traffic.steps[0], .groups = groups, .placement = placement, .curve = {}},
        workload::idle_fabric(topology));
    EXPECT_NEAR(idle.base() / c.seconds, 1, kRounding);
  }
}

// A tree all-reduce of c chunks over full depth D cannot end before the first chunk went up and
// down and c - 1 more followed, and a NIC inside carries three times the buffer each way.
TEST(IdleFabric, OfAPipelinedTreeIsNotFasterThanItsBounds) {
  const double s = 64e6;
  for (const int chunks : {2, 4, 16}) {
    const TrafficStep step{.collective = Collective::all_reduce,
                           .algorithm = Algorithm::tree,
                           .size = bytes(s),
                           .chunks = chunks};
    const Result result = simulate_traffic(traffic_of({step}, 7), one_switch(7, 1));
    const double first = (4 + chunks - 1) * (kA + 2 * s / chunks / kR);
    EXPECT_GE(result.step_time.base(), std::max(first, 3 * s / kR) * (1 - 1e-12));
    // Three flows on a NIC instead of two take half as long again, at most.
    EXPECT_LE(result.step_time.base(), 1.5 * first * (1 + 1e-12));
  }
}

// Two children that do not start together: rank 1 has children of its own, rank 2 has not. Up: 3
// and 4 share the NIC of 1 (a + 2 s/R); 2 was there after a, and has sent s/R by a + s/R. So 1 then
// sends alone: a + 2 s/R + a + s/R. Down: two levels of two children.
TEST(IdleFabric, OfATreeWithUnevenBranches) {
  const double s = 64e6;
  const TrafficStep step{
      .collective = Collective::all_reduce, .algorithm = Algorithm::tree, .size = bytes(s)};
  const double seconds = 2 * kA + 3 * s / kR + 2 * (kA + 2 * s / kR);
  const spec::TrafficSpec traffic = traffic_of({step}, 5);
  EXPECT_NEAR(simulate_traffic(traffic, one_switch(5, 1)).step_time.base() / seconds, 1, kRounding);
  const auto placement = workload::place_traffic(traffic, 1);
  const auto groups = workload::groups_of(traffic.steps[0], 5, 1);
  const Seconds idle = workload::idle_time(
      {.step = traffic.steps[0], .groups = groups, .placement = placement, .curve = {}},
      workload::idle_fabric(one_switch(5, 1)));
  EXPECT_NEAR(idle.base() / seconds, 1, kRounding);
}

// Software latency comes before every message: 14 times in a ring of 8. Efficiencies stretch bytes.
TEST(IdleFabric, AddsTheProfilesCosts) {
  const double s = 64e6;
  spec::ProfileSpec profile;
  profile.collectives = {{.id = "ring", .latency = microseconds(5), .rail_efficiency = 0.8}};
  const TrafficStep step{.collective = Collective::all_reduce,
                         .algorithm = Algorithm::ring,
                         .size = bytes(s),
                         .curve = "ring"};
  const Result result = simulate_traffic(traffic_of({step}, 8), one_switch(8, 1), {}, &profile);
  EXPECT_NEAR(result.step_time.base() / (14 * (5e-6 + kA + s / 8 / (0.8 * kR))), 1, kRounding);
}

// Steps follow each other, and so do repeats; a chunk's time is that of its step, all repeats.
TEST(Steps, RunOneAfterTheOther) {
  spec::TrafficSpec traffic = traffic_of({{.size = bytes(50e6)},
                                          {.is_compute = true, .compute = microseconds(200)},
                                          {.size = bytes(100e6)}},
                                         4);
  traffic.repeat = 3;
  const Result result = simulate_traffic(traffic, one_switch(4, 1));
  // 3 x 50 MB at 50 GB/s is 3 ms, twice that the second time, and 1 us each.
  const double first = 3e-3 + kA, last = 6e-3 + kA;
  EXPECT_NEAR(result.step_time.base(), 3 * (first + 200e-6 + last), 1e-12);
  for (const RankResult& rank : result.ranks) {
    ASSERT_EQ(rank.chunks.size(), 3U);
    EXPECT_NEAR(rank.chunks[0].base(), 3 * first, 1e-12);
    EXPECT_NEAR(rank.chunks[1].base(), 3 * 200e-6, 1e-12);
    EXPECT_NEAR(rank.chunks[2].base(), 3 * last, 1e-12);
  }
  ASSERT_EQ(result.chunks.size(), 3U);
  EXPECT_NEAR(result.chunks[0].base(), 3 * first, 1e-12);
  EXPECT_NEAR(result.chunks[2].base(), 3 * last, 1e-12);
}

// Eight ranks to one share its NIC; a shift leaves each a NIC of its own.
TEST(Sends, ShareTheNicOfAnIncast) {
  std::vector<spec::RankPair> incast, shift;
  for (int i = 0; i < 9; ++i) {
    if (i > 0) incast.push_back({i, 0});
    shift.push_back({i, (i + 2) % 9});
  }
  const auto time = [&](const std::vector<spec::RankPair>& pairs) {
    const TrafficStep step{.collective = Collective::send, .size = bytes(5e6), .pairs = pairs};
    return simulate_traffic(traffic_of({step}, 9), one_switch(9, 1)).step_time.base();
  };
  EXPECT_NEAR(time(incast), kA + 8 * 1e-4, 1e-12);
  EXPECT_NEAR(time(shift), kA + 1e-4, 1e-12);
}

// Rank 0 receives eight flows, rank 9 none: it comes to the all-to-all at once, and waits. The
// step's own time counts from when the last has come: 9 x 5 MB a NIC.
TEST(Steps, DoNotCountWaitingForTheLate) {
  TrafficStep incast{.collective = Collective::send, .size = bytes(5e6)};
  for (int i = 1; i < 9; ++i) incast.pairs.push_back({i, 0});
  const TrafficStep exchange{.size = bytes(5e6)};
  const Result result =
      simulate_traffic(traffic_of({incast, exchange}, 10), one_switch(10, 1), {.symmetry = false});
  const double all = kA + 9 * 1e-4;
  EXPECT_NEAR(result.chunks[1].base(), all, 1e-12);
  EXPECT_NEAR(result.ranks[9].chunks[1].base(), kA + 8 * 1e-4 + all, 1e-12);
}

std::vector<TrafficStep> every_step(int group) {
  std::vector<TrafficStep> steps;
  for (const IdleCase& c : idle_cases()) {
    steps.push_back(c.step);
    steps.back().group = group;
    steps.back().layout =
        steps.size() % 2 == 0 ? spec::GroupLayout::packed : spec::GroupLayout::spread;
  }
  return steps;
}

void expect_symmetry_changes_nothing(const TrafficStep& step, const spec::TopologySpec& topology) {
  const spec::TrafficSpec traffic = traffic_of({step}, 32);
  const Result reduced = simulate_traffic(traffic, topology);
  const Result full = simulate_traffic(traffic, topology, {.symmetry = false});
  EXPECT_NEAR(reduced.step_time.in(full.step_time), 1, 1e-12);
  ASSERT_EQ(full.ranks.size(), 32U);
  for (const RankResult& rank : reduced.ranks) {
    const RankResult& same = full.ranks[static_cast<std::size_t>(rank.rank)];
    EXPECT_NEAR(rank.chunks[0].in(full.step_time), same.chunks[0].in(full.step_time), 1e-12);
  }
}

// The reduction is exact: to 1e-12 the same times, rank by rank, on fabrics that block and on
// planes that flows reach by NVLink.
TEST(Symmetry, ChangesNoCollective) {
  for (const spec::Routing routing : {spec::Routing::spray, spec::Routing::static_path}) {
    for (const TrafficStep& step : every_step(16)) {
      expect_symmetry_changes_nothing(step, test::make_topology({.radix = 12,
                                                                 .nodes = 8,
                                                                 .gpus = 4,
                                                                 .leaf_oversubscription = 2,
                                                                 .routing = routing}));
      expect_symmetry_changes_nothing(step, test::make_topology({.family = spec::Family::mpft,
                                                                 .planes = 4,
                                                                 .radix = 8,
                                                                 .nodes = 8,
                                                                 .gpus = 4,
                                                                 .routing = routing}));
    }
  }
}

TEST(Engines, AgreeOnEveryCollective) {
  const spec::TopologySpec topology =
      test::make_topology({.radix = 12, .nodes = 4, .gpus = 2, .leaf_oversubscription = 2});
  std::vector<TrafficStep> steps = every_step(4);
  const spec::TrafficSpec traffic = traffic_of(steps, 8);
  const Seconds fast = simulate_traffic(traffic, topology).step_time;
  const Seconds reference =
      simulate_traffic(traffic, topology, {.engine = EngineKind::simgrid}).step_time;
  EXPECT_NEAR(fast.in(reference), 1, 1e-9);
}

// Fewer ranks than GPUs: the others are idle.
TEST(Ranks, MayLeaveGpusIdle) {
  const TrafficStep step{.size = bytes(50e6)};
  EXPECT_NEAR(simulate_traffic(traffic_of({step}, 4), one_switch(8, 1)).step_time.base(), kA + 3e-3,
              1e-12);
}

// Four flows of 1 +- 20 % on links of their own: the last to end is the largest draw, and draws
// differ from pass to pass and from seed to seed.
TEST(SizeSpread, DrawsEveryStartAnew) {
  spec::TrafficSpec traffic = traffic_of(
      {{.collective = Collective::send, .size = bytes(50e6), .pairs = {{0, 1}, {2, 3}}}}, 4);
  const auto run = [&](std::uint64_t seed, double spread, std::int64_t repeat) {
    traffic.size_spread = spread;
    traffic.repeat = repeat;
    return simulate_traffic(traffic, one_switch(4, 1), {.seed = seed});
  };
  const double even = run(1, 0, 1).step_time.base();
  const double one = run(1, 0.2, 1).step_time.base(), other = run(2, 0.2, 1).step_time.base();
  const double two = run(1, 0.2, 2).step_time.base();
  EXPECT_NEAR(one, even, 0.2 * even);
  EXPECT_NE(one, even);
  EXPECT_NE(one, other);
  EXPECT_GT(std::abs(two - 2 * one), 1e-9);
  EXPECT_EQ(one, run(1, 0.2, 1).step_time.base());
  // What a link carried is what was drawn: 0 -> 1 is the NIC of rank 0.
  const Result drawn = run(1, 0.2, 2);
  EXPECT_EQ(drawn.symmetry.flow_classes, drawn.symmetry.flows);
  for (const LinkLoad& load : drawn.busiest_links) EXPECT_LE(load.mean_load, 1 + 1e-12);
}

}  // namespace
}  // namespace planewise::simulate
