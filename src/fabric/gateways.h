// Where a flow leaves the NVLink domain of its source and enters that of its destination.
#pragma once

#include <cstdint>
#include <vector>

#include "fabric/live_routes.h"

namespace planewise::fabric {

/// Between two nodes. The flow goes by NVLink to `exit_gpu`, and from `entry_gpu` by NVLink to its
/// destination.
struct Gateway {
  std::int64_t exit_gpu = 0;
  std::int64_t entry_gpu = 0;
  std::int64_t port = 0;  ///< `dual_tor`: of both NICs, and the plane that they are in; else 0.

  bool operator==(const Gateway&) const = default;
};

/// A flow's two GPUs.
struct GpuPair {
  std::int64_t source = 0;
  std::int64_t destination = 0;
};

/// The endpoint of a GPU's NIC: under `dual_tor` that at `port`.
std::int64_t endpoint_of(const Fabric& fabric, std::int64_t gpu, std::int64_t port);

/// The gateway of a flow that meets no fault: by its own NIC, or with PXN by that of the GPU beside
/// it that has the destination's rail; straight to the destination. Port 0.
Gateway first_gateway(const Fabric& fabric, const GpuPair& pair);

/// Gateways over what works: those like the first one in all but the port if there are any; else
/// those with the fewest NVLink hops. Empty if there is no way. In order of exit, entry and port.
std::vector<Gateway> live_gateways(const Fabric& fabric, const GpuPair& pair, LiveRoutes& live);

}  // namespace planewise::fabric
