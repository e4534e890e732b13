// Rounds over a plan, on a fake machine.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "calibration/fake_backend.h"
#include "print/interrupts.h"

namespace planewise::calibration {
namespace {

Plan plan_of(const std::vector<std::string>& ids, int repetitions) {
  Plan plan{.model = "a model", .repetitions = repetitions};
  for (const std::string& id : ids) {
    plan.measurements.push_back({.id = id, .kernel = Kernel::copy, .rows = 1, .width = 1});
  }
  return plan;
}

struct Ran {
  RunSummary summary{};
  std::vector<nlohmann::json> lines{};
};

Ran run(test::Machine& machine, const Plan& plan, RunOptions options = {}) {
  test::FakeBackend backend(machine);
  options.time = machine.time();
  Ran ran;
  ran.summary = run_plan(plan, backend, options, [&](const std::string& line) {
    ran.lines.push_back(nlohmann::json::parse(line));
  });
  return ran;
}

std::string key(const std::string& id) {
  return key_of({.id = id, .kernel = Kernel::copy, .rows = 1, .width = 1});
}

TEST(RunPlan, TakesRoundsOverAllMeasurements) {
  test::Machine machine;
  machine.scripts = {{"a", {}}, {"b", {}}};
  const Ran ran = run(machine, plan_of({"a", "b"}, 3));
  EXPECT_EQ(machine.order, (std::vector<std::string>{"a", "b", "a", "b", "a", "b"}));
  EXPECT_EQ(ran.summary.measured, 6);
  ASSERT_EQ(ran.lines.size(), 6U);
  EXPECT_EQ(ran.lines[3]["repetition"], 2);
  EXPECT_EQ(ran.lines[3]["key"], key("b"));
  // Fresh numbers in each round, the same for both measurements.
  EXPECT_EQ(std::set<std::uint64_t>(machine.seeds.begin(), machine.seeds.end()).size(), 3U);
}

TEST(RunPlan, DoesNotTimeWhatIsWrong) {
  test::Machine machine;
  machine.scripts = {{"a", {.fails_in_check = 2}}};
  const Ran ran = run(machine, plan_of({"a"}, 3));
  EXPECT_EQ(ran.summary.measured, 2);
  EXPECT_EQ(ran.summary.failed, 1);
  ASSERT_EQ(ran.lines.size(), 3U);
  EXPECT_EQ(ran.lines[1]["status"], "failed");
  EXPECT_TRUE(!ran.lines[1].contains("times") || ran.lines[1]["times"].empty());
  // A NaN is no result that holds.
  machine.scripts["a"] = {.check_value = std::nan("")};
  EXPECT_EQ(run(machine, plan_of({"a"}, 1)).summary.failed, 1);
}

TEST(RunPlan, RecordsOnceWhatCannotBeMeasured) {
  test::Machine machine;
  machine.scripts = {{"a", {.refusal = "no FP8 on this GPU"}}, {"b", {}}};
  const Plan plan = plan_of({"a", "b"}, 3);
  const Ran ran = run(machine, plan);
  EXPECT_EQ(machine.prepared["a"], 1);
  EXPECT_EQ(ran.summary.not_measured, 1);
  EXPECT_EQ(ran.summary.measured, 3);
  ASSERT_EQ(ran.lines.size(), 4U);
  EXPECT_EQ(ran.lines[0]["record"], "not_measured");
  EXPECT_EQ(ran.lines[0]["reason"], "no FP8 on this GPU");
  // Nor again in a run that goes on.
  const Ran again = run(machine, plan, {.done = {{key("a"), kNoRound}}});
  EXPECT_EQ(again.lines.size(), 3U);
}

TEST(RunPlan, SkipsWhatIsInTheFile) {
  test::Machine machine;
  machine.scripts = {{"a", {}}, {"b", {}}};
  const Ran ran = run(machine, plan_of({"a", "b"}, 2), {.done = {{key("a"), 1}, {key("b"), 2}}});
  EXPECT_EQ(ran.summary.skipped, 2);
  ASSERT_EQ(ran.lines.size(), 2U);
  EXPECT_EQ(ran.lines[0]["key"], key("b"));
  EXPECT_EQ(ran.lines[1]["key"], key("a"));
  EXPECT_EQ(ran.lines[1]["repetition"], 2);
}

TEST(RunPlan, FlagsThrottledPoints) {
  test::Machine machine;
  machine.scripts = {{"a", {.throttles_after = seconds(1)}}};
  const Ran ran = run(machine, plan_of({"a"}, 1));
  EXPECT_EQ(ran.summary.throttled, 1);
  EXPECT_EQ(ran.summary.measured, 1);
  EXPECT_EQ(ran.lines.at(0)["throttle"], nlohmann::json::array({"hw_thermal_slowdown"}));
}

TEST(RunPlan, NamesTheMeasurementThatTheMachineFailedIn) {
  test::Machine machine;
  machine.scripts = {{"a", {}}, {"b", {.throws = true}}};
  test::FakeBackend backend(machine);
  int written = 0;
  try {
    run_plan(plan_of({"a", "b"}, 1), backend, {.time = machine.time()},
             [&](const std::string&) { ++written; });
    FAIL() << "it went on";
  } catch (const std::runtime_error& error) {
    EXPECT_EQ(std::string(error.what()), key("b") + ": cudaGraphLaunch: an illegal memory access");
  }
  EXPECT_EQ(written, 1);  // what came before is kept
}

TEST(RunPlan, StopsBetweenMeasurements) {
  test::Machine machine;
  machine.scripts = {{"a", {}}, {"b", {}}};
  test::FakeBackend backend(machine);
  int written = 0;
  RunOptions options{.time = machine.time()};
  options.progress = [](const RunProgress& progress) {
    EXPECT_EQ(progress.all, 4U);
    if (progress.done == 3) throw Interrupted("stop");
  };
  EXPECT_THROW(
      run_plan(plan_of({"a", "b"}, 2), backend, options, [&](const std::string&) { ++written; }),
      Interrupted);
  EXPECT_EQ(written, 3);
}

TEST(RunPlan, TakesTheSameTimesFromTheSameMachine) {
  const auto lines = [] {
    test::Machine machine;
    machine.scripts = {{"a", {.noise = 0.05}}};
    return run(machine, plan_of({"a"}, 2)).lines;
  };
  EXPECT_EQ(lines(), lines());
}

}  // namespace
}  // namespace planewise::calibration
