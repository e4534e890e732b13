// Faults in a step: times by hand, nothing lost, the same in both engines, and what is cut off.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <optional>

#include "fabric/fault_cables.h"
#include "simulate/small_system.h"

namespace planewise::simulate {
namespace {

using spec::FaultEvent;
using spec::FaultsSpec;
using test::SmallJob;
using workload::Program;
using workload::StepKind;

/// Ranks that do nothing but one exchange of `flows`, on one GPU each; no software latency.
Program one_exchange(int ranks, const std::vector<workload::RankFlow>& flows) {
  Program program;
  program.labels = {{.name = "exchange"}};
  program.stage_of_rank.assign(static_cast<std::size_t>(ranks), 0);
  program.stages = {{.chunks = {{.name = "all", .steps = {{StepKind::exchange, 0}}}},
                     .slots = {{workload::Phase::forward_1f, 0}}}};
  std::vector<int> members(static_cast<std::size_t>(ranks));
  std::iota(members.begin(), members.end(), 0);
  program.transfers = {{.label = 0, .members = members, .flows = flows}};
  return program;
}

/// Links of 400 Gb/s = 50 GB/s and NVLink of 160 GB/s without latency, so that times are sums of
/// sizes over rates.
spec::TopologySpec without_latency(const test::TopologyOptions& options) {
  spec::TopologySpec topology = test::make_topology(options);
  topology.nodes.nvlink_latency = Seconds{};
  topology.fabric.switch_latency = Seconds{};
  return topology;
}

Result run(const Program& program, const spec::TopologySpec& topology, const FaultsSpec& faults,
           EngineKind engine = EngineKind::fast) {
  const auto placement = workload::place_in_order(program.rank_count(), topology.nodes.gpus);
  return simulate(program, placement, fabric::lay_out(topology),
                  {.engine = engine, .faults = &faults});
}

/// 8 nodes of 4 GPUs on 4 planes.
spec::TopologySpec four_planes(spec::Routing routing = spec::Routing::static_path) {
  return without_latency({.family = spec::Family::mpft,
                          .planes = 4,
                          .radix = 8,
                          .nodes = 8,
                          .gpus = 4,
                          .routing = routing});
}

TEST(Faults, ALinkThatHalvesHalvesWhatIsLeft) {
  const Program program = one_exchange(32, {{.source = 2, .destination = 6, .size = bytes(100e9)}});
  const FaultsSpec faults{
      .events = {
          {.at = seconds(0.5), .rate = 0.5, .target = spec::NicTarget{.node = 0, .nic = 2}}}};
  for (const EngineKind engine : {EngineKind::fast, EngineKind::simgrid}) {
    // 25 GB at 50 GB/s, then 75 GB at 25 GB/s.
    EXPECT_NEAR(run(program, four_planes(), faults, engine).step_time.in(seconds(1)), 3.5, 1e-9);
  }
}

TEST(Faults, ALinkThatComesBackIsWholeAgain) {
  const Program program = one_exchange(32, {{.source = 2, .destination = 6, .size = bytes(100e9)}});
  const FaultsSpec faults{.events = {{.at = seconds(0.5),
                                      .until = seconds(1.5),
                                      .rate = 0.5,
                                      .target = spec::NicTarget{.node = 0, .nic = 2}}}};
  // 25 GB, 25 GB in a second of 25 GB/s, then 50 GB.
  EXPECT_NEAR(run(program, four_planes(), faults).step_time.in(seconds(1)), 2.5, 1e-9);
}

TEST(Faults, OfFaultsOnOneLinkTheLeastRateHolds) {
  const Program program = one_exchange(32, {{.source = 2, .destination = 6, .size = bytes(100e9)}});
  const FaultsSpec faults{
      .events = {{.at = seconds(0), .rate = 0.5, .target = spec::NicTarget{.node = 0, .nic = 2}},
                 {.at = seconds(1),
                  .until = seconds(2),
                  .rate = 0.2,
                  .target = spec::PlaneTarget{.plane = 2}}}};
  // 25 GB in the first second, 10 GB in the second, 65 GB at 25 GB/s.
  EXPECT_NEAR(run(program, four_planes(), faults).step_time.in(seconds(1)), 4.6, 1e-9);
}

TEST(Faults, AFailedNicSendsTheRestOverNvlinkAndAnotherPlane) {
  // GPU 2 of node 0 to GPU 2 of node 1, and beside it GPUs 0, 1 and 3 to theirs, all in their own
  // planes: 1 s at 50 GB/s. Half-way NIC 2 fails; its 25 GB share another plane with the 25 GB that
  // are left there: both take 1 s more.
  std::vector<workload::RankFlow> flows;
  for (int gpu = 0; gpu < 4; ++gpu) {
    flows.push_back({.source = gpu, .destination = 4 + gpu, .size = bytes(50e9)});
  }
  const Program program = one_exchange(32, flows);
  const FaultsSpec faults{
      .events = {{.at = seconds(0.5), .target = spec::NicTarget{.node = 0, .nic = 2}}}};
  for (const spec::Routing routing : {spec::Routing::static_path, spec::Routing::ecmp,
                                      spec::Routing::adaptive, spec::Routing::spray}) {
    for (const EngineKind engine : {EngineKind::fast, EngineKind::simgrid}) {
      const Result result = run(program, four_planes(routing), faults, engine);
      EXPECT_NEAR(result.step_time.in(seconds(1)), 1.5, 1e-9);
      ASSERT_TRUE(result.faults.has_value());
      ASSERT_EQ(result.faults->records.size(), 1U);
      EXPECT_EQ(result.faults->records[0].changes, std::vector<std::string>{"node 0 nic 2 fails"});
      EXPECT_EQ(result.faults->records[0].moved_flows, 1);
      EXPECT_EQ(result.faults->records[0].waiting_flows, 0);
    }
  }
}

TEST(Faults, FlowsStandStillUntilTheyNotice) {
  const Program program = one_exchange(32, {{.source = 2, .destination = 6, .size = bytes(50e9)}});
  const FaultsSpec faults{
      .reroute_after = seconds(0.25),
      .events = {{.at = seconds(0.5), .target = spec::NicTarget{.node = 0, .nic = 2}}}};
  // 25 GB, a pause, 25 GB by another plane alone.
  EXPECT_NEAR(run(program, four_planes(), faults).step_time.in(seconds(1)), 1.25, 1e-9);
}

TEST(Faults, LinksTakeTheirShareOfATrunk) {
  // Two leaves of 4 one-GPU nodes over one spine of 8 ports, four links to it: 4 flows of 50 GB/s
  // fill the trunk of 200 GB/s, of which half is left.
  const spec::TopologySpec topology =
      without_latency({.radix = 8, .nodes = 8, .gpus = 1, .routing = spec::Routing::spray});
  ASSERT_EQ(fabric::lay_out(topology).plane.spines(), 1);
  std::vector<workload::RankFlow> flows;
  for (int gpu = 0; gpu < 4; ++gpu) {
    flows.push_back({.source = gpu, .destination = 4 + gpu, .size = bytes(50e9)});
  }
  FaultsSpec faults;
  for (const std::int64_t number : {1, 2}) {
    faults.events.push_back(
        {.at = seconds(0.5),
         .target = spec::SwitchLinkTarget{.lower = {.layer = spec::Layer::leaf, .index = 0},
                                          .upper = {.layer = spec::Layer::spine, .index = 0},
                                          .number = number}});
  }
  const Result result = run(one_exchange(8, flows), topology, faults);
  // Half of each at full rate, half at half of it.
  EXPECT_NEAR(result.step_time.in(seconds(1)), 1.5, 1e-9);
}

TEST(Faults, AFlowWithoutAnyWayWaitsForTheRepair) {
  const spec::TopologySpec topology =
      without_latency({.radix = 8, .nodes = 8, .gpus = 1, .routing = spec::Routing::static_path});
  const Program program = one_exchange(8, {{.source = 0, .destination = 4, .size = bytes(50e9)}});
  const FaultsSpec faults{
      .events = {{.at = seconds(0.5),
                  .until = seconds(3),
                  .target = spec::SwitchTarget{.layer = spec::Layer::spine, .index = 0}}}};
  for (const EngineKind engine : {EngineKind::fast, EngineKind::simgrid}) {
    const Result result = run(program, topology, faults, engine);
    EXPECT_TRUE(result.is_complete());
    EXPECT_NEAR(result.step_time.in(seconds(1)), 3.5, 1e-9);
    ASSERT_EQ(result.faults->records.size(), 2U);
    EXPECT_EQ(result.faults->records[0].waiting_flows, 1);
    EXPECT_EQ(result.faults->records[1].changes,
              std::vector<std::string>{"plane 0 spine 0 is back"});
    EXPECT_EQ(result.faults->records[1].waiting_flows, 0);
  }
}

TEST(Faults, WithoutARepairTheResultSaysWhatIsCutOff) {
  const spec::TopologySpec topology =
      without_latency({.radix = 8, .nodes = 8, .gpus = 1, .routing = spec::Routing::ecmp});
  const Program program = one_exchange(8, {{.source = 1, .destination = 2, .size = bytes(50e9)},
                                           {.source = 0, .destination = 4, .size = bytes(50e9)}});
  const FaultsSpec faults{
      .events = {{.at = seconds(0.5),
                  .target = spec::SwitchTarget{.layer = spec::Layer::leaf, .index = 1}}}};
  for (const EngineKind engine : {EngineKind::fast, EngineKind::simgrid}) {
    const Result result = run(program, topology, faults, engine);
    EXPECT_FALSE(result.is_complete());
    ASSERT_EQ(result.faults->cut_off.size(), 1U);
    const CutOffFlow& flow = result.faults->cut_off[0];
    EXPECT_EQ(flow.source, 0);
    EXPECT_EQ(flow.destination, 4);
    EXPECT_EQ(result.labels[static_cast<std::size_t>(flow.label)], "exchange");
    EXPECT_NEAR(flow.since.in(seconds(1)), 0.5, 1e-12);
    EXPECT_NEAR(flow.left.in(bytes(1e9)), 25, 1e-6);
  }
}

TEST(Faults, AfterTheStepChangeNothingAndAreNotTold) {
  const Program program = one_exchange(32, {{.source = 2, .destination = 6, .size = bytes(50e9)}});
  const FaultsSpec faults{.events = {{.at = seconds(7), .target = spec::PlaneTarget{.plane = 2}}}};
  const Result result = run(program, four_planes(), faults);
  EXPECT_NEAR(result.step_time.in(seconds(1)), 1, 1e-9);
  EXPECT_TRUE(result.faults->records.empty());
}

TEST(Faults, AFileWithoutEventsChangesNothing) {
  for (const spec::Routing routing :
       {spec::Routing::spray, spec::Routing::static_path, spec::Routing::ecmp}) {
    for (const test::TopologyOptions& fabric : test::small_fabrics(routing)) {
      const FaultsSpec none;
      const Result with = test::simulate_small({.pipeline = 4}, fabric, {.faults = &none}).result;
      const Result without =
          test::simulate_small({.pipeline = 4}, fabric, {.symmetry = false}).result;
      EXPECT_NEAR(with.step_time.in(without.step_time), 1, 1e-12);
      ASSERT_EQ(with.busiest_links.size(), without.busiest_links.size());
      for (std::size_t i = 0; i < with.busiest_links.size(); ++i) {
        EXPECT_NEAR(with.busiest_links[i].carried.in(without.busiest_links[i].carried), 1, 1e-9);
      }
    }
  }
}

/// Any of the targets that a fabric has.
spec::FaultTarget random_target(Random& random, const fabric::Fabric& fabric) {
  const auto below = [&](std::int64_t count) { return random.integer(0, count - 1); };
  const std::int64_t plane = below(fabric.topology.fabric.planes);
  for (;;) {
    spec::FaultTarget target = spec::PlaneTarget{.plane = plane};
    switch (random.integer(0, 8)) {
      case 0:
        break;
      case 1:
        target = spec::SwitchTarget{.plane = plane, .index = below(fabric.plane.leaves)};
        break;
      case 2:
      case 3:
        target = spec::SwitchTarget{
            .plane = plane, .layer = spec::Layer::spine, .index = random.integer(0, 7)};
        break;
      case 4:
      case 5:
        target = spec::SwitchLinkTarget{
            .lower = {.plane = plane, .index = below(fabric.plane.leaves)},
            .upper = {.plane = plane,
                      .layer = fabric.plane.spines() > 0 ? spec::Layer::spine : spec::Layer::leaf,
                      .index = random.integer(0, 7)}};
        break;
      case 6:
        target = spec::GpuTarget{.node = below(fabric.topology.nodes.count),
                                 .gpu = below(fabric.topology.nodes.gpus)};
        break;
      default:
        target = spec::NicTarget{.node = below(fabric.topology.nodes.count),
                                 .nic = below(fabric.topology.nodes.nics)};
    }
    const auto found = fabric::find_cables(fabric, target);
    if (std::holds_alternative<std::vector<fabric::Cable>>(found)) return target;
  }
}

FaultsSpec random_faults(Random& random, const fabric::Fabric& fabric, Seconds step) {
  FaultsSpec faults;
  if (random.integer(0, 1) == 0) faults.reroute_after = step * (0.1 * random.uniform());
  const std::int64_t events = random.integer(1, 6);
  for (std::int64_t i = 0; i < events; ++i) {
    FaultEvent event{.at = step * random.uniform(), .target = random_target(random, fabric)};
    if (random.integer(0, 3) > 0) event.until = event.at + step * (0.1 + random.uniform());
    if (random.integer(0, 2) == 0) event.rate = 0.1 + 0.8 * random.uniform();
    faults.events.push_back(event);
  }
  return faults;
}

double sum_of(const Result& result, fabric::LinkKind kind) {
  double sum = 0;
  for (const LinkLoad& load : result.busiest_links) {
    if (load.kind == kind) sum += load.carried.in(bytes(1));
  }
  return sum;
}

/// One random case in both engines; returns whether the step came to its end.
bool check_both_engines(Random& random, const spec::TopologySpec& topology) {
  const SmallJob small{.pipeline = 4};
  const Seconds undisturbed = test::simulate_small(small, topology).result.step_time;
  const FaultsSpec faults = random_faults(random, fabric::lay_out(topology), undisturbed);
  const Result fast = test::simulate_small(small, topology, {.faults = &faults}).result;
  const Result reference =
      test::simulate_small(small, topology, {.engine = EngineKind::simgrid, .faults = &faults})
          .result;
  EXPECT_EQ(fast.is_complete(), reference.is_complete());
  EXPECT_EQ(fast.faults->records.size(), reference.faults->records.size());
  EXPECT_EQ(fast.faults->cut_off.size(), reference.faults->cut_off.size());
  for (std::size_t i = 0;
       i < std::min(fast.faults->records.size(), reference.faults->records.size()); ++i) {
    EXPECT_EQ(fast.faults->records[i].moved_flows, reference.faults->records[i].moved_flows);
    EXPECT_EQ(fast.faults->records[i].waiting_flows, reference.faults->records[i].waiting_flows);
  }
  if (!fast.is_complete()) return false;
  // Both solve the same max-min problem; sums of their events differ by rounding.
  EXPECT_NEAR(fast.step_time.in(reference.step_time), 1, 1e-9);
  for (const LinkLoad& load : fast.busiest_links) {
    EXPECT_NEAR(load.carried.in(bytes(1)), sum_of(reference, load.kind),
                1e-6 * load.carried.in(bytes(1)) + 1);
  }
  return true;
}

TEST(FaultsLaw, BothEnginesAgree) {
  const std::uint64_t seed = test::seed_or(41);
  Random random(seed);
  int completed = 0;
  int cases = 0;
  const auto check = [&](const spec::TopologySpec& topology) {
    completed += check_both_engines(random, topology) ? 1 : 0;
    ++cases;
    return !::testing::Test::HasFailure();
  };
  for (const spec::Routing routing : {spec::Routing::spray, spec::Routing::static_path,
                                      spec::Routing::ecmp, spec::Routing::adaptive}) {
    for (const test::TopologyOptions& options : test::small_fabrics(routing)) {
      const spec::TopologySpec topology = test::make_topology(options);
      SCOPED_TRACE(test::describe(seed, topology));
      if (!check(topology)) return;
    }
  }
  for (spec::TopologySpec topology : test::small_shapes()) {
    for (const spec::Routing routing : {spec::Routing::static_path, spec::Routing::adaptive}) {
      topology.fabric.routing = routing;
      SCOPED_TRACE(test::describe_shape(seed, topology));
      if (!check(topology)) return;
    }
  }
  // Both kinds of ending are there.
  EXPECT_GT(completed, cases / 2);
  EXPECT_LT(completed, cases);
}

/// Bytes that crossed the NICs outwards, all together; nothing if the step did not end.
std::optional<Bytes> sent(const Program& program, const spec::TopologySpec& topology,
                          const FaultsSpec& faults) {
  const fabric::Fabric fabric = fabric::lay_out(topology);
  const fabric::Router router(fabric, topology.fabric.routing);
  const auto placement = workload::place_in_order(program.rank_count(), topology.nodes.gpus);
  const System system = make_system(program, placement, router, {.routes_at_start = true});
  const PathOptions paths{
      .fabric = fabric, .router = router, .placement = placement, .faults = &faults};
  const DrivenStep step = drive(system, engine::make_fast_engine, {}, {}, &paths);
  if (!step.faults->cut_off.empty()) return std::nullopt;
  Bytes sum{};
  for (std::size_t link = 0; link < system.links.size(); ++link) {
    if (system.links[link].kind == fabric::LinkKind::nic_up) sum += step.carried[link];
  }
  return sum;
}

// Every byte between nodes leaves by a NIC once, wherever its flow was moved to: nothing is lost,
// and in a fluid nothing is sent twice.
TEST(FaultsLaw, NothingIsLost) {
  const std::uint64_t seed = test::seed_or(43);
  Random random(seed);
  const SmallJob small{.pipeline = 4};
  int ended = 0;
  for (int round = 0; round < 10; ++round) {
    for (const spec::Routing routing : {spec::Routing::spray, spec::Routing::static_path,
                                        spec::Routing::ecmp, spec::Routing::adaptive}) {
      const spec::TopologySpec topology =
          test::make_topology(test::small_fabrics(routing)[static_cast<std::size_t>(round % 5)]);
      SCOPED_TRACE(test::describe(seed, topology));
      const test::Simulated undisturbed = test::simulate_small(small, topology);
      FaultsSpec faults =
          random_faults(random, fabric::lay_out(topology), undisturbed.result.step_time);
      // Without NVLink a flow inside a node would leave it.
      std::erase_if(faults.events, [](const FaultEvent& event) {
        return std::holds_alternative<spec::GpuTarget>(event.target);
      });
      const Bytes asked = sent(undisturbed.program, topology, {}).value();
      const std::optional<Bytes> delivered = sent(undisturbed.program, topology, faults);
      if (!delivered) continue;
      ++ended;
      ASSERT_NEAR(delivered->in(asked), 1, 1e-9);
    }
  }
  EXPECT_GT(ended, 20);
}

// All of one leaf send to all of another, each to one, over four spines with a link to each leaf:
// flow by flow the least crowded uplink is an empty one, and so is the link down from its spine. A
// hash can do no better.
TEST(AdaptiveLaw, APermutationBetweenTwoLeavesNeverCollides) {
  const std::uint64_t seed = test::seed_or(44);
  Random random(seed);
  bool hash_collides = false;
  for (int round = 0; round < 20; ++round) {
    std::vector<int> to{4, 5, 6, 7};
    for (std::size_t i = 3; i > 0; --i) {
      std::swap(to[i], to[static_cast<std::size_t>(random.integer(0, static_cast<int>(i)))]);
    }
    std::vector<workload::RankFlow> flows;
    for (int from = 0; from < 4; ++from) {
      const int other = to[static_cast<std::size_t>(from)];
      flows.push_back({.source = from, .destination = other, .size = bytes(50e9)});
      flows.push_back({.source = other, .destination = from, .size = bytes(50e9)});
    }
    const auto seconds_of = [&](spec::Routing routing) {
      const spec::TopologySpec topology =
          without_latency({.radix = 8, .nodes = 32, .gpus = 1, .routing = routing});
      const Program program = one_exchange(32, flows);
      return simulate(program, workload::place_in_order(32, 1), fabric::lay_out(topology),
                      {.seed = random.bits()})
          .step_time.in(seconds(1));
    };
    ASSERT_NEAR(seconds_of(spec::Routing::adaptive), 1, 1e-9);
    const double by_hash = seconds_of(spec::Routing::ecmp);
    ASSERT_GE(by_hash, 1 - 1e-9);
    hash_collides = hash_collides || by_hash > 1.5;
  }
  EXPECT_TRUE(hash_collides);
}

// With queue pairs each part is a flow of its own: 8 of one flow of 50 GB/s over 4 uplinks.
TEST(Adaptive, QueuePairsSpreadOneFlowOverTheUplinks) {
  spec::TopologySpec topology =
      without_latency({.radix = 8, .nodes = 8, .gpus = 1, .routing = spec::Routing::adaptive});
  topology.fabric.queue_pairs = 8;
  const Program program = one_exchange(8, {{.source = 0, .destination = 4, .size = bytes(50e9)}});
  const Result result =
      simulate(program, workload::place_in_order(8, 1), fabric::lay_out(topology), {});
  EXPECT_NEAR(result.step_time.in(seconds(1)), 1, 1e-9);
  EXPECT_EQ(result.symmetry.flows, 8);
  for (const LinkLoad& load : result.busiest_links) {
    // Two of the eight parts on each uplink.
    if (load.kind == fabric::LinkKind::leaf_up) {
      EXPECT_NEAR(load.carried.in(bytes(1e9)), 50.0 / 4, 1e-6);
    }
  }
}

}  // namespace
}  // namespace planewise::simulate
