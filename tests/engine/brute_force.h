// A third engine, for tests: everything is computed again from nothing at every event.
#pragma once

#include <memory>
#include <vector>

#include "engine/engine.h"

namespace planewise::engine {

/// What of a flow decides its rate.
struct Demand {
  std::vector<LinkId> path;
  int weight = 1;
  Rate rate_limit = kNoLimit;
};

/// Returns the max-min fair rate of each member of each flow, by repeated search for the fullest
/// link or the lowest limit. Of a flow with neither path nor limit it is infinite.
std::vector<Rate> fair_rates(const std::vector<Rate>& capacities, const std::vector<Demand>& flows);

/// An engine on top of fair_rates(). Shares no code with `fast/`; for tens of flows.
std::unique_ptr<Engine> make_brute_force_engine(std::vector<Rate> capacities, Events events);

}  // namespace planewise::engine
