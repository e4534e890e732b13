// Logs of nccl-tests and DeepEP as raw points; the logs are written by hand, see logs/README.md.
#include "calibration/import/imported_log.h"

#include <gtest/gtest.h>

#include <cmath>

#include "calibration/raw/raw_file.h"
#include "spec/temporary_folder.h"

namespace planewise::calibration {
namespace {

std::string log_path(const std::string& name) {
  return std::string(PLANEWISE_ROOT) + "/tests/calibration/logs/" + name;
}

std::string mistakes_of(const spec::Diagnostics& diagnostics) {
  std::string text;
  for (const spec::Diagnostic& d : diagnostics.list()) {
    text += std::to_string(d.at.line) + ": " + d.message + " (" + d.hint + ")\n";
  }
  return text;
}

ImportedLog nccl(const std::string& name, const ImportOptions& options = {}) {
  spec::Diagnostics diagnostics;
  ImportedLog log = read_nccl_tests(log_path(name), options, diagnostics);
  EXPECT_EQ(mistakes_of(diagnostics), "");
  return log;
}

ImportedLog deepep(const std::string& name, const ImportOptions& options = {}) {
  spec::Diagnostics diagnostics;
  ImportedLog log = read_deepep(log_path(name), options, diagnostics);
  EXPECT_EQ(mistakes_of(diagnostics), "");
  return log;
}

/// Mistakes of a log that is `text`.
template <class Read>
std::string mistakes(Read read, const std::string& text, const ImportOptions& options = {}) {
  const test::TemporaryFolder folder;
  spec::Diagnostics diagnostics;
  read(folder.write("a.log", text), options, diagnostics);
  return mistakes_of(diagnostics);
}

double us(Seconds time) { return time.in(microseconds(1)); }

TEST(ImportNcclTests, ReadsRecentText) {
  const ImportedLog log = nccl("alltoall_2.19.log");
  EXPECT_EQ(log.environment.environment.gpu, "NVIDIA H100 80GB HBM3");
  EXPECT_EQ(log.environment.environment.libraries.at("nccl"), "2.28.9");
  EXPECT_EQ(log.cluster.ranks, 4);
  EXPECT_EQ(log.cluster.ranks_per_node, 2);
  EXPECT_EQ(log.cluster.hosts, (std::vector<std::string>{"node-a", "node-b"}));
  ASSERT_EQ(log.points.size(), 3U);
  const CommPointRecord& last = log.points.back();
  EXPECT_EQ(last.point.operation, Operation::all_to_all);
  EXPECT_EQ(last.point.cadence, Cadence::streaming);
  EXPECT_EQ(last.point.group, GroupKind::world);
  EXPECT_EQ(last.point.nodes, 2);
  EXPECT_EQ(last.point.size, bytes(4194304));
  EXPECT_DOUBLE_EQ(us(last.times.at(0)), 140);
  EXPECT_EQ(last.wrong, 0);
  EXPECT_EQ(last.source, "alltoall_2.19.log");
  EXPECT_TRUE(log.notes.empty());
}

TEST(ImportNcclTests, ReadsOldTextWithTheOperationGiven) {
  const ImportedLog log = nccl("all_reduce_2.8.log", {.operation = Operation::all_reduce});
  ASSERT_EQ(log.points.size(), 2U);
  EXPECT_EQ(log.points[1].point.operation, Operation::all_reduce);
  EXPECT_EQ(log.points[1].point.group, GroupKind::node);
  EXPECT_DOUBLE_EQ(us(log.points[1].times.at(0)), 11);
  EXPECT_EQ(log.points[1].wrong, -1);  // its last column is an error of sums, not a count
  EXPECT_EQ(log.cluster.transport, "nccl");
}

TEST(ImportNcclTests, ReadsJson) {
  const ImportedLog log = nccl("all_gather.json");
  ASSERT_EQ(log.points.size(), 1U);
  EXPECT_EQ(log.points[0].point.operation, Operation::all_gather);
  EXPECT_EQ(log.points[0].point.datatype, "half");
  EXPECT_DOUBLE_EQ(us(log.points[0].times.at(0)), 9.5);
  EXPECT_EQ(log.environment.environment.gpu, "NVIDIA H200");
  EXPECT_EQ(log.cluster.transport, "nccl 2.29.7");
}

TEST(ImportNcclTests, TimesNothingThatIsWrong) {
  const ImportedLog log = nccl("all_gather_wrong.log");
  ASSERT_EQ(log.points.size(), 1U);
  EXPECT_TRUE(log.points[0].check_failed);
  EXPECT_TRUE(log.points[0].times.empty());
  EXPECT_EQ(log.notes.size(), 1U);  // it has no end
}

TEST(ImportNcclTests, RefusesWhatItCannotKnow) {
  spec::Diagnostics unknown;
  read_nccl_tests(log_path("all_reduce_2.8.log"), {}, unknown);
  EXPECT_NE(mistakes_of(unknown).find("10: the log does not say which test it is of"),
            std::string::npos)
      << mistakes_of(unknown);
  // Four ranks: an all_reduce has a bus bandwidth of 1.5 times the algorithm's, not 0.75.
  const std::string text =
      "#  Rank  0 Group 0 Pid 1 on a device 0 [0000:04:00] GPU\n"
      "  1048576  65536  float  none  -1  50.00  20.97  15.73  0  50.10  20.93  15.70  N/A\n";
  const std::string said =
      mistakes(read_nccl_tests, text, {.operation = Operation::all_reduce, .ranks = 4});
  EXPECT_NE(said.find("2: busbw 15.73 over algbw 20.97 is not that of all_reduce of 4 ranks, 1.5"),
            std::string::npos)
      << said;
  EXPECT_NE(mistakes(read_nccl_tests, "1024 256 float sum\n").find("1: begins like a row"),
            std::string::npos);
  EXPECT_NE(mistakes(read_nccl_tests, "hello\n").find("has no row of nccl-tests"),
            std::string::npos);
}

TEST(ImportDeepEp, ReadsTimesOfInternode) {
  const ImportedLog log = deepep("internode_new.log", {.ranks = 32});
  ASSERT_EQ(log.points.size(), 3U);
  const CommPointRecord& fp8 = log.points[0];
  EXPECT_EQ(fp8.point.operation, Operation::dispatch);
  EXPECT_EQ(fp8.point.algorithm, ExchangeAlgorithm::deepep_normal);
  EXPECT_DOUBLE_EQ(us(fp8.times.at(0)), 2600);
  EXPECT_EQ(fp8.point.ranks, 32);
  EXPECT_EQ(fp8.point.nodes, 4);
  EXPECT_EQ(fp8.point.load.nodes_per_token, 4);
  EXPECT_EQ(fp8.point.load.bytes_per_token, bytes(7392));  // 7168 + 7168 / 128 x 4
  EXPECT_EQ(log.points[1].point.load.bytes_per_token, bytes(14336));
  EXPECT_EQ(log.points[2].point.operation, Operation::combine);
}

TEST(ImportDeepEp, TakesTimesFromRatesWhereThereAreNone) {
  const ImportedLog log = deepep("internode_old.log", {.ranks = 16});
  ASSERT_EQ(log.points.size(), 2U);
  // 4096 tokens x 2 nodes x 7392 B / 43 GB/s.
  EXPECT_NEAR(us(log.points[0].times.at(0)), 4096 * 2 * 7392 / 43e3, 1e-6);
  EXPECT_EQ(log.points[0].source, "internode_old.log, its time from 43.00 GB/s of 2 nodes a token");
  EXPECT_DOUBLE_EQ(us(log.points[1].times.at(0)), 2731);
}

TEST(ImportDeepEp, ReadsIntranode) {
  const ImportedLog log = deepep("intranode.log");
  ASSERT_EQ(log.points.size(), 2U);
  EXPECT_DOUBLE_EQ(us(log.points[0].times.at(0)), 1050);
  EXPECT_EQ(log.points[0].point.ranks, 8);
  // Of 8 of 256 experts none is on one of 8 ranks with C(224, 8) / C(256, 8).
  double none = 1;
  for (int i = 0; i < 8; ++i) none *= (224.0 - i) / (256.0 - i);
  EXPECT_NEAR(us(log.points[1].times.at(0)), 4096 * 8 * (1 - none) * 14336 / 158e3, 1e-6);
}

TEST(ImportDeepEp, TakesTheSlowestRankOfLowLatency) {
  const ImportedLog log = deepep("low_latency.log");
  ASSERT_EQ(log.points.size(), 2U);
  EXPECT_DOUBLE_EQ(us(log.points[0].times.at(0)), 78.2);
  EXPECT_DOUBLE_EQ(us(log.points[1].times.at(0)), 114.69);
  // 98 GB/s x 77.41 us / (8 x 7408 B) = 128.006.
  EXPECT_EQ(log.points[0].point.load.tokens, 128);
  EXPECT_EQ(log.cluster.ranks, 2);
}

TEST(ImportDeepEp, RefusesWhatItCannotKnow) {
  spec::Diagnostics unknown;
  read_deepep(log_path("internode_old.log"), {}, unknown);
  EXPECT_NE(mistakes_of(unknown).find("2: the log does not say of how many ranks it is"),
            std::string::npos);
  spec::Diagnostics other;
  read_deepep(log_path("low_latency.log"), {.tokens = 64}, other);
  EXPECT_NE(mistakes_of(other).find("are 128 tokens, not 64"), std::string::npos);
  EXPECT_NE(mistakes(read_deepep, "hello\n").find("has no line of DeepEP's tests"),
            std::string::npos);
}

TEST(Import, WritesWhatIsReadAgain) {
  for (const ImportedLog& log :
       {nccl("alltoall_2.19.log"), nccl("all_gather_wrong.log"), nccl("all_gather.json"),
        deepep("internode_new.log", {.ranks = 32}), deepep("low_latency.log")}) {
    std::string text = to_line(log.environment) + to_line(log.cluster);
    for (const CommPointRecord& point : log.points) text += to_line(point);
    const test::TemporaryFolder folder;
    spec::Diagnostics diagnostics;
    const RawFile raw = read_raw(folder.write("raw.jsonl", text), diagnostics);
    EXPECT_EQ(mistakes_of(diagnostics), "");
    ASSERT_EQ(raw.comm_points.size(), log.points.size());
    for (std::size_t i = 0; i < log.points.size(); ++i) {
      EXPECT_EQ(raw.comm_points[i].key, log.points[i].key);
      EXPECT_EQ(raw.comm_points[i].times.size(), log.points[i].times.size());
      EXPECT_EQ(raw.comm_points[i].source, log.points[i].source);
    }
  }
}

}  // namespace
}  // namespace planewise::calibration
