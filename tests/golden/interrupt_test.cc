// Ctrl-C in the middle of a run: it says so, and leaves nothing half written.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "spec/temporary_folder.h"

namespace planewise {
namespace {

/// In a child: a run that takes long enough, as a job of the terminal that Ctrl-C would reach.
void become_long_run(const std::string& folder) {
  const int out = open((folder + "/out").c_str(), O_WRONLY | O_CREAT, 0600);
  const int err = open((folder + "/err").c_str(), O_WRONLY | O_CREAT, 0600);
  const std::string trace = folder + "/made/trace.json";
  signal(SIGINT, SIG_DFL);  // a test in the background may have it ignored
  alarm(300);
  if (chdir(PLANEWISE_ROOT) != 0 || dup2(out, 1) != 1 || dup2(err, 2) != 2) return;
  execl(PLANEWISE_PROGRAM, "planewise", "run", "-w", "workloads/deepseek_v3_train_2048_h800.yaml",
        "-t", "topologies/mpft_2048.yaml", "--no-symmetry", "--trace", trace.c_str(), nullptr);
}

TEST(Interrupt, EndsARunAndLeavesNoFile) {
  const test::TemporaryFolder folder;
  const std::filesystem::path made = folder.path("made");
  std::filesystem::create_directory(made);
  const pid_t child = fork();
  if (child == 0) {
    become_long_run(made.parent_path().string());
    _exit(127);
  }
  // Once the trace has begun the program listens; a run of every flow takes far longer.
  for (int tries = 0; std::filesystem::is_empty(made) && tries < 3000; ++tries) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_FALSE(std::filesystem::is_empty(made));
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  kill(child, SIGINT);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 130);
  std::ifstream in(folder.path("err"));
  const std::string said{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  EXPECT_EQ(said.find("planewise: interrupted at simulated "), 0U) << said;
  EXPECT_TRUE(said.ends_with("nothing was written\n")) << said;
  EXPECT_TRUE(std::filesystem::is_empty(made));
  EXPECT_EQ(std::filesystem::file_size(folder.path("out")), 0U);
}

}  // namespace
}  // namespace planewise
