// What watches a simulated step while the driver runs it: loads over time, percentiles, the
// critical path, a trace. None of them changes what happens.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "base/units.h"
#include "simulate/system.h"
#include "workload/program.h"

namespace planewise::simulate {

/// A flow has delivered its last byte. Indexes are the driven system's.
struct FlowEvent {
  int flow = 0;
  int transfer = 0;
  Seconds requested{};  ///< When its transfer began; the software latency comes first.
  Seconds started{};    ///< When its first byte left.
  Seconds ended{};
};

/// A flow, or a part of one that took another path, has gone over a path.
struct Carried {
  int flow = 0;
  std::span<const std::int32_t> path{};
  Bytes size{};  ///< Of each member.
  int weight = 1;
  Seconds started{};
  Seconds ended{};
};

/// What was done last before a transfer could start.
enum class Behind : std::uint8_t {
  step,     ///< The rank's step before, which then asked for it.
  queue,    ///< The entry before it in the rank's queue.
  channel,  ///< Of a message: the one before it on its channel.
};

/// An exchange has its last member, or a message goes on the wire.
struct TransferStart {
  int transfer = 0;
  int rank = 0;  ///< The member that arrived last; of a message its source.
  Seconds time{};
  Behind behind = Behind::step;
};

/// All flows of an exchange or message have ended (an exchange's members go on its tail later).
struct TransferEnd {
  int transfer = 0;
  Seconds started{};
  Seconds ended{};
};

/// A rank's part of an exchange is done; what is behind it in the rank's queue goes.
struct PartEvent {
  int rank = 0;
  int transfer = 0;
  workload::Phase phase = workload::Phase::forward_1f;  ///< Where the rank's steps are.
  Seconds joined{};  ///< When the rank took part: the part was at the head of its queue.
  Seconds began{};   ///< When the exchange had its last member.
  Seconds ended{};
  /// Since when the rank's steps wait for the queue, for this part or one behind it; none if they
  /// do not.
  std::optional<Seconds> waited_since{};
};

/// A rank has ended a step; its next one begins at once. A rank's steps cover its time without a
/// gap, up to when they are over and it waits for its queues to be empty.
struct StepEvent {
  int rank = 0;
  std::size_t slot = 0;
  workload::Phase phase = workload::Phase::forward_1f;
  workload::Step step{};
  int transfer = -1;  ///< -1 of compute.
  Seconds began{};
  /// Of an exchange or a wait, when what it waited for had its last member, if that was later than
  /// `began`; else as `began`.
  Seconds started{};
  Seconds ended{};
};

/// Called back in order of time. A call may only read: it sees the driver in the middle of an
/// event.
class Observer {
 public:
  virtual ~Observer() = default;
  /// `system` outlives the run.
  virtual void run_began(const System&) {}
  virtual void transfer_started(const TransferStart&) {}
  /// Before flow_ended() of the same flow.
  virtual void carried(const Carried&) {}
  virtual void flow_ended(const FlowEvent&) {}
  virtual void transfer_ended(const TransferEnd&) {}
  /// Before transfer_started() of what was behind it, and before step_ended() of who waited.
  virtual void part_ended(const PartEvent&) {}
  virtual void step_ended(const StepEvent&) {}
  virtual void run_ended(Seconds /*step_time*/) {}
};

/// Not owned; usually none.
using Observers = std::vector<Observer*>;

}  // namespace planewise::simulate
