// What watches a simulated step while the driver runs it: loads over time, percentiles, the
// critical path, a trace. None of them changes what happens.
#pragma once

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

/// An exchange has its last member, or a message goes on the wire.
struct TransferStart {
  int transfer = 0;
  int rank = 0;  ///< The member that arrived last; of a message its source.
  Seconds time{};
  bool queued = false;  ///< A message that had to wait for the one before it on its channel.
};

/// All flows of an exchange or message have ended (an exchange's members go on its tail later).
struct TransferEnd {
  int transfer = 0;
  Seconds started{};
  Seconds ended{};
};

/// A rank has ended a step; its next one begins at once. A rank's steps cover its time without a
/// gap.
struct StepEvent {
  int rank = 0;
  std::size_t slot = 0;
  workload::Phase phase = workload::Phase::forward_1f;
  workload::Step step{};
  int transfer = -1;  ///< -1 of compute.
  Seconds began{};
  Seconds started{};  ///< Of an exchange, when it had its last member; else as `began`.
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
  virtual void step_ended(const StepEvent&) {}
  virtual void run_ended(Seconds /*step_time*/) {}
};

/// Not owned; usually none.
using Observers = std::vector<Observer*>;

}  // namespace planewise::simulate
