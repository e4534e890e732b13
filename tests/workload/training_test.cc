// The assembled step: stages hold the whole model, and what one rank sends another receives.
#include "workload/training.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "model/stage_size.h"
#include "spec/check_job.h"
#include "spec/cross_check.h"
#include "workload/make_job.h"

namespace planewise::workload {
namespace {

const spec::NodesSpec kH800Nodes{.count = 256,
                                 .gpus = 8,
                                 .nics = 8,
                                 .nvlink_rate = gigabytes_per_second(200),
                                 .nvlink_latency = microseconds(1)};

TEST(TrainingProgram, MatchesSendsWithReceives) {
  const spec::JobSpec job =
      test::small_job({.pipeline = 4, .data = 8, .expert = 8, .micro_batches = 3});
  const spec::ModelSpec model = test::small_model(8);
  const spec::ProfileSpec profile = test::round_profile(job, model);
  const Program program = training_program(
      {.job = job, .model = model, .profile = profile, .nodes = kH800Nodes}, place_in_order(32, 4));
  std::map<int, std::int64_t> sent;
  std::map<int, std::int64_t> received;
  for (std::size_t stage = 0; stage < program.stages.size(); ++stage) {
    for (const Slot& slot : program.stages[stage].slots) {
      for (const Step& step :
           program.stages[stage].chunks[static_cast<std::size_t>(slot.chunk)].steps) {
        if (step.kind == StepKind::send) sent[step.index] += 1;
        if (step.kind == StepKind::receive) received[step.index] += 1;
      }
    }
  }
  // 3 micro-batches over 3 stage boundaries, forwards and backwards.
  EXPECT_EQ(sent.size(), 2U);
  for (const auto& [label, count] : sent) EXPECT_EQ(count, 9);
  EXPECT_EQ(sent, received);
}

TEST(TrainingProgram, PutsEveryRankInOneTransferOfALabel) {
  const spec::JobSpec job = test::small_job({.pipeline = 2, .data = 16, .expert = 8});
  const spec::ModelSpec model = test::small_model(4);
  const spec::ProfileSpec profile = test::round_profile(job, model);
  const Program program = training_program(
      {.job = job, .model = model, .profile = profile, .nodes = kH800Nodes}, place_in_order(32, 4));
  std::map<std::pair<int, int>, int> memberships;
  for (const Transfer& transfer : program.transfers) {
    for (std::size_t m = 0; m < transfer.members.size(); ++m) {
      const bool sends =
          !program.labels[static_cast<std::size_t>(transfer.label)].is_message || m == 0;
      if (sends) memberships[{transfer.label, transfer.members[m]}] += 1;
    }
    for (const RankFlow& flow : transfer.flows) {
      EXPECT_NE(flow.source, flow.destination);
      EXPECT_GT(flow.size, Bytes{});
    }
  }
  for (const auto& [key, count] : memberships)
    EXPECT_EQ(count, 1) << key.first << " " << key.second;
}

TEST(TrainingProgram, SizesTheOptimizerByZero1) {
  const test::Loaded v3 = test::load_bundled("workloads/deepseek_v3_train_2048_h800.yaml");
  const model::ModelSize size = model::model_size(v3.model);
  const Program program = training_program(
      {.job = v3.job, .model = v3.model, .profile = v3.profile, .nodes = kH800Nodes},
      place_in_order(2048, 8));
  const model::StageContent middle =
      model::stage_contents(v3.model, v3.job.parallel.layers_per_stage)[5];
  const model::RankParameters held = model::rank_parameters(middle, size, {.expert = 64});
  // A rank updates 1/128 of what its stage shares and 1/2 of its experts: 4 + 8 + 8 + 2 = 22 B
  // each.
  const double expected = (held.shared / 128 + held.expert / 2) * 22;
  const Block& block = program.blocks[program.blocks.size() - 16 + 5];
  EXPECT_NEAR(block.operators[0].traffic.base(), expected, 1);
}

// Round the ring keys and values go in n - 1 messages, each with its latency; gathered, in one
// collective.
TEST(TrainingProgram, PaysForEveryMessageOfAContextRing) {
  for (const auto exchange : {spec::ContextExchange::ring, spec::ContextExchange::all_gather}) {
    spec::JobSpec job = test::small_job({.pipeline = 1, .data = 2, .expert = 2});
    job.parallel.layers_per_stage = {4};
    job.parallel.context = 4;
    job.parallel.context_exchange = exchange;
    const spec::ModelSpec model = test::small_model(4);
    const spec::ProfileSpec profile = test::round_profile(job, model);
    const Program program =
        training_program({.job = job, .model = model, .profile = profile, .nodes = kH800Nodes},
                         place_in_order(8, 8));
    int found = 0;
    for (const Transfer& transfer : program.transfers) {
      if (!program.labels[static_cast<std::size_t>(transfer.label)].name.starts_with("context")) {
        continue;
      }
      ++found;
      const double messages = exchange == spec::ContextExchange::ring ? 3 : 1;
      EXPECT_NEAR(transfer.latency.in(microseconds(2)), messages, 1e-12);
    }
    EXPECT_EQ(found, 4);  // forward and backward of two groups
  }
}

std::vector<std::string> collectives_of(const spec::JobSpec& job, const spec::ModelSpec& model) {
  return training_needs(job, model).collectives;
}

TEST(TrainingNeeds, OnlyTheCollectivesOfItsGroups) {
  using Ids = std::vector<std::string>;
  const spec::ModelSpec model = test::small_model(4);
  const spec::JobSpec one = test::small_job({.pipeline = 1, .data = 1, .expert = 1});
  EXPECT_EQ(collectives_of(one, model), Ids{});
  spec::JobSpec job = one;
  job.parallel.pipeline = 2;  // messages, and the norm of the gradients
  EXPECT_EQ(collectives_of(job, model), Ids{"point_to_point"});
  job.schedule = spec::Schedule::dualpipe;  // both ranks of a stage hold its parameters
  EXPECT_EQ(collectives_of(job, model), (Ids{"point_to_point", "ring"}));
  job = one;
  job.parallel.data = 2;
  EXPECT_EQ(collectives_of(job, model), (Ids{"point_to_point", "ring"}));
  job.parallel.expert = 2;
  EXPECT_EQ(collectives_of(job, model),
            (Ids{"ep_dispatch", "ep_combine", "point_to_point", "ring"}));
  job = one;
  job.parallel.tensor = 2;  // experts are whole on both ranks: their gradients are added up
  EXPECT_EQ(collectives_of(job, model),
            (Ids{"point_to_point", "ring", "all_gather", "reduce_scatter"}));
  spec::ModelSpec dense = model;
  dense.moe.reset();
  EXPECT_EQ(collectives_of(job, dense), (Ids{"point_to_point", "all_gather", "reduce_scatter"}));
}

// The profile has what the job says that it needs, and no more: a step that used another collective
// would stop the program.
TEST(TrainingNeeds, AreEnoughToBuildTheStep) {
  for (const test::SmallJob& small : {test::SmallJob{.pipeline = 1, .data = 1, .expert = 1},
                                      test::SmallJob{.pipeline = 2, .data = 1, .expert = 1},
                                      test::SmallJob{.pipeline = 1, .data = 2, .expert = 1}}) {
    const spec::JobSpec job = test::small_job(small);
    const spec::ModelSpec model = test::small_model(small.pipeline * small.layers_per_stage);
    const spec::ProfileSpec profile = test::round_profile(job, model);
    const Program program =
        training_program({.job = job, .model = model, .profile = profile, .nodes = kH800Nodes},
                         place_in_order(job.parallel.ranks(), 8));
    EXPECT_EQ(program.rank_count(), job.parallel.ranks());
    if (program.rank_count() > 1) continue;
    for (const Transfer& transfer : program.transfers) {
      EXPECT_TRUE(transfer.flows.empty());
      EXPECT_EQ(transfer.latency + transfer.tail, Seconds{});
    }
  }
}

// Nodes of 72 GPUs, which groups of 8 or 16 do not fill, too.
TEST(BundledJobs, FitTheirModelsAndProfilesAndAreBuilt) {
  int jobs = 0;
  for (const auto& entry : std::filesystem::directory_iterator(test::root_path("workloads"))) {
    const std::string file = entry.path().filename().string();
    if (file.find("_train_") == std::string::npos) continue;
    SCOPED_TRACE(file);
    ++jobs;
    test::Loaded loaded = test::load_bundled("workloads/" + file);
    EXPECT_EQ(loaded.job.name + ".yaml", file);
    spec::Diagnostics diagnostics;
    spec::complete_job(loaded.job, loaded.model, diagnostics);
    spec::check_job_and_model(loaded.job, loaded.model, diagnostics);
    const ProfileNeeds needs = training_needs(loaded.job, loaded.model);
    spec::check_profile(loaded.profile, needs.operators, needs.collectives, diagnostics);
    EXPECT_TRUE(diagnostics.list().empty());
    for (const int gpus : {8, 72}) {
      EXPECT_FALSE(refuse_experts(loaded.job, loaded.model, gpus)) << gpus;
      if (loaded.job.parallel.ranks() > 256) continue;  // the others take a while
      spec::NodesSpec nodes = kH800Nodes;
      nodes.gpus = nodes.nics = gpus;
      const Program program = training_program(
          {.job = loaded.job, .model = loaded.model, .profile = loaded.profile, .nodes = nodes},
          place_job(loaded.job.parallel, gpus));
      EXPECT_EQ(program.rank_count(), loaded.job.parallel.ranks());
    }
  }
  EXPECT_GE(jobs, 20);
}

}  // namespace
}  // namespace planewise::workload
