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

std::map<Thread, std::vector<Json>> slices_of(const Json& json) {
  std::map<Thread, std::vector<Json>> threads;
  for (const Json& event : json.at("traceEvents")) {
    if (event.at("ph") == "X") threads[thread_of(event)].push_back(event);
  }
  return threads;
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
