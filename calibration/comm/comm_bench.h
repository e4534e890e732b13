// One point between ranks, ready to run on this rank: its memory is there, its plan is made.
#pragma once

#include <cstdint>
#include <memory>

#include "calibration/comm/comm_point.h"
#include "calibration/comm/transport.h"

namespace planewise::calibration {

/// What this rank moves in one iteration.
struct CommVolume {
  Bytes logical{};    ///< Tokens for experts, local ones included; collectives: 0.
  Bytes wire{};       ///< To other ranks, all hops together.
  Bytes wire_rail{};  ///< The part of it to other nodes.
};

class CommBench {
 public:
  virtual ~CommBench() = default;
  /// Fills the inputs from `seed`, poisons the outputs, runs once and returns how many elements of
  /// this rank's results are wrong.
  virtual std::int64_t check(std::uint64_t seed) = 0;
  /// Queues one iteration.
  virtual void run() = 0;
  virtual CommVolume volume() const = 0;
};

/// The groups of a rank that a bench needs, null where it is in none.
struct CommGroups {
  CommGroup* group = nullptr;  ///< Of the point.
  CommGroup* rail = nullptr;   ///< two_hop: those of its index on each node of the group,
  CommGroup* node = nullptr;   ///< and those of the group on its node.
};

/// A collective as the transport has it. A rank without a group does nothing.
std::unique_ptr<CommBench> make_collective_bench(const CommPoint& point, Transport& transport,
                                                 CommGroup* group);

/// Dispatch or combine of tokens that a real router sends to their experts. What is timed: packing
/// rows, counts (but for `padded`), the exchange, and sums of combine; not: routing, the indexes of
/// packing, the experts. Requires: experts divide over the ranks, hidden is a multiple of 128, and
/// for two_hop a rail and a node group.
std::unique_ptr<CommBench> make_exchange_bench(const CommPoint& point, Transport& transport,
                                               const CommGroups& groups);

}  // namespace planewise::calibration
