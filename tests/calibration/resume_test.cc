// The program itself: a run that is killed and goes on, what it refuses, and the fit of what it
// measured.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "calibration/measure/run_folder.h"
#include "spec/read.h"
#include "spec/temporary_folder.h"

namespace planewise::calibration {
namespace {

constexpr unsigned kLongestRun = 300;  // seconds

std::string content_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

/// The text up to its last line feed.
std::string whole_lines(const std::string& text) { return text.substr(0, text.rfind('\n') + 1); }

std::int64_t line_count(const std::string& text) {
  return std::count(text.begin(), text.end(), '\n');
}

std::string with(std::string text, const std::string& word, const std::string& value) {
  const std::size_t at = text.find(word);
  return at == std::string::npos ? text : text.replace(at, word.size(), value);
}

/// In a child: becomes the program that the first word names.
[[noreturn]] void become_program(std::vector<std::string> words, const std::string& out,
                                 const std::string& err) {
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  const int out_file = open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  const int err_file = open(err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  signal(SIGINT, SIG_DFL);  // a test in the background may have it ignored
  alarm(kLongestRun);
  if (chdir(PLANEWISE_ROOT) == 0 && dup2(out_file, 1) == 1 && dup2(err_file, 2) == 2) {
    execv(pointers[0], pointers.data());
  }
  _exit(127);
}

class Program : public testing::Test {
 protected:
  pid_t start(std::vector<std::string> words, const char* program = PLANEWISE_CALIBRATE) {
    words.insert(words.begin(), program);
    const pid_t child = fork();
    if (child == 0) become_program(words, folder_.path("out"), folder_.path("err"));
    return child;
  }

  /// Exit code, or 128 + the signal.
  int finish(pid_t child) {
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

  int call(const std::vector<std::string>& words) { return finish(start(words)); }

  /// Waits until the raw file has so many lines; false if the program ended before.
  bool wait_for_lines(std::int64_t count) {
    for (int tries = 0; tries < 30000; ++tries) {
      if (line_count(content_of(raw_)) >= count) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return false;
  }

  std::string err() const { return content_of(folder_.path("err")); }

  /// planewise itself takes the profile and simulates a step with it.
  void expect_simulation(const std::string& profile) {
    const std::string folder = PLANEWISE_ROOT "/tests/calibration/one_rank/";
    std::string job = content_of(folder + "job.yaml");
    job = with(with(job, "MODEL", folder + "model.yaml"), "PROFILE", profile);
    std::ofstream(folder_.path("job.yaml")) << job;
    const pid_t child = start({"run", "-w", folder_.path("job.yaml"), "-t",
                               PLANEWISE_ROOT "/topologies/mrft_256.yaml", "--format", "json"},
                              PLANEWISE_PROGRAM);
    ASSERT_EQ(finish(child), 0) << err();
    const auto report = nlohmann::json::parse(content_of(folder_.path("out")));
    EXPECT_GT(report["runs"][0]["step_time_s"].get<double>(), 0) << report.dump(1).substr(0, 400);
  }

  const test::TemporaryFolder folder_;
  const std::string run_ = folder_.path("run");
  const std::string raw_ = run_ + "/raw.jsonl";
  const std::vector<std::string> measure_ = {"run",      "--backend", "host",  "--quick",
                                             "--budget", "12s",       "--out", run_};
};

/// Every round of every measurement is there once.
void expect_each_round_once(const std::string& text) {
  std::set<std::pair<std::string, int>> seen;
  std::set<int> rounds;
  std::set<std::string> keys;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    const auto record = nlohmann::json::parse(line);
    if (record["record"] != "point") continue;
    const auto key = record["key"].get<std::string>();
    const int round = record["repetition"].get<int>();
    EXPECT_TRUE(seen.insert({key, round}).second) << key << ", round " << round;
    keys.insert(key);
    rounds.insert(round);
  }
  EXPECT_GT(keys.size(), 5U);
  EXPECT_EQ(seen.size(), keys.size() * rounds.size());
}

TEST_F(Program, GoesOnAfterBeingKilledAndItsPointsAreFitted) {
  const pid_t child = start(measure_);
  ASSERT_TRUE(wait_for_lines(4)) << err();
  kill(child, SIGKILL);
  ASSERT_EQ(finish(child), 128 + SIGKILL) << "it ended before it was killed";
  // As if it had been killed in the middle of a line.
  const std::string kept = whole_lines(content_of(raw_));
  std::ofstream(raw_, std::ios::app | std::ios::binary) << R"({"record":"point","key":"ro)";

  ASSERT_EQ(call(measure_), 0) << err();
  const std::string all = content_of(raw_);
  EXPECT_TRUE(all.starts_with(kept));
  EXPECT_NE(err().find("going on, "), std::string::npos) << err();
  expect_each_round_once(all);

  // Again: there is nothing to add.
  ASSERT_EQ(call(measure_), 0) << err();
  EXPECT_EQ(content_of(raw_), all);

  // How well it fits depends on how busy this machine is; that a profile comes out does not.
  const std::string profile = folder_.path("profile.yaml");
  const int fitted = call({"fit", raw_, "-o", profile});
  EXPECT_TRUE(fitted == 0 || fitted == 4) << fitted << err();
  spec::Diagnostics diagnostics;
  const spec::ProfileSpec read = spec::read_profile(profile, diagnostics);
  EXPECT_TRUE(diagnostics.empty()) << spec::render(diagnostics.list().front());
  EXPECT_FALSE(read.operators.empty());
  EXPECT_TRUE(read.provenance.has_value());
  const int checked = call({"check", profile});
  EXPECT_TRUE(checked == 0 || checked == 4) << checked << err();
  expect_simulation(profile);
}

TEST_F(Program, KeepsWhatItHasWhenInterrupted) {
  const pid_t child = start(measure_);
  ASSERT_TRUE(wait_for_lines(3)) << err();
  kill(child, SIGINT);
  EXPECT_EQ(finish(child), 130);
  EXPECT_NE(err().find("kept in " + raw_), std::string::npos) << err();
  EXPECT_NE(err().find("run the same command again to go on"), std::string::npos) << err();
  const std::string kept = content_of(raw_);
  EXPECT_EQ(kept, whole_lines(kept));
  EXPECT_GE(line_count(kept), 3);
}

TEST_F(Program, RefusesAFolderThatAnotherHolds) {
  const FolderLock lock(run_);
  EXPECT_EQ(call(measure_), 2);
  EXPECT_NE(err().find("another planewise-calibrate is writing in this folder"), std::string::npos)
      << err();
}

TEST_F(Program, RefusesPointsOfAnotherMachine) {
  const pid_t child = start(measure_);
  ASSERT_TRUE(wait_for_lines(2)) << err();
  kill(child, SIGINT);
  finish(child);
  // The same file, but from a machine with another compiler.
  std::string text = content_of(raw_);
  const std::string compiler =
      nlohmann::json::parse(text.substr(0, text.find('\n')))["compiler"].get<std::string>();
  text.replace(text.find(compiler), compiler.size(), "another 1.0");
  const std::string other =
      nlohmann::json::parse(text.substr(0, text.find('\n')))["fingerprint"].get<std::string>();
  std::string print = other;
  print[0] = print[0] == '0' ? '1' : '0';
  for (std::size_t at = 0; (at = text.find(other, at)) != std::string::npos;) {
    text.replace(at, other.size(), print);
  }
  std::ofstream(raw_, std::ios::binary | std::ios::trunc) << text;

  EXPECT_EQ(call(measure_), 2);
  EXPECT_NE(err().find("compiler: was 'another 1.0', is '" + compiler + "'"), std::string::npos)
      << err();
  EXPECT_NE(err().find("--force-new"), std::string::npos);
  EXPECT_EQ(content_of(raw_), text);

  std::vector<std::string> anew = measure_;
  anew.emplace_back("--force-new");
  const pid_t second = start(anew);
  ASSERT_TRUE(wait_for_lines(1)) << err();
  for (int tries = 0; !std::filesystem::exists(raw_ + ".1") && tries < 5000; ++tries) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  kill(second, SIGKILL);
  finish(second);
  EXPECT_EQ(content_of(raw_ + ".1"), text);  // nothing is lost
}

TEST_F(Program, SaysThatThereIsNoGpu) {
  EXPECT_EQ(call({"run", "--out", run_, "--device", "1023"}), 3);
  EXPECT_EQ(err().find("planewise-calibrate: no GPU"), 0U) << err();
  EXPECT_FALSE(std::filesystem::exists(raw_));
}

}  // namespace
}  // namespace planewise::calibration
