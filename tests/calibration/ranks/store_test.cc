// The star of ranks: what all hear, and what they hear of a rank that is lost.
#include "calibration/launch/store.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <numeric>
#include <thread>

#include "forked_ranks.h"

namespace planewise::calibration {
namespace {

TEST(Store, GathersInOrderOfRanks) {
  for (const int ranks : {1, 2, 5, 16}) {
    std::string expected;
    for (int rank = 0; rank < ranks; ++rank) expected += std::to_string(rank) + ",";
    for (const auto& end : test::run_forked(ranks, [](Store& store) {
           std::string all;
           for (int round = 0; round < 3; ++round) {
             all.clear();
             for (const std::string& text : store.all_gather(std::to_string(store.rank()))) {
               all += text + ",";
             }
             store.barrier();
           }
           return all;
         })) {
      EXPECT_EQ(end.code, 0) << end.text;
      EXPECT_EQ(end.text, expected);
    }
  }
}

TEST(Store, TellsAllWhoWasKilled) {
  const auto began = std::chrono::steady_clock::now();
  const auto ends = test::run_forked(4, [](Store& store) {
    store.barrier();
    if (store.rank() == 2) raise(SIGKILL);
    store.barrier();
    return std::string();
  });
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  ASSERT_EQ(ends.size(), 4U);
  EXPECT_EQ(ends[2].code, 128 + SIGKILL);
  for (const int rank : {0, 1, 3}) {
    EXPECT_EQ(ends[static_cast<std::size_t>(rank)].text, "rank 2 is gone (its connection closed)")
        << rank;
  }
  EXPECT_LT(took.count(), 20);  // the timeout, which nobody waited for
}

TEST(Store, NamesTheRankThatIsSilent) {
  const auto ends = test::run_forked(
      3,
      [](Store& store) {
        store.barrier();
        if (store.rank() == 1) std::this_thread::sleep_for(std::chrono::seconds(3));
        store.barrier();
        return std::string();
      },
      0.5);
  ASSERT_EQ(ends.size(), 3U);
  EXPECT_EQ(ends[0].text, "rank 1 said nothing for 0 s");
  EXPECT_EQ(ends[2].code, 1);
}

TEST(Store, NamesTheRanksThatNeverCame) {
  const Socket listener = listen_on(0);
  const World world{.size = 4, .port = port_of(listener)};
  try {
    const Store store(world, {.start_timeout = 0.2, .listener = dup(listener.file())});
    FAIL() << "three ranks are missing";
  } catch (const PeerFailed& failure) {
    EXPECT_STREQ(failure.what(), "ranks 1, 2 and 3 of 4 did not come within 0 s");
  }
}

TEST(Store, TurnsStrangersAway) {
  // Of another job, and of no job at all.
  const Socket listener = listen_on(0);
  const int port = port_of(listener);
  const pid_t child = fork();
  if (child == 0) {
    try {
      const Socket nobody = connect_to("127.0.0.1", port, deadline_in(5));
      nobody.send_all("GET / HTTP/1.0\r\n\r\n.......", 24, deadline_in(5));
      const Store other({.rank = 1, .size = 2, .port = port, .job = "other"},
                        {.start_timeout = 0.5});
      _exit(1);
    } catch (const std::exception& problem) {
      const bool is_told =
          std::string(problem.what()).find("turned this rank away") != std::string::npos;
      if (!is_told) _exit(2);
    }
    try {
      Store own({.rank = 1, .size = 2, .port = port, .job = "own"}, {.start_timeout = 5});
      _exit(own.broadcast("") == "hello" ? 0 : 3);
    } catch (const std::exception&) {
      _exit(4);
    }
  }
  Store store({.size = 2, .port = port, .job = "own"},
              {.start_timeout = 10, .listener = dup(listener.file())});
  store.broadcast("hello");
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(Store, SaysWhichPortIsTaken) {
  const Socket taken = listen_on(0);
  const int port = port_of(taken);
  try {
    const Store store({.size = 2, .port = port}, {.start_timeout = 1});
    FAIL() << "the port is taken";
  } catch (const std::exception& problem) {
    EXPECT_NE(std::string(problem.what()).find("port " + std::to_string(port)), std::string::npos)
        << problem.what();
  }
}

}  // namespace
}  // namespace planewise::calibration
