#include "engine/simgrid/worker_process.h"

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace planewise::engine {
namespace {

[[noreturn]] void throw_errno(const char* call) {
  throw std::system_error(errno, std::generic_category(), std::string(call) + " for simgrid");
}

/// What the new process does; it never returns to the caller's code.
[[noreturn]] void be_worker(const std::function<void(Channel&)>& serve, Channel& channel,
                            int output) {
  // SimGrid's log is none of our user's business; it is quoted if the process dies.
  dup2(output, STDOUT_FILENO);
  dup2(output, STDERR_FILENO);
  try {
    serve(channel);
  } catch (const std::exception& error) {
    dprintf(STDERR_FILENO, "%s\n", error.what());
  }
  // Not exit(): the caller's atexit handlers and unflushed files are the caller's.
  _exit(EXIT_FAILURE);
}

}  // namespace

Descriptor::~Descriptor() {
  if (number_ >= 0) close(number_);
}

int Descriptor::release() { return std::exchange(number_, -1); }

WorkerProcess::WorkerProcess(const std::function<void(Channel&)>& serve)
    : output_(memfd_create("planewise-simgrid", MFD_CLOEXEC)) {
  if (output_.number() < 0) throw_errno("memfd_create");
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    throw_errno("socketpair");
  }
  Descriptor ours(ends[0]);
  Descriptor theirs(ends[1]);
  process_ = fork();
  if (process_ < 0) throw_errno("fork");
  if (process_ == 0) {
    close(ours.release());
    Channel channel(theirs.release());
    be_worker(serve, channel, output_.number());
  }
  channel_.emplace(ours.release());
}

WorkerProcess::~WorkerProcess() {
  channel_->close();  // The process takes this for the end.
  reap();
}

/// Waits for the process to end, and returns its status as of waitpid(); 0 if that is not to be
/// had.
int WorkerProcess::reap() {
  int status = 0;
  if (process_ < 0) return status;
  while (waitpid(process_, &status, 0) < 0 && errno == EINTR) {
  }
  process_ = -1;
  return status;
}

std::string WorkerProcess::last_output() const {
  constexpr off_t kEnough = 2000;
  const off_t size = lseek(output_.number(), 0, SEEK_END);
  const off_t begin = std::max<off_t>(size - kEnough, 0);
  std::string text(static_cast<std::size_t>(std::max<off_t>(size - begin, 0)), '\0');
  const ssize_t count = pread(output_.number(), text.data(), text.size(), begin);
  text.resize(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

void WorkerProcess::throw_death() {
  channel_->close();
  if (process_ < 0) throw std::runtime_error("the simgrid process ended earlier");
  const int status = reap();
  std::string text = "the simgrid process ended early, ";
  if (WIFSIGNALED(status)) {
    const int number = WTERMSIG(status);
    text += "by signal " + std::to_string(number) + " (" + strsignal(number) + ")";
  } else {
    text += "with exit status " + std::to_string(WEXITSTATUS(status));
  }
  const std::string said = last_output();
  throw std::runtime_error(text + (said.empty() ? ", and printed nothing" : ": " + said));
}

Message WorkerProcess::ask() {
  channel_->flush();
  Message message;
  if (!channel_->get(message)) throw_death();
  return message;
}

}  // namespace planewise::engine
