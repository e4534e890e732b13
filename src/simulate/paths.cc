#include "simulate/paths.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "base/check.h"
#include "fabric/fault_cables.h"

namespace planewise::simulate {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }

}  // namespace

Paths::Paths(const System& system, const PathOptions& options, engine::Engine& engine,
             engine::TimerId first_timer)
    : system_(system),
      options_(options),
      engine_(engine),
      first_timer_(first_timer),
      is_adaptive_(options.router.routing() == spec::Routing::adaptive),
      actual_{.live = fabric::LiveRoutes(options.fabric), .active = {}},
      known_(actual_),
      flows_(system.flows.size()),
      carried_(system.links.size()) {
  PW_CHECK(system.links.size() == options.router.links().size());
  for (const SystemTransfer& transfer : system.transfers) {
    label_of_.resize(at(transfer.flow_end), transfer.label);
  }
  if (options.faults != nullptr) plan_changes();
}

/// Sets a timer for each instant at which something changes, and one for when routing knows.
void Paths::plan_changes() {
  for (std::size_t i = 0; i < options_.faults->events.size(); ++i) {
    const spec::FaultEvent& event = options_.faults->events[i];
    auto found = fabric::find_cables(options_.fabric, event.target);
    PW_CHECK(std::holds_alternative<std::vector<fabric::Cable>>(found));
    cables_.push_back(std::get<std::vector<fabric::Cable>>(std::move(found)));
    changes_.push_back({.time = event.at, .fault = i, .begins = true});
    if (event.until) changes_.push_back({.time = *event.until, .fault = i, .begins = false});
  }
  actual_.active.assign(cables_.size(), false);
  known_.active = actual_.active;
  std::stable_sort(changes_.begin(), changes_.end(),
                   [](const Change& a, const Change& b) { return a.time < b.time; });
  for (std::size_t i = 0; i < changes_.size(); ++i) {
    const bool same = i > 0 && changes_[i].time == changes_[i - 1].time;
    if (!same) {
      instants_.push_back({.begin = i, .end = i});
      records_.push_back({.time = changes_[i].time});
    }
    instants_.back().end = i + 1;
    records_.back().changes.push_back(text_of(changes_[i]));
  }
  for (std::size_t i = 0; i < instants_.size(); ++i) {
    engine_.at(records_[i].time, first_timer_ + i);
    engine_.at(records_[i].time + options_.faults->reroute_after,
               first_timer_ + instants_.size() + i);
  }
}

std::string Paths::text_of(const Change& change) const {
  const spec::FaultEvent& event = options_.faults->events[change.fault];
  const std::string what = spec::target_name(event.target);
  if (!change.begins) return what + " is back";
  if (event.rate == 0) return what + " fails";
  return what + " at " + std::to_string(std::lround(event.rate * 100)) + " %";
}

void Paths::timer_due(engine::TimerId timer) {
  const std::size_t number = timer - first_timer_;
  if (number < instants_.size()) {
    apply(number, actual_);
    change_capacities(number);
    return;
  }
  const std::size_t instant = number - instants_.size();
  apply(instant, known_);
  move_flows(instant);
}

/// Cables that changed get the least rate of all faults that they are under from now on.
void Paths::apply(std::size_t instant, Health& health) {
  for (std::size_t i = instants_[instant].begin; i < instants_[instant].end; ++i) {
    health.active[changes_[i].fault] = changes_[i].begins;
    for (const fabric::Cable& cable : cables_[changes_[i].fault]) {
      health.live.set_factor(cable, 1);
    }
  }
  for (std::size_t fault = 0; fault < cables_.size(); ++fault) {
    if (!health.active[fault]) continue;
    const double rate = options_.faults->events[fault].rate;
    for (const fabric::Cable& cable : cables_[fault]) {
      health.live.set_factor(cable, std::min(rate, health.live.factor(cable)));
    }
  }
}

void Paths::change_capacities(std::size_t instant) {
  std::set<std::int32_t> links;
  for (std::size_t i = instants_[instant].begin; i < instants_[instant].end; ++i) {
    for (const fabric::Cable& cable : cables_[changes_[i].fault]) {
      for (const std::int32_t link : options_.router.links_over(cable)) links.insert(link);
    }
  }
  for (const std::int32_t link : links) {
    engine_.set_capacity(link, options_.router.capacity(link, actual_.live));
  }
}

/// Moves flows off what has failed, and lets those try again that had no way.
void Paths::move_flows(std::size_t instant) {
  FaultRecord& record = records_[instant];
  std::vector<int> to_start = std::exchange(waiting_, {});
  std::vector<int> moved;
  for (int f = 0; f < static_cast<int>(flows_.size()); ++f) {
    FlowState& state = flows_[at(f)];
    if (!state.in_flight || options_.router.works(state.path, known_.live)) continue;
    const Bytes left = engine_.cancel(static_cast<engine::FlowId>(f));
    leave(f, left);
    state.size = left;
    state.waits_since = engine_.now();
    moved.push_back(f);
  }
  for (const int f : to_start) {
    if (choose(f)) {
      launch(f);
    } else {
      waiting_.push_back(f);
    }
  }
  for (const int f : moved) {
    // One that has delivered all but its callback needs no way.
    const bool has_way = flows_[at(f)].size == Bytes{} || choose(f);
    if (has_way) {
      record.moved_flows += system_.flows[at(f)].weight;
      launch(f);
    } else {
      waiting_.push_back(f);
    }
  }
  for (const int f : waiting_) record.waiting_flows += system_.flows[at(f)].weight;
}

void Paths::start(int flow, Bytes size) {
  FlowState& state = flows_[at(flow)];
  state.size = size;
  if (choose(flow)) {
    launch(flow);
  } else {
    state.waits_since = engine_.now();
    waiting_.push_back(flow);
  }
}

/// Fills the flow's path. Returns false if there is no way.
bool Paths::choose(int flow) {
  const SystemFlow& definition = system_.flows[at(flow)];
  FlowState& state = flows_[at(flow)];
  if (!is_adaptive_ && known_.live.all_work()) {
    const std::span<const std::int32_t> first = system_.path(definition);
    state.path.assign(first.begin(), first.end());
    return true;
  }
  const auto gpu = [&](int rank) {
    return options_.placement.gpu_of_rank[at(system_.rank_of[at(rank)])];
  };
  auto route = options_.router.route(
      gpu(definition.source), gpu(definition.destination),
      {.seed = options_.seed, .queue = queue_of(label_of_[at(flow)], definition.queue_pair)},
      known_.live);
  if (!route) return false;
  state.path = std::move(route->links);
  return true;
}

void Paths::launch(int flow) {
  const SystemFlow& definition = system_.flows[at(flow)];
  FlowState& state = flows_[at(flow)];
  state.in_flight = true;
  state.started = engine_.now();
  if (is_adaptive_) {
    for (const std::int32_t number : state.path) {
      const fabric::Link& link = options_.router.links()[at(number)];
      known_.live.add_flows(link.kind, link.index, definition.weight);
    }
  }
  engine_.start_flow({.id = static_cast<engine::FlowId>(flow),
                      .path = state.path,
                      .size = state.size,
                      .weight = definition.weight});
}

void Paths::ended(int flow) { leave(flow, Bytes{}); }

/// Takes a flow off its links, with `left` of its size not delivered.
void Paths::leave(int flow, Bytes left) {
  const SystemFlow& definition = system_.flows[at(flow)];
  FlowState& state = flows_[at(flow)];
  state.in_flight = false;
  if (observers_ != nullptr) tell_carried(flow, state.size - left);
  for (const std::int32_t number : state.path) {
    carried_[at(number)] += (state.size - left) * definition.weight;
    if (!is_adaptive_) continue;
    const fabric::Link& link = options_.router.links()[at(number)];
    known_.live.add_flows(link.kind, link.index, -definition.weight);
  }
}

void Paths::tell_carried(int flow, Bytes size) {
  const FlowState& state = flows_[at(flow)];
  const Carried carried{.flow = flow,
                        .path = state.path,
                        .size = size,
                        .weight = system_.flows[at(flow)].weight,
                        .started = state.started,
                        .ended = engine_.now()};
  for (Observer* observer : *observers_) observer->carried(carried);
}

std::optional<FaultReport> Paths::report(Seconds end) const {
  if (options_.faults == nullptr) return std::nullopt;
  FaultReport report{.name = options_.faults->name};
  for (const FaultRecord& record : records_) {
    if (record.time <= end) report.records.push_back(record);
  }
  std::vector<int> waiting = waiting_;
  std::sort(waiting.begin(), waiting.end());
  for (const int f : waiting) {
    const SystemFlow& flow = system_.flows[at(f)];
    report.cut_off.push_back({.source = system_.rank_of[at(flow.source)],
                              .destination = system_.rank_of[at(flow.destination)],
                              .label = label_of_[at(f)],
                              .since = flows_[at(f)].waits_since,
                              .left = flows_[at(f)].size * flow.weight});
  }
  return report;
}

}  // namespace planewise::simulate
