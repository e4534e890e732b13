// What is told of a raw file, and the four ways of telling it.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "calibration/report/plan_report.h"
#include "calibration/report/progress_text.h"
#include "calibration/report/run_report.h"

namespace planewise::calibration {
namespace {

PointRecord point(int m, int repetition, std::vector<double> microseconds_each) {
  PointRecord record{.measurement = {.id = "gemm.bf16",
                                     .shape = {.m = m, .n = 1000, .k = 1000},
                                     .work = gigaflop(2e-3 * m)},  // 2 m n k
                     .repetition = repetition,
                     .implementation = "fake",
                     .checks = {{.metric = "difference", .value = 0, .limit = 1}}};
  record.key = key_of(record.measurement);
  for (const double time : microseconds_each) record.times.push_back(microseconds(time));
  return record;
}

TEST(RunAccount, GroupsPointsByOperator) {
  RawFile raw{.path = "raw.jsonl"};
  // 1000 rows are 2 GFLOP: in 10 us 200 TFLOPS; 500 rows in 10 us are 100.
  raw.points = {point(1000, 1, {10, 9, 11}), point(500, 1, {10}), point(1000, 2, {10}),
                point(500, 2, {10.4})};
  raw.points.back().throttle = {"sw_power_cap"};
  const Account account = run_account(raw);
  ASSERT_EQ(account.sheets.size(), 1U);
  ASSERT_EQ(account.sheets[0].rows.size(), 1U);
  const std::vector<Value>& row = account.sheets[0].rows[0];
  EXPECT_EQ(row[0].text, "gemm.bf16");
  EXPECT_EQ(row[2].text, "2");
  EXPECT_EQ(row[3].text, "98.0 - 200 TFLOPS");  // 1 GFLOP in the median of 10 and 10.4 us
  EXPECT_EQ(row[4].text, "4 held");
  EXPECT_EQ(row[5].text, "1 of 2");  // 10.4 is 4 % more than 10
  EXPECT_EQ(row[7].text, "1 of 4");
  EXPECT_FALSE(has_failed_check(raw));
}

TEST(RunAccount, SaysThatACheckFailed) {
  RawFile raw{.path = "raw.jsonl"};
  raw.points = {point(1000, 1, {})};
  raw.points[0].checks[0].value = 2;
  raw.points[0].check_failed = true;
  const Account account = run_account(raw);
  EXPECT_EQ(account.sheets[0].rows[0][3].text, "-");
  EXPECT_EQ(account.sheets[0].rows[0][4].text, "1 of 1 FAILED");
  EXPECT_TRUE(has_failed_check(raw));
}

TEST(PlanAccount, HasALineForEachMeasurement) {
  Plan plan{.model = "A model", .repetitions = 3, .estimated = seconds(300)};
  plan.measurements = {{.id = "grouped_gemm.fp8",
                        .shape = {.groups = 4, .m = 512, .n = 4096, .k = 7168},
                        .layout = RowLayout::masked,
                        .sms = 112,
                        .beside = spec::Beside::communication,
                        .work = gigaflop(120.3)},
                       {.id = "router",
                        .kernel = Kernel::router,
                        .rows = 4096,
                        .width = 256,
                        .regime = Regime::cool}};
  const Account account = plan_account(plan);
  EXPECT_EQ(account.title, "Plan: A model, train, EP 64, on a GPU");
  EXPECT_EQ(account.facts[2].value.text, "5 min");
  const auto& rows = account.sheets.at(0).rows;
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0][2].text, "groups=4 m=512 n=4096 k=7168");
  EXPECT_EQ(rows[0][3].text, "sustained, masked, beside communication");
  EXPECT_EQ(rows[0][4].text, "112");
  EXPECT_EQ(rows[0][5].text, "120.3");
  EXPECT_EQ(rows[1][2].text, "4096 x 256");
  EXPECT_EQ(rows[1][3].text, "cool");
  EXPECT_EQ(rows[1][4].text, "all");
}

TEST(Progress, GuessesWhatIsLeftFromThisRunAlone) {
  EXPECT_EQ(progress_text({.done = 0, .all = 40, .key = "a"}, 0, seconds(0)),
            "[--------------------]   0 %  0/40  a");
  // 20 of 40, 10 of which were there already: 10 took 60 s, so the other 20 take 120 s.
  EXPECT_EQ(progress_text({.done = 20, .all = 40, .key = "b"}, 10, seconds(60)),
            "[##########----------]  50 %  20/40  2 min left  b");
}

TEST(Render, TellsTheSameInFourWays) {
  const Account account{.title = "A title",
                        .facts = {{"error", "error", share_value(0.034)}},
                        .sheets = {{.title = "Sheet",
                                    .key = "sheet",
                                    .columns = {{"what", "what"}, {"rate (GB/s)", "rate"}},
                                    .rows = {{text_value("a, b"), number_value(1234.56, 0)}}}},
                        .notes = {"a note"}};
  const std::string text = render(account, Format::text);
  EXPECT_NE(text.find("error  3.4 %"), std::string::npos);
  EXPECT_NE(text.find("1,235"), std::string::npos);
  EXPECT_TRUE(text.ends_with("\na note\n"));
  EXPECT_EQ(render(account, Format::csv), "what,rate\n\"a, b\",1234.56\n");
  const auto json = nlohmann::json::parse(render(account, Format::json));
  EXPECT_EQ(json["error"], 0.034);
  EXPECT_EQ(json["sheet"][0]["rate"], 1234.56);
  EXPECT_EQ(json["notes"][0], "a note");
  EXPECT_TRUE(render(account, Format::md).starts_with("# A title\n"));
}

}  // namespace
}  // namespace planewise::calibration
