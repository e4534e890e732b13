// The network of the storage NICs, as a topology of its own.
#pragma once

#include "spec/topology.h"

namespace planewise::spec {

/// Returns the smallest plain fat tree that joins the storage NICs: switches and rate as in
/// `topology`, two layers if they hold the nodes, else three. Its capacity may still be too small;
/// a topology that came from read_topology() has one that holds them. Requires `topology.storage`.
TopologySpec storage_topology(const TopologySpec& topology);

}  // namespace planewise::spec
