#include "spec/cross_check.h"

#include "spec/check_job.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "spec/example_files.h"
#include "spec/mistakes.h"
#include "spec/temporary_folder.h"

namespace planewise::spec {
namespace {

using Texts = std::vector<std::string>;

/// The examples, read from files of their own; a test changes the values.
struct Examples {
  Examples() {
    Diagnostics diagnostics;
    model = read_model(folder.write("model.yaml", test::kModel), diagnostics);
    profile = read_profile(folder.write("profile.yaml", test::kProfile), diagnostics);
    job = read_job(folder.write("job.yaml", test::kWorkload), diagnostics);
    topology = read_topology(folder.write("topology.yaml", test::kTopology), diagnostics);
    book = read_price_book(folder.write("book.yaml", test::kPriceBook), diagnostics);
    EXPECT_TRUE(diagnostics.empty());
    // 96 ranks on 12 nodes of 8 GPUs; the example's nodes have 6.
    topology.nodes.count = 12;
    topology.nodes.gpus = 8;
    topology.nodes.nics = 8;
  }
  test::TemporaryFolder folder;
  ModelSpec model;
  ProfileSpec profile;
  JobSpec job;
  TopologySpec topology;
  PriceBookSpec book;
};

class CrossCheck : public testing::Test {
 protected:
  Texts job_and_model() {
    Diagnostics diagnostics;
    check_job_and_model(x.job, x.model, diagnostics);
    return test::mistakes(diagnostics, x.job.origin.path);
  }
  Diagnostics job_and_topology_found() {
    Diagnostics diagnostics;
    check_job_and_topology(x.job, x.topology, diagnostics);
    return diagnostics;
  }
  Texts job_and_topology() { return test::mistakes(job_and_topology_found(), x.job.origin.path); }
  Examples x;
};

TEST_F(CrossCheck, HasNothingAgainstWhatFits) {
  EXPECT_EQ(job_and_model(), Texts{});
  EXPECT_EQ(job_and_topology(), Texts{});
  Diagnostics diagnostics;
  check_prices(x.topology, x.book, diagnostics);
  check_profile(x.profile, {"gemm", "norm"}, {"ring"}, diagnostics);
  EXPECT_TRUE(diagnostics.empty());
}

TEST_F(CrossCheck, PricesAreForTheSwitchesInUse) {
  x.book.roles->switch_radix = 64;
  Diagnostics diagnostics;
  check_prices(x.topology, x.book, diagnostics);
  EXPECT_EQ(
      test::mistakes(diagnostics, x.topology.origin.path),
      (Texts{"15:10: fabric.radix: 8-port switches, but price book 'prices' prices switches of 64 "
             "ports"}));
  EXPECT_EQ(diagnostics.list()[0].hint, "use 64-port switches or another price book (--prices)");
  EXPECT_EQ(diagnostics.list()[0].source_line, "  radix: 8");
}

TEST_F(CrossCheck, DenseModelsHaveNoExpertsToSpread) {
  x.model.moe.reset();
  EXPECT_EQ(job_and_model(),
            (Texts{"18:11: parallel.expert: the model latent has no routed experts",
                   "22:3: routing: the model latent has no routed experts"}));
  x.job.parallel.expert = 1;
  x.job.has_routing = false;
  EXPECT_EQ(job_and_model(), Texts{});
}

TEST_F(CrossCheck, MoeModelsNeedRouting) {
  x.job.has_routing = false;
  EXPECT_EQ(job_and_model(), (Texts{"22:3: routing: missing; latent has routed experts"}));
}

TEST_F(CrossCheck, TensorRanksDivideHeadsAndColumns) {
  x.job.parallel.tensor = 7;
  std::string all;
  for (const std::string& mistake : job_and_model()) all += mistake + "\n";
  EXPECT_NE(all.find("parallel.tensor: 16 attention heads do not divide over 7 ranks"),
            std::string::npos)
      << all;
}

TEST_F(CrossCheck, SchedulesThatPutOffWeightGradientsTakeNoFullRecomputation) {
  x.job.schedule = Schedule::zb1p;
  x.job.recomputation = Recomputation::full;
  const Texts found = job_and_model();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_NE(found[0].find("recomputation: full recomputation is not simulated"), std::string::npos);
}

TEST_F(CrossCheck, LayersDivideOverStagesUnlessTheyAreSaid) {
  Diagnostics diagnostics;
  x.job.parallel.layers_per_stage.clear();  // 7 layers over 3 stages
  complete_job(x.job, x.model, diagnostics);
  ASSERT_EQ(diagnostics.list().size(), 1U);
  EXPECT_EQ(diagnostics.list()[0].hint, "write 'layers_per_stage', such as [2, 3, 2]");
  x.model.layers = 9;
  complete_job(x.job, x.model, diagnostics);
  EXPECT_EQ(x.job.parallel.layers_per_stage, (std::vector<std::int64_t>{3, 3, 3}));
}

TEST_F(CrossCheck, OnlyOneMtpModule) {
  x.model.mtp_depth = 2;
  EXPECT_EQ(job_and_model(),
            (Texts{"5:8: model: 2 MTP modules in latent; training is simulated with "
                   "at most one so far"}));
}

TEST_F(CrossCheck, StagesHoldAllLayers) {
  x.job.parallel.layers_per_stage = {3, 2, 1};
  EXPECT_EQ(job_and_model(),
            (Texts{"19:21: parallel.layers_per_stage: sums to 6, but latent has 7 layers"}));
}

TEST_F(CrossCheck, ExpertsDivideOverTheirRanks) {
  x.job.parallel.expert = 24;
  EXPECT_EQ(job_and_model(),
            (Texts{"18:11: parallel.expert: 64 routed experts do not divide over 24 ranks"}));
}

TEST_F(CrossCheck, NodesPerTokenFitTheRouter) {
  x.job.routing.nodes_per_token = 3;
  EXPECT_EQ(job_and_model(),
            (Texts{"23:20: routing.nodes_per_token: 4 experts a token do not divide "
                   "over 3 nodes, which balanced routing needs"}));
  x.job.routing.nodes_per_token = 4;
  x.model.moe->groups_per_token = 2;
  EXPECT_EQ(job_and_model(),
            (Texts{"23:20: routing.nodes_per_token: the router of latent picks from "
                   "at most 2 groups a token"}));
}

TEST_F(CrossCheck, EveryRankHasAGpu) {
  x.topology.nodes.count = 13;
  EXPECT_EQ(job_and_topology(), Texts{});  // 96 of 104 GPUs
  x.topology.nodes.count = 11;
  EXPECT_EQ(job_and_topology(),
            (Texts{"16:3: parallel: 3 stages x 32 ranks = 96 need 12 nodes of 8, but " +
                   x.topology.origin.path + " has 11 x 8 = 88 GPUs"}));
}

TEST_F(CrossCheck, SprayNeedsEvenStriping) {
  x.topology.fabric.tree().striping = Striping::greedy;
  x.topology.fabric.routing = Routing::spray;
  Diagnostics diagnostics;
  check_job_and_topology(x.job, x.topology, diagnostics);
  ASSERT_EQ(diagnostics.list().size(), 1U);
  EXPECT_EQ(diagnostics.list()[0].key, "fabric.routing");
  EXPECT_EQ(diagnostics.list()[0].file, x.topology.origin.path);
  x.topology.fabric.routing = Routing::ecmp;
  EXPECT_EQ(job_and_topology(), Texts{});
}

// Trunks of unlike width, or paths of unlike length, are not one trunk.
TEST_F(CrossCheck, SprayIsOverTreesOnly) {
  const auto with = [&](Family family, Shape shape) {
    x.topology.fabric.family = family;
    x.topology.fabric.shape = std::move(shape);
    return test::mistakes(job_and_topology_found(), x.topology.origin.path);
  };
  x.topology.fabric.routing = Routing::spray;
  const Shape tree = TreeSpec{};
  for (const Family family : {Family::fat_tree, Family::mpft, Family::mrft, Family::rail_only}) {
    EXPECT_EQ(with(family, tree), Texts{}) << family_word(family);
  }
  const std::vector<std::pair<Family, Shape>> others = {
      {Family::dragonfly, DragonflySpec{}}, {Family::dragonfly_plus, DragonflyPlusSpec{}},
      {Family::slim_fly, SlimFlySpec{}},    {Family::hyperx, HyperXSpec{}},
      {Family::torus, TorusSpec{}},         {Family::dual_tor, DualTorSpec{}},
      {Family::custom, CustomSpec{}}};
  for (const auto& [family, shape] : others) {
    x.topology.fabric.routing = Routing::spray;
    EXPECT_EQ(with(family, shape),
              Texts{fmt::format("21:12: fabric.routing: 'spray' is simulated over fat trees only, "
                                "not over family '{}'",
                                family_word(family))});
    EXPECT_EQ(job_and_topology_found().list()[0].hint, "write 'ecmp', 'adaptive' or 'static'");
    x.topology.fabric.routing = Routing::ecmp;
    EXPECT_EQ(with(family, shape), Texts{}) << family_word(family);
  }
}

TEST_F(CrossCheck, PrintedCountsAreNotSimulated) {
  x.topology.fabric.family = Family::slim_fly;
  x.topology.fabric.shape = SlimFlySpec{.q = 28, .endpoints_per_switch = 21};
  x.topology.fabric.routing = Routing::ecmp;
  EXPECT_TRUE(job_and_topology_found().empty());
  x.topology.fabric.as_printed = true;
  const Diagnostics diagnostics = job_and_topology_found();
  ASSERT_EQ(diagnostics.list().size(), 1U);
  EXPECT_EQ(diagnostics.list()[0].key, "fabric.as_printed");
  EXPECT_EQ(diagnostics.list()[0].message, "counts of a published table have no graph to simulate");
  EXPECT_EQ(diagnostics.list()[0].hint, "remove it, with a size that can be built");
}

// Nor priced by parts: there is no cable to price.
TEST_F(CrossCheck, PrintedCountsArePricedByRolesOnly) {
  x.topology.fabric.as_printed = true;
  Diagnostics diagnostics;
  check_prices(x.topology, x.book, diagnostics);
  EXPECT_TRUE(diagnostics.empty());
  x.book.roles.reset();
  check_prices(x.topology, x.book, diagnostics);
  ASSERT_EQ(diagnostics.list().size(), 1U);
  EXPECT_EQ(diagnostics.list()[0].key, "fabric.as_printed");
  EXPECT_EQ(diagnostics.list()[0].hint, "use a price book of roles (--prices)");
}

TEST_F(CrossCheck, PartPricesNeedEquipment) {
  x.book.roles.reset();
  Diagnostics diagnostics;
  check_prices(x.topology, x.book, diagnostics);
  ASSERT_EQ(diagnostics.list().size(), 1U);
  EXPECT_EQ(diagnostics.list()[0].key, "equipment");
  EXPECT_EQ(diagnostics.list()[0].hint,
            "add 'equipment:' with a catalogue, the switches and the NIC");
}

TEST_F(CrossCheck, GroupsThatAreSpreadFillNodes) {
  x.job.parallel.expert = 4;
  EXPECT_EQ(job_and_topology(), Texts{});
  x.job.parallel.layout = GroupLayout::spread;
  const Texts found = job_and_topology();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_NE(found[0].find("expert groups of 4 do not fill nodes of 8 GPUs"), std::string::npos);
}

TEST_F(CrossCheck, TheProfileHasWhatTheWorkloadRuns) {
  Diagnostics diagnostics;
  check_profile(x.profile, {"gemm", "rope"}, {"ring", "tree"}, diagnostics);
  EXPECT_EQ(test::mistakes(diagnostics, x.profile.origin.path),
            (Texts{"12:3: operators: no operator 'rope', which the workload runs",
                   "41:3: collectives: no collective 'tree', which the workload runs"}));
  EXPECT_EQ(
      diagnostics.list()[0].hint,
      "planewise-calibrate merge " + x.profile.origin.path +
          " calibration/profiles/h800_published.yaml -o OTHER.yaml takes what is missing from "
          "another profile, as an estimate");
}

TEST_F(CrossCheck, TheProfileSaysWhyItLacksSomething) {
  x.profile.not_measured = {{.id = "tree", .reason = "one GPU"}, {.id = "ring", .reason = "no"}};
  Diagnostics diagnostics;
  check_profile(x.profile, {}, {"ring", "tree"}, diagnostics);
  EXPECT_EQ(
      test::mistakes(diagnostics, x.profile.origin.path),
      (Texts{"41:3: collectives: no collective 'tree', which the workload runs (not measured: "
             "one GPU)"}));
}

TEST_F(CrossCheck, WhatRunsIsNotTimedAsSomethingElse) {
  const std::string text =
      test::changed(test::kProfile, "    source: c\n", "    source: c\n    proxy: a copy\n");
  Diagnostics reading;
  const ProfileSpec profile = read_profile(x.folder.write("proxy.yaml", text), reading);
  ASSERT_TRUE(reading.empty());
  Diagnostics diagnostics;
  check_proxies(profile, {"gemm", "attention"}, diagnostics);
  EXPECT_TRUE(diagnostics.empty());
  check_proxies(profile, {"gemm", "norm"}, diagnostics);
  EXPECT_EQ(test::mistakes(diagnostics, profile.origin.path),
            (Texts{"39:12: operators[2].proxy: norm: timed as 'a copy'"}));
  EXPECT_EQ(diagnostics.list()[0].hint,
            "measure on a GPU that runs the operator itself, or pass --allow-proxy");
}

}  // namespace
}  // namespace planewise::spec
