// What the SimGrid engine and its worker process say to each other, and the socket that carries it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/engine.h"

namespace planewise::engine {

/// What a message says. Only `cancel` and `load` are answered at once.
enum class Say : std::uint32_t {
  start_flow,    ///< id, value: bytes of each member, number: weight, rate_limit; `path_length`
                 ///< links follow.
  at,            ///< id, value: seconds.
  set_capacity,  ///< number: link, value: bytes per second.
  cancel,        ///< id. Answered by the bytes left.
  load,          ///< number: link. Answered by bytes per second.
  run,           ///< Go on until there is something to report.
  ready,         ///< From the worker: the links are built.
  answer,        ///< From the worker: value.
  flow_ended,    ///< From the worker: id, value: seconds. It waits for `run`.
  timer_due,     ///< From the worker: id, value: seconds. It waits for `run`.
  idle,          ///< From the worker: nothing is due. value: seconds, id: how often time advanced.
};

/// One message of fixed size, in the layout of this machine: both ends are the same program.
struct Message {
  Say say = Say::run;
  std::int32_t number = 0;
  std::uint64_t id = 0;
  double value = 0;
  std::uint64_t path_length = 0;
  double rate_limit = 0;  ///< Of a flow, bytes per second; infinite if it has none.
};

/// One end of a stream socket, which it owns. Writes are gathered until flush(), or until they are
/// many.
class Channel {
 public:
  explicit Channel(int descriptor) : descriptor_(descriptor) {}
  ~Channel() { close(); }
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  void put(const Message& message);
  void put(std::span<const LinkId> path);
  /// Sends what was put. A peer that has gone shows in the next get().
  void flush();
  /// Waits for a message. Returns false if the peer has gone.
  bool get(Message& message);
  /// Waits for `length` links of a path. Returns false if the peer has gone.
  bool get(std::vector<LinkId>& path, std::size_t length);
  /// Ends the connection, also for copies of the socket that other processes inherited.
  void close();

 private:
  void append(const void* data, std::size_t size);
  bool take(void* data, std::size_t size);
  bool receive();

  int descriptor_;
  std::vector<char> outgoing_;
  std::vector<char> incoming_;
  std::size_t taken_ = 0;  ///< How much of `incoming_` was read.
};

}  // namespace planewise::engine
