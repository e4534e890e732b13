// planewise-calibrate as several processes, as launchers start it.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "spec/temporary_folder.h"

namespace planewise::calibration::test {

using Extra = std::map<std::string, std::string>;

class Launched : public testing::Test {
 protected:
  static constexpr unsigned kLongestRun = 120;  // seconds

  /// Starts the program that `words` name with `extra` in its environment; output goes to files.
  pid_t start(std::vector<std::string> words, const std::string& name, const Extra& extra = {}) {
    const std::string out = folder_.path(name + ".out");
    const std::string err = folder_.path(name + ".err");
    const pid_t child = fork();
    if (child != 0) return child;
    std::vector<char*> pointers;
    for (std::string& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    const int out_file = open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    const int err_file = open(err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    for (const auto& [key, value] : extra) setenv(key.c_str(), value.c_str(), 1);
    signal(SIGINT, SIG_DFL);
    alarm(kLongestRun);
    if (chdir(PLANEWISE_ROOT) == 0 && dup2(out_file, 1) == 1 && dup2(err_file, 2) == 2) {
      execvp(pointers[0], pointers.data());
    }
    _exit(127);
  }
  /// The same of planewise-calibrate.
  pid_t calibrate(std::vector<std::string> words, const std::string& name,
                  const Extra& extra = {}) {
    words.insert(words.begin(), PLANEWISE_CALIBRATE);
    return start(std::move(words), name, extra);
  }

  /// Exit code, or 128 + the signal.
  int finish(pid_t child) {
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

  std::string content(const std::string& name) const {
    std::ifstream in(folder_.path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }

  planewise::test::TemporaryFolder folder_{};
};

}  // namespace planewise::calibration::test
