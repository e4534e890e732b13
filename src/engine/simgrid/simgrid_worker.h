// The process that holds SimGrid. Only simgrid_worker.cc includes SimGrid.
#pragma once

#include <span>

#include "base/units.h"
#include "engine/simgrid/channel.h"

namespace planewise::engine {

/// Serves `channel` with a SimGrid simulation of links of these capacities. Ends the process, by
/// _exit(), once the other end is closed.
///
/// To be called in a process of its own: SimGrid is a singleton, and its clock is never set back.
/// What SimGrid refuses ends the process by abort() or leaves here as an exception.
[[noreturn]] void serve_simgrid(Channel& channel, std::span<const Rate> capacities);

}  // namespace planewise::engine
