#include "engine/scenario.h"

#include <algorithm>
#include <cmath>
#include <ostream>
#include <sstream>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/random.h"

namespace planewise::engine {
namespace {

/// Draws the numbers of a scenario, round or not.
class Dice {
 public:
  Dice(std::uint64_t seed, bool round) : random_(mix_bits(seed)), round_(round) {}

  int below(int bound) { return static_cast<int>(random_.integer(0, bound - 1)); }
  bool chance(double probability) { return random_.uniform() < probability; }
  Rate capacity() {
    return gigabytes_per_second(round_ ? std::ldexp(1.0, below(3)) : 0.2 + 4 * random_.uniform());
  }
  Bytes size() { return bytes(round_ ? 1e6 * (1 + below(6)) : 1e4 + 5e6 * random_.uniform()); }
  Seconds time() { return milliseconds(round_ ? 0.5 * below(60) : 30 * random_.uniform()); }
  std::vector<LinkId> path(int link_count, int length) {
    std::vector<LinkId> links;
    for (int i = 0; i < length; ++i) links.push_back(below(link_count));
    return links;
  }

 private:
  Random random_;
  bool round_;
};

/// A path of `pattern` over links 0 to link_count - 1.
std::vector<LinkId> random_path(Dice& dice, Pattern pattern, int link_count) {
  if (pattern != Pattern::chain) return dice.path(link_count, 1 + dice.below(4));
  std::vector<LinkId> path;
  const int first = dice.below(link_count);
  const int length = 1 + dice.below(std::min(8, link_count - first));
  for (int hop = 0; hop < length; ++hop) path.push_back(first + hop);
  return path;
}

PlannedFlow random_flow(Dice& dice, int index, const ScenarioSize& size) {
  constexpr int kInLoop = 6;
  PlannedFlow flow;
  switch (size.pattern) {
    case Pattern::mixed:
    case Pattern::chain:
      if (index > 0 && dice.chance(0.3)) flow.after = dice.below(index);
      if (dice.chance(0.7)) flow.start = dice.time();
      break;
    case Pattern::batch:
      flow.start = milliseconds(10 * dice.below(3));
      break;
    case Pattern::closed_loop:
      if (index >= kInLoop) flow.after = index - kInLoop;
      break;
  }
  if (!dice.chance(0.05)) flow.path = random_path(dice, size.pattern, size.link_count);
  flow.size = dice.chance(0.05) ? Bytes{} : dice.size();
  flow.weight = dice.chance(0.3) ? 1 + dice.below(5) : 1;
  if (kRateLimits && dice.chance(0.2)) flow.rate_limit = dice.capacity() / (1 + dice.below(8));
  return flow;
}

void add_changes(Dice& dice, const ScenarioSize& size, Scenario& scenario) {
  for (int i = 0; i < size.change_count; ++i) {
    PlannedChange change{dice.time(), dice.below(size.link_count), dice.capacity()};
    if (dice.chance(0.5)) {
      scenario.changes.push_back({change.time, change.link, Rate{}});
      if (dice.chance(0.1)) continue;  // Never repaired.
      change.time += dice.time();
    }
    scenario.changes.push_back(change);
  }
  for (int i = 0; i < size.cancel_count; ++i) {
    scenario.cancels.push_back({.time = dice.time(), .flow = dice.below(size.flow_count)});
    if (dice.chance(0.6)) {
      scenario.cancels.back().new_path = random_path(dice, size.pattern, size.link_count);
    }
  }
}

}  // namespace

Scenario random_scenario(std::uint64_t seed, const ScenarioSize& size) {
  Dice dice(fold_bits(seed, static_cast<std::uint64_t>(size.pattern)), seed % 2 == 0);
  Scenario scenario;
  for (int i = 0; i < size.link_count; ++i) {
    scenario.capacities.push_back(dice.chance(0.02) ? Rate{} : dice.capacity());
  }
  for (int i = 0; i < size.flow_count; ++i) {
    const bool again = i > 0 && size.pattern != Pattern::closed_loop && dice.chance(0.2);
    scenario.flows.push_back(again ? scenario.flows.back() : random_flow(dice, i, size));
  }
  add_changes(dice, size, scenario);
  return scenario;
}

Scenario slowed_down(Scenario scenario, double factor) {
  for (PlannedFlow& flow : scenario.flows) {
    flow.start = flow.start * factor;
    flow.size = flow.size * factor;
  }
  for (PlannedChange& change : scenario.changes) change.time = change.time * factor;
  for (PlannedCancel& cancel : scenario.cancels) cancel.time = cancel.time * factor;
  return scenario;
}

namespace {

/// Carries out a scenario's plans through an engine's callbacks.
class Player {
 public:
  Player(const Scenario& scenario, MakeEngine make_engine) : scenario_(scenario) {
    engine_ =
        make_engine(scenario.capacities, {.on_flow = [this](FlowId id) { end(index_.at(id)); },
                                          .on_timer = [this](TimerId id) { act(id); }});
    for (int i = 0; i < flow_count(); ++i) index_[id_of(i)] = i;
  }

  std::vector<Entry> play() {
    TimerId timer = 0;
    for (int i = 0; i < flow_count(); ++i, ++timer) {
      const PlannedFlow& flow = scenario_.flows[static_cast<std::size_t>(i)];
      if (flow.after >= 0) continue;
      if (flow.start == Seconds{}) {
        start(i);
      } else {
        engine_->at(flow.start, timer);
      }
    }
    for (const PlannedChange& change : scenario_.changes) engine_->at(change.time, timer++);
    for (const PlannedCancel& cancel : scenario_.cancels) engine_->at(cancel.time, timer++);
    if (!run()) {
      const auto link_count = static_cast<LinkId>(scenario_.capacities.size());
      for (LinkId link = 0; link < link_count; ++link) {
        engine_->set_capacity(link, gigabytes_per_second(1));
      }
      run();
    }
    return log_;
  }

 private:
  int flow_count() const { return static_cast<int>(scenario_.flows.size()); }
  /// Not in the order of the indices, and of all 64 bits.
  static FlowId id_of(int index) { return mix_bits(static_cast<std::uint64_t>(index)); }

  void log(Entry::What what, int index, double value = 0) {
    log_.push_back({.what = what, .index = index, .time = engine_->now(), .value = value});
  }
  bool run() {
    const bool done = engine_->run();
    log(Entry::What::idle, done ? 1 : 0);
    return done;
  }
  void start(int index) {
    const PlannedFlow& flow = scenario_.flows[static_cast<std::size_t>(index)];
    in_flight_.insert(index);
    log(Entry::What::started, index);
    engine_->start_flow({.id = id_of(index),
                         .path = flow.path,
                         .size = flow.size,
                         .weight = flow.weight,
                         .rate_limit = flow.rate_limit});
  }
  void end(int index) {
    in_flight_.erase(index);
    log(Entry::What::ended, index);
    for (int i = 0; i < flow_count(); ++i) {
      if (scenario_.flows[static_cast<std::size_t>(i)].after == index) start(i);
    }
  }
  void act(TimerId timer) {
    std::size_t index = timer;
    if (index < scenario_.flows.size()) return start(static_cast<int>(index));
    index -= scenario_.flows.size();
    if (index < scenario_.changes.size()) return change(static_cast<int>(index));
    index -= scenario_.changes.size();
    cancel(static_cast<int>(index));
  }
  void change(int index) {
    const PlannedChange& plan = scenario_.changes[static_cast<std::size_t>(index)];
    engine_->set_capacity(plan.link, plan.capacity);
    log(Entry::What::changed, index, engine_->load(0).base());
  }
  void cancel(int index) {
    const PlannedCancel& plan = scenario_.cancels[static_cast<std::size_t>(index)];
    const auto found = in_flight_.find(plan.flow);
    if (found == in_flight_.end()) return;
    const Bytes left = engine_->cancel(id_of(plan.flow));
    log(Entry::What::cancelled, index, left.base());
    if (plan.new_path.empty()) {
      in_flight_.erase(found);
    } else {
      const PlannedFlow& flow = scenario_.flows[static_cast<std::size_t>(plan.flow)];
      engine_->start_flow({.id = id_of(plan.flow),
                           .path = plan.new_path,
                           .size = left,
                           .weight = flow.weight,
                           .rate_limit = flow.rate_limit});
    }
  }

  const Scenario& scenario_;
  std::unique_ptr<Engine> engine_;
  std::unordered_map<FlowId, int> index_;
  std::unordered_set<int> in_flight_;
  std::vector<Entry> log_;
};

}  // namespace

std::vector<Entry> play(const Scenario& scenario, MakeEngine make_engine) {
  return Player(scenario, make_engine).play();
}

double compare(const std::vector<Entry>& expected, const std::vector<Entry>& actual,
               std::string& difference) {
  // Bytes left and loads are differences of large numbers; these are the sizes of such numbers
  // here.
  constexpr double kBytes = 1e6;
  constexpr double kRate = 1e9;
  std::ostringstream text;
  double worst = 0;
  for (std::size_t i = 0; i < std::max(expected.size(), actual.size()); ++i) {
    if (i >= expected.size() || i >= actual.size() || expected[i].what != actual[i].what ||
        expected[i].index != actual[i].index) {
      text << "entry " << i << ": ";
      if (i < expected.size()) text << "expected " << expected[i];
      if (i < actual.size()) text << " actual " << actual[i];
      break;
    }
    const double time = expected[i].time.base();
    if (time > 0) worst = std::max(worst, std::abs(actual[i].time.base() - time) / time);
    const double scale = expected[i].what == Entry::What::cancelled ? kBytes : kRate;
    worst = std::max(worst, std::abs(actual[i].value - expected[i].value) /
                                std::max(std::abs(expected[i].value), scale));
  }
  difference = text.str();
  return worst;
}

std::unique_ptr<Engine> make_checked_engine(std::vector<Rate> capacities, Events events) {
  return make_fast_engine_with({.certify = true}, std::move(capacities), std::move(events));
}

std::unique_ptr<Engine> make_checked_engine_on_two_threads(std::vector<Rate> capacities,
                                                           Events events) {
  return make_fast_engine_with({.threads = 2, .certify = true}, std::move(capacities),
                               std::move(events));
}

std::ostream& operator<<(std::ostream& out, const Entry& entry) {
  const char* const names[] = {"started", "ended", "changed", "cancelled", "idle"};
  out.precision(17);
  return out << '{' << names[static_cast<int>(entry.what)] << ' ' << entry.index << " at "
             << entry.time.base() << " s, " << entry.value << '}';
}

std::ostream& operator<<(std::ostream& out, const Scenario& scenario) {
  const auto print_path = [&out](const std::vector<LinkId>& path) {
    out << " path";
    for (const LinkId link : path) out << ' ' << link;
    out << '\n';
  };
  out.precision(17);
  out << "capacities";
  for (const Rate capacity : scenario.capacities) out << ' ' << capacity.base();
  out << '\n';
  for (const PlannedFlow& flow : scenario.flows) {
    out << "flow after " << flow.after << " at " << flow.start.base() << " size "
        << flow.size.base() << " weight " << flow.weight << " limit " << flow.rate_limit.base();
    print_path(flow.path);
  }
  for (const PlannedChange& change : scenario.changes) {
    out << "at " << change.time.base() << " link " << change.link << " capacity "
        << change.capacity.base() << '\n';
  }
  for (const PlannedCancel& cancel : scenario.cancels) {
    out << "at " << cancel.time.base() << " cancel " << cancel.flow;
    print_path(cancel.new_path);
  }
  return out;
}

}  // namespace planewise::engine
