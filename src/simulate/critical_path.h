// The chain of work that made a step as long as it is: from its end back to its beginning, without
// a gap, each piece waiting for the one before it.
//
// Kept while the step runs: every rank holds the last piece of its own chain, pieces are shared and
// counted, so memory follows the chains that can still win, not the step.
#pragma once

#include <cstdint>
#include <vector>

#include "base/units.h"
#include "simulate/observer.h"

namespace planewise::simulate {

/// One piece of the critical path.
struct PathSegment {
  workload::StepKind kind =
      workload::StepKind::compute;  ///< compute, exchange or send (a message).
  int index = 0;                    ///< A block, or a label.
  int rank = 0;  ///< Of the driven system: that computes, leaves the exchange, or sends.
  workload::Phase phase = workload::Phase::forward_1f;
  int transfer = -1;
  Seconds began{};
  Seconds ended{};
  Seconds latency{};  ///< The part of it in software, hops and tail rather than on the wire.

  Seconds time() const { return ended - began; }
};

/// A rank continues from itself, or from an exchange or a message that it waited for. An exchange
/// continues from the member that came last, and a message from its sender: from its steps if they
/// had just asked for it, else from what was before it in that rank's queue.
class CriticalPath final : public Observer {
 public:
  void run_began(const System& system) override;
  void transfer_started(const TransferStart& start) override;
  void flow_ended(const FlowEvent& flow) override;
  void transfer_ended(const TransferEnd& end) override;
  void part_ended(const PartEvent& part) override;
  void step_ended(const StepEvent& step) override;
  void run_ended(Seconds step_time) override;

  /// From 0 to the end of the step, in order of time. Pieces that took no time are left out.
  const std::vector<PathSegment>& segments() const { return segments_; }

 private:
  using Node = std::int32_t;
  static constexpr Node kNone = -1;
  struct Entry {
    PathSegment segment{};
    Node before = kNone;
    std::int32_t holders = 0;
  };

  Node add(const PathSegment& segment, Node before);
  void hold(Node node);
  void release(Node node);
  void replace(Node& held, Node node);
  const workload::Label& label_of(int transfer) const;
  /// Into what is kept by rank and queue.
  std::size_t in_queue(int rank, int transfer) const;

  const System* system_ = nullptr;
  std::vector<Entry> entries_;
  std::vector<Node> spare_;
  std::vector<Node> of_rank_;      // What each rank ended last.
  std::vector<Node> of_queue_;     // [rank][queue] The exchange that ended last in it.
  std::vector<Node> of_transfer_;  // What it continues: of exchanges and messages in flight.
  std::vector<Node> of_message_;   // [transfer] The last message that arrived.
  // [rank][queue] Of the last flow of the queue's exchange that touched the rank.
  std::vector<Seconds> part_latency_;
  std::vector<Seconds> transfer_latency_;  // Of the last flow of a message.
  std::vector<PathSegment> segments_;
};

}  // namespace planewise::simulate
