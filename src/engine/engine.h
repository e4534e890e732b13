// The seam: links, flows on paths, timers. An engine knows no ranks and no switches.
// Sharing is max-min fair a flow; see docs/equations.md and the decision record on the two engines.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <vector>

#include "base/units.h"

namespace planewise::engine {

using LinkId = std::int32_t;   ///< Index into the links given at construction.
using FlowId = std::uint64_t;  ///< Chosen by the caller; free again once the flow has ended.
using TimerId = std::uint64_t;

constexpr Rate kNoLimit = Rate::from_base(std::numeric_limits<double>::infinity());

/// One flow, or `weight` identical ones that start and end together.
struct Flow {
  FlowId id = 0;
  std::span<const LinkId> path;  ///< May be empty, and may name a link more than once.
  Bytes size{};                  ///< Of each member; 0 is allowed.
  int weight = 1;                ///< How many identical flows this one stands for; at least 1.
  Rate rate_limit = kNoLimit;    ///< No member is faster than this; more than 0.
};

/// What an engine calls back; either may be left empty. Both may start flows, set timers and
/// capacities, and cancel. An exception passes through run(), which may then be called again for
/// the rest.
struct Events {
  std::function<void(FlowId)> on_flow;    ///< A flow has delivered its last byte.
  std::function<void(TimerId)> on_timer;  ///< A timer is due.
};

/// Counts of what an engine did, for --stats.
struct Statistics {
  std::uint64_t flows_started = 0;
  std::uint64_t events = 0;        ///< Flow completions and timers.
  std::uint64_t solves = 0;        ///< Times that rates were computed.
  std::uint64_t full_solves = 0;   ///< Of those, from nothing rather than from the last rates.
  std::uint64_t played_ahead = 0;  ///< Components whose ends were found at once when they started.
  std::uint64_t flows_merged = 0;  ///< Started together with an equal one and driven as one.
  /// kErrorFactor times the furthest that an end was drawn forward; 0 if none was.
  double time_error = 0;
};

/// A fluid simulation of flows over capacitated links.
///
/// Each member of a flow gets the max-min fair rate; a flow of weight w uses w times that rate on a
/// link, times the number of times its path names the link. Latency is not an engine's business:
/// set a timer and start the flow when it is due.
///
/// Things due at the same instant are called back timers first, then flows, each in the order of
/// their ids; what a callback makes due at this instant joins in. Times within 1e-12 of each other,
/// relative, are one instant, so that rounding changes no order. A flow that has ended but waits
/// for its callback uses no link any more and has nothing left.
class Engine {
 public:
  virtual ~Engine() = default;

  /// Starts `flow` now. An empty path or a size of 0 ends it at this instant (after the caller
  /// returns).
  virtual void start_flow(const Flow& flow) = 0;
  /// Calls on_timer(id) at `time`, which is not before now().
  virtual void at(Seconds time, TimerId id) = 0;
  /// Changes a link's capacity from now on: faults and repairs. 0 stops the flows that cross it
  /// until it rises.
  virtual void set_capacity(LinkId link, Rate capacity) = 0;
  /// Ends a flow in flight without on_flow and returns what each member had left to send (for
  /// re-routing).
  virtual Bytes cancel(FlowId id) = 0;
  /// What flows use of a link at this instant.
  virtual Rate load(LinkId link) = 0;
  virtual Seconds now() const = 0;
  /// Runs until nothing is due. Returns false if flows are left that can never end (stopped links).
  /// May be called again after repairs or for further flows; the clock goes on.
  virtual bool run() = 0;
  virtual Statistics statistics() const = 0;
};

/// What the relative error of an end may be, over FastOptions::time_tolerance. An estimate: in
/// a direct all-to-all of 512 ranks it was 3.8 (docs/equations.md).
constexpr double kErrorFactor = 5;

struct FastOptions {
  int threads = 1;       ///< That solve independent components; changes no result.
  bool certify = false;  ///< Check after every solve that rates are max-min fair; slow.
  double time_tolerance =
      0;  ///< Ends within this share of the time elapsed are one instant; 0 is exact.
};

/// Our event loop; the default.
std::unique_ptr<Engine> make_fast_engine(std::vector<Rate> capacities, Events events);
std::unique_ptr<Engine> make_fast_engine_with(const FastOptions& options,
                                              std::vector<Rate> capacities, Events events);

/// SimGrid in a process of its own; the reference. Throws std::system_error or std::runtime_error
/// if that process cannot be started or dies.
std::unique_ptr<Engine> make_simgrid_engine(std::vector<Rate> capacities, Events events);

}  // namespace planewise::engine
