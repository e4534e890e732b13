// The program between ranks: a run that is killed and goes on, its profile, and the simulator that
// says the profile's exchanges again.
#include <signal.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <thread>

#include "calibration/launch/socket.h"
#include "calibration/raw/raw_file.h"
#include "launched.h"
#include "spec/read.h"

namespace planewise::calibration {
namespace {

class ClusterRuns : public test::Launched {
 protected:
  std::string raw_path() const { return folder_.path("out/raw.jsonl"); }

  /// Four ranks on two nodes of two, as torchrun starts them.
  std::vector<pid_t> start_ranks(const std::string& port) {
    std::vector<pid_t> pids;
    for (int rank = 0; rank < 4; ++rank) {
      pids.push_back(
          calibrate({"run", "--backend", "host", "--only", "comm", "--quick", "--phase", "prefill",
                     "--node-size", "2", "--ep", "4", "--out", folder_.path("out")},
                    "rank" + std::to_string(rank),
                    {{"RANK", std::to_string(rank)},
                     {"LOCAL_RANK", std::to_string(rank)},
                     {"WORLD_SIZE", "4"},
                     {"LOCAL_WORLD_SIZE", "4"},
                     {"MASTER_PORT", port}}));
    }
    return pids;
  }

  int line_count() const {
    std::ifstream in(raw_path());
    int count = 0;
    for (std::string line; std::getline(in, line);) ++count;
    return count;
  }

  RawFile read() const {
    spec::Diagnostics diagnostics;
    RawFile raw = read_raw(raw_path(), diagnostics);
    for (const spec::Diagnostic& d : diagnostics.list()) ADD_FAILURE() << d.message;
    return raw;
  }
};

int free_port() {
  const Socket listener = listen_on(0);
  return port_of(listener);
}

TEST_F(ClusterRuns, GoOnAfterOneOfThemWasKilled) {
  std::vector<pid_t> pids = start_ranks(std::to_string(free_port() - 11));
  for (int i = 0; i < 4000 && line_count() < 60; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  ASSERT_GE(line_count(), 60);
  kill(pids[3], SIGKILL);
  EXPECT_EQ(finish(pids[3]), 128 + SIGKILL);
  for (int rank = 0; rank < 3; ++rank) EXPECT_EQ(finish(pids[static_cast<std::size_t>(rank)]), 3);
  EXPECT_NE(content("rank0.err").find("rank 3 is gone"), std::string::npos) << content("rank0.err");
  const RawFile half = read();
  const std::size_t before = half.comm_points.size();
  EXPECT_GT(before, 0U);
  EXPECT_TRUE(half.overlaps.empty());

  pids = start_ranks(std::to_string(free_port() - 11));
  for (int rank = 0; rank < 4; ++rank) {
    EXPECT_EQ(finish(pids[static_cast<std::size_t>(rank)]), 0)
        << content("rank" + std::to_string(rank) + ".err");
  }
  const RawFile whole = read();
  EXPECT_GT(whole.comm_points.size(), before);
  // What was there is there still, in its place; nothing twice (read_raw refuses that).
  for (std::size_t i = 0; i < before; ++i) {
    EXPECT_EQ(whole.comm_points[i].key, half.comm_points[i].key);
    EXPECT_EQ(whole.comm_points[i].times, half.comm_points[i].times);
  }
  // Dispatch and combine beside the layer.
  EXPECT_EQ(whole.overlaps.size(), 2U);
  std::set<std::string> algorithms;
  for (const CommPointRecord& record : whole.comm_points) {
    EXPECT_FALSE(record.check_failed) << record.key;
    if (record.point.operation == Operation::dispatch) {
      algorithms.insert(to_string(record.point.algorithm));
      EXPECT_GT(record.logical, Bytes{});
      EXPECT_GT(record.wire, record.wire_rail);
    }
  }
  EXPECT_EQ(algorithms, (std::set<std::string>{"exact", "padded", "two_hop"}));
}

TEST_F(ClusterRuns, OfOtherRanksAreRefused) {
  ASSERT_EQ(finish(calibrate({"comm", "--backend", "host", "--spawn", "2", "--out",
                              folder_.path("out"), "-e", "2K"},
                             "first")),
            0);
  EXPECT_EQ(finish(calibrate({"comm", "--backend", "host", "--spawn", "3", "--out",
                              folder_.path("out"), "-e", "2K"},
                             "second")),
            2);
  EXPECT_NE(content("second.err").find("2 ranks"), std::string::npos) << content("second.err");
}

TEST_F(ClusterRuns, AreSimulatedAgain) {
  ASSERT_EQ(finish(calibrate({"comm",
                              "--backend",
                              "host",
                              "--spawn",
                              "4",
                              "--node-size",
                              "4",
                              "--ep",
                              "4",
                              "--operation",
                              "all_to_all,all_gather,dispatch",
                              "--group",
                              "node",
                              "-b",
                              "1K",
                              "-e",
                              "64K",
                              "-n",
                              "5",
                              "--tokens",
                              "8,32",
                              "--out",
                              folder_.path("out")},
                             "comm")),
            0)
      << content("comm.err");
  // Of a noisy machine's points the fit may miss some by more than its limit, which is exit code 4.
  const std::string profile = folder_.path("p.yaml");
  const int fitted = finish(
      calibrate({"fit", raw_path(), "-t", "topologies/mpft_256.yaml", "-o", profile}, "fit"));
  EXPECT_TRUE(fitted == 0 || fitted == 4) << content("fit.err");
  ASSERT_EQ(finish(start({PLANEWISE_PROGRAM, "replay", "--profile", profile, "-t",
                          "topologies/mpft_256.yaml", "--format", "json"},
                         "replay")),
            0)
      << content("replay.err");
  const auto json = nlohmann::json::parse(content("replay.out"));
  std::set<std::string> fitted_ids;
  int predicted = 0;
  for (const auto& line : json["replay"]) {
    EXPECT_GT(line["simulated_s"].get<double>(), 0);
    if (line["fitted"].get<bool>()) {
      fitted_ids.insert(line["collective"].get<std::string>());
    } else {
      ++predicted;
    }
  }
  EXPECT_EQ(fitted_ids, (std::set<std::string>{"all_gather", "all_to_all"}));
  EXPECT_EQ(predicted, 4);  // padded and exact of two loads, as all-to-alls
  // 7 sizes of two operations. The curve has at most four pieces of three points each, so that it
  // cannot go through all points; half of them it says within 30 %.
  EXPECT_EQ(json["replay_errors"]["fitted"]["times"], 14);
  EXPECT_LT(json["replay_errors"]["fitted"]["median_error"].get<double>(), 0.3);
}

TEST_F(ClusterRuns, LoopBackOnOneRank) {
  ASSERT_EQ(finish(calibrate({"run", "--backend", "host", "--only", "comm", "--quick", "--out",
                              folder_.path("out")},
                             "one")),
            0)
      << content("one.err");
  const RawFile raw = read();
  ASSERT_FALSE(raw.comm_points.empty());
  for (const CommPointRecord& record : raw.comm_points) {
    EXPECT_EQ(record.point.algorithm, ExchangeAlgorithm::loopback);
    EXPECT_EQ(record.wire, Bytes{});
  }
  std::set<std::string> missing;
  for (const NotMeasuredRecord& record : raw.not_measured) missing.insert(record.id);
  EXPECT_TRUE(missing.contains("all_to_all"));
  EXPECT_TRUE(missing.contains("ep_dispatch"));
}

}  // namespace
}  // namespace planewise::calibration
