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

/// Whether random flows are also limited in their rate.
inline constexpr bool kRateLimits = true;

struct PlannedFlow {
  int after = -1;  ///< Starts when that flow has ended, if not -1 (it then never starts if that one
                   ///< is gone).
  Seconds start{};  ///< Of a flow that follows none.
  std::vector<LinkId> path;
  Bytes size{};
  int weight = 1;
  Rate rate_limit = kNoLimit;
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

  friend bool operator==(const Entry&, const Entry&) = default;
};

/// What random cases look like.
enum class Pattern {
  mixed,        ///< Flows on random paths, now and then; some in groups of equal ones.
  batch,        ///< All flows start at a few instants, so that rates are worked out from nothing.
  closed_loop,  ///< A few flows at a time; the end of each starts the next.
  chain,  ///< Flows over stretches of a row of links: a change anywhere moves bottlenecks far.
};
inline constexpr Pattern kPatterns[] = {Pattern::mixed, Pattern::batch, Pattern::closed_loop,
                                        Pattern::chain};

struct ScenarioSize {
  Pattern pattern = Pattern::mixed;
  int link_count = 8;
  int flow_count = 24;
  int change_count = 6;
  int cancel_count = 4;
};

/// Returns a case of flows with weights, repeated links, empty paths, sizes of 0, groups of equal
/// flows, starts by timer and by the end of another flow, capacities that change, also to 0, and
/// cancelled flows. Half of the seeds give round numbers, so that much happens at the same instant.
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

/// The fast engine that checks after every solve that rates are max-min fair, on one thread or two.
std::unique_ptr<Engine> make_checked_engine(std::vector<Rate> capacities, Events events);
std::unique_ptr<Engine> make_checked_engine_on_two_threads(std::vector<Rate> capacities,
                                                           Events events);

std::ostream& operator<<(std::ostream& out, const Entry& entry);
std::ostream& operator<<(std::ostream& out, const Scenario& scenario);

}  // namespace planewise::engine
