#include "simulate/driver.h"

#include <algorithm>
#include <numeric>

#include "base/check.h"
#include "workload/traffic.h"

namespace planewise::simulate {
namespace {

using workload::Phase;
using workload::Step;
using workload::StepKind;

std::size_t at(int index) { return static_cast<std::size_t>(index); }
std::size_t at(Phase phase) { return static_cast<std::size_t>(phase); }

/// Where a rank stands in its program, and what it waits for.
struct RankState {
  std::size_t slot = 0;
  std::size_t step = 0;
  Seconds since{};           ///< When the current step began.
  Seconds slot_since{};      ///< When the current slot began.
  Seconds exchange_began{};  ///< When the exchange that it waits for got its last member.
  int outstanding = 0;       ///< Flows of that exchange that touch this rank and have not ended.
  bool waits_to_receive = false;
  bool done = false;
};

struct TransferState {
  int arrived = 0;      ///< Exchange: members that wait for it to start.
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

/// What a flow whose sizes are drawn has sent.
struct Sent {
  Bytes total{};
  Bytes last{};
};

/// Flows of one transfer that start after the same latency; one timer starts them all.
struct FlowGroup {
  std::int32_t begin = 0;  ///< Into Driver::by_latency_.
  std::int32_t end = 0;
};

class Driver {
 public:
  Driver(const System& system, const EngineFactory& make_engine, const Progress& progress,
         const Observers& observers, const PathOptions* paths)
      : system_(system),
        program_(*system.program),
        progress_(progress),
        observers_(observers),
        ranks_(system.rank_of.size()),
        transfers_(system.transfers.size()) {
    make_lookups();
    make_groups();
    if (program_.size_spread > 0) sent_.resize(system.flows.size());
    std::vector<Rate> capacities;
    for (const SystemLink& link : system.links) capacities.push_back(link.capacity);
    engine_ = make_engine(std::move(capacities), {.on_flow = [this](auto id) { flow_ended(id); },
                                                  .on_timer = [this](auto id) { timer_due(id); }});
    if (paths != nullptr) {
      paths_.emplace(system, *paths, *engine_, ranks_.size() + groups_.size());
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
  // --- set-up

  void make_lookups() {
    const std::size_t labels = program_.labels.size();
    joined_.assign(labels, std::vector<int>(ranks_.size(), -1));
    received_ = joined_;
    transfer_of_flow_.resize(system_.flows.size());
    for (std::size_t t = 0; t < system_.transfers.size(); ++t) {
      const SystemTransfer& transfer = system_.transfers[t];
      const std::size_t label = at(transfer.label);
      if (program_.labels[label].is_message) {
        joined_[label][at(transfer.members[0])] = static_cast<int>(t);
        received_[label][at(transfer.members[1])] = static_cast<int>(t);
      } else {
        for (const int rank : transfer.members) joined_[label][at(rank)] = static_cast<int>(t);
      }
      for (int f = transfer.flow_begin; f < transfer.flow_end; ++f) {
        transfer_of_flow_[at(f)] = static_cast<int>(t);
      }
    }
    results_.resize(ranks_.size());
    for (std::size_t i = 0; i < results_.size(); ++i) {
      results_[i].rank = system_.rank_of[i];
      results_[i].rank_count = system_.rank_weight[i];
      results_[i].stage = program_.stage_of_rank[at(results_[i].rank)];
      results_[i].exposed.resize(labels);
      for (const workload::Slot& slot : stage_of(static_cast<int>(i)).slots) {
        step_total_ += static_cast<std::int64_t>(
            stage_of(static_cast<int>(i)).chunks[at(slot.chunk)].steps.size());
      }
      results_[i].chunks.resize(stage_of(static_cast<int>(i)).chunks.size());
    }
  }

  void make_groups() {
    by_latency_.resize(system_.flows.size());
    std::iota(by_latency_.begin(), by_latency_.end(), 0);
    for (const SystemTransfer& transfer : system_.transfers) {
      first_group_.push_back(groups_.size());
      const auto by_latency = [this](int a, int b) {
        return system_.flows[at(a)].latency < system_.flows[at(b)].latency;
      };
      const auto first = by_latency_.begin() + transfer.flow_begin;
      std::stable_sort(first, by_latency_.begin() + transfer.flow_end, by_latency);
      for (int i = transfer.flow_begin; i < transfer.flow_end; ++i) {
        const bool is_later =
            i > transfer.flow_begin && by_latency(by_latency_[at(i - 1)], by_latency_[at(i)]);
        if (i == transfer.flow_begin || is_later) groups_.push_back({i, i});
        groups_.back().end = i + 1;
      }
    }
    first_group_.push_back(groups_.size());
  }

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

  /// Starts the rank's current step, and those after it for as long as none has to wait.
  void begin_step(int rank) {
    for (bool goes_on = true; goes_on;) {
      RankState& state = ranks_[at(rank)];
      state.since = engine_->now();
      const Step& step = step_of(rank);
      switch (step.kind) {
        case StepKind::compute:
          engine_->at(engine_->now() + program_.blocks[at(step.index)].time, rank_timer(rank));
          return;
        case StepKind::exchange:
          join_exchange(rank);
          return;
        case StepKind::send:
          send_message(joined_[at(step.index)][at(rank)]);
          goes_on = advance(rank, joined_[at(step.index)][at(rank)]);
          break;
        case StepKind::start:
        case StepKind::wait:
        case StepKind::send_queued:
          PW_UNREACHABLE("not driven yet");
        case StepKind::receive:
          if (!take_message(rank)) return;
          goes_on = advance(rank, received_[at(step.index)][at(rank)]);
          break;
      }
    }
  }

  /// Ends the rank's step, in `transfer` or none, and moves to the next. Returns false if the
  /// rank's program is over.
  bool advance(int rank, int transfer = -1) {
    if (!observers_.empty()) tell_step(rank, transfer);
    report_step();
    ranks_[at(rank)].step += 1;
    return find_step(rank);
  }

  /// Goes on to the next slot while the current one has no step left; the same result.
  bool find_step(int rank) {
    RankState& state = ranks_[at(rank)];
    const workload::StageProgram& stage = stage_of(rank);
    while (state.step == stage.chunks[at(stage.slots[state.slot].chunk)].steps.size()) {
      results_[at(rank)].chunks[at(stage.slots[state.slot].chunk)] +=
          engine_->now() - state.slot_since;
      if (program_.in_step) time_slot(state);
      state.slot_since = engine_->now();
      state.step = 0;
      state.slot += 1;
      if (state.slot == stage.slots.size()) {
        state.done = true;
        state.since = engine_->now();
        return false;
      }
    }
    return true;
  }

  void time_slot(const RankState& state) {
    if (slots_.empty()) slots_.resize(program_.stages.front().slots.size());
    slots_[state.slot].begin = std::max(slots_[state.slot].begin, state.slot_since);
    slots_[state.slot].end = engine_->now();
  }

  void finish_compute(int rank) {
    const workload::Block& block = program_.blocks[at(step_of(rank).index)];
    RankResult& result = results_[at(rank)];
    const Phase slot_phase = slot_of(rank).phase;
    const bool is_1w = slot_phase == Phase::backward_1b && block.weight_gradient;
    result.phases[at(is_1w ? Phase::weight_1w : slot_phase)] += block.time;
    result.compute += block.time;
    result.estimated_compute += block.estimated_time;
    if (advance(rank)) begin_step(rank);
  }

  // --- exchanges

  void join_exchange(int rank) {
    const int transfer = joined_[at(step_of(rank).index)][at(rank)];
    PW_CHECK(transfer >= 0);
    TransferState& state = transfers_[at(transfer)];
    state.arrived += 1;
    const SystemTransfer& definition = system_.transfers[at(transfer)];
    if (state.arrived < static_cast<int>(definition.members.size())) return;
    state.arrived = 0;
    for (const int member : definition.members) {
      ranks_[at(member)].exchange_began = engine_->now();
      ranks_[at(member)].outstanding = 0;
    }
    for (int f = definition.flow_begin; f < definition.flow_end; ++f) {
      ranks_[at(system_.flows[at(f)].source)].outstanding += 1;
      ranks_[at(system_.flows[at(f)].destination)].outstanding += 1;
    }
    start_flows({.transfer = transfer, .rank = rank, .time = engine_->now()});
    for (const int member : definition.members) {
      if (ranks_[at(member)].outstanding == 0) leave_exchange(member, definition);
    }
  }

  void leave_exchange(int rank, const SystemTransfer& transfer) {
    engine_->at(engine_->now() + transfer.tail, rank_timer(rank));
  }

  void finish_exchange(int rank) {
    const RankState& state = ranks_[at(rank)];
    RankResult& result = results_[at(rank)];
    const Phase phase = slot_of(rank).phase;
    const Seconds skew = state.exchange_began - state.since;
    const Seconds own = engine_->now() - state.exchange_began;
    result.phases[at(phase)] += own;
    result.exposed[at(step_of(rank).index)] += own;
    if (phase == Phase::optimizer) {
      result.phases[at(Phase::bubble)] += skew;
    } else {
      result.phases[at(phase)] += skew;
      result.skew += skew;
    }
    if (advance(rank, joined_[at(step_of(rank).index)][at(rank)])) begin_step(rank);
  }

  // --- messages

  void start_message(int transfer, bool queued) {
    start_flows({.transfer = transfer,
                 .rank = system_.transfers[at(transfer)].members[0],
                 .time = engine_->now(),
                 .queued = queued});
  }

  void send_message(int transfer) {
    PW_CHECK(transfer >= 0);
    TransferState& state = transfers_[at(transfer)];
    if (state.outstanding > 0) {
      state.queued += 1;
    } else {
      start_message(transfer, false);
    }
  }

  /// Takes a message that is there, or leaves the rank waiting for it.
  bool take_message(int rank) {
    const int transfer = received_[at(step_of(rank).index)][at(rank)];
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
      start_message(transfer, true);
    }
    const int rank = system_.transfers[at(transfer)].members[1];
    RankState& receiver = ranks_[at(rank)];
    const bool waits_for_it =
        receiver.waits_to_receive && received_[at(step_of(rank).index)][at(rank)] == transfer;
    if (!waits_for_it) return;
    receiver.waits_to_receive = false;
    state.delivered -= 1;
    results_[at(rank)].phases[at(Phase::bubble)] += engine_->now() - receiver.since;
    if (advance(rank, transfer)) begin_step(rank);
  }

  // --- flows and timers. Timers below the number of ranks are ranks', the others groups of flows.

  engine::TimerId rank_timer(int rank) const { return static_cast<engine::TimerId>(rank); }

  void start_flows(const TransferStart& start) {
    const int transfer = start.transfer;
    TransferState& state = transfers_[at(transfer)];
    const SystemTransfer& definition = system_.transfers[at(transfer)];
    state.started += 1;
    state.began = start.time;
    state.outstanding = definition.flow_end - definition.flow_begin;
    for (Observer* observer : observers_) observer->transfer_started(start);
    if (state.outstanding == 0) tell_transfer_end(transfer);
    for (std::size_t g = first_group_[at(transfer)]; g < first_group_[at(transfer) + 1]; ++g) {
      const Seconds latency = system_.flows[at(by_latency_[at(groups_[g].begin)])].latency;
      engine_->at(engine_->now() + latency, ranks_.size() + g);
    }
  }

  void start_flow(int f) {
    const SystemFlow& flow = system_.flows[at(f)];
    const Bytes size = size_of_start(f);
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
    count_event();
    if (paths_ && paths_->owns(id)) {
      paths_->timer_due(id);
      return;
    }
    if (id >= ranks_.size()) {
      const FlowGroup& group = groups_[id - ranks_.size()];
      for (int i = group.begin; i < group.end; ++i) start_flow(by_latency_[at(i)]);
      return;
    }
    const int rank = static_cast<int>(id);
    if (step_of(rank).kind == StepKind::compute) {
      finish_compute(rank);
    } else {
      finish_exchange(rank);
    }
  }

  /// The size of the flow's start that is due, and counts it where sizes are drawn.
  Bytes size_of_start(int f) {
    const SystemFlow& flow = system_.flows[at(f)];
    if (program_.size_spread == 0) return flow.size;
    const int transfer = transfer_of_flow_[at(f)];
    const Bytes size = workload::drawn_size(flow.size, program_.size_spread,
                                            {.seed = system_.seed,
                                             .transfer = static_cast<std::uint64_t>(transfer),
                                             .source = flow.source,
                                             .destination = flow.destination,
                                             .start = transfers_[at(transfer)].started - 1});
    sent_[at(f)].total += size;
    sent_[at(f)].last = size;
    return size;
  }

  /// What a flow has sent in all its starts.
  Bytes sent(std::size_t f) const {
    if (!sent_.empty()) return sent_[f].total;
    const auto starts = static_cast<double>(transfers_[at(transfer_of_flow_[f])].started);
    return system_.flows[f].size * starts;
  }

  void flow_ended(engine::FlowId id) {
    count_event();
    const SystemFlow& flow = system_.flows[id];
    const int transfer = transfer_of_flow_[id];
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
    for (const int rank : {flow.source, flow.destination}) {
      ranks_[at(rank)].outstanding -= 1;
      if (ranks_[at(rank)].outstanding == 0) leave_exchange(rank, definition);
    }
  }

  // --- who watches

  void tell_step(int rank, int transfer) {
    const RankState& state = ranks_[at(rank)];
    const bool is_exchange = step_of(rank).kind == StepKind::exchange;
    const StepEvent event{.rank = rank,
                          .slot = state.slot,
                          .phase = slot_of(rank).phase,
                          .step = step_of(rank),
                          .transfer = transfer,
                          .began = state.since,
                          .started = is_exchange ? state.exchange_began : state.since,
                          .ended = engine_->now()};
    for (Observer* observer : observers_) observer->step_ended(event);
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
                          .size = sent_.empty() ? flow.size : sent_[at(f)].last,
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

  /// Long exchanges end no step for a while: events count too.
  void count_event() {
    constexpr std::int64_t kEvery = 16384;
    events_ += 1;
    if (events_ % kEvery == 0) report_progress();
  }

  void report_step() {
    constexpr std::int64_t kReports = 1000;
    steps_done_ += 1;
    if (steps_done_ % std::max<std::int64_t>(1, step_total_ / kReports) == 0 ||
        steps_done_ == step_total_) {
      report_progress();
    }
  }

  void report_progress() const {
    if (!progress_) return;
    progress_({.share = static_cast<double>(steps_done_) / static_cast<double>(step_total_),
               .time = engine_->now()});
  }

  DrivenStep collect() {
    DrivenStep step{.ranks = std::move(results_)};
    for (const RankState& rank : ranks_) step.step_time = std::max(step.step_time, rank.since);
    for (std::size_t i = 0; i < ranks_.size(); ++i) {
      step.ranks[i].phases[at(Phase::bubble)] += step.step_time - ranks_[i].since;
    }
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
      for (const std::int32_t link : system_.path(flow)) carried[at(link)] += sent(f) * flow.weight;
    }
    return carried;
  }

  const System& system_;
  const workload::Program& program_;
  const Progress& progress_;
  const Observers& observers_;
  std::unique_ptr<engine::Engine> engine_;
  std::optional<Paths> paths_;  ///< Only if routes are chosen as flows start.
  std::vector<RankState> ranks_;
  std::vector<TransferState> transfers_;
  std::vector<RankResult> results_;
  std::vector<std::vector<int>> joined_;  ///< [label][rank]: the exchange, or the message it sends.
  std::vector<std::vector<int>> received_;  ///< [label][rank]: the message it receives.
  std::vector<int> transfer_of_flow_;
  std::vector<Sent> sent_;       ///< By flow; empty unless sizes are drawn.
  std::vector<int> by_latency_;  ///< Flows, those of each transfer sorted.
  std::vector<FlowGroup> groups_;
  std::vector<std::size_t> first_group_;  ///< [transfer], and one past the last.
  std::vector<SlotTimes> slots_;          ///< Of a program in step.
  std::int64_t step_total_ = 0;
  std::int64_t steps_done_ = 0;
  std::int64_t events_ = 0;
};

}  // namespace

DrivenStep drive(const System& system, const EngineFactory& make_engine, const Progress& progress,
                 const Observers& observers, const PathOptions* paths) {
  return Driver(system, make_engine, progress, observers, paths).run();
}

}  // namespace planewise::simulate
