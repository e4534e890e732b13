// The queues of ranks: exchanges and messages that were asked for and go one after the other beside
// the rank's own steps, like streams of a GPU.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/units.h"
#include "workload/program.h"

namespace planewise::simulate {

/// A rank's part of the exchange at the head of a queue.
struct Part {
  Seconds joined{};     ///< When it reached the head.
  Seconds began{};      ///< When the exchange had its last member.
  int outstanding = 0;  ///< Flows of the exchange that touch the rank and have not ended.
};

/// What each rank has in its queues, and which of its starts it has not waited for. An entry is a
/// label: of an exchange, or of a message to be sent.
class RankQueues {
 public:
  RankQueues(std::size_t ranks, std::size_t labels)
      : label_count_(labels),
        queues_(ranks * workload::kQueueCount),
        parts_(queues_.size()),
        starts_(ranks * labels) {}

  bool is_empty(int rank, int queue) const { return queues_[place(rank, queue)].count == 0; }
  /// The label at the head. Requires: there is one.
  int head(int rank, int queue) const {
    const Ring& ring = queues_[place(rank, queue)];
    return ring.labels[ring.begin];
  }
  Part& part(int rank, int queue) { return parts_[place(rank, queue)]; }

  void push(int rank, int queue, int label);
  void pop(int rank, int queue);

  /// Starts of an exchange, for waits to come.
  void count_start(int rank, int label) { starts(rank, label).asked += 1; }
  void count_end(int rank, int label) { starts(rank, label).ended += 1; }
  /// Takes the oldest start that was not waited for if the rank's part of it is done; else returns
  /// false. Requires: there is such a start.
  bool take_end(int rank, int label);

 private:
  /// Holds what it once had to hold: after the first slots nothing is allocated.
  struct Ring {
    std::vector<int> labels;  // A power of two of them.
    std::uint32_t begin = 0;
    std::uint32_t count = 0;
  };
  struct Starts {
    int asked = 0;  // Not waited for.
    int ended = 0;  // Of those.
  };

  static std::size_t place(int rank, int queue) {
    return static_cast<std::size_t>(rank) * workload::kQueueCount + static_cast<std::size_t>(queue);
  }
  Starts& starts(int rank, int label) {
    return starts_[static_cast<std::size_t>(rank) * label_count_ + static_cast<std::size_t>(label)];
  }

  std::size_t label_count_;
  std::vector<Ring> queues_;    // [rank][queue]
  std::vector<Part> parts_;     // [rank][queue]
  std::vector<Starts> starts_;  // [rank][label]
};

}  // namespace planewise::simulate
