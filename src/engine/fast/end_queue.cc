#include "engine/fast/end_queue.h"

#include <algorithm>

#include "base/check.h"

namespace planewise::engine {

void EndQueue::push(FlowState& flow, FlowSlot slot) {
  PW_CHECK(!flow.queued);
  flow.queued = true;
  heap_.push_back({.end = flow.end, .slot = slot, .generation = flow.generation});
  std::push_heap(heap_.begin(), heap_.end(), later);
}

void EndQueue::forget(FlowState& flow) {
  if (!flow.queued) return;
  flow.queued = false;
  ++flow.generation;
  ++stale_count_;
}

Seconds EndQueue::next(const FlowTable& table) {
  while (!heap_.empty() && stale(table, heap_.front())) {
    std::pop_heap(heap_.begin(), heap_.end(), later);
    heap_.pop_back();
    --stale_count_;
  }
  return heap_.empty() ? kNever : heap_.front().end;
}

FlowSlot EndQueue::pop(FlowTable& table) {
  const FlowSlot slot = heap_.front().slot;
  FlowState& flow = table.flow_at(slot);
  PW_CHECK(flow.queued);
  flow.queued = false;
  ++flow.generation;
  std::pop_heap(heap_.begin(), heap_.end(), later);
  heap_.pop_back();
  return slot;
}

void EndQueue::compact(const FlowTable& table) {
  constexpr std::size_t kWorthIt = 64;
  if (stale_count_ < kWorthIt || stale_count_ * 2 < heap_.size()) return;
  std::erase_if(heap_, [&table](const Entry& entry) { return stale(table, entry); });
  std::make_heap(heap_.begin(), heap_.end(), later);
  stale_count_ = 0;
}

}  // namespace planewise::engine
