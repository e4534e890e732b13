// Every cable with both its ends, every port of every switch, and what stands where in each rack.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "cost/cost.h"
#include "cost/floor.h"

namespace planewise::cost {

/// One end of a link. Ports count from 1.
struct CableEnd {
  std::int32_t device = 0;  ///< A node if `is_nic`, else as in FloorPlan::rack_of_switch.
  std::int32_t port =
      0;  ///< Of a NIC: the NIC's number in the node times its ports, plus the port.
  bool is_nic = false;
};

/// One link; those of a twin-port cable share its number.
struct PlannedLink {
  fabric::EdgeKind kind{};
  std::int32_t plane = 0;
  CableEnd lower{};
  CableEnd upper{};
  std::int32_t cable = 0;            ///< From 0, in the order of the plan.
  const LinkParts* parts = nullptr;  ///< Null if the fabric is not priced by parts.
  Metres length{};                   ///< As sold; without parts as it takes.
};

struct CablePlan {
  FloorPlan floor{};
  std::vector<PlannedLink> links{};  ///< By kind, then plane, then lower end.
};

/// Plans all cables of the fabric itself (not of its storage and management networks). Links of one
/// type lie on adjacent ports of a switch, and a cage of several ports takes one type as long as
/// there are ports to spare. `resolver` may be null: then ports are those of
/// fabric::visit_cables(), which all exports have, and lengths are as they fall.
///
/// Requires: every link has parts (price_parts() found them), and not `as_printed`.
CablePlan plan_cables(const fabric::Fabric& fabric, const LinkResolver* resolver);

}  // namespace planewise::cost
