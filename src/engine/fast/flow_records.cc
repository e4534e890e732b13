#include "engine/fast/flow_records.h"

#include "base/check.h"

namespace planewise::engine {

/// Where in the table a flow is, or would be.
std::size_t FlowRecords::find(FlowId id) const {
  std::size_t place = place_of(id);
  while (table_[place] != kNoRecord && record(table_[place]).id != id) {
    place = (place + 1) & (table_.size() - 1);
  }
  return place;
}

void FlowRecords::grow() {
  std::vector<RecordIndex> old(2 * table_.size(), kNoRecord);
  old.swap(table_);
  --shift_;
  for (const RecordIndex index : old) {
    if (index != kNoRecord) table_[find(record(index).id)] = index;
  }
}

RecordIndex& FlowRecords::head(FlowSlot slot) {
  const auto place = static_cast<std::size_t>(slot);
  if (place >= heads_.size()) heads_.resize(place + 1, kNoRecord);
  return heads_[place];
}

void FlowRecords::join_slot(RecordIndex index, FlowSlot slot) {
  record(index).slot = slot;
  if (slot == kEnded) return;
  RecordIndex& first = head(slot);
  record(index).next = first;
  first = index;
}

RecordIndex FlowRecords::add(FlowId id, FlowSlot slot, int weight) {
  if (2 * (count_ + 1) > table_.size()) grow();
  const std::size_t place = find(id);
  PW_CHECK(table_[place] == kNoRecord);
  RecordIndex index = free_;
  if (index == kNoRecord) {
    index = static_cast<RecordIndex>(records_.size());
    records_.emplace_back();
  } else {
    free_ = record(index).next;
  }
  record(index) = {.id = id, .weight = weight};
  join_slot(index, slot);
  table_[place] = index;
  ++count_;
  return index;
}

const FlowRecord& FlowRecords::at(FlowId id) const {
  const RecordIndex index = table_[find(id)];
  PW_CHECK(index != kNoRecord);
  return record(index);
}

void FlowRecords::remove(FlowId id) {
  const std::size_t place = find(id);
  PW_CHECK(table_[place] != kNoRecord);
  remove_at(place);
}

bool FlowRecords::take(const EndedFlow& flow) {
  const FlowRecord& found = record(flow.record);
  if (found.id != flow.id || found.slot != kEnded) return false;
  const std::size_t place = find(flow.id);
  if (table_[place] != flow.record) return false;
  remove_at(place);
  return true;
}

void FlowRecords::remove_at(std::size_t place) {
  const RecordIndex index = table_[place];
  PW_CHECK(record(index).slot == kEnded);
  // What was pushed on by the removed one moves back, so that no mark is needed in its place.
  const std::size_t mask = table_.size() - 1;
  std::size_t hole = place;
  for (std::size_t next = (hole + 1) & mask; table_[next] != kNoRecord; next = (next + 1) & mask) {
    const std::size_t home = place_of(record(table_[next]).id);
    if (((next - home) & mask) < ((next - hole) & mask)) continue;
    table_[hole] = table_[next];
    hole = next;
  }
  table_[hole] = kNoRecord;
  record(index).next = free_;
  free_ = index;
  --count_;
}

void FlowRecords::end_slot(FlowSlot slot, std::vector<EndedFlow>& ended) {
  RecordIndex& first = head(slot);
  for (RecordIndex index = first; index != kNoRecord; index = record(index).next) {
    record(index).slot = kEnded;
    ended.push_back({.id = record(index).id, .record = index});
  }
  first = kNoRecord;
}

bool FlowRecords::is_alone(FlowSlot slot) const {
  const RecordIndex first = heads_[static_cast<std::size_t>(slot)];
  return record(first).next == kNoRecord;
}

void FlowRecords::leave_slot(FlowId id, FlowSlot to) {
  const RecordIndex leaving = table_[find(id)];
  const FlowSlot slot = record(leaving).slot;
  RecordIndex index = head(slot);
  head(slot) = kNoRecord;
  while (index != kNoRecord) {
    const RecordIndex next = record(index).next;
    join_slot(index, index == leaving ? kEnded : to);
    index = next;
  }
}

}  // namespace planewise::engine
