// What both engines demand of a caller, and what they take for one instant. See engine.h.
#pragma once

#include <cmath>
#include <cstddef>

#include "base/check.h"
#include "base/units.h"
#include "engine/engine.h"

namespace planewise::engine {

/// Returns the last time that belongs to the instant which begins at `time`.
///
/// Two sums of the same durations in another order differ by rounding (1e-16 each). Without this
/// margin such things would be due one after the other, and in another order on another machine.
constexpr Seconds end_of_instant(Seconds time) { return time * (1 + 1e-12); }

/// Checks what a caller promises about `link` for an engine of `link_count` links.
inline void check_link(LinkId link, std::size_t link_count) {
  PW_CHECK(link >= 0);
  PW_CHECK(static_cast<std::size_t>(link) < link_count);
}

/// Checks what a caller promises about a capacity: finite, at least 0.
inline void check_capacity(Rate capacity) {
  PW_CHECK(std::isfinite(capacity.base()));
  PW_CHECK(capacity >= Rate{});
}

/// Checks what a caller promises about `flow` for an engine of `link_count` links, except that its
/// id is free.
inline void check_flow(const Flow& flow, std::size_t link_count) {
  for (const LinkId link : flow.path) check_link(link, link_count);
  PW_CHECK(std::isfinite(flow.size.base()));
  PW_CHECK(flow.size >= Bytes{});
  PW_CHECK(flow.weight >= 1);
  PW_CHECK(flow.rate_limit > Rate{});
}

/// Returns `events` with calls that do nothing where the caller left one empty.
inline Events complete(Events events) {
  if (!events.on_flow) events.on_flow = [](FlowId) {};
  if (!events.on_timer) events.on_timer = [](TimerId) {};
  return events;
}

/// Marks an engine as running for as long as it lives; a run inside a run is our bug.
class RunScope {
 public:
  explicit RunScope(bool& running) : running_(running) {
    PW_CHECK(!running_);
    running_ = true;
  }
  ~RunScope() { running_ = false; }
  RunScope(const RunScope&) = delete;
  RunScope& operator=(const RunScope&) = delete;

 private:
  bool& running_;
};

}  // namespace planewise::engine
