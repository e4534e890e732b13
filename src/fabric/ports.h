// Which physical port each cable ends at: for the cable plan and for exports that name ports.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "fabric/fabric.h"

namespace planewise::fabric {

/// One link and the ports at its ends, numbered from 1.
struct Cable {
  EdgeKind kind = EdgeKind::endpoint;
  std::int32_t plane = 0;
  /// The endpoint as in attach(), or else the lower switch, numbered in its plane as in Bundle.
  std::int32_t lower = 0;
  std::int32_t lower_port = 0;  ///< Of the NIC: 1, or under `dual_tor` 1 or 2.
  std::int32_t upper = 0;       ///< A switch, numbered in its plane.
  std::int32_t upper_port = 0;
  std::int32_t index = 0;  ///< As Edge::index: number of the link of its kind in all planes.
};

/// Called with the cables of one leaf's endpoints, or those of one or more bundles; the span ends
/// with the call.
using CableSink = std::function<void(std::span<const Cable>)>;

/// Visits every link of all planes, each once: plane by plane the endpoints' leaf by leaf, then
/// those between switches in the order of visit_bundles(). Requires: not `as_printed`.
///
/// A leaf's ports for endpoints come first, those that are not populated too. Then each switch
/// numbers its links in the order of the visit, so parallel links have neighbouring ports, which
/// share a twin-port cage. A link at `uplink_rate` takes ports_per_uplink() ports in a row at each
/// end and is numbered by the first. Nothing is kept but a counter a switch: 196,608 links take
/// about 5 ms.
void visit_cables(const Fabric& fabric, const CableSink& sink);

}  // namespace planewise::fabric
