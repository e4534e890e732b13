#include "simulate/critical_path.h"

#include <algorithm>

#include "base/check.h"

namespace planewise::simulate {
namespace {

using workload::StepKind;

std::size_t at(int index) { return static_cast<std::size_t>(index); }

}  // namespace

void CriticalPath::run_began(const System& system) {
  system_ = &system;
  of_rank_.assign(system.rank_of.size(), kNone);
  of_queue_.assign(system.rank_of.size() * workload::kQueueCount, kNone);
  of_transfer_.assign(system.transfers.size(), kNone);
  of_message_ = of_transfer_;
  part_latency_.assign(of_queue_.size(), Seconds{});
  transfer_latency_.assign(system.transfers.size(), Seconds{});
}

const workload::Label& CriticalPath::label_of(int transfer) const {
  return system_->program->labels[at(system_->transfers[at(transfer)].label)];
}

std::size_t CriticalPath::in_queue(int rank, int transfer) const {
  return at(rank) * workload::kQueueCount + at(label_of(transfer).queue);
}

void CriticalPath::transfer_started(const TransferStart& start) {
  Node from = kNone;
  switch (start.behind) {
    case Behind::step:
      from = of_rank_[at(start.rank)];
      break;
    case Behind::queue:
      from = of_queue_[in_queue(start.rank, start.transfer)];
      break;
    case Behind::channel:
      from = of_message_[at(start.transfer)];
      break;
  }
  replace(of_transfer_[at(start.transfer)], from);
  if (label_of(start.transfer).is_message) return;
  for (const int member : system_->transfers[at(start.transfer)].members) {
    part_latency_[in_queue(member, start.transfer)] = Seconds{};
  }
}

void CriticalPath::flow_ended(const FlowEvent& flow) {
  const SystemFlow& definition = system_->flows[at(flow.flow)];
  if (label_of(flow.transfer).is_message) {
    transfer_latency_[at(flow.transfer)] = definition.latency;
  } else {
    part_latency_[in_queue(definition.source, flow.transfer)] = definition.latency;
    part_latency_[in_queue(definition.destination, flow.transfer)] = definition.latency;
  }
}

void CriticalPath::transfer_ended(const TransferEnd& end) {
  if (!label_of(end.transfer).is_message) return;
  const Node from = of_transfer_[at(end.transfer)];
  const SystemTransfer& transfer = system_->transfers[at(end.transfer)];
  const auto phase = from == kNone ? workload::Phase::forward_1f : entries_[at(from)].segment.phase;
  replace(of_message_[at(end.transfer)],
          add({.kind = StepKind::send,
               .index = transfer.label,
               .rank = transfer.members[0],
               .phase = phase,
               .transfer = end.transfer,
               .began = end.started,
               .ended = end.ended,
               .latency = std::min(transfer_latency_[at(end.transfer)], end.ended - end.started)},
              from));
}

void CriticalPath::part_ended(const PartEvent& part) {
  const SystemTransfer& transfer = system_->transfers[at(part.transfer)];
  const std::size_t place = in_queue(part.rank, part.transfer);
  PathSegment segment{.kind = StepKind::exchange,
                      .index = transfer.label,
                      .rank = part.rank,
                      .phase = part.phase,
                      .transfer = part.transfer,
                      .began = part.began,
                      .ended = part.ended};
  segment.latency = std::min(part_latency_[place] + transfer.tail, segment.time());
  replace(of_queue_[place], add(segment, of_transfer_[at(part.transfer)]));
  if (part.waited_since) replace(of_rank_[at(part.rank)], of_queue_[place]);
}

void CriticalPath::step_ended(const StepEvent& step) {
  Node& own = of_rank_[at(step.rank)];
  switch (step.step.kind) {
    case StepKind::compute:
      replace(own, add({.kind = StepKind::compute,
                        .index = step.step.index,
                        .rank = step.rank,
                        .phase = step.phase,
                        .began = step.began,
                        .ended = step.ended},
                       own));
      return;
    case StepKind::exchange:  // Of what a rank waited for in a queue part_ended() tells.
    case StepKind::wait:
    case StepKind::start:
    case StepKind::send:
    case StepKind::send_queued:
      return;
    case StepKind::receive:
      if (step.ended > step.began) replace(own, of_message_[at(step.transfer)]);
      return;
  }
}

void CriticalPath::run_ended(Seconds step_time) {
  const auto ended = [&](Node node) {
    return node == kNone ? Seconds{} : entries_[at(node)].segment.ended;
  };
  const auto last = std::max_element(of_rank_.begin(), of_rank_.end(),
                                     [&](Node a, Node b) { return ended(a) < ended(b); });
  PW_CHECK(ended(*last) == step_time);
  for (Node node = *last; node != kNone; node = entries_[at(node)].before) {
    segments_.push_back(entries_[at(node)].segment);
  }
  std::reverse(segments_.begin(), segments_.end());
}

// --- the shared chains

/// Returns a new piece after `before`, held by nobody yet; `before` itself if it takes no time.
CriticalPath::Node CriticalPath::add(const PathSegment& segment, Node before) {
  if (segment.ended == segment.began) return before;
  Node node = kNone;
  if (spare_.empty()) {
    node = static_cast<Node>(entries_.size());
    entries_.emplace_back();
  } else {
    node = spare_.back();
    spare_.pop_back();
  }
  entries_[at(node)] = {.segment = segment, .before = before};
  hold(before);
  return node;
}

void CriticalPath::hold(Node node) {
  if (node != kNone) entries_[at(node)].holders += 1;
}

void CriticalPath::release(Node node) {
  while (node != kNone) {
    Entry& entry = entries_[at(node)];
    entry.holders -= 1;
    if (entry.holders > 0) return;
    spare_.push_back(node);
    node = entry.before;
  }
}

void CriticalPath::replace(Node& held, Node node) {
  hold(node);
  release(held);
  held = node;
}

}  // namespace planewise::simulate
