// What a training run reports beside its step time: memory, imbalance, money, kinds of
// communication, estimates.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "report/notes.h"
#include "report/report.h"
#include "report/training_memory.h"
#include "workload/make_job.h"

namespace planewise::report {
namespace {

using Json = nlohmann::json;

constexpr const char* kV3 = "workloads/deepseek_v3_train_2048_h800.yaml";

JobMemory v3_memory() {
  const test::Loaded v3 = test::load_bundled(kV3);
  return job_memory(v3.job, v3.model, v3.profile);
}

// arXiv 2412.19437, section 3.2: trained on 80 GB H800 without tensor parallelism. DualPipe is the
// same from both ends, and the stages in between hold four MoE layers of either direction each.
TEST(JobMemory, OfDeepSeekV3FitsAndIsTheSameFromBothEnds) {
  const JobMemory memory = v3_memory();
  ASSERT_EQ(memory.by_pipeline.size(), 16U);
  EXPECT_TRUE(memory.fits());
  EXPECT_EQ(memory.gpu_memory, bytes(81559.0 * 1024 * 1024));  // the profile's
  // Equal to rounding: chunks are added up in the other order.
  constexpr double kRounding = 1e-12;
  for (std::size_t rank = 0; rank < 8; ++rank) {
    EXPECT_NEAR(memory.by_pipeline[rank]
                    .use(model::MemoryUse::weights)
                    .in(memory.by_pipeline[15 - rank].use(model::MemoryUse::weights)),
                1, kRounding);
  }
}

// 1F1B holds P - rank micro-batches (arXiv 2205.05198, section 4.2.3), so that activations fall by
// a quarter of the first rank's from one of four equal stages to the next. The last one has logits.
TEST(JobMemory, Of1F1BFallsFromRankToRank) {
  spec::JobSpec job = test::small_job({.pipeline = 4, .micro_batches = 8});
  const spec::ModelSpec model = test::small_model(8);
  spec::ProfileSpec profile = test::round_profile(job, model);
  profile.gpu.memory = bytes(80e9);
  const JobMemory memory = job_memory(job, model, profile);
  const auto activations = [&](std::size_t rank) {
    return memory.by_pipeline[rank].use(model::MemoryUse::activations).in(bytes(1));
  };
  EXPECT_NEAR(activations(1) / activations(0), 3.0 / 4, 1e-12);  // exact but for rounding
  EXPECT_NEAR(activations(2) / activations(0), 2.0 / 4, 1e-12);
}

TEST(JobMemory, ThatDoesNotFitIsSaidInTableNoteAndJson) {
  test::Loaded v3 = test::load_bundled(kV3);
  v3.profile.gpu.memory = bytes(40e9);
  const JobMemory memory = job_memory(v3.job, v3.model, v3.profile);
  EXPECT_FALSE(memory.fits());
  EXPECT_NE(memory_note(memory).find("memory DOES NOT FIT: pipeline rank"), std::string::npos);
  Report report{.title = "test", .memory = {memory}};
  EXPECT_NE(render(report, Format::text).find("DOES NOT FIT"), std::string::npos);
  const Json ranks = Json::parse(render(report, Format::json)).at("memory").at(0).at("ranks");
  ASSERT_EQ(ranks.size(), 16U);
  double sum = 0;
  for (const char* use : {"weights", "gradients", "optimizer", "activations", "buffers"}) {
    sum += ranks.at(3).at(std::string(use) + "_bytes").get<double>();
  }
  // The same numbers added up in the same order.
  EXPECT_DOUBLE_EQ(ranks.at(3).at("total_bytes").get<double>(), sum);
  EXPECT_EQ(ranks.at(3).at("fits"), false);
  EXPECT_EQ(ranks.at(3).at("gpu_memory_bytes"), 40e9);
}

RunReport v3_run(double step_seconds) {
  const test::Loaded v3 = test::load_bundled(kV3);
  simulate::Result result{.step_time = seconds(step_seconds), .labels = {"dispatch", "combine"}};
  for (const int rank : {0, 128}) {
    result.ranks.push_back({.rank = rank,
                            .rank_count = 1024,
                            .stage = rank / 128,
                            .imbalance = seconds(rank / 256.0),
                            .busy = {seconds(3), seconds(2)},
                            .exposed = {seconds(1), seconds(2)}});
  }
  return make_run(v3.job, v3.model, v3.profile, "mpft_2048", std::move(result));
}

std::string text_of(RunReport run) {
  Report report{.title = "test"};
  FabricReport fabric;
  fabric.fabric.topology.name = "mpft_2048";
  report.fabrics = {fabric};
  report.runs = {std::move(run)};
  report.detailed = true;
  return render(report, Format::text);
}

Json json_of(RunReport run) {
  Report report{.title = "test"};
  report.runs = {std::move(run)};
  return Json::parse(render(report, Format::json)).at("runs").at(0);
}

// arXiv 2412.19437, Table 1 and section 1: 180 K H800 hours a trillion tokens. From the step
// of 19.926 s (arXiv 2505.09343, Table 4): 1e12 / (15,360 x 4,096) x 19.926 s x 2,048 / 3,600 s =
// 180.2 K.
TEST(CostOfTraining, IsThePublishedOneFromThePublishedStepTime) {
  const RunReport run = v3_run(19.926);
  EXPECT_NEAR(run.gpu_hours_per_trillion_tokens / 180e3, 1, 0.005);  // printed to three digits
  EXPECT_NEAR(run.tokens_per_second_and_gpu, 15360.0 * 4096 / 19.926 / 2048, 1e-6);
  EXPECT_TRUE(json_of(run).at("usd_per_trillion_tokens").is_null());
  EXPECT_EQ(text_of(run).find("USD a T tokens"), std::string::npos);
}

TEST(CostOfTraining, IsInDollarsWithAPrice) {
  RunReport run = v3_run(20);
  run.usd_per_trillion_tokens = usd(360e3);
  EXPECT_EQ(json_of(run).at("usd_per_trillion_tokens"), 360e3);
  EXPECT_NE(text_of(run).find("USD a T tokens, k"), std::string::npos);
}

TEST(Imbalance, IsTheStepLessThatWithBalancedTokens) {
  RunReport run = v3_run(20);
  EXPECT_TRUE(json_of(run).at("imbalance").is_null());
  EXPECT_EQ(text_of(run).find("cost of imbalance"), std::string::npos);
  run.balanced_step_time = seconds(18);
  const Json imbalance = json_of(run).at("imbalance");
  EXPECT_EQ(imbalance.at("balanced_step_time_s"), 18);
  EXPECT_EQ(imbalance.at("cost_s"), 2);
  EXPECT_EQ(imbalance.at("most_loaded_rank"), 128);
  EXPECT_EQ(imbalance.at("most_loaded_rank_s"), 0.5);
  EXPECT_NE(text_of(run).find("cost of imbalance"), std::string::npos);
}

// Columns of exposed communication are there if any rank shown has some.
TEST(PipelineRankTable, HasColumnsOfWhatIsExposed) {
  const std::string text = text_of(v3_run(20));
  const std::size_t begin = text.find("Pipeline ranks on mpft_2048");
  const std::string columns = text.substr(begin, text.find("---", begin) - begin);
  EXPECT_NE(columns.find("dispatch"), std::string::npos);
  EXPECT_EQ(columns.find("tensor"), std::string::npos);
  EXPECT_EQ(columns.find("context"), std::string::npos);
}

TEST(Communication, AddsUpLabelsOfOneName) {
  simulate::RankResult rank{.busy = {seconds(3), seconds(5), Seconds{}},
                            .exposed = {seconds(3), seconds(1), Seconds{}}};
  const auto kinds = communication_of(rank, {"dispatch", "dispatch", "combine"});
  ASSERT_EQ(kinds.size(), 1U);
  EXPECT_EQ(kinds[0].busy, seconds(8));
  EXPECT_EQ(kinds[0].exposed, seconds(4));
  EXPECT_EQ(kinds[0].hidden, seconds(4));
}

// Two ranks, three passes: 2 x 3 x 1 s of the estimated operator; of the exchange 2 x 2 s. All is
// 2 x (3 x 2 s + 2 s) = 16 s.
TEST(Estimates, AreAddedUpByOperatorAndExchange) {
  workload::Program program;
  program.blocks = {
      {.operators = {{.id = "norm", .time = seconds(1)},
                     {.id = "gemm", .time = seconds(1), .evidence = spec::Evidence::measured}},
       .time = seconds(2),
       .estimated_time = seconds(1)}};
  program.labels = {{.name = "ring", .evidence = spec::Evidence::estimated}};
  program.stages = {
      {.chunks = {{"forward", {{workload::StepKind::compute, 0}}}}, .slots = {{}, {}, {}}}};
  const simulate::Result result{.ranks = {{.rank_count = 2,
                                           .compute = seconds(6),
                                           .busy = {seconds(2)},
                                           .exposed = {seconds(2)}}},
                                .labels = {"ring"}};
  const std::vector<EstimatedPart> parts = largest_estimates(program, result);
  ASSERT_EQ(parts.size(), 2U);
  EXPECT_EQ(parts[0].name, "norm");
  EXPECT_EQ(parts[0].time, seconds(6));
  EXPECT_DOUBLE_EQ(parts[0].share, 6.0 / 16);
  EXPECT_EQ(parts[1].name, "ring");
  EXPECT_DOUBLE_EQ(parts[1].share, 4.0 / 16);
}

// Two passes. Of "gemm" 3 s and 1 s are outside, of "norm" 2 s, of 10 s a pass.
workload::Program with_extrapolations() {
  const auto beyond = [](workload::SizeKind kind, double asked, const spec::ValidRange& valid) {
    return workload::Extrapolation{.kind = kind, .asked = asked, .valid = valid};
  };
  using Kind = workload::SizeKind;
  const spec::ValidRange rows{.least = 128, .most = 16384};
  workload::Program program;
  program.blocks = {
      {.operators = {
           {.id = "norm",
            .time = seconds(2),
            .extrapolated = beyond(Kind::traffic, 3e6, {.least = 4e6, .most = 2e9})},
           {.id = "gemm", .time = seconds(3), .extrapolated = beyond(Kind::rows, 64, rows)},
           {.id = "gemm", .time = seconds(1), .extrapolated = beyond(Kind::rows, 96, rows)},
           {.id = "gemm", .time = seconds(4), .evidence = spec::Evidence::measured}}}};
  program.stages = {
      {.chunks = {{"forward", {{workload::StepKind::compute, 0}}}}, .slots = {{}, {}}}};
  return program;
}

TEST(Extrapolations, AreALineAnOperatorWithTheSizesAskedFor) {
  const simulate::Result result{.ranks = {{.rank_count = 2}}};
  const std::vector<ExtrapolatedPart> parts = extrapolated_parts(with_extrapolations(), result);
  ASSERT_EQ(parts.size(), 2U);
  EXPECT_EQ(parts[0].id, "gemm");
  EXPECT_EQ(parts[0].time, seconds(16));  // 2 ranks x 2 passes x 4 s
  EXPECT_DOUBLE_EQ(parts[0].compute_share, 0.4);
  EXPECT_EQ(parts[0].asked.least, 64);
  EXPECT_EQ(parts[0].asked.most, 96);
  EXPECT_DOUBLE_EQ(parts[1].compute_share, 0.2);
  EXPECT_EQ(
      extrapolation_notes(parts),
      (std::vector<std::string>{
          "extrapolated: gemm at 64 to 96 rows a group (measured 128 to 16,384), 40.0 % of compute",
          "extrapolated: norm at 3 MB (measured 4 to 2000), 20.0 % of compute"}));
}

TEST(Extrapolations, BeyondFourAreSummedUp) {
  std::vector<ExtrapolatedPart> parts(7, {.id = "x", .compute_share = 0.1});
  const std::vector<std::string> notes = extrapolation_notes(parts);
  ASSERT_EQ(notes.size(), 5U);
  EXPECT_EQ(notes[4], "extrapolated: 3 operators more, 30.0 % of compute");
  EXPECT_EQ(extrapolation_notes({}), std::vector<std::string>{});
}

TEST(Extrapolations, AreInTheJson) {
  RunReport run{.result = {.ranks = {{.rank_count = 2}}}};
  run.extrapolated = extrapolated_parts(with_extrapolations(), run.result);
  const Json list =
      Json::parse(render({.runs = {run}}, Format::json)).at("runs").at(0).at("extrapolated");
  ASSERT_EQ(list.size(), 2U);
  EXPECT_EQ(list.at(0), (Json{{"operator", "gemm"},
                              {"asked_least", 64.0},
                              {"asked_most", 96.0},
                              {"valid_least", 128.0},
                              {"valid_most", 16384.0},
                              {"unit", "rows a group"},
                              {"compute_share", 0.4}}));
  EXPECT_EQ(list.at(1).at("unit"), "bytes");
}

TEST(Proxies, AreNamedIfTheyRun) {
  spec::ProfileSpec profile;
  profile.operators = {{.id = "gemm.fp8"}, {.id = "gemm.bf16"}};
  profile.operators[0].proxy = "bf16 for fp8";
  EXPECT_EQ(proxy_notes(profile, {"gemm.bf16"}), std::vector<std::string>{});
  EXPECT_EQ(proxy_notes(profile, {"gemm.bf16", "gemm.fp8"}),
            std::vector<std::string>{"proxy: gemm.fp8 is timed as 'bf16 for fp8'"});
}

}  // namespace
}  // namespace planewise::report
