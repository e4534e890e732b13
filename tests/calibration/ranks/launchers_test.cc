// The program under what launchers set, and what goes wrong on the way.
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <sstream>
#include <thread>

#include "calibration/launch/socket.h"
#include "launched.h"

namespace planewise::calibration {
namespace {

using Words = std::vector<std::string>;

const Words kShort = {"comm", "--backend", "host", "-b", "4K", "-e", "8K", "-n", "3", "-w", "1"};

Words with(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

/// Points in a table: lines that begin with a blank.
int point_count(const std::string& text) {
  std::istringstream in(text);
  int count = 0;
  for (std::string line; std::getline(in, line);) count += line.starts_with(' ') ? 1 : 0;
  return count;
}

int free_port() {
  const Socket listener = listen_on(0);
  return port_of(listener);
}

class Launchers : public test::Launched {
 protected:
  /// `ranks` ranks, each with what `of(rank)` sets; expects one table, by rank 0.
  template <class Of>
  void expect_table(int ranks, const Of& of) {
    std::vector<pid_t> pids;
    for (int rank = 0; rank < ranks; ++rank) {
      pids.push_back(calibrate(kShort, "rank" + std::to_string(rank), of(rank)));
    }
    for (int rank = 0; rank < ranks; ++rank) {
      const std::string name = "rank" + std::to_string(rank);
      EXPECT_EQ(finish(pids[static_cast<std::size_t>(rank)]), 0) << content(name + ".err");
      EXPECT_EQ(point_count(content(name + ".out")), rank == 0 ? 2 : 0) << content(name + ".out");
    }
    const std::string all = std::to_string(ranks) + " ranks";
    EXPECT_NE(content("rank0.out").find(all), std::string::npos) << content("rank0.out");
  }
};

TEST_F(Launchers, Spawn) {
  EXPECT_EQ(finish(calibrate(with(kShort, {"--spawn", "4"}), "spawn")), 0) << content("spawn.err");
  EXPECT_EQ(point_count(content("spawn.out")), 2) << content("spawn.out");
}

TEST_F(Launchers, Torchrun) {
  const std::string port = std::to_string(free_port() - 11);
  expect_table(4, [&](int rank) {
    return test::Extra{{"RANK", std::to_string(rank)},
                       {"LOCAL_RANK", std::to_string(rank)},
                       {"WORLD_SIZE", "4"},
                       {"LOCAL_WORLD_SIZE", "4"},
                       {"MASTER_ADDR", "localhost"},
                       {"MASTER_PORT", port}};
  });
}

TEST_F(Launchers, Slurm) {
  const std::string port = std::to_string(free_port());
  expect_table(3, [&](int rank) {
    return test::Extra{{"SLURM_PROCID", std::to_string(rank)},
                       {"SLURM_LOCALID", std::to_string(rank)},
                       {"SLURM_NTASKS", "3"},
                       {"SLURM_STEP_ID", "0"},
                       {"SLURM_JOB_ID", "12"},
                       {"SLURM_STEP_TASKS_PER_NODE", "3"},
                       {"SLURM_STEP_NODELIST", "localhost"},
                       {"PLANEWISE_PORT", port}};
  });
}

TEST_F(Launchers, OpenMpi) {
  if (std::system("command -v mpirun > /dev/null") != 0) GTEST_SKIP() << "no mpirun";
  const test::Extra root = {{"OMPI_ALLOW_RUN_AS_ROOT", "1"},
                            {"OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1"}};
  const Words words = with({"mpirun", "--oversubscribe", "-np", "4", PLANEWISE_CALIBRATE}, kShort);
  EXPECT_EQ(finish(start(words, "mpi", root)), 0) << content("mpi.err");
  EXPECT_EQ(point_count(content("mpi.out")), 2) << content("mpi.out");
}

TEST_F(Launchers, RankWithoutLocalRankIsRefused) {
  EXPECT_EQ(finish(calibrate(kShort, "deepep", {{"RANK", "0"}, {"WORLD_SIZE", "2"}})), 1);
  EXPECT_NE(content("deepep.err").find("LOCAL_RANK is not"), std::string::npos);
}

TEST_F(Launchers, SayWhichRanksAreMissing) {
  const test::Extra one = {{"RANK", "0"},
                           {"LOCAL_RANK", "0"},
                           {"WORLD_SIZE", "3"},
                           {"LOCAL_WORLD_SIZE", "3"},
                           {"MASTER_PORT", std::to_string(free_port() - 11)}};
  EXPECT_EQ(finish(calibrate(with(kShort, {"--start-timeout", "1"}), "alone", one)), 3);
  EXPECT_NE(content("alone.err").find("ranks 1 and 2 of 3 did not come within 1 s"),
            std::string::npos)
      << content("alone.err");
}

TEST_F(Launchers, SayWhichPortIsTaken) {
  const Socket taken = listen_on(0);
  const int port = port_of(taken);
  const test::Extra root = {{"RANK", "0"},
                            {"LOCAL_RANK", "0"},
                            {"WORLD_SIZE", "2"},
                            {"MASTER_PORT", std::to_string(port - 11)}};
  EXPECT_EQ(finish(calibrate(kShort, "taken", root)), 3);
  const std::string said = content("taken.err");
  EXPECT_NE(said.find("port " + std::to_string(port)), std::string::npos) << said;
}

TEST_F(Launchers, StopAllWhenOneIsKilled) {
  // Points without end, so that it is killed in the middle.
  const Words words = {"comm", "--backend", "host", "-b", "64", "-e",
                       "64M",  "-i",        "64",   "-n", "50"};
  std::vector<pid_t> pids;
  const std::string port = std::to_string(free_port() - 11);
  for (int rank = 0; rank < 4; ++rank) {
    pids.push_back(calibrate(words, "rank" + std::to_string(rank),
                             {{"RANK", std::to_string(rank)},
                              {"LOCAL_RANK", std::to_string(rank)},
                              {"WORLD_SIZE", "4"},
                              {"MASTER_PORT", port}}));
  }
  for (int i = 0; i < 2000 && point_count(content("rank0.out")) < 2; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  ASSERT_GE(point_count(content("rank0.out")), 2);
  kill(pids[2], SIGKILL);
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(finish(pids[2]), 128 + SIGKILL);
  for (const int rank : {0, 1, 3}) {
    EXPECT_EQ(finish(pids[static_cast<std::size_t>(rank)]), 3) << rank;
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  EXPECT_LT(took.count(), 60);  // --timeout, which nobody waited for
  EXPECT_NE(content("rank0.err").find("rank 2 is gone"), std::string::npos) << content("rank0.err");
}

TEST_F(Launchers, StopAllOnCtrlC) {
  const std::string port = std::to_string(free_port() - 11);
  std::vector<pid_t> pids;
  for (int rank = 0; rank < 3; ++rank) {
    pids.push_back(calibrate({"comm", "--backend", "host", "-b", "64", "-e", "64M", "-i", "64"},
                             "rank" + std::to_string(rank),
                             {{"RANK", std::to_string(rank)},
                              {"LOCAL_RANK", std::to_string(rank)},
                              {"WORLD_SIZE", "3"},
                              {"MASTER_PORT", port}}));
  }
  for (int i = 0; i < 2000 && point_count(content("rank0.out")) < 1; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  for (const pid_t pid : pids) kill(pid, SIGINT);  // as a terminal does
  EXPECT_EQ(finish(pids[0]), 130);
  EXPECT_EQ(finish(pids[1]), 3);
  EXPECT_EQ(finish(pids[2]), 3);
  EXPECT_NE(content("rank0.err").find("interrupted;"), std::string::npos) << content("rank0.err");
  EXPECT_EQ(content("rank1.err") + content("rank2.err"), "");  // rank 0 has said it
}

}  // namespace
}  // namespace planewise::calibration
