// Real processes as ranks: each runs a body on a store of its own, and tells a text.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <vector>

#include "calibration/launch/socket.h"
#include "calibration/launch/store.h"

namespace planewise::calibration::test {

struct RankEnd {
  int code = -1;       ///< 0: the body returned; 1: it threw; 128 + signal.
  std::string text{};  ///< What it returned, or of what it threw.
};

/// `ranks` processes on loopback. None outlives the call.
inline std::vector<RankEnd> run_forked(int ranks, const std::function<std::string(Store&)>& body,
                                       double timeout = 20) {
  const Socket listener = listen_on(0);
  std::vector<pid_t> pids;
  std::vector<int> pipes;
  for (int rank = 0; rank < ranks; ++rank) {
    int ends[2] = {-1, -1};
    if (pipe(ends) != 0) return {};
    const pid_t child = fork();
    if (child == 0) {
      alarm(120);
      std::string text;
      int code = 0;
      try {
        const World world{.rank = rank,
                          .size = ranks,
                          .local_rank = rank,
                          .local_size = ranks,
                          .launcher = "test",
                          .port = port_of(listener)};
        Store store(world, {.start_timeout = timeout,
                            .timeout = timeout,
                            .listener = rank == 0 ? dup(listener.file()) : -1});
        try {
          text = body(store);
        } catch (const std::exception& problem) {
          store.give_up(problem.what());
          throw;
        }
      } catch (const std::exception& problem) {
        code = 1;
        text = problem.what();
      }
      if (write(ends[1], text.data(), text.size()) != static_cast<ssize_t>(text.size())) code = 2;
      _exit(code);
    }
    close(ends[1]);
    pids.push_back(child);
    pipes.push_back(ends[0]);
  }
  std::vector<RankEnd> all(pids.size());
  for (std::size_t rank = 0; rank < pids.size(); ++rank) {
    char buffer[4096];
    for (ssize_t got = 0; (got = read(pipes[rank], buffer, sizeof buffer)) > 0;) {
      all[rank].text.append(buffer, static_cast<std::size_t>(got));
    }
    close(pipes[rank]);
    int status = 0;
    waitpid(pids[rank], &status, 0);
    all[rank].code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  return all;
}

}  // namespace planewise::calibration::test
