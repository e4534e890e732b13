// The event loop: at each instant first timers, then flows that ended, each by id; then new rates.
#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <queue>
#include <utility>
#include <vector>

#include "base/check.h"
#include "engine/contract.h"
#include "engine/engine.h"
#include "engine/fast/flow_records.h"
#include "engine/fast/flow_solver.h"

namespace planewise::engine {
namespace {

class FastEngine final : public Engine {
 public:
  FastEngine(const FastOptions& options, std::span<const Rate> capacities, Events events)
      : link_count_(capacities.size()),
        events_(complete(std::move(events))),
        solver_(capacities, options),
        time_tolerance_(options.time_tolerance) {}

  void start_flow(const Flow& flow) override {
    check_flow(flow, link_count_);
    ++statistics_.flows_started;
    if (flow.path.empty() || flow.size == Bytes{}) {
      const RecordIndex record = flows_.add(flow.id, kEnded, flow.weight);
      due_flows_.push({.id = flow.id, .record = record});
    } else {
      flows_.add(flow.id, solver_.add(flow, now_), flow.weight);
    }
  }

  void at(Seconds time, TimerId id) override {
    PW_CHECK(time >= now_);
    PW_CHECK(time < kNever);
    timers_.push({time, id});
  }

  void set_capacity(LinkId link, Rate capacity) override {
    check_link(link, link_count_);
    check_capacity(capacity);
    solver_.set_capacity(link, capacity, now_);
  }

  Bytes cancel(FlowId id) override {
    const FlowRecord flow = flows_.at(id);
    Bytes left{};
    if (flow.slot != kEnded) left = cancel_in_flight(flow);
    flows_.remove(id);
    return left;
  }

  Rate load(LinkId link) override {
    check_link(link, link_count_);
    return solver_.load(link, now_);
  }

  Seconds now() const override { return now_; }
  bool run() override;
  Statistics statistics() const override {
    Statistics result = statistics_;
    result.solves = solver_.solve_count();
    result.full_solves = solver_.full_solve_count();
    result.flows_merged = solver_.merged_count();
    result.played_ahead = solver_.played_count();
    return result;
  }

 private:
  struct Timer {
    Seconds time{};
    TimerId id = 0;
    auto operator<=>(const Timer&) const = default;
  };

  using Timers = std::priority_queue<TimerId, std::vector<TimerId>, std::greater<>>;
  using Flows = std::priority_queue<EndedFlow, std::vector<EndedFlow>, std::greater<>>;

  Bytes cancel_in_flight(const FlowRecord& flow);
  bool begin_instant();
  void take_due_timers();
  void take_ended_flows();
  bool call_next();

  std::size_t link_count_;
  Events events_;
  FlowSolver solver_;
  double time_tolerance_ = 0;
  FlowRecords flows_;
  std::priority_queue<Timer, std::vector<Timer>, std::greater<>> timers_;
  Seconds now_{};
  Seconds instant_end_{};               ///< What is due up to then belongs to this instant.
  Timers due_timers_;                   ///< Of this instant, not yet called back.
  Flows due_flows_;                     ///< Likewise; a flow cancelled since is skipped.
  std::vector<FlowSlot> ended_slots_;   ///< Scratch of begin_instant().
  std::vector<EndedFlow> ended_flows_;  ///< Likewise.
  Statistics statistics_;
  bool running_ = false;
};

/// Takes a flow out of its slot and returns what each of its members had left.
Bytes FastEngine::cancel_in_flight(const FlowRecord& flow) {
  if (flows_.is_alone(flow.slot)) {
    const Bytes left = solver_.remove(flow.slot, now_);
    flows_.leave_slot(flow.id, kEnded);
    return left;
  }
  const Bytes left = solver_.left(flow.slot, now_);
  flows_.leave_slot(flow.id, solver_.split(flow.slot, flow.weight, now_));
  return left;
}

/// Moves the clock to what is due next. Returns false if nothing is.
bool FastEngine::begin_instant() {
  solver_.solve(now_);
  Seconds next = solver_.next_end();
  if (!timers_.empty()) next = std::min(next, timers_.top().time);
  if (next == kNever) return false;
  now_ = std::max(now_, next);
  instant_end_ = end_of_instant(now_);
  take_due_timers();
  take_ended_flows();
  return true;
}

void FastEngine::take_ended_flows() {
  ended_slots_.clear();
  ended_flows_.clear();
  const Seconds limit = std::max(instant_end_, now_ * (1 + time_tolerance_));
  const Seconds latest = solver_.take_ended(limit, ended_slots_);
  if (latest > instant_end_) {
    const double drawn_forward = (latest - now_).in(now_);
    statistics_.time_error = std::max(statistics_.time_error, kErrorFactor * drawn_forward);
  }
  for (const FlowSlot slot : ended_slots_) flows_.end_slot(slot, ended_flows_);
  for (const EndedFlow& flow : ended_flows_) due_flows_.push(flow);
}

void FastEngine::take_due_timers() {
  while (!timers_.empty() && timers_.top().time <= instant_end_) {
    const Timer timer = timers_.top();
    timers_.pop();
    now_ = std::max(now_, timer.time);  // A timer is never early, not even by rounding.
    due_timers_.push(timer.id);
  }
}

/// Calls back the first thing that is due. Returns false if nothing is.
bool FastEngine::call_next() {
  take_due_timers();
  if (!due_timers_.empty()) {
    const TimerId id = due_timers_.top();
    due_timers_.pop();
    ++statistics_.events;
    events_.on_timer(id);
    return true;
  }
  if (due_flows_.empty()) return false;
  const EndedFlow flow = due_flows_.top();
  due_flows_.pop();
  if (!flows_.take(flow)) return true;
  ++statistics_.events;
  events_.on_flow(flow.id);
  return true;
}

bool FastEngine::run() {
  const RunScope scope(running_);
  do {
    while (call_next()) {
    }
  } while (begin_instant());
  return flows_.empty();
}

}  // namespace

std::unique_ptr<Engine> make_fast_engine(std::vector<Rate> capacities, Events events) {
  return make_fast_engine_with({}, std::move(capacities), std::move(events));
}

std::unique_ptr<Engine> make_fast_engine_with(const FastOptions& options,
                                              std::vector<Rate> capacities, Events events) {
  for (const Rate capacity : capacities) check_capacity(capacity);
  return std::make_unique<FastEngine>(options, capacities, std::move(events));
}

}  // namespace planewise::engine
