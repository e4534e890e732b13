// The report's contract: JSON fields, CSV columns, derived rates, the same bytes for the same
// input.
#include "report/report.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <numeric>

#include "report/notes.h"
#include "workload/make_job.h"

namespace planewise::report {
namespace {

using Json = nlohmann::json;

RunReport v3_run(double step_seconds) {
  const test::Loaded v3 = test::load_bundled("workloads/deepseek_v3_train_2048_h800.yaml");
  simulate::Result result{.step_time = seconds(step_seconds), .labels = {"dispatch"}};
  simulate::RankResult rank{
      .rank_count = 2048, .imbalance = seconds(0.5), .busy = {seconds(3)}, .exposed = {seconds(1)}};
  rank.phases[0] = seconds(step_seconds);
  result.ranks = {rank};
  return make_run(v3.job, v3.model, v3.profile, "mpft_2048", std::move(result));
}

Report small_report() {
  Report report{.title = "test"};
  report.header = {.version = "planewise 0", .seed = 7, .engine = "fast"};
  report.header.inputs = {{.path = "a.yaml", .sha256 = "00"}};
  FabricReport fabric;
  fabric.fabric.topology.name = "one";
  fabric.counts = {
      .endpoints = 4, .leaf_switches = 1, .inter_switch_links = 0, .endpoint_links = 4};
  report.fabrics = {fabric};
  report.runs = {v3_run(20)};
  return report;
}

/// What was watched, with round numbers.
Report explained_report() {
  using fabric::LinkKind;
  Report report = small_report();
  report.explains = true;
  simulate::Result& result = report.runs[0].result;
  result.loads = simulate::LoadsOverTime{
      .bin_width = seconds(10),
      .kinds = {{.kind = LinkKind::nic_up, .links = 8, .mean = {0.5, 0}, .maximum = {1, 0}}}};
  result.completion = {{.label = "dispatch", .flows = 3, .p50 = seconds(1)}};
  result.transfers = {
      {.label = "dispatch", .transfers = 2, .alone = seconds(4), .mean = seconds(5)}};
  simulate::Explanation why{.pieces = 2};
  why.by_work = {{.name = "MoE, forward", .pieces = 1, .time = seconds(15)},
                 {.name = "dispatch", .pieces = 1, .time = seconds(5), .latency = seconds(1)}};
  why.savings = {{.what = simulate::Saving::What::links,
                  .kind = LinkKind::nic_up,
                  .on_path = seconds(4),
                  .at_most = seconds(2)}};
  result.explanation = why;
  return report;
}

TEST(Explained, IsInTheJsonOfItsRun) {
  const Json run = Json::parse(render(explained_report(), Format::json)).at("runs").at(0);
  EXPECT_EQ(run.at("loads").at("bin_width_s"), 10);
  EXPECT_EQ(run.at("loads").at("kinds").at(0).at("kind"), "nic_up");
  EXPECT_EQ(run.at("completion").at(0).at("flows"), 3);
  const Json& why = run.at("explanation");
  EXPECT_EQ(why.at("by_work").at(0).at("share"), 0.75);  // 15 s of 20 s
  EXPECT_EQ(why.at("transfers").at(0).at("bound_by"), nullptr);
  EXPECT_EQ(why.at("savings").at(0).at("at_most_s"), 2);
  const Json other = Json::parse(render(small_report(), Format::json)).at("runs").at(0);
  for (const char* key : {"loads", "completion", "explanation"}) EXPECT_FALSE(other.contains(key));
}

TEST(Explained, IsTheCompositionInCsv) {
  EXPECT_EQ(render(explained_report(), Format::csv),
            "fabric,workload,list,name,pieces,time_s,share,latency_s\n"
            "mpft_2048,deepseek_v3_train_2048_h800,by_work,\"MoE, forward\",1,15.0,0.75,0.0\n"
            "mpft_2048,deepseek_v3_train_2048_h800,by_work,dispatch,1,5.0,0.25,1.0\n");
}

TEST(Explained, SaysInWordsWhatWouldHelp) {
  const std::string text = render(explained_report(), Format::text);
  EXPECT_NE(text.find("twice the capacity of nic_up and nic_down"), std::string::npos) << text;
  EXPECT_NE(text.find("+25.0 %"), std::string::npos) << text;  // 5 s over 4 s
}

// arXiv 2505.09343, Table 4: 272.80 B tokens a day follow from 19.926 s. TFLOPS: our convention
// counts the routers, which gives 386 and 433 where the table prints 385 and 432.
TEST(Run, DerivesThePublishedRatesFromThePublishedStepTime) {
  const RunReport run = v3_run(19.926);
  EXPECT_NEAR(run.tokens_per_step, 15360.0 * 4096, 0.5);
  EXPECT_NEAR(run.tokens_per_day / 1e9, 272.80, 0.005);
  constexpr double kRouters = 0.0026;
  EXPECT_NEAR(run.tflops_causal / 385, 1 + kRouters, 0.0015);  // printed to a whole number
  EXPECT_NEAR(run.tflops_noncausal / 432, 1 + kRouters, 0.0015);
  EXPECT_NEAR(run.mfu_causal / 0.3894, 1 + kRouters, 0.0005);
  EXPECT_NEAR(run.mfu_noncausal / 0.4373, 1 + kRouters, 0.0005);
}

TEST(JsonReport, HoldsTheContractsFields) {
  const Json json = Json::parse(render(small_report(), Format::json));
  EXPECT_EQ(json.at("schema"), 1);
  for (const char* key :
       {"version", "seed", "engine", "inputs", "simulated", "symmetry", "left_out"}) {
    EXPECT_TRUE(json.at("header").contains(key)) << key;
  }
  for (const char* key :
       {"name", "endpoints", "switches", "switches_by_layer", "inter_switch_links",
        "endpoint_links", "cost_usd", "cost_per_endpoint_usd", "power_w"}) {
    EXPECT_TRUE(json.at("fabrics").at(0).contains(key)) << key;
  }
  const Json& run = json.at("runs").at(0);
  for (const char* key :
       {"name", "fabric", "workload", "step_time_s", "phases_s", "tokens_per_day", "tflops_causal",
        "tflops_noncausal", "mfu_causal", "mfu_noncausal", "estimated_share"}) {
    EXPECT_TRUE(run.contains(key)) << key;
  }
  double sum = 0;
  for (const char* key :
       {"forward_1f", "bubble", "backward_1b", "weight_1w", "overlapped_1f1b", "optimizer"}) {
    sum += run.at("phases_s").at(key).get<double>();
  }
  EXPECT_EQ(sum, run.at("step_time_s").get<double>());
}

TEST(JsonReport, TellsHiddenFromExposedCommunication) {
  const Json run = Json::parse(render(small_report(), Format::json)).at("runs").at(0);
  const Json& rank = run.at("ranks").at(0);
  EXPECT_EQ(rank.at("busy_communication_s").at("dispatch"), 3);
  EXPECT_EQ(rank.at("exposed_communication_s").at("dispatch"), 1);
  EXPECT_EQ(rank.at("hidden_communication_s").at("dispatch"), 2);
  EXPECT_EQ(rank.at("imbalance_s"), 0.5);
}

// Labels of one name are one line.
TEST(JsonReport, AddsUpLabelsOfOneName) {
  Report report = small_report();
  simulate::Result& result = report.runs[0].result;
  result.labels = {"dispatch", "dispatch"};
  result.ranks[0].busy = {seconds(3), seconds(5)};
  result.ranks[0].exposed = {seconds(1), seconds(5)};
  const Json rank = Json::parse(render(report, Format::json)).at("runs").at(0).at("ranks").at(0);
  EXPECT_EQ(rank.at("busy_communication_s"), (Json{{"dispatch", 8}}));
  EXPECT_EQ(rank.at("hidden_communication_s"), (Json{{"dispatch", 2}}));
}

TEST(Notes, SayWhyNothingIsReduced) {
  simulate::Result result{.symmetry = {.ranks = 8, .rank_classes = 8}, .uneven_loads = true};
  EXPECT_EQ(symmetry_note("one", result),
            "one: none used, ranks receive different numbers of tokens; 8 ranks, 0 flows, 0 links");
}

TEST(JsonReport, SaysNullForTheFiguresOfAStepThatIsCutOff) {
  Report report = small_report();
  const Json whole = Json::parse(render(report, Format::json));
  EXPECT_FALSE(whole.at("runs").at(0).contains("faults"));
  simulate::Result result = report.runs[0].result;
  result.faults = simulate::FaultReport{
      .name = "bad day",
      .records = {{.time = seconds(2), .changes = {"plane 2 fails"}, .moved_flows = 5}},
      .cut_off = {{.source = 3, .destination = 9, .since = seconds(2), .left = bytes(70)}}};
  const test::Loaded v3 = test::load_bundled("workloads/deepseek_v3_train_2048_h800.yaml");
  report.runs[0] = make_run(v3.job, v3.model, v3.profile, "mpft_2048", std::move(result));
  const Json run = Json::parse(render(report, Format::json)).at("runs").at(0);
  for (const char* key : {"step_time_s", "tokens_per_day", "mfu_causal", "estimated_share"}) {
    EXPECT_TRUE(run.at(key).is_null()) << key;
  }
  EXPECT_TRUE(run.at("phases_s").at("bubble").is_null());
  EXPECT_TRUE(run.at("ranks").empty());
  const Json& faults = run.at("faults");
  EXPECT_EQ(faults.at("name"), "bad day");
  EXPECT_EQ(faults.at("moved_flows"), 5);
  EXPECT_EQ(faults.at("cut_off_flows"), 1);
  EXPECT_EQ(faults.at("events").at(0).at("changes").at(0), "plane 2 fails");
  EXPECT_EQ(faults.at("cut_off").at(0).at("exchange"), "dispatch");
  EXPECT_EQ(faults.at("cut_off").at(0).at("destination_rank"), 9);
  EXPECT_EQ(faults.at("cut_off").at(0).at("left_bytes"), 70);
}

TEST(JsonReport, SaysNullForAPriceThatIsNotKnown) {
  const Json json = Json::parse(render(small_report(), Format::json));
  EXPECT_TRUE(json.at("fabrics").at(0).at("cost_usd").is_null());
}

TEST(CsvReport, HasOneRowAFabricAndAsManyCellsAsColumns) {
  Report report = small_report();
  report.fabrics.push_back(report.fabrics[0]);
  report.fabrics[1].fabric.topology.name = "with, \"quotes\"";
  report.runs.push_back(report.runs[0]);
  const std::string csv = render(report, Format::csv);
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 3);
  EXPECT_NE(csv.find("\n\"with, \"\"quotes\"\"\","), std::string::npos);
  const std::string first = csv.substr(0, csv.find('\n'));
  const std::string second =
      csv.substr(first.size() + 1, csv.find('\n', first.size() + 1) - first.size() - 1);
  EXPECT_EQ(std::count(first.begin(), first.end(), ','),
            std::count(second.begin(), second.end(), ','));
}

TEST(Report, IsTheSameBytesForTheSameInput) {
  for (const Format format : {Format::text, Format::json, Format::csv, Format::md}) {
    EXPECT_EQ(render(small_report(), format), render(small_report(), format));
  }
}

}  // namespace
}  // namespace planewise::report
