#include "simulate/driver.h"

#include <algorithm>

#include "base/check.h"
#include "simulate/flow_sizes.h"
#include "simulate/lookups.h"
#include "simulate/progress_count.h"
#include "simulate/queues.h"
#include "simulate/rank_times.h"

namespace planewise::simulate {
namespace {

using workload::Phase;
using workload::Step;
using workload::StepKind;

std::size_t at(int index) { return static_cast<std::size_t>(index); }

/// Where a rank stands in its program, and what it waits for.
struct RankState {
  std::size_t slot = 0;
  std::size_t step = 0;
  Seconds since{};    ///< When the current step began.
  Seconds started{};  ///< Of a step that waits for an exchange, when that began; else as `since`.
  Seconds slot_since{};  ///< When the current slot began.
  int waits_for = -1;    ///< The queue, of a rank that waits for an exchange.
  bool waits_to_receive = false;
  bool drains = false;  ///< Its steps are over, its queues are not.
  bool done = false;
};

struct TransferState {
  int arrived = 0;      ///< Exchange: members that wait for it to begin.
  int outstanding = 0;  ///< Flows in flight or about to start.
  int queued = 0;       ///< Message: sends behind the one on the wire.
  int delivered = 0;    ///< Message: received by nobody yet.
  std::int64_t started = 0;
  Seconds began{};  ///< The one in flight, before its latency.
};

/// When the last rank began a slot, and when the last one ended it.
struct SlotTimes {
  Seconds begin{};
  Seconds end{};
};

class Driver {
 public:
  Driver(const System& system, const EngineFactory& make_engine, const Progress& progress,
         const Observers& observers, const PathOptions* paths)
      : system_(system),
        program_(*system.program),
        observers_(observers),
        tables_(make_lookups(system)),
        ranks_(system.rank_of.size()),
        queues_(ranks_.size(), program_.labels.size()),
        transfers_(system.transfers.size()),
        times_(system),
        sizes_(system),
        progress_(progress, tables_.steps) {
    std::vector<Rate> capacities;
    for (const SystemLink& link : system.links) capacities.push_back(link.capacity);
    engine_ = make_engine(std::move(capacities), {.on_flow = [this](auto id) { flow_ended(id); },
                                                  .on_timer = [this](auto id) { timer_due(id); }});
    if (paths != nullptr) {
      paths_.emplace(system, *paths, *engine_, group_timer(tables_.groups.size()));
      if (!observers.empty()) paths_->watch(observers);
    }
  }

  DrivenStep run() {
    for (Observer* observer : observers_) observer->run_began(system_);
    for (int rank = 0; rank < system_.rank_count(); ++rank) {
      if (find_step(rank)) begin_step(rank);
    }
    const bool all_flows_ended = engine_->run();
    PW_CHECK(all_flows_ended);
    const bool cut_off = paths_ && paths_->any_cut_off();
    for (const RankState& rank : ranks_) PW_CHECK(rank.done || cut_off);
    DrivenStep step = collect();
    for (Observer* observer : observers_) observer->run_ended(step.step_time);
    return step;
  }

 private:
  // --- ranks

  const workload::StageProgram& stage_of(int rank) const {
    return program_.stages[at(program_.stage_of_rank[at(system_.rank_of[at(rank)])])];
  }
  const workload::Slot& slot_of(int rank) const {
    return stage_of(rank).slots[ranks_[at(rank)].slot];
  }
  const Step& step_of(int rank) const {
    return stage_of(rank).chunks[at(slot_of(rank).chunk)].steps[ranks_[at(rank)].step];
  }

  /// Of the rank's slot; while its queues drain, of its last one.
  Phase phase_of(int rank) const {
    const std::vector<workload::Slot>& slots = stage_of(rank).slots;
    return slots[std::min(ranks_[at(rank)].slot, slots.size() - 1)].phase;
  }

  /// Starts the rank's current step, and those after it for as long as none has to wait.
  void begin_step(int rank) {
    for (bool goes_on = true; goes_on;) {
      RankState& state = ranks_[at(rank)];
      state.since = engine_->now();
      state.started = state.since;
      const Step& step = step_of(rank);
      switch (step.kind) {
        case StepKind::compute:
          engine_->at(engine_->now() + times_.compute_time(rank, step), compute_timer(rank));
          return;
        case StepKind::exchange:
          start_exchange(rank, step.index);
          if (!take_exchange(rank)) return;
          break;
        case StepKind::start:
          start_exchange(rank, step.index);
          break;
        case StepKind::wait:
          if (!take_exchange(rank)) return;
          break;
        case StepKind::send:
          send_message(tables_.joined[at(step.index)][at(rank)], Behind::step);
          break;
        case StepKind::send_queued:
          enqueue(rank, step.index);
          break;
        case StepKind::receive:
          if (!take_message(rank)) return;
          break;
      }
      goes_on = advance(rank);
    }
  }

  /// Ends the rank's step and moves to the next. Returns false if the rank's program is over.
  bool advance(int rank) {
    if (!observers_.empty()) tell_step(rank);
    progress_.step_ended(engine_->now());
    ranks_[at(rank)].step += 1;
    return find_step(rank);
  }

  /// Goes on to the next slot while the current one has no step left; the same result.
  bool find_step(int rank) {
    RankState& state = ranks_[at(rank)];
    const workload::StageProgram& stage = stage_of(rank);
    while (state.step == stage.chunks[at(stage.slots[state.slot].chunk)].steps.size()) {
      times_.add_chunk(rank, stage.slots[state.slot].chunk, engine_->now() - state.slot_since);
      if (program_.in_step) time_slot(state);
      state.slot_since = engine_->now();
      state.step = 0;
      state.slot += 1;
      if (state.slot == stage.slots.size()) {
        drain(rank);
        return false;
      }
    }
    return true;
  }

  /// Waits for one queue after the other until all are empty; then the rank is done.
  void drain(int rank) {
    RankState& state = ranks_[at(rank)];
    state.since = engine_->now();
    state.waits_for = -1;
    for (int queue = 0; queue < workload::kQueueCount; ++queue) {
      if (queues_.is_empty(rank, queue)) continue;
      state.waits_for = queue;
      break;
    }
    state.drains = state.waits_for >= 0;
    state.done = !state.drains;
  }

  void time_slot(const RankState& state) {
    if (slots_.empty()) slots_.resize(program_.stages.front().slots.size());
    slots_[state.slot].begin = std::max(slots_[state.slot].begin, state.slot_since);
    slots_[state.slot].end = engine_->now();
  }

  void finish_compute(int rank) {
    times_.add_compute(rank, phase_of(rank), step_of(rank));
    if (advance(rank)) begin_step(rank);
  }

  // --- queues

  int queue_of_label(int label) const { return program_.labels[at(label)].queue; }

  void start_exchange(int rank, int label) {
    queues_.count_start(rank, label);
    enqueue(rank, label);
  }

  void enqueue(int rank, int label) {
    const int queue = queue_of_label(label);
    const bool goes_at_once = queues_.is_empty(rank, queue);
    queues_.push(rank, queue, label);
    if (goes_at_once) run_queue(rank, queue, Behind::step);
  }

  /// Sends the messages at the head, and joins the exchange behind them.
  void run_queue(int rank, int queue, Behind behind) {
    while (!queues_.is_empty(rank, queue)) {
      const int label = queues_.head(rank, queue);
      const int transfer = tables_.joined[at(label)][at(rank)];
      if (!program_.labels[at(label)].is_message) {
        join_exchange({.transfer = transfer, .rank = rank, .behind = behind}, queue);
        return;
      }
      send_message(transfer, behind);
      queues_.pop(rank, queue);
    }
  }

  /// Takes the end of the exchange that the rank's step waits for, or leaves it waiting.
  bool take_exchange(int rank) {
    const int label = step_of(rank).index;
    const bool has_ended = queues_.take_end(rank, label);
    ranks_[at(rank)].waits_for = has_ended ? -1 : queue_of_label(label);
    return has_ended;
  }

  /// The rank's part of what is at the head of the queue is done: the next entry goes, and the rank
  /// if it waits for this one.
  void finish_part(int rank, int queue) {
    RankState& state = ranks_[at(rank)];
    const int label = queues_.head(rank, queue);
    PartTimes times{.rank = rank,
                    .label = label,
                    .phase = phase_of(rank),
                    .part = queues_.part(rank, queue),
                    .ended = engine_->now()};
    const bool is_waited_for = state.waits_for == queue;
    if (is_waited_for) times.waited_since = state.since;
    times_.add_part(times);
    if (!observers_.empty()) tell_part(times);
    queues_.pop(rank, queue);
    run_queue(rank, queue, Behind::queue);
    queues_.count_end(rank, label);
    if (!is_waited_for) return;
    if (state.drains) {
      if (queues_.is_empty(rank, queue)) drain(rank);
    } else if (step_of(rank).index == label) {
      const bool has_ended = take_exchange(rank);
      PW_CHECK(has_ended);
      state.started = std::max(state.since, times.part.began);
      if (advance(rank)) begin_step(rank);
    }
  }

  // --- exchanges

  void join_exchange(const TransferStart& last, int queue) {
    PW_CHECK(last.transfer >= 0);
    queues_.part(last.rank, queue).joined = engine_->now();
    TransferState& state = transfers_[at(last.transfer)];
    state.arrived += 1;
    const SystemTransfer& definition = system_.transfers[at(last.transfer)];
    if (state.arrived < static_cast<int>(definition.members.size())) return;
    state.arrived = 0;
    for (const int member : definition.members) {
      Part& part = queues_.part(member, queue);
      part.began = engine_->now();
      part.outstanding = 0;
    }
    for (int f = definition.flow_begin; f < definition.flow_end; ++f) {
      queues_.part(system_.flows[at(f)].source, queue).outstanding += 1;
      queues_.part(system_.flows[at(f)].destination, queue).outstanding += 1;
    }
    start_flows(last);
    for (const int member : definition.members) {
      if (queues_.part(member, queue).outstanding == 0) leave_exchange(member, queue, definition);
    }
  }

  void leave_exchange(int rank, int queue, const SystemTransfer& transfer) {
    engine_->at(engine_->now() + transfer.tail, part_timer(rank, queue));
  }

  // --- messages

  void start_message(int transfer, Behind behind) {
    start_flows({.transfer = transfer,
                 .rank = system_.transfers[at(transfer)].members[0],
                 .behind = behind});
  }

  void send_message(int transfer, Behind behind) {
    PW_CHECK(transfer >= 0);
    TransferState& state = transfers_[at(transfer)];
    if (state.outstanding > 0) {
      state.queued += 1;
    } else {
      start_message(transfer, behind);
    }
  }

  /// Takes a message that is there, or leaves the rank waiting for it.
  bool take_message(int rank) {
    const int transfer = tables_.received[at(step_of(rank).index)][at(rank)];
    PW_CHECK(transfer >= 0);
    TransferState& state = transfers_[at(transfer)];
    if (state.delivered == 0) {
      ranks_[at(rank)].waits_to_receive = true;
      return false;
    }
    state.delivered -= 1;
    return true;
  }

  void deliver_message(int transfer) {
    TransferState& state = transfers_[at(transfer)];
    state.delivered += 1;
    if (state.queued > 0) {
      state.queued -= 1;
      start_message(transfer, Behind::channel);
    }
    const int rank = system_.transfers[at(transfer)].members[1];
    RankState& receiver = ranks_[at(rank)];
    const bool waits_for_it = receiver.waits_to_receive &&
                              tables_.received[at(step_of(rank).index)][at(rank)] == transfer;
    if (!waits_for_it) return;
    receiver.waits_to_receive = false;
    state.delivered -= 1;
    times_.add_bubble(rank, engine_->now() - receiver.since);
    if (advance(rank)) begin_step(rank);
  }

  // --- flows and timers: of each rank one for its steps and one a queue, then of groups of flows.

  static constexpr engine::TimerId kTimersOfRank = 1 + workload::kQueueCount;
  static engine::TimerId compute_timer(int rank) { return at(rank) * kTimersOfRank; }
  static engine::TimerId part_timer(int rank, int queue) {
    return compute_timer(rank) + 1 + at(queue);
  }
  engine::TimerId group_timer(std::size_t group) const {
    return ranks_.size() * kTimersOfRank + group;
  }

  /// Fills in the time of `start`.
  void start_flows(TransferStart start) {
    start.time = engine_->now();
    const int transfer = start.transfer;
    TransferState& state = transfers_[at(transfer)];
    const SystemTransfer& definition = system_.transfers[at(transfer)];
    state.started += 1;
    state.began = start.time;
    state.outstanding = definition.flow_end - definition.flow_begin;
    for (Observer* observer : observers_) observer->transfer_started(start);
    if (state.outstanding == 0) tell_transfer_end(transfer);
    const std::size_t end = tables_.first_group[at(transfer) + 1];
    for (std::size_t g = tables_.first_group[at(transfer)]; g < end; ++g) {
      const int first = tables_.by_latency[at(tables_.groups[g].begin)];
      engine_->at(engine_->now() + system_.flows[at(first)].latency, group_timer(g));
    }
  }

  void start_flow(int f) {
    const SystemFlow& flow = system_.flows[at(f)];
    const int transfer = tables_.transfer_of_flow[at(f)];
    const Bytes size = sizes_.start(f, transfer, transfers_[at(transfer)].started - 1);
    if (paths_) {
      paths_->start(f, size);
      return;
    }
    engine_->start_flow({.id = static_cast<engine::FlowId>(f),
                         .path = system_.path(flow),
                         .size = size,
                         .weight = flow.weight});
  }

  void timer_due(engine::TimerId id) {
    progress_.event_passed(engine_->now());
    if (paths_ && paths_->owns(id)) {
      paths_->timer_due(id);
      return;
    }
    if (id >= group_timer(0)) {
      const FlowGroup& group = tables_.groups[id - group_timer(0)];
      for (int i = group.begin; i < group.end; ++i) start_flow(tables_.by_latency[at(i)]);
      return;
    }
    const int rank = static_cast<int>(id / kTimersOfRank);
    const int timer = static_cast<int>(id % kTimersOfRank);
    if (timer == 0) {
      finish_compute(rank);
    } else {
      finish_part(rank, timer - 1);
    }
  }

  void flow_ended(engine::FlowId id) {
    progress_.event_passed(engine_->now());
    const SystemFlow& flow = system_.flows[id];
    const int transfer = tables_.transfer_of_flow[id];
    const SystemTransfer& definition = system_.transfers[at(transfer)];
    TransferState& state = transfers_[at(transfer)];
    if (paths_) paths_->ended(static_cast<int>(id));
    state.outstanding -= 1;
    if (!observers_.empty()) {
      tell_flow(static_cast<int>(id), transfer);
      if (state.outstanding == 0) tell_transfer_end(transfer);
    }
    if (program_.labels[at(definition.label)].is_message) {
      if (state.outstanding == 0) deliver_message(transfer);
      return;
    }
    const int queue = queue_of_label(definition.label);
    for (const int rank : {flow.source, flow.destination}) {
      Part& part = queues_.part(rank, queue);
      part.outstanding -= 1;
      if (part.outstanding == 0) leave_exchange(rank, queue, definition);
    }
  }

  // --- who watches

  void tell_step(int rank) {
    const RankState& state = ranks_[at(rank)];
    const Step& step = step_of(rank);
    int transfer = -1;
    if (step.kind != StepKind::compute) {
      const auto& of_kind = step.kind == StepKind::receive ? tables_.received : tables_.joined;
      transfer = of_kind[at(step.index)][at(rank)];
    }
    const StepEvent event{.rank = rank,
                          .slot = state.slot,
                          .phase = slot_of(rank).phase,
                          .step = step,
                          .transfer = transfer,
                          .began = state.since,
                          .started = state.started,
                          .ended = engine_->now()};
    for (Observer* observer : observers_) observer->step_ended(event);
  }

  void tell_part(const PartTimes& times) {
    const PartEvent event{.rank = times.rank,
                          .transfer = tables_.joined[at(times.label)][at(times.rank)],
                          .phase = times.phase,
                          .joined = times.part.joined,
                          .began = times.part.began,
                          .ended = times.ended,
                          .waited_since = times.waited_since};
    for (Observer* observer : observers_) observer->part_ended(event);
  }

  void tell_flow(int f, int transfer) {
    const SystemFlow& flow = system_.flows[at(f)];
    const Seconds requested = transfers_[at(transfer)].began;
    const FlowEvent event{.flow = f,
                          .transfer = transfer,
                          .requested = requested,
                          .started = requested + flow.latency,
                          .ended = engine_->now()};
    if (paths_) {  // They know where it went, and told of it.
      for (Observer* observer : observers_) observer->flow_ended(event);
      return;
    }
    const Carried carried{.flow = f,
                          .path = system_.path(flow),
                          .size = sizes_.last(f),
                          .weight = flow.weight,
                          .started = event.started,
                          .ended = event.ended};
    for (Observer* observer : observers_) {
      observer->carried(carried);
      observer->flow_ended(event);
    }
  }

  void tell_transfer_end(int transfer) {
    const TransferEnd event{
        .transfer = transfer, .started = transfers_[at(transfer)].began, .ended = engine_->now()};
    for (Observer* observer : observers_) observer->transfer_ended(event);
  }

  DrivenStep collect() {
    DrivenStep step;
    for (const RankState& rank : ranks_) step.step_time = std::max(step.step_time, rank.since);
    for (int rank = 0; rank < system_.rank_count(); ++rank) {
      times_.add_bubble(rank, step.step_time - ranks_[at(rank)].since);
    }
    step.ranks = times_.take();
    for (std::size_t s = 0; s < slots_.size(); ++s) {
      const workload::StageProgram& stage = program_.stages.front();
      step.chunks.resize(stage.chunks.size());
      step.chunks[at(stage.slots[s].chunk)] += slots_[s].end - slots_[s].begin;
    }
    step.carried = carried();
    if (paths_) {
      const Seconds end = paths_->any_cut_off() ? engine_->now() : step.step_time;
      step.faults = paths_->report(end);
    }
    step.statistics = engine_->statistics();
    return step;
  }

  std::vector<Bytes> carried() const {
    if (paths_) return paths_->carried();
    std::vector<Bytes> carried(system_.links.size());
    for (std::size_t f = 0; f < system_.flows.size(); ++f) {
      const SystemFlow& flow = system_.flows[f];
      const TransferState& transfer = transfers_[at(tables_.transfer_of_flow[f])];
      const Bytes sent = sizes_.total(static_cast<int>(f), transfer.started);
      for (const std::int32_t link : system_.path(flow)) carried[at(link)] += sent * flow.weight;
    }
    return carried;
  }

  const System& system_;
  const workload::Program& program_;
  const Observers& observers_;
  const Lookups tables_;
  std::unique_ptr<engine::Engine> engine_;
  std::optional<Paths> paths_;  ///< Only if routes are chosen as flows start.
  std::vector<RankState> ranks_;
  RankQueues queues_;
  std::vector<TransferState> transfers_;
  RankTimes times_;
  FlowSizes sizes_;
  ProgressCount progress_;
  std::vector<SlotTimes> slots_;  ///< Of a program in step.
};

}  // namespace

DrivenStep drive(const System& system, const EngineFactory& make_engine, const Progress& progress,
                 const Observers& observers, const PathOptions* paths) {
  return Driver(system, make_engine, progress, observers, paths).run();
}

}  // namespace planewise::simulate
