// The caller's flows by id, and which of them share a slot of the solver.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/engine.h"
#include "engine/fast/flow_table.h"

namespace planewise::engine {

/// Index of a record; used again after the flow has gone.
using RecordIndex = std::int32_t;
constexpr RecordIndex kNoRecord = -1;

/// Stands for the slot of a flow that has ended and waits for its callback.
constexpr FlowSlot kEnded = -1;

struct FlowRecord {
  FlowId id = 0;
  FlowSlot slot = kEnded;
  std::int32_t weight = 0;
  RecordIndex next = kNoRecord;  ///< Another flow in the same slot, or in the list of free records.
};

/// A flow that waits for its callback. Its record is gone, or another's, if it was cancelled.
struct EndedFlow {
  FlowId id = 0;
  RecordIndex record = kNoRecord;
  auto operator<=>(const EndedFlow&) const = default;
};

/// Flows in flight or waiting for their callback. A hash table of indexes into a pool: a warm one
/// allocates nothing. It is only looked up, never walked.
class FlowRecords {
 public:
  FlowRecords() : table_(kSmallest, kNoRecord) {}

  /// Adds a flow whose id is not in use.
  RecordIndex add(FlowId id, FlowSlot slot, int weight);
  /// The record of a flow that is there; good until the next change.
  const FlowRecord& at(FlowId id) const;
  void remove(FlowId id);
  /// Lets all flows of a slot wait for their callbacks, and appends them to `ended`.
  void end_slot(FlowSlot slot, std::vector<EndedFlow>& ended);
  /// Takes a flow out that waits for its callback. Returns false if it has been cancelled since.
  bool take(const EndedFlow& flow);
  /// Whether only one flow is in a slot.
  bool is_alone(FlowSlot slot) const;
  /// Takes a flow out of its slot, and gives the others that share it slot `to`.
  void leave_slot(FlowId id, FlowSlot to);
  bool empty() const { return count_ == 0; }

 private:
  static constexpr std::size_t kSmallest = 64;
  static constexpr int kSmallestShift = 58;  // Leaves the 6 highest bits.

  std::size_t place_of(FlowId id) const {
    return static_cast<std::size_t>((id * 0x9e3779b97f4a7c15ULL) >> shift_);
  }
  std::size_t find(FlowId id) const;
  void grow();
  FlowRecord& record(RecordIndex index) { return records_[static_cast<std::size_t>(index)]; }
  const FlowRecord& record(RecordIndex index) const {
    return records_[static_cast<std::size_t>(index)];
  }
  RecordIndex& head(FlowSlot slot);
  void remove_at(std::size_t place);
  void join_slot(RecordIndex index, FlowSlot slot);

  std::vector<FlowRecord> records_;
  std::vector<RecordIndex> table_;  ///< By hash, linear probing; a power of two, at most half full.
  std::vector<RecordIndex> heads_;  ///< By slot.
  int shift_ = kSmallestShift;
  RecordIndex free_ = kNoRecord;
  std::size_t count_ = 0;
};

}  // namespace planewise::engine
