// Checks between files. Each mistake points at the key of the first that has to change. All require
// that the files by themselves were read without a mistake.
#pragma once

#include <string>
#include <vector>

#include "spec/read.h"

namespace planewise::spec {

/// The price book prices the switches that the topology uses.
void check_prices(const TopologySpec& topology, const PriceBookSpec& book,
                  Diagnostics& diagnostics);

/// The topology's routing can be simulated, and it has a graph.
void check_can_be_simulated(const TopologySpec& topology, Diagnostics& diagnostics);

/// The traffic's ranks are no more than the topology's GPUs, its groups fill whole nodes where they
/// have to, and the topology's routing can be simulated.
void check_traffic_and_topology(const TrafficSpec& traffic, const TopologySpec& topology,
                                Diagnostics& diagnostics);

/// The profile has every operator and collective of `operators` and `collectives`. A mistake says
/// why one is missing if the profile does.
void check_profile(const ProfileSpec& profile, const std::vector<std::string>& operators,
                   const std::vector<std::string>& collectives, Diagnostics& diagnostics);

/// None of `operators` has a curve of something else that was timed in its stead.
void check_proxies(const ProfileSpec& profile, const std::vector<std::string>& operators,
                   Diagnostics& diagnostics);

}  // namespace planewise::spec
