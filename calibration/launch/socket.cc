#include "calibration/launch/socket.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>
#include <thread>
#include <utility>

namespace planewise::calibration {
namespace {

constexpr std::chrono::milliseconds kTryAgain{20};
constexpr int kWaiting = 4096;  // connections of ranks that come at once

[[noreturn]] void throw_system_error(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

int milliseconds_until(Deadline deadline) {
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
  return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 1'000'000));
}

/// Waits for `events` of `file`; throws TimedOut.
void await(int file, short events, Deadline deadline) {
  while (true) {
    pollfd entry{.fd = file, .events = events, .revents = 0};
    const int ready = ::poll(&entry, 1, milliseconds_until(deadline));
    if (ready > 0) return;
    if (ready < 0 && errno != EINTR) throw_system_error("cannot wait for a connection");
    if (ready == 0 && std::chrono::steady_clock::now() >= deadline) {
      throw TimedOut("nothing came in time");
    }
  }
}

void set_options(int file) {
  const int on = 1;
  ::setsockopt(file, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::fcntl(file, F_SETFL, ::fcntl(file, F_GETFL) | O_NONBLOCK);
}

/// One attempt; a closed socket and errno if it fails.
Socket try_connect(const addrinfo& address, Deadline deadline) {
  Socket socket(::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.is_open()) return socket;
  set_options(socket.file());
  if (::connect(socket.file(), address.ai_addr, address.ai_addrlen) == 0) return socket;
  if (errno != EINPROGRESS) return {};
  await(socket.file(), POLLOUT, deadline);
  int problem = 0;
  socklen_t length = sizeof problem;
  ::getsockopt(socket.file(), SOL_SOCKET, SO_ERROR, &problem, &length);
  if (problem == 0) return socket;
  errno = problem;
  return {};
}

}  // namespace

Deadline deadline_in(double length) {
  return std::chrono::steady_clock::now() +
         std::chrono::duration_cast<std::chrono::steady_clock::duration>(
             std::chrono::duration<double>(length));
}

Socket::~Socket() {
  if (file_ >= 0) ::close(file_);
}

Socket& Socket::operator=(Socket&& other) noexcept {
  if (this != &other) {
    if (file_ >= 0) ::close(file_);
    file_ = other.release();
  }
  return *this;
}

int Socket::release() { return std::exchange(file_, -1); }

void Socket::send_all(const void* data, std::size_t size, Deadline deadline) const {
  const auto* from = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t sent = ::send(file_, from, size, MSG_NOSIGNAL);
    if (sent > 0) {
      from += sent;
      size -= static_cast<std::size_t>(sent);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      await(file_, POLLOUT, deadline);
    } else if (errno != EINTR) {
      throw ConnectionLost(std::strerror(errno));
    }
  }
}

void Socket::receive_all(void* data, std::size_t size, Deadline deadline) const {
  auto* to = static_cast<char*>(data);
  while (size > 0) {
    const ssize_t got = ::recv(file_, to, size, 0);
    if (got > 0) {
      to += got;
      size -= static_cast<std::size_t>(got);
    } else if (got == 0) {
      throw ConnectionLost("its connection closed");
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      await(file_, POLLIN, deadline);
    } else if (errno != EINTR) {
      throw ConnectionLost(std::strerror(errno));
    }
  }
}

void Socket::await_readable(Deadline deadline) const { await(file_, POLLIN, deadline); }

Socket listen_on(int port) {
  Socket socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.is_open()) throw_system_error("cannot open a socket");
  const int on = 1;
  ::setsockopt(socket.file(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_ANY);
  const auto* any = reinterpret_cast<const sockaddr*>(&address);
  if (::bind(socket.file(), any, sizeof address) != 0 || ::listen(socket.file(), kWaiting) != 0) {
    throw_system_error(fmt::format("cannot listen on port {}", port));
  }
  set_options(socket.file());
  return socket;
}

int port_of(const Socket& listener) {
  sockaddr_in address{};
  socklen_t length = sizeof address;
  if (::getsockname(listener.file(), reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    throw_system_error("cannot tell the port of a socket");
  }
  return ntohs(address.sin_port);
}

Socket accept_one(const Socket& listener, Deadline deadline) {
  while (true) {
    const int file = ::accept4(listener.file(), nullptr, nullptr, SOCK_CLOEXEC);
    if (file >= 0) {
      set_options(file);
      return Socket(file);
    }
    if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR && errno != ECONNABORTED) {
      throw_system_error("cannot accept a connection");
    }
    await(listener.file(), POLLIN, deadline);
  }
}

Socket connect_to(const std::string& host, int port, Deadline deadline) {
  const std::string where = fmt::format("{}:{}", host, port);
  std::string reason = "no answer";
  addrinfo wanted{};
  wanted.ai_family = AF_INET;
  wanted.ai_socktype = SOCK_STREAM;
  while (true) {
    addrinfo* found = nullptr;
    const int problem = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &wanted, &found);
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, &::freeaddrinfo);
    if (problem != 0) {
      reason = ::gai_strerror(problem);
    } else if (Socket socket = try_connect(*addresses, deadline); socket.is_open()) {
      return socket;
    } else {
      reason = std::strerror(errno);
    }
    if (std::chrono::steady_clock::now() + kTryAgain >= deadline) {
      throw TimedOut(fmt::format("cannot reach {}: {}", where, reason));
    }
    std::this_thread::sleep_for(kTryAgain);
  }
}

}  // namespace planewise::calibration
