// A trace is JSON that readers take, and says what the report says.
#include "report/trace.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "simulate/small_system.h"

namespace planewise::report {
namespace {

using Json = nlohmann::json;

struct Traced {
  Json json{};
  simulate::Result result{};
};

Traced traced(TraceOptions options, bool symmetry = true) {
  std::string text;
  Trace trace(std::move(options), [&](std::string_view piece) { text += piece; });
  const auto fabric = test::small_fabrics(spec::Routing::spray)[0];
  simulate::Result result =
      test::simulate_small({.pipeline = 4}, fabric, {.symmetry = symmetry, .observers = {&trace}})
          .result;
  return {.json = Json::parse(text), .result = std::move(result)};
}

/// In nanoseconds; the format's numbers have three decimals.
std::int64_t ns(const Json& microseconds) {
  return std::llround(microseconds.get<double>() * 1000);
}

using Thread = std::pair<int, int>;  // stage, rank

/// Processes and threads are numbered from 1.
Thread thread_of(const Json& event) {
  return {event.at("pid").get<int>() - 1, event.at("tid").get<int>() - 1};
}

/// Slots, or what is in them and in queues.
std::map<Thread, std::vector<Json>> slices_of(const Json& json, bool slots = false) {
  std::map<Thread, std::vector<Json>> threads;
  for (const Json& event : json.at("traceEvents")) {
    if (event.at("ph") != "X" || (event.at("cat") == "slot") != slots) continue;
    threads[thread_of(event)].push_back(event);
  }
  return threads;
}

// Every other slice of a rank's thread lies within one slot, and slots do not overlap.
TEST(Trace, PutsStepsIntoTheirSlots) {
  const Traced run = traced({});
  const auto slots = slices_of(run.json, true);
  const auto steps = slices_of(run.json);
  EXPECT_EQ(slots.size(), 4U);
  for (const auto& [thread, list] : slots) {
    std::int64_t end = 0;
    for (const Json& slot : list) {
      EXPECT_EQ(ns(slot.at("ts")), end);
      end = ns(slot.at("ts")) + ns(slot.at("dur"));
    }
    for (const Json& step : steps.at(thread)) {
      const auto around = std::find_if(list.begin(), list.end(), [&](const Json& slot) {
        return ns(step.at("ts")) >= ns(slot.at("ts")) &&
               ns(step.at("ts")) + ns(step.at("dur")) <= ns(slot.at("ts")) + ns(slot.at("dur"));
      });
      EXPECT_TRUE(around != list.end()) << step;
    }
  }
  EXPECT_EQ(slots.at({0, 0}).front().at("name"), "forward, slot 0");
}

TEST(Trace, CoversEachThreadsTimeWithoutGapOrOverlap) {
  const Traced run = traced({.all_ranks = true}, false);
  const auto threads = slices_of(run.json);
  EXPECT_EQ(threads.size(), 32U);
  std::int64_t last = 0;
  for (const auto& [thread, slices] : threads) {
    std::int64_t end = 0;
    for (const Json& slice : slices) {
      EXPECT_EQ(ns(slice.at("ts")), end);
      EXPECT_GT(ns(slice.at("dur")), 0);
      end += ns(slice.at("dur"));
    }
    last = std::max(last, end);
  }
  EXPECT_EQ(last, std::llround(run.result.step_time.base() * 1e9));
}

TEST(Trace, SumsToWhatTheReportSays) {
  const Traced run = traced({.all_ranks = true});
  const auto threads = slices_of(run.json);
  ASSERT_EQ(threads.size(), run.result.ranks.size());
  for (const simulate::RankResult& rank : run.result.ranks) {
    double compute = 0;
    double dispatch = 0;
    const std::vector<Json>& slices = threads.at({rank.stage, rank.rank});
    for (const Json& slice : slices) {
      if (slice.at("cat") == "compute") compute += slice.at("dur").get<double>();
      if (slice.at("name") == "dispatch") dispatch += slice.at("dur").get<double>();
    }
    // Each slice is rounded to a nanosecond at both ends.
    const double tolerance = 1e-3 * static_cast<double>(slices.size());
    EXPECT_NEAR(compute, rank.compute.in(microseconds(1)), tolerance);
    EXPECT_NEAR(dispatch, rank.exposed[0].in(microseconds(1)), tolerance);
  }
}

TEST(Trace, ShowsTheFirstRankOfEachStageUnlessAsked) {
  const auto threads_of = [](const TraceOptions& options, bool symmetry) {
    std::set<int> ranks;
    for (const auto& [thread, slices] : slices_of(traced(options, symmetry).json)) {
      ranks.insert(thread.second);
    }
    return ranks;
  };
  EXPECT_EQ(threads_of({}, false), (std::set<int>{0, 8, 16, 24}));
  EXPECT_EQ(threads_of({.ranks = {3, 9}}, false), (std::set<int>{3, 9}));
  // Rank 3 is like rank 0, and 9 like 8.
  EXPECT_EQ(threads_of({.ranks = {3, 9}}, true), (std::set<int>{0, 8}));
}

TEST(Trace, NamesWhatStandsForWhat) {
  const Traced run = traced({.title = "a \"title\""});
  EXPECT_EQ(run.json.at("otherData").at("title"), "a \"title\"");
  std::set<std::string> names;
  for (const Json& event : run.json.at("traceEvents")) {
    if (event.at("ph") == "M" && event.at("args").contains("name")) {
      names.insert(event.at("args").at("name").get<std::string>());
    }
  }
  for (const char* name : {"stage 0", "stage 3", "rank 0, for 8 equal ranks",
                           "rank 24, for 8 equal ranks", "busiest links"}) {
    EXPECT_TRUE(names.contains(name)) << name;
  }
}

// Both ends of an arrow lie within a slice of their thread; an arrow ends where a wait ends.
TEST(Trace, LeadsArrowsFromSendersToWaits) {
  const Traced run = traced({});
  const auto threads = slices_of(run.json);
  int starts = 0;
  int ends = 0;
  for (const Json& event : run.json.at("traceEvents")) {
    if (event.at("ph") != "s" && event.at("ph") != "f") continue;
    const bool is_end = event.at("ph") == "f";
    (is_end ? ends : starts) += 1;
    const std::int64_t time = ns(event.at("ts"));
    bool is_inside = false;
    for (const Json& slice : threads.at(thread_of(event))) {
      const std::int64_t began = ns(slice.at("ts"));
      if (time < began || time >= began + ns(slice.at("dur"))) continue;
      is_inside = true;
      EXPECT_TRUE(!is_end || slice.at("cat") == "bubble");
    }
    EXPECT_TRUE(is_inside) << event;
  }
  EXPECT_GT(starts, 0);
  EXPECT_EQ(starts, ends);
}

/// Eight ranks that compute beside a dispatch and then wait for a combine in the same queue; rank 0
/// sends its result on behind them. The gradients have a queue, but nothing runs beside them.
workload::Program overlapping_program() {
  using workload::StepKind;
  workload::Program program;
  program.blocks = {{.name = "short", .time = microseconds(3)},
                    {.name = "long", .time = microseconds(200)}};
  program.labels = {{.name = "dispatch", .queue = 1},
                    {.name = "combine", .queue = 1},
                    {.name = "gradients", .queue = 2},
                    {.name = "result", .is_message = true, .queue = 1}};
  const auto chunk = [](const std::vector<workload::Step>& sends) {
    std::vector<workload::Step> steps = {
        {StepKind::compute, 0}, {StepKind::start, 0}, {StepKind::compute, 1},
        {StepKind::wait, 0},    {StepKind::start, 0}, {StepKind::start, 1},
        {StepKind::compute, 0}, {StepKind::wait, 1},  {StepKind::exchange, 2}};
    steps.insert(steps.end() - 2, sends.begin(), sends.end());
    return workload::Chunk{.name = "chunk", .steps = steps};
  };
  for (const auto& kind : {StepKind::send_queued, StepKind::receive}) {
    program.stages.push_back(
        {.chunks = {chunk({{kind, 3}})},
         .slots = {{workload::Phase::forward_1f, 0}, {workload::Phase::overlapped_1f1b, 0}}});
  }
  program.stage_of_rank = {0, 0, 0, 0, 1, 1, 1, 1};
  for (int label = 0; label < 3; ++label) {
    for (const auto& members : {std::vector<int>{0, 1, 2, 3}, std::vector<int>{4, 5, 6, 7}}) {
      program.transfers.push_back(
          {.label = label,
           .members = members,
           .all_pairs = workload::AllPairs{.in_node = bytes(1e6), .between_nodes = bytes(1e6)}});
    }
  }
  for (int rank = 0; rank < 4; ++rank) {
    program.transfers.push_back(
        {.label = 3, .members = {rank, rank + 4}, .flows = {{rank, rank + 4, bytes(1e6)}}});
  }
  return program;
}

TEST(Trace, ShowsQueuesBesideTheirRank) {
  const workload::Program program = overlapping_program();
  std::string text;
  Trace trace({}, [&](std::string_view piece) { text += piece; });
  const simulate::Result result = simulate::simulate(
      program, workload::place_in_order(8, 4),
      fabric::lay_out(test::make_topology({.nodes = 2, .gpus = 4})), {.observers = {&trace}});
  const Json json = Json::parse(text);
  std::map<std::string, Thread> named;
  for (const Json& event : json.at("traceEvents")) {
    if (event.at("ph") == "M" && event.at("name") == "thread_name") {
      named[event.at("args").at("name").get<std::string>()] = thread_of(event);
    }
  }
  ASSERT_EQ(named.size(), 4U);  // A rank and a queue a stage: gradients have no thread.
  const auto threads = slices_of(json);
  for (const auto& [thread, slices] : threads) {
    std::int64_t end = 0;
    for (const Json& slice : slices) {
      EXPECT_GE(ns(slice.at("ts")), end);
      end = ns(slice.at("ts")) + ns(slice.at("dur"));
    }
    EXPECT_LE(end, std::llround(result.step_time.base() * 1e9));
  }
  const auto time_of = [](const std::vector<Json>& slices, const char* name) {
    double sum = 0;
    for (const Json& slice : slices) {
      if (slice.at("name") == name) sum += slice.at("dur").get<double>();
    }
    return sum;
  };
  constexpr double kRounding = 0.02;  // us; a nanosecond an end
  for (const simulate::RankResult& rank : result.ranks) {
    const std::string name = "rank " + std::to_string(rank.rank);
    const auto& steps = threads.at(named.at(name + ", for 4 equal ranks"));
    const auto& queue = threads.at(named.at(name + ": dispatch, combine"));
    for (const std::size_t label : {0U, 1U}) {
      const char* what = program.labels[label].name.c_str();
      EXPECT_NEAR(time_of(queue, what), rank.busy[label].in(microseconds(1)), kRounding);
      EXPECT_NEAR(time_of(steps, what), rank.exposed[label].in(microseconds(1)), kRounding);
    }
    EXPECT_GT(rank.hidden(0), microseconds(1));
    EXPECT_GT(time_of(steps, "gradients"), 0);
  }
}

TEST(Trace, CountsLoadsOverTime) {
  const Traced run = traced({});
  std::map<std::string, std::int64_t> last;
  for (const Json& event : run.json.at("traceEvents")) {
    if (event.at("ph") != "C") continue;
    const std::string name = event.at("name");
    const std::int64_t time = ns(event.at("ts"));
    const auto [before, is_first] = last.try_emplace(name, time);
    EXPECT_TRUE(is_first || time > before->second);
    before->second = time;
    EXPECT_GE(event.at("args").at("load").get<double>(), 0);
  }
  EXPECT_TRUE(last.contains("nic_up, % of capacity"));
}

}  // namespace
}  // namespace planewise::report
