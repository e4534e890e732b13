// Connection matrices of htsim (`.cm`): flows with start times or triggers.
//
// Source: csg-htsim (github.com/Broadcom/csg-htsim), sim/datacenter/connection_matrix.cpp, load(),
// and sim/trigger.cpp, commit 841d9e7.
#pragma once

#include <string>

#include "spec/traffic.h"

namespace planewise::spec {

/// Whether `path` names one, by its ending.
bool is_htsim_matrix(const std::string& path);

/// Reads one; mistakes go to `diagnostics`, with line and column. Host i is rank i.
///
/// A `oneshot` trigger that one flow activates and a `barrier` that as many flows activate as it
/// counts are read as they are, and a `multishot` of one flow for one flow. Which flow another
/// `multishot` starts depends on the order in which flows end: it is refused, as are `addon`,
/// `failure`, and whatever would never start.
TrafficSpec read_htsim_matrix(const std::string& path, Diagnostics& diagnostics);

/// The same for text in memory; `name` stands for the path.
TrafficSpec parse_htsim_matrix(const std::string& name, const std::string& text,
                               Diagnostics& diagnostics);

}  // namespace planewise::spec
