// TCP connections between ranks: opened, closed, and read and written up to a deadline.
#pragma once

#include <chrono>
#include <cstddef>
#include <stdexcept>
#include <string>

namespace planewise::calibration {

using Deadline = std::chrono::steady_clock::time_point;
/// `length` in seconds from now.
Deadline deadline_in(double length);

/// The other end closed the connection, or died.
class ConnectionLost : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};
/// Nothing came before the deadline.
class TimedOut : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class Socket {
 public:
  Socket() = default;
  explicit Socket(int file) : file_(file) {}
  ~Socket();
  Socket(Socket&& other) noexcept : file_(other.release()) {}
  Socket& operator=(Socket&& other) noexcept;

  int file() const { return file_; }
  bool is_open() const { return file_ >= 0; }
  int release();

  /// All throw ConnectionLost, TimedOut or std::system_error.
  void send_all(const void* data, std::size_t size, Deadline deadline) const;
  void receive_all(void* data, std::size_t size, Deadline deadline) const;
  /// Waits until something can be read, or the other end is gone.
  void await_readable(Deadline deadline) const;

 private:
  int file_ = -1;
};

/// Listens on `port` of all addresses; 0: on one that is free. Throws std::system_error.
Socket listen_on(int port);
int port_of(const Socket& listener);
/// Throws TimedOut.
Socket accept_one(const Socket& listener, Deadline deadline);
/// Tries again until the deadline; throws TimedOut with the last reason.
Socket connect_to(const std::string& host, int port, Deadline deadline);

}  // namespace planewise::calibration
