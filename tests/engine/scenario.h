// Random cases that every engine can play, and the comparison of what came of them.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <memory>
#include <string>
#include <vector>

#include "engine/engine.h"

namespace planewise::engine {

using MakeEngine = std::unique_ptr<Engine> (*)(std::vector<Rate> capacities, Events events);

struct PlannedFlow {
  int after = -1;  ///< Starts when that flow has ended, if not -1 (it then never starts if that one
                   ///< is gone).
  Seconds start{};  ///< Of a flow that follows none.
  std::vector<LinkId> path;
  Bytes size{};
  int weight = 1;
};

struct PlannedChange {
  Seconds time{};
  LinkId link = 0;
  Rate capacity{};
};

/// Cancels a flow if it is in flight then, and starts the rest of it at once if it has a new path.
struct PlannedCancel {
  Seconds time{};
  int flow = 0;
  std::vector<LinkId> new_path{};
};

struct Scenario {
  std::vector<Rate> capacities;
  std::vector<PlannedFlow> flows;
  std::vector<PlannedChange> changes;
  std::vector<PlannedCancel> cancels;
};

/// One thing that happened, in the order in which the engine told it.
struct Entry {
  enum class What { started, ended, changed, cancelled, idle };
  What what = What::idle;
  int index = 0;  ///< Of the flow, change or cancel; for `idle`, 1 if no flow was left.
  Seconds time{};
  double value = 0;  ///< Bytes left of a cancelled flow; load of the first link at a change.
};

struct ScenarioSize {
  int link_count = 8;
  int flow_count = 24;
  int change_count = 6;
  int cancel_count = 4;
};

/// Returns a case of flows with weights, repeated links, empty paths, sizes of 0, starts by timer
/// and by the end of another flow, capacities that change, also to 0, and cancelled flows. Half of
/// the seeds give round numbers, so that much happens at the same instant.
Scenario random_scenario(std::uint64_t seed, const ScenarioSize& size);

/// Returns `scenario` with all times and sizes multiplied by `factor`.
Scenario slowed_down(Scenario scenario, double factor);

/// Plays `scenario` to its end. If flows are left at links without capacity, repairs all links and
/// goes on.
std::vector<Entry> play(const Scenario& scenario, MakeEngine make_engine);

/// Returns the greatest relative error of a time or value in `actual`, or says in `difference` what
/// happened in another order or not at all.
double compare(const std::vector<Entry>& expected, const std::vector<Entry>& actual,
               std::string& difference);

std::ostream& operator<<(std::ostream& out, const Entry& entry);
std::ostream& operator<<(std::ostream& out, const Scenario& scenario);

}  // namespace planewise::engine
