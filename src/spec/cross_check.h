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

/// The job's parallel sizes, layers and routing fit the model, and the model is one that can be
/// simulated.
void check_job_and_model(const JobSpec& job, const ModelSpec& model, Diagnostics& diagnostics);

/// The job's ranks fill the topology's GPUs, its expert groups fill whole nodes, and the topology's
/// routing can be simulated.
void check_job_and_topology(const JobSpec& job, const TopologySpec& topology,
                            Diagnostics& diagnostics);

/// The traffic's ranks are no more than the topology's GPUs, its groups fill whole nodes where they
/// have to, and the topology's routing can be simulated.
void check_traffic_and_topology(const TrafficSpec& traffic, const TopologySpec& topology,
                                Diagnostics& diagnostics);

/// Balanced routing over nodes: a node that a token chooses has enough of the layer's experts.
/// Requires that the three passed the two checks above.
void check_experts_on_nodes(const JobSpec& job, const ModelSpec& model,
                            const TopologySpec& topology, Diagnostics& diagnostics);

/// The profile has every operator and collective of `operators` and `collectives`.
void check_profile(const ProfileSpec& profile, const std::vector<std::string>& operators,
                   const std::vector<std::string>& collectives, Diagnostics& diagnostics);

}  // namespace planewise::spec
