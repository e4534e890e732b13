// The transport of the processor: a TCP connection for each two ranks, and collectives that send
// every pair its part at once.
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "calibration/comm/transport.h"
#include "calibration/host/e4m3.h"

namespace planewise::calibration {
namespace {

constexpr int kLookAtPeersEvery = 100;  // milliseconds

std::size_t at(int index) { return static_cast<std::size_t>(index); }

class HostMemory : public Memory {
 public:
  explicit HostMemory(std::size_t size) : bytes_(size) {}
  std::byte* data() override { return bytes_.data(); }
  std::size_t size() const override { return bytes_.size(); }

 private:
  std::vector<std::byte> bytes_;
};

/// The connections of one rank to all others.
class Mesh {
 public:
  Mesh(Store& store, double timeout);

  int rank() const { return store_.rank(); }
  int size() const { return store_.size(); }
  /// Parts by rank of the world; those of this rank itself are copied.
  void exchange(const std::vector<Message>& sends, const std::vector<Message>& receives);

 private:
  struct Way {
    Message part{};
    bool is_send = false;
    std::size_t done = 0;
  };
  bool advance(Way& way) const;
  void await(const std::vector<Way>& ways, Deadline deadline) const;

  Store& store_;
  double timeout_;
  std::vector<Socket> sockets_;  // [rank]
};

/// Each rank listens, tells all where, calls those below it and is called by those above it.
Mesh::Mesh(Store& store, double timeout)
    : store_(store), timeout_(timeout), sockets_(at(store.size())) {
  const Socket listener = listen_on(0);
  const std::vector<std::string> ports = store.all_gather(std::to_string(port_of(listener)));
  const Deadline deadline = deadline_in(timeout);
  for (int rank = 0; rank < store.rank(); ++rank) {
    sockets_[at(rank)] =
        connect_to(store.addresses()[at(rank)], std::stoi(ports[at(rank)]), deadline);
    const std::int32_t own = store.rank();
    sockets_[at(rank)].send_all(&own, sizeof own, deadline);
  }
  for (int missing = store.size() - 1 - store.rank(); missing > 0; --missing) {
    Socket socket = accept_one(listener, deadline);
    std::int32_t rank = -1;
    socket.receive_all(&rank, sizeof rank, deadline);
    if (rank <= store.rank() || rank >= store.size()) {
      throw std::runtime_error("another program connected to a rank's port");
    }
    sockets_[at(rank)] = std::move(socket);
  }
  store.barrier();
}

/// Moves what can be moved now; whether all of it is done.
bool Mesh::advance(Way& way) const {
  const int file = sockets_[at(way.part.peer)].file();
  while (way.done < way.part.size) {
    std::byte* place = way.part.data + way.done;
    const std::size_t left = way.part.size - way.done;
    const ssize_t moved =
        way.is_send ? ::send(file, place, left, MSG_NOSIGNAL) : ::recv(file, place, left, 0);
    if (moved > 0) {
      way.done += static_cast<std::size_t>(moved);
    } else if (moved < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      return false;
    } else if (moved == 0 || errno != EINTR) {
      const int problem = errno;
      store_.check_peers();  // may know more: who was lost first
      throw PeerFailed(fmt::format("rank {} is gone ({})", way.part.peer,
                                   moved == 0 ? "its connection closed" : std::strerror(problem)),
                       false);
    }
  }
  return true;
}

void Mesh::await(const std::vector<Way>& ways, Deadline deadline) const {
  std::vector<pollfd> entries;
  for (const Way& way : ways) {
    entries.push_back({.fd = sockets_[at(way.part.peer)].file(),
                       .events = static_cast<short>(way.is_send ? POLLOUT : POLLIN),
                       .revents = 0});
  }
  if (::poll(entries.data(), entries.size(), kLookAtPeersEvery) != 0) return;
  store_.check_peers();
  if (std::chrono::steady_clock::now() < deadline) return;
  std::string silent;
  for (const Way& way : ways) {
    const std::string rank = std::to_string(way.part.peer);
    if (silent.find(rank) == std::string::npos) silent += (silent.empty() ? "" : ", ") + rank;
  }
  throw PeerFailed(fmt::format("an operation did not end within {:.0f} s; waiting for rank {}",
                               timeout_, silent),
                   false);
}

void Mesh::exchange(const std::vector<Message>& sends, const std::vector<Message>& receives) {
  std::vector<Way> ways;
  std::vector<const Message*> own_sends;
  std::vector<const Message*> own_receives;
  for (const Message& part : sends) {
    if (part.peer == rank()) own_sends.push_back(&part);
    if (part.peer != rank() && part.size > 0) ways.push_back({.part = part, .is_send = true});
  }
  for (const Message& part : receives) {
    if (part.peer == rank()) own_receives.push_back(&part);
    if (part.peer != rank() && part.size > 0) ways.push_back({.part = part});
  }
  PW_CHECK(own_sends.size() == own_receives.size());
  for (std::size_t i = 0; i < own_sends.size(); ++i) {
    PW_CHECK(own_sends[i]->size == own_receives[i]->size);
    if (own_sends[i]->size == 0) continue;
    std::memmove(own_receives[i]->data, own_sends[i]->data, own_sends[i]->size);
  }
  const Deadline deadline = deadline_in(timeout_);
  // Parts of one pair in one direction follow each other: only the first that is not done moves.
  while (!ways.empty()) {
    bool has_moved = false;
    std::vector<bool> is_busy(2 * at(size()), false);
    for (Way& way : ways) {
      const std::size_t lane = 2 * at(way.part.peer) + (way.is_send ? 1 : 0);
      if (is_busy[lane]) continue;
      const std::size_t before = way.done;
      is_busy[lane] = !advance(way);
      has_moved = has_moved || way.done > before;
    }
    std::erase_if(ways, [](const Way& way) { return way.done == way.part.size; });
    if (!ways.empty() && !has_moved) await(ways, deadline);
  }
}

class SocketGroup : public CommGroup {
 public:
  SocketGroup(Mesh& mesh, std::vector<int> ranks) : mesh_(mesh), ranks_(std::move(ranks)) {
    const auto own = std::find(ranks_.begin(), ranks_.end(), mesh.rank());
    PW_CHECK(own != ranks_.end());
    index_ = static_cast<int>(own - ranks_.begin());
  }

  int size() const override { return static_cast<int>(ranks_.size()); }
  int index() const override { return index_; }

  void exchange(const std::vector<Message>& sends, const std::vector<Message>& receives) override {
    mesh_.exchange(of_world(sends), of_world(receives));
  }

  void all_to_all(const std::byte* from, std::byte* to, std::size_t pair_size) override {
    std::vector<Message> sends;
    std::vector<Message> receives;
    for (int step = 0; step < size(); ++step) {
      const int next = (index_ + step) % size();
      const int last = (index_ + size() - step) % size();
      sends.push_back({next, writable(from) + at(next) * pair_size, pair_size});
      receives.push_back({last, to + at(last) * pair_size, pair_size});
    }
    exchange(sends, receives);
  }

  void all_gather(const std::byte* from, std::byte* to, std::size_t share) override {
    std::vector<Message> sends;
    std::vector<Message> receives;
    for (int peer = 0; peer < size(); ++peer) {
      sends.push_back({peer, writable(from), share});
      receives.push_back({peer, to + at(peer) * share, share});
    }
    exchange(sends, receives);
  }

  void reduce_scatter(const std::byte* from, std::byte* to, std::size_t count,
                      ElementType type) override {
    const std::size_t share = count * element_size(type);
    scratch_.resize(share * at(size()));
    all_to_all(from, scratch_.data(), share);
    std::memcpy(to, scratch_.data(), share);
    for (int peer = 1; peer < size(); ++peer) {
      add_elements(to, scratch_.data() + at(peer) * share, count, type);
    }
  }

  /// Shares as equal as may be, reduced and gathered.
  void all_reduce(const std::byte* from, std::byte* to, std::size_t count,
                  ElementType type) override {
    const std::size_t unit = element_size(type);
    const auto begin = [&](int share) { return count * at(share) / at(size()); };
    const std::size_t own = begin(index_ + 1) - begin(index_);
    scratch_.resize(own * unit * at(size()));
    std::vector<Message> sends;
    std::vector<Message> receives;
    for (int peer = 0; peer < size(); ++peer) {
      sends.push_back(
          {peer, writable(from) + begin(peer) * unit, (begin(peer + 1) - begin(peer)) * unit});
      receives.push_back({peer, scratch_.data() + at(peer) * own * unit, own * unit});
    }
    exchange(sends, receives);
    for (int peer = 1; peer < size(); ++peer) {
      add_elements(scratch_.data(), scratch_.data() + at(peer) * own * unit, own, type);
    }
    sends.clear();
    receives.clear();
    for (int peer = 0; peer < size(); ++peer) {
      sends.push_back({peer, scratch_.data(), own * unit});
      receives.push_back({peer, to + begin(peer) * unit, (begin(peer + 1) - begin(peer)) * unit});
    }
    exchange(sends, receives);
  }

  void broadcast(const std::byte* from, std::byte* to, std::size_t size_bytes) override {
    std::vector<Message> sends;
    for (int peer = 0; index_ == 0 && peer < size(); ++peer) {
      sends.push_back({peer, writable(from), size_bytes});
    }
    exchange(sends, {{0, to, size_bytes}});
  }

 private:
  /// A Message has one kind of pointer for both ways; what is sent is only read.
  static std::byte* writable(const std::byte* from) { return const_cast<std::byte*>(from); }

  std::vector<Message> of_world(std::vector<Message> parts) const {
    for (Message& part : parts) part.peer = ranks_[at(part.peer)];
    return parts;
  }

  Mesh& mesh_;
  std::vector<int> ranks_;
  int index_ = 0;
  std::vector<std::byte> scratch_{};
};

class SocketTransport : public Transport {
 public:
  SocketTransport(Store& store, const TransportOptions& options) : mesh_(store, options.timeout) {
    std::vector<int> all;
    for (int rank = 0; rank < store.size(); ++rank) all.push_back(rank);
    world_ = std::make_unique<SocketGroup>(mesh_, std::move(all));
  }

  std::string name() const override { return "sockets"; }
  std::unique_ptr<Memory> allocate(std::size_t size) override {
    return std::make_unique<HostMemory>(size);
  }
  void upload(std::byte* to, const void* from, std::size_t size) override {
    if (size > 0) std::memcpy(to, from, size);
  }
  void download(void* to, const std::byte* from, std::size_t size) override {
    if (size > 0) std::memcpy(to, from, size);
  }

  void copy_rows(const RowCopy& copy) override {
    for (std::size_t i = 0; i < copy.rows; ++i) {
      if (copy.index[i] < 0) continue;
      std::memcpy(copy.to + i * copy.row_size, copy.from + at(copy.index[i]) * copy.row_size,
                  copy.row_size);
    }
  }

  void sum_rows(const RowSum& sum) override {
    std::vector<float> row(sum.columns);
    for (std::size_t i = 0; i < sum.rows; ++i) {
      std::fill(row.begin(), row.end(), 0.0F);
      for (int j = 0; j < sum.terms; ++j) {
        const std::int32_t term = sum.index[i * at(sum.terms) + at(j)];
        if (term < 0) continue;
        const std::byte* from = sum.from + at(term) * sum.columns * 2;
        for (std::size_t column = 0; column < sum.columns; ++column) {
          std::uint16_t bits = 0;
          std::memcpy(&bits, from + 2 * column, sizeof bits);
          row[column] += host::from_bf16(bits);
        }
      }
      for (std::size_t column = 0; column < sum.columns; ++column) {
        const std::uint16_t bits = host::to_bf16(row[column]);
        std::memcpy(sum.to + (i * sum.columns + column) * 2, &bits, sizeof bits);
      }
    }
  }

  std::unique_ptr<CommGroup> make_group(const std::vector<int>& ranks) override {
    if (ranks.empty()) return nullptr;
    return std::make_unique<SocketGroup>(mesh_, ranks);
  }
  CommGroup& world() override { return *world_; }

  std::vector<Seconds> time_isolated(const Work& work, int count) override {
    std::vector<Seconds> times;
    for (int i = 0; i < count; ++i) {
      barrier();
      const auto begin = std::chrono::steady_clock::now();
      work();
      times.push_back(since(begin));
    }
    return times;
  }

  Seconds time_streaming(const Work& work, int count) override {
    barrier();
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < count; ++i) work();
    return since(begin) / count;
  }

 private:
  static Seconds since(std::chrono::steady_clock::time_point begin) {
    return seconds(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }

  /// Rounds of doubling distance, a byte each: after the last one every rank has heard, over
  /// others, of every other.
  void barrier() {
    const int size = mesh_.size();
    std::byte said{1};
    std::byte heard{};
    for (int step = 1; step < size; step *= 2) {
      mesh_.exchange({{(mesh_.rank() + step) % size, &said, 1}},
                     {{(mesh_.rank() + size - step) % size, &heard, 1}});
    }
  }

  Mesh mesh_;
  std::unique_ptr<CommGroup> world_;
};

}  // namespace

std::unique_ptr<Transport> make_socket_transport(Store& store, const TransportOptions& options) {
  return std::make_unique<SocketTransport>(store, options);
}

}  // namespace planewise::calibration
