// A forked process at the other end of a channel.
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <span>
#include <string>

#include "engine/simgrid/channel.h"

namespace planewise::engine {

/// Owns a file descriptor.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor();
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number() const { return number_; }
  int release();

 private:
  int number_;
};

/// A process that does `serve` with its end of a channel; ended and reaped by the destructor.
class WorkerProcess {
 public:
  /// `serve` ends its process when the channel is closed. Throws std::system_error if there can be
  /// no process.
  explicit WorkerProcess(const std::function<void(Channel&)>& serve);
  ~WorkerProcess();
  WorkerProcess(const WorkerProcess&) = delete;
  WorkerProcess& operator=(const WorkerProcess&) = delete;

  void put(const Message& message) { channel_->put(message); }
  void put(std::span<const LinkId> path) { channel_->put(path); }
  /// Sends what was put, and waits for what the process says next.
  ///
  /// Throws std::runtime_error if it died, with its status and the last that it printed.
  Message ask();

 private:
  int reap();
  [[noreturn]] void throw_death();
  std::string last_output() const;

  Descriptor output_;  ///< What the process prints; a file in memory.
  std::optional<Channel> channel_;
  pid_t process_ = -1;
};

}  // namespace planewise::engine
