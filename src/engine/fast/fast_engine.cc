// The event loop: at each instant first timers, then flows that ended, each by id; then new rates.
#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <queue>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/check.h"
#include "engine/contract.h"
#include "engine/engine.h"
#include "engine/fast/rate_solver.h"

namespace planewise::engine {
namespace {

/// Stands for the slot of a flow that has ended and waits for its callback.
constexpr FlowSlot kEnded = -1;

/// The flows in flight by id. Nodes are kept for the next flow: a warm map allocates nothing.
class SlotsById {
 public:
  bool contains(FlowId id) const { return slots_.contains(id); }
  void insert(FlowId id, FlowSlot slot) {
    if (spare_.empty()) {
      slots_.emplace(id, slot);
      return;
    }
    auto node = std::move(spare_.back());
    spare_.pop_back();
    node.key() = id;
    node.mapped() = slot;
    slots_.insert(std::move(node));
  }
  FlowSlot& at(FlowId id) {
    const auto found = slots_.find(id);
    PW_CHECK(found != slots_.end());
    return found->second;
  }
  bool has_ended(FlowId id) const {
    const auto found = slots_.find(id);
    return found != slots_.end() && found->second == kEnded;
  }
  void erase(FlowId id) { spare_.push_back(slots_.extract(id)); }
  bool empty() const { return slots_.empty(); }

 private:
  using Map = std::unordered_map<FlowId, FlowSlot>;
  Map slots_;  ///< Only looked up, never walked: its order differs between machines.
  std::vector<Map::node_type> spare_;
};

class FastEngine final : public Engine {
 public:
  FastEngine(std::vector<Rate> capacities, Events events)
      : link_count_(capacities.size()), events_(complete(std::move(events))), solver_(capacities) {}

  void start_flow(const Flow& flow) override {
    check_flow(flow, link_count_);
    PW_CHECK(!slots_.contains(flow.id));
    ++statistics_.flows_started;
    if (flow.path.empty() || flow.size == Bytes{}) {
      slots_.insert(flow.id, kEnded);
      due_flows_.push(flow.id);
    } else {
      slots_.insert(flow.id, solver_.add(flow, now_));
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
    solver_.set_capacity(link, capacity);
  }

  Bytes cancel(FlowId id) override {
    const FlowSlot slot = slots_.at(id);
    slots_.erase(id);
    return slot == kEnded ? Bytes{} : solver_.remove(slot, now_);
  }

  Rate load(LinkId link) override {
    check_link(link, link_count_);
    solver_.solve(now_);
    return solver_.load(link);
  }

  Seconds now() const override { return now_; }
  bool run() override;
  Statistics statistics() const override {
    Statistics result = statistics_;
    result.solves = solver_.solve_count();
    return result;
  }

 private:
  struct Timer {
    Seconds time{};
    TimerId id = 0;
    auto operator<=>(const Timer&) const = default;
  };

  using Ids = std::priority_queue<std::uint64_t, std::vector<std::uint64_t>, std::greater<>>;

  bool begin_instant();
  void take_due_timers();
  bool call_next();

  std::size_t link_count_;
  Events events_;
  RateSolver solver_;
  SlotsById slots_;
  std::priority_queue<Timer, std::vector<Timer>, std::greater<>> timers_;
  Seconds now_{};
  Seconds instant_end_{};            ///< What is due up to then belongs to this instant.
  Ids due_timers_;                   ///< Of this instant, not yet called back.
  Ids due_flows_;                    ///< Likewise; a flow cancelled since is skipped.
  std::vector<FlowId> ended_flows_;  ///< Scratch of begin_instant().
  Statistics statistics_;
  bool running_ = false;
};

/// Moves the clock to what is due next. Returns false if nothing is.
bool FastEngine::begin_instant() {
  solver_.solve(now_);
  Seconds next = solver_.next_end();
  if (!timers_.empty()) next = std::min(next, timers_.top().time);
  if (next == kNever) return false;
  now_ = std::max(now_, next);
  instant_end_ = end_of_instant(now_);
  take_due_timers();
  ended_flows_.clear();
  solver_.take_ended(instant_end_, ended_flows_);
  for (const FlowId id : ended_flows_) {
    slots_.at(id) = kEnded;
    due_flows_.push(id);
  }
  return true;
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
  const FlowId id = due_flows_.top();
  due_flows_.pop();
  if (!slots_.has_ended(id)) return true;
  slots_.erase(id);
  ++statistics_.events;
  events_.on_flow(id);
  return true;
}

bool FastEngine::run() {
  const RunScope scope(running_);
  do {
    while (call_next()) {
    }
  } while (begin_instant());
  return slots_.empty();
}

}  // namespace

std::unique_ptr<Engine> make_fast_engine(std::vector<Rate> capacities, Events events) {
  for (const Rate capacity : capacities) check_capacity(capacity);
  return std::make_unique<FastEngine>(std::move(capacities), std::move(events));
}

}  // namespace planewise::engine
