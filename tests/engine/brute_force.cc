#include "engine/brute_force.h"

#include <algorithm>
#include <limits>
#include <map>
#include <set>
#include <utility>

#include "base/check.h"

namespace planewise::engine {

namespace {

constexpr double kUnknown = -1;

/// What the links have left for flows without a rate.
struct Room {
  std::vector<double> free;
  std::vector<double> open;  ///< Weight of flows without a rate.
};

Room room(const std::vector<Rate>& capacities, const std::vector<Demand>& flows,
          const std::vector<double>& rates) {
  Room room{.free = {}, .open = std::vector<double>(capacities.size(), 0)};
  for (const Rate capacity : capacities) room.free.push_back(capacity.base());
  for (std::size_t f = 0; f < flows.size(); ++f) {
    for (const LinkId link : flows[f].path) {
      const auto l = static_cast<std::size_t>(link);
      if (rates[f] == kUnknown) {
        room.open[l] += flows[f].weight;
      } else {
        room.free[l] -= flows[f].weight * rates[f];
      }
    }
  }
  return room;
}

}  // namespace

std::vector<Rate> fair_rates(const std::vector<Rate>& capacities,
                             const std::vector<Demand>& flows) {
  std::vector<double> rates(flows.size(), kUnknown);
  while (std::find(rates.begin(), rates.end(), kUnknown) != rates.end()) {
    const Room left = room(capacities, flows, rates);
    double level = std::numeric_limits<double>::infinity();
    std::size_t full = capacities.size();  // None: the level is a flow's own limit.
    for (std::size_t l = 0; l < capacities.size(); ++l) {
      if (left.open[l] > 0 && std::max(left.free[l], 0.0) / left.open[l] < level) {
        full = l;
        level = std::max(left.free[l], 0.0) / left.open[l];
      }
    }
    for (std::size_t f = 0; f < flows.size(); ++f) {
      if (rates[f] != kUnknown || flows[f].rate_limit.base() > level) continue;
      full = capacities.size();
      level = flows[f].rate_limit.base();
    }
    for (std::size_t f = 0; f < flows.size(); ++f) {
      if (rates[f] != kUnknown) continue;
      const auto& path = flows[f].path;
      const bool crosses =
          std::find(path.begin(), path.end(), static_cast<LinkId>(full)) != path.end();
      if (crosses || flows[f].rate_limit.base() == level) rates[f] = level;
    }
  }
  std::vector<Rate> result;
  for (const double rate : rates) result.push_back(bytes_per_second(rate));
  return result;
}

namespace {

class BruteForceEngine final : public Engine {
 public:
  BruteForceEngine(std::vector<Rate> capacities, Events events)
      : capacities_(std::move(capacities)), events_(std::move(events)) {}

  void start_flow(const Flow& flow) override {
    PW_CHECK(!flows_.contains(flow.id));
    ++statistics_.flows_started;
    flows_[flow.id] = {
        .demand = {{flow.path.begin(), flow.path.end()}, flow.weight, flow.rate_limit},
        .left = flow.size.base(),
        .ended = flow.path.empty() || flow.size == Bytes{}};
  }
  void at(Seconds time, TimerId id) override { timers_.insert({time.base(), id}); }
  void set_capacity(LinkId link, Rate capacity) override {
    capacities_[static_cast<std::size_t>(link)] = capacity;
  }
  Bytes cancel(FlowId id) override {
    const auto found = flows_.find(id);
    PW_CHECK(found != flows_.end());
    const Bytes left = bytes(found->second.ended ? 0 : found->second.left);
    flows_.erase(found);
    return left;
  }
  Rate load(LinkId link) override {
    set_rates();
    double sum = 0;
    for (const auto& [id, flow] : flows_) {
      for (const LinkId crossed : flow.demand.path) {
        if (crossed == link) sum += flow.rate * flow.demand.weight;
      }
    }
    return bytes_per_second(sum);
  }
  Seconds now() const override { return seconds(now_); }
  Statistics statistics() const override { return statistics_; }
  bool run() override {
    do {
      while (call_next()) {
      }
    } while (advance());
    return flows_.empty();
  }

 private:
  struct State {
    Demand demand;
    double left = 0;
    double rate = 0;
    bool ended = false;
  };
  static double window(double time) { return time + time * 1e-12; }

  void set_rates() {
    std::vector<Demand> demands;
    for (const auto& [id, flow] : flows_) {
      if (!flow.ended) demands.push_back(flow.demand);
    }
    const std::vector<Rate> rates = fair_rates(capacities_, demands);
    std::size_t next = 0;
    for (auto& [id, flow] : flows_) flow.rate = flow.ended ? 0 : rates[next++].base();
  }

  bool advance() {
    set_rates();
    double next = std::numeric_limits<double>::infinity();
    if (!timers_.empty()) next = timers_.begin()->first;
    for (const auto& [id, flow] : flows_) {
      if (flow.rate > 0) next = std::min(next, now_ + flow.left / flow.rate);
    }
    if (next == std::numeric_limits<double>::infinity()) return false;
    const double start = std::exchange(now_, std::max(now_, next));
    if (!timers_.empty() && timers_.begin()->first <= window(next)) {
      now_ = std::max(now_, timers_.begin()->first);
    }
    for (auto& [id, flow] : flows_) {
      if (flow.rate <= 0) continue;
      flow.ended = start + flow.left / flow.rate <= window(next);
      flow.left = std::max(0.0, flow.left - flow.rate * (now_ - start));
    }
    return true;
  }

  bool call_next() {
    // Of the timers of this instant, the one of least id.
    auto due = timers_.end();
    for (auto timer = timers_.begin(); timer != timers_.end(); ++timer) {
      if (timer->first > window(now_)) break;
      if (due == timers_.end() || timer->second < due->second) due = timer;
    }
    if (due != timers_.end()) {
      const TimerId id = due->second;
      now_ = std::max(now_, due->first);
      timers_.erase(due);
      events_.on_timer(id);
      return true;
    }
    for (const auto& [id, flow] : flows_) {
      if (!flow.ended) continue;
      const FlowId ended = id;
      flows_.erase(ended);
      events_.on_flow(ended);
      return true;
    }
    return false;
  }

  std::vector<Rate> capacities_;
  Events events_;
  std::map<FlowId, State> flows_;
  std::multiset<std::pair<double, TimerId>> timers_;
  double now_ = 0;
  Statistics statistics_;
};

}  // namespace

std::unique_ptr<Engine> make_brute_force_engine(std::vector<Rate> capacities, Events events) {
  return std::make_unique<BruteForceEngine>(std::move(capacities), std::move(events));
}

}  // namespace planewise::engine
