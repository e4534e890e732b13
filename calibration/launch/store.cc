#include "calibration/launch/store.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>

namespace planewise::calibration {
namespace {

constexpr std::uint32_t kText = 0x70770001;
constexpr std::uint32_t kGivesUp = 0x70770002;
constexpr std::uint32_t kTextMost = 1U << 30;
constexpr double kHelloTimeout = 5;

struct Head {
  std::uint32_t kind = kText;
  std::uint32_t size = 0;
};

/// The first bytes of a connection. What is another program's or another job's does not match.
struct Hello {
  std::array<char, 8> magic{'p', 'l', 'a', 'n', 'e', 'w', 's', '1'};
  std::uint64_t job = 0;
  std::int32_t rank = 0;
  std::int32_t size = 0;
};

std::uint64_t hash_of(const std::string& text) {
  std::uint64_t hash = 14695981039346656037ULL;  // FNV-1a
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return hash;
}

std::size_t at(int rank) { return static_cast<std::size_t>(rank); }

/// `3`, `3, 5 and 6`; of many the first and how many more.
std::string rank_list(const std::vector<int>& ranks) {
  constexpr std::size_t kShown = 8;
  std::string list;
  for (std::size_t i = 0; i < std::min(ranks.size(), kShown); ++i) {
    const bool is_last = i + 1 == ranks.size();
    list += (i == 0 ? "" : is_last ? " and " : ", ") + std::to_string(ranks[i]);
  }
  if (ranks.size() > kShown) list += fmt::format(" and {} more", ranks.size() - kShown);
  return (ranks.size() == 1 ? "rank " : "ranks ") + list;
}

std::string peer_address(const Socket& socket) {
  sockaddr_in address{};
  socklen_t length = sizeof address;
  std::array<char, INET_ADDRSTRLEN> text{};
  ::getpeername(socket.file(), reinterpret_cast<sockaddr*>(&address), &length);
  ::inet_ntop(AF_INET, &address.sin_addr, text.data(), text.size());
  return text.data();
}

std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) {
    const auto size = static_cast<std::uint32_t>(text.size());
    all.append(reinterpret_cast<const char*>(&size), sizeof size).append(text);
  }
  return all;
}

std::vector<std::string> parted(const std::string& all) {
  std::vector<std::string> texts;
  for (std::size_t begin = 0; begin < all.size();) {
    std::uint32_t size = 0;
    std::memcpy(&size, all.data() + begin, sizeof size);
    texts.push_back(all.substr(begin + sizeof size, size));
    begin += sizeof size + size;
  }
  return texts;
}

/// Reads and forgets what the other end still sends, until it closes.
void discard_until(const Socket& socket, Deadline deadline) {
  if (!socket.is_open()) return;
  std::array<char, 4096> rest{};
  try {
    while (true) {
      const ssize_t got = ::recv(socket.file(), rest.data(), rest.size(), MSG_DONTWAIT);
      if (got == 0) return;
      if (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) return;
      if (got < 0) socket.await_readable(deadline);
    }
  } catch (const std::runtime_error&) {
    return;
  }
}

}  // namespace

Store::Store(const World& world, const StoreOptions& options)
    : world_(world), timeout_(options.timeout), sockets_(at(world.size)) {
  addresses_.assign(at(world.size), world.address);
  if (world.size == 1) return;
  if (world.rank == 0) {
    accept_all(options);
  } else {
    join(options);
  }
  const std::vector<std::string> shared = parted(broadcast(joined(addresses_)));
  if (world.rank != 0) addresses_ = shared;
}

void Store::accept_all(const StoreOptions& options) {
  const Socket listener = options.listener >= 0 ? Socket(options.listener) : listen_on(world_.port);
  const Deadline deadline = deadline_in(options.start_timeout);
  for (int missing = world_.size - 1; missing > 0;) {
    try {
      Socket socket = accept_one(listener, deadline);
      Hello hello;
      try {
        socket.receive_all(&hello, sizeof hello, std::min(deadline, deadline_in(kHelloTimeout)));
      } catch (const std::runtime_error&) {
        continue;  // somebody who looked whether the port is open
      }
      const bool is_ours = hello.magic == Hello{}.magic && hello.job == hash_of(world_.job) &&
                           hello.size == world_.size && hello.rank > 0 && hello.rank < hello.size;
      if (!is_ours || sockets_[at(hello.rank)].is_open()) continue;
      addresses_[at(hello.rank)] = peer_address(socket);
      socket.send_all(&hello, sizeof hello, deadline);
      sockets_[at(hello.rank)] = std::move(socket);
      --missing;
    } catch (const TimedOut&) {
      std::vector<int> absent;
      for (int rank = 1; rank < world_.size; ++rank) {
        if (!sockets_[at(rank)].is_open()) absent.push_back(rank);
      }
      const std::string reason = fmt::format("{} of {} did not come within {:.0f} s",
                                             rank_list(absent), world_.size, options.start_timeout);
      give_up(reason);
      throw PeerFailed(reason, false);
    }
  }
}

void Store::join(const StoreOptions& options) {
  const Deadline deadline = deadline_in(options.start_timeout);
  const Hello hello{.job = hash_of(world_.job), .rank = world_.rank, .size = world_.size};
  Socket socket;
  std::string reason;
  while (true) {
    try {
      socket = connect_to(world_.address, world_.port, deadline);
      Hello back;
      socket.send_all(&hello, sizeof hello, deadline);
      socket.receive_all(&back, sizeof back, deadline);
      if (back.magic == hello.magic && back.rank == hello.rank) break;
      reason = "another program answers";
    } catch (const ConnectionLost&) {
      reason = "whoever listens there turned this rank away: another job, or this rank twice";
    } catch (const TimedOut& problem) {
      throw TimedOut(fmt::format("rank 0 is not at {}:{}: {}", world_.address, world_.port,
                                 reason.empty() ? problem.what() : reason));
    }
    if (std::chrono::steady_clock::now() >= deadline) {
      throw TimedOut(
          fmt::format("rank 0 is not at {}:{}: {}", world_.address, world_.port, reason));
    }
    ::poll(nullptr, 0, 100);
  }
  sockets_[0] = std::move(socket);
}

void Store::throw_lost(int rank, const std::string& why) const {
  throw PeerFailed(fmt::format("rank {} is gone ({})", rank, why), false);
}

void Store::send(int rank, const std::string& text) {
  const Head head{.size = static_cast<std::uint32_t>(text.size())};
  const Deadline deadline = deadline_in(timeout_);
  try {
    sockets_[at(rank)].send_all(&head, sizeof head, deadline);
    sockets_[at(rank)].send_all(text.data(), text.size(), deadline);
  } catch (const ConnectionLost& lost) {
    check_peers();  // it, or another one, may have said why
    throw_lost(rank, lost.what());
  } catch (const TimedOut&) {
    throw PeerFailed(fmt::format("rank {} takes nothing for {:.0f} s", rank, timeout_), false);
  }
}

std::string Store::receive(int rank, double patience) {
  const double most = std::max(timeout_, patience);
  const Deadline deadline = deadline_in(most);
  Head head;
  std::string text;
  try {
    sockets_[at(rank)].receive_all(&head, sizeof head, deadline);
    if (head.kind != kText && head.kind != kGivesUp) throw_lost(rank, "it talks nonsense");
    if (head.size > kTextMost) throw_lost(rank, "it talks nonsense");
    text.resize(head.size);
    sockets_[at(rank)].receive_all(text.data(), text.size(), deadline);
  } catch (const ConnectionLost& lost) {
    throw_lost(rank, lost.what());
  } catch (const TimedOut&) {
    throw PeerFailed(fmt::format("rank {} has said nothing for {:.0f} s", rank, most), false);
  }
  if (head.kind == kGivesUp) throw PeerFailed(text, true);
  return text;
}

std::string Store::broadcast(const std::string& text, double patience) {
  if (world_.rank != 0) return receive(0, patience);
  for (int rank = 1; rank < world_.size; ++rank) send(rank, text);
  return text;
}

void Store::await_any(const std::vector<bool>& wanted, Deadline deadline) const {
  std::vector<pollfd> entries;
  for (int rank = 1; rank < world_.size; ++rank) {
    entries.push_back({.fd = sockets_[at(rank)].file(), .events = POLLIN, .revents = 0});
    if (!wanted[at(rank)]) entries.back().fd = -1;
  }
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
  const int timeout = static_cast<int>(std::max<std::int64_t>(0, left.count()));
  if (::poll(entries.data(), entries.size(), timeout) != 0) return;
  std::vector<int> silent;
  for (int rank = 1; rank < world_.size; ++rank) {
    if (wanted[at(rank)]) silent.push_back(rank);
  }
  throw PeerFailed(fmt::format("{} said nothing for {:.0f} s", rank_list(silent), timeout_), false);
}

std::vector<std::string> Store::gather(const std::string& text) {
  if (world_.rank != 0) {
    send(0, text);
    return {};
  }
  std::vector<std::string> texts(at(world_.size));
  std::vector<bool> wanted(at(world_.size), true);
  texts[0] = text;
  const Deadline deadline = deadline_in(timeout_);
  for (int missing = world_.size - 1; missing > 0;) {
    await_any(wanted, deadline);
    for (int rank = 1; rank < world_.size; ++rank) {
      if (!wanted[at(rank)]) continue;
      pollfd entry{.fd = sockets_[at(rank)].file(), .events = POLLIN, .revents = 0};
      if (::poll(&entry, 1, 0) <= 0) continue;
      texts[at(rank)] = receive(rank);
      wanted[at(rank)] = false;
      --missing;
    }
  }
  return texts;
}

std::vector<std::string> Store::all_gather(const std::string& text) {
  return parted(broadcast(joined(gather(text))));
}

void Store::barrier() {
  gather("");
  broadcast("");
}

void Store::check_peers() const {
  for (int rank = first_peer(); rank < end_peer(); ++rank) {
    const Socket& socket = sockets_[at(rank)];
    if (!socket.is_open()) continue;
    Head head;
    const ssize_t got = ::recv(socket.file(), &head, sizeof head, MSG_PEEK | MSG_DONTWAIT);
    if (got == 0) throw_lost(rank, "its connection closed");
    if (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
      throw_lost(rank, std::strerror(errno));
    }
    if (got < static_cast<ssize_t>(sizeof head) || head.kind != kGivesUp) continue;
    std::string text(sizeof head + std::min(head.size, 4096U), '\0');
    const ssize_t whole = ::recv(socket.file(), text.data(), text.size(), MSG_PEEK | MSG_DONTWAIT);
    const auto size = static_cast<std::size_t>(std::max<ssize_t>(whole, sizeof head));
    throw PeerFailed(text.substr(sizeof head, size - sizeof head), true);
  }
}

void Store::give_up(const std::string& reason) noexcept {
  try {
    const Head head{.kind = kGivesUp, .size = static_cast<std::uint32_t>(reason.size())};
    const Deadline soon = deadline_in(0.5);
    for (int rank = first_peer(); rank < end_peer(); ++rank) {
      const Socket& socket = sockets_[at(rank)];
      if (!socket.is_open()) continue;
      try {
        socket.send_all(&head, sizeof head, soon);
        socket.send_all(reason.data(), reason.size(), soon);
        ::shutdown(socket.file(), SHUT_WR);
      } catch (const std::runtime_error&) {
        continue;  // that rank will see the connection close
      }
    }
    // To close with something unread would reset the connection, and the reason with it.
    for (int rank = first_peer(); rank < end_peer(); ++rank)
      discard_until(sockets_[at(rank)], soon);
  } catch (...) {
    return;  // out of memory; the connections close all the same
  }
}

}  // namespace planewise::calibration
