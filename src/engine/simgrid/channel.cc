#include "engine/simgrid/channel.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace planewise::engine {
namespace {

constexpr std::size_t kBufferSize = std::size_t{1} << 16;

}  // namespace

void Channel::append(const void* data, std::size_t size) {
  const char* begin = static_cast<const char*>(data);
  outgoing_.insert(outgoing_.end(), begin, begin + size);
  if (outgoing_.size() >= kBufferSize) flush();
}

void Channel::put(const Message& message) { append(&message, sizeof message); }

void Channel::put(std::span<const LinkId> path) { append(path.data(), path.size_bytes()); }

void Channel::flush() {
  for (std::size_t sent = 0; sent < outgoing_.size();) {
    // Without MSG_NOSIGNAL a worker that died would take us with it (SIGPIPE).
    const ssize_t count =
        send(descriptor_, outgoing_.data() + sent, outgoing_.size() - sent, MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    sent += static_cast<std::size_t>(count);
  }
  outgoing_.clear();
}

bool Channel::receive() {
  incoming_.resize(kBufferSize);
  taken_ = 0;
  ssize_t count = 0;
  do {
    count = recv(descriptor_, incoming_.data(), incoming_.size(), 0);
  } while (count < 0 && errno == EINTR);
  incoming_.resize(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  return count > 0;
}

bool Channel::take(void* data, std::size_t size) {
  char* to = static_cast<char*>(data);
  while (size > 0) {
    if (taken_ == incoming_.size() && !receive()) return false;
    const std::size_t count = std::min(size, incoming_.size() - taken_);
    std::memcpy(to, incoming_.data() + taken_, count);
    taken_ += count;
    to += count;
    size -= count;
  }
  return true;
}

bool Channel::get(Message& message) { return take(&message, sizeof message); }

bool Channel::get(std::vector<LinkId>& path, std::size_t length) {
  path.resize(length);
  return take(path.data(), length * sizeof(LinkId));
}

void Channel::close() {
  if (descriptor_ < 0) return;
  shutdown(descriptor_, SHUT_RDWR);
  ::close(descriptor_);
  descriptor_ = -1;
}

}  // namespace planewise::engine
