// Which way each flow takes when routes are chosen as flows start: by load, and around faults.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "fabric/live_routes.h"
#include "fabric/router.h"
#include "simulate/observer.h"
#include "simulate/result.h"
#include "simulate/system.h"
#include "spec/faults.h"
#include "workload/placement.h"

namespace planewise::simulate {

/// What Paths needs to know of the run; all outlives it.
struct PathOptions {
  const fabric::Fabric& fabric;
  const fabric::Router& router;
  const workload::Placement& placement;
  std::uint64_t seed = 1;
  const spec::FaultsSpec* faults = nullptr;  ///< Null: nothing fails.
};

/// Starts a system's flows over an engine on routes of the moment, and lets faults happen.
///
/// At a fault or repair capacities change at once. `reroute_after` later flows are routed by it:
/// those in flight over a failed link go on with what they have left on another way, those that
/// had no way try again. A flow in flight over a link that is slower, or that came back, stays. A
/// link under several faults has the least of their rates. Requires: the system was made with
/// routes_at_start.
class Paths {
 public:
  /// Timers from `first_timer` on are its own.
  Paths(const System& system, const PathOptions& options, engine::Engine& engine,
        engine::TimerId first_timer);
  /// Are told what was carried on which path; outlives the run.
  void watch(const Observers& observers) { observers_ = &observers; }

  void start(int flow, Bytes size);
  void ended(int flow);
  bool owns(engine::TimerId timer) const { return timer >= first_timer_; }
  void timer_due(engine::TimerId timer);

  /// Bytes by link, of flows that have ended and of the parts of those that were moved.
  const std::vector<Bytes>& carried() const { return carried_; }
  /// What happened up to `end`; none without faults.
  std::optional<FaultReport> report(Seconds end) const;
  bool any_cut_off() const { return !waiting_.empty(); }

 private:
  struct FlowState {
    std::vector<std::int32_t> path;  ///< Kept when the flow has ended, for its next start.
    Bytes size{};                    ///< Of this start; of a waiting flow, what is left.
    Seconds waits_since{};
    Seconds started{};  ///< On this path.
    bool in_flight = false;
  };
  /// A fault begins or ends.
  struct Change {
    Seconds time{};
    std::size_t fault = 0;
    bool begins = true;
  };
  /// Changes at one time.
  struct Instant {
    std::size_t begin = 0;  ///< Into changes_.
    std::size_t end = 0;
  };
  /// What works as it is, or as far as routing knows.
  struct Health {
    fabric::LiveRoutes live;
    std::vector<bool> active;  ///< By fault.
  };

  void plan_changes();
  void apply(std::size_t instant, Health& health);
  void change_capacities(std::size_t instant);
  void move_flows(std::size_t instant);
  bool choose(int flow);
  void launch(int flow);
  void leave(int flow, Bytes left);
  void tell_carried(int flow, Bytes size);
  std::string text_of(const Change& change) const;

  const System& system_;
  const PathOptions options_;
  engine::Engine& engine_;
  engine::TimerId first_timer_;
  const Observers* observers_ = nullptr;
  bool is_adaptive_;
  Health actual_;
  Health known_;
  std::vector<int> label_of_;  ///< By flow; transfers hold their flows in order.
  std::vector<FlowState> flows_;
  std::vector<int> waiting_;  ///< Flows without a way, in the order in which they lost it.
  std::vector<Bytes> carried_;
  std::vector<std::vector<fabric::Cable>> cables_;  ///< [fault]
  std::vector<Change> changes_;                     ///< In order of time.
  std::vector<Instant> instants_;
  std::vector<FaultRecord> records_;  ///< By instant.
};

}  // namespace planewise::simulate
