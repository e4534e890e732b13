// What a faults file says: which parts of a fabric fail or slow during a step, and when.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/units.h"
#include "spec/input_error.h"
#include "spec/topology.h"

namespace planewise::spec {

/// All switches of a plane, with all their links.
struct PlaneTarget {
  std::int64_t plane = 0;
};
/// A switch with all its links: its number within its layer and plane.
struct SwitchTarget {
  std::int64_t plane = 0;
  Layer layer = Layer::leaf;
  std::int64_t index = 0;
};
/// Links between two switches of a plane, both directions.
struct SwitchLinkTarget {
  SwitchTarget lower{};
  SwitchTarget upper{};
  std::optional<std::int64_t> number{};  ///< Of the parallel ones; none: all.
};
/// The link from a NIC to its leaf; of a NIC with two ports one a plane.
struct NicTarget {
  std::int64_t node = 0;
  std::int64_t nic = 0;
  std::optional<std::int64_t> plane{};  ///< `dual_tor`; none: both.
};
/// A GPU's NVLink.
struct GpuTarget {
  std::int64_t node = 0;
  std::int64_t gpu = 0;
};
using FaultTarget = std::variant<PlaneTarget, SwitchTarget, SwitchLinkTarget, NicTarget, GpuTarget>;

struct FaultEvent {
  Seconds at{};                    ///< From the start of the step.
  std::optional<Seconds> until{};  ///< None: it does not come back.
  double rate = 0;                 ///< The part of its rate that is left; 0: it has failed.
  FaultTarget target{};
};

struct FaultsSpec {
  Origin origin{};
  std::string name{};
  Seconds reroute_after{};  ///< From a fault or repair until flows are routed by it.
  std::vector<FaultEvent> events{};
};

/// `plane 2`, `plane 0 leaf 3`, `plane 0 leaf 3 - spine 2, link 1`, `node 3 nic 2`, `node 3 gpu 2
/// nvlink`.
std::string target_name(const FaultTarget& target);

}  // namespace planewise::spec
