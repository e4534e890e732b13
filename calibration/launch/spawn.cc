#include "calibration/launch/spawn.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <system_error>
#include <thread>

#include "calibration/launch/socket.h"
#include "print/program.h"

namespace planewise::calibration {
namespace {

constexpr std::chrono::milliseconds kLook{2};

std::string own_path() {
  std::string path(4096, '\0');
  const ssize_t length = ::readlink("/proc/self/exe", path.data(), path.size());
  if (length < 0) throw std::system_error(errno, std::generic_category(), "/proc/self/exe");
  path.resize(static_cast<std::size_t>(length));
  return path;
}

/// Variables of one rank, over those of this process.
std::vector<std::string> variables_of(int rank, int ranks, int port, int listener) {
  std::vector<std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (std::strncmp(*entry, "PLANEWISE_", 10) != 0) all.emplace_back(*entry);
  }
  const auto add = [&](const std::string& name, const std::string& value) {
    all.push_back(name + "=" + value);
  };
  add("PLANEWISE_RANK", std::to_string(rank));
  add("PLANEWISE_RANKS", std::to_string(ranks));
  add("PLANEWISE_LOCAL_RANK", std::to_string(rank));
  add("PLANEWISE_LOCAL_RANKS", std::to_string(ranks));
  add("PLANEWISE_JOB", fmt::format("spawn {}", ::getpid()));
  add("PLANEWISE_ADDRESS", "127.0.0.1");
  add("PLANEWISE_PORT", std::to_string(port));
  if (rank == 0) add("PLANEWISE_LISTENER", std::to_string(listener));
  return all;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> list;
  list.reserve(texts.size() + 1);
  for (std::string& text : texts) list.push_back(text.data());
  list.push_back(nullptr);
  return list;
}

/// Starts one rank; everything is prepared before the fork.
pid_t start(const std::string& path, std::vector<std::string> arguments,
            std::vector<std::string> variables, int listener) {
  const std::vector<char*> argv = pointers(arguments);
  const std::vector<char*> envp = pointers(variables);
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) throw std::system_error(errno, std::generic_category(), "cannot start a rank");
  if (child > 0) return child;
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(kMachine);
  if (listener >= 0) ::fcntl(listener, F_SETFD, 0);
  ::execve(path.c_str(), argv.data(), envp.data());
  ::_exit(kMachine);
}

/// Takes note of how rank `rank` ended.
void note(int rank, int status, SpawnResult& result) {
  if (WIFEXITED(status)) {
    const int code = WEXITSTATUS(status);
    // Of several failures rank 0 knows best what the first one was.
    if (code != 0 && (result.exit_code == 0 || rank == 0)) result.exit_code = code;
    return;
  }
  if (result.exit_code == 0) result.exit_code = kMachine;
  const int signal = WTERMSIG(status);
  result.problems.push_back(
      fmt::format("rank {} was killed by signal {} ({})", rank, signal, ::strsignal(signal)));
}

/// Waits for all; kills those that are left `grace` seconds after the first failure.
SpawnResult wait_for(std::vector<pid_t> ranks, double grace) {
  SpawnResult result;
  std::size_t running = ranks.size();
  bool is_killed = false;
  Deadline deadline = Deadline::max();
  while (running > 0) {
    bool has_ended = false;
    for (std::size_t rank = 0; rank < ranks.size(); ++rank) {
      int status = 0;
      if (ranks[rank] == 0 || ::waitpid(ranks[rank], &status, WNOHANG) <= 0) continue;
      ranks[rank] = 0;
      --running;
      has_ended = true;
      const bool was_well = result.exit_code == 0;
      if (!is_killed) note(static_cast<int>(rank), status, result);
      if (was_well && result.exit_code != 0) deadline = deadline_in(grace);
    }
    if (!is_killed && std::chrono::steady_clock::now() >= deadline) {
      is_killed = true;
      for (const pid_t pid : ranks) {
        if (pid != 0) ::kill(pid, SIGKILL);
      }
      result.problems.push_back(
          fmt::format("{} ranks did not end within {:.0f} s and were killed", running, grace));
    }
    if (!has_ended) std::this_thread::sleep_for(kLook);
  }
  return result;
}

}  // namespace

bool is_spawned() { return std::getenv("PLANEWISE_RANK") != nullptr; }

int inherited_listener() {
  const char* file = std::getenv("PLANEWISE_LISTENER");
  return file == nullptr ? -1 : std::atoi(file);
}

std::vector<std::string> own_arguments() {
  std::ifstream in("/proc/self/cmdline", std::ios::binary);
  std::vector<std::string> arguments;
  for (std::string argument; std::getline(in, argument, '\0');) arguments.push_back(argument);
  return arguments;
}

SpawnResult spawn_ranks(const std::vector<std::string>& arguments, const SpawnOptions& options) {
  const Socket listener = listen_on(0);
  const int port = port_of(listener);
  const std::string path = own_path();
  std::vector<pid_t> ranks;
  for (int rank = 0; rank < options.ranks; ++rank) {
    ranks.push_back(start(path, arguments, variables_of(rank, options.ranks, port, listener.file()),
                          rank == 0 ? listener.file() : -1));
  }
  // Ctrl-C goes to all ranks as well; they end, and this process tells how.
  std::signal(SIGINT, SIG_IGN);
  return wait_for(std::move(ranks), options.grace);
}

}  // namespace planewise::calibration
