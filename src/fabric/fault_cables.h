// Which cables of a fabric a fault is of.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "fabric/exports.h"
#include "fabric/link.h"
#include "spec/faults.h"

namespace planewise::fabric {

/// The cables of `target`, each once: of a switch all that end at it, of a plane all but NVLink.
/// Refuses what the fabric does not have, with the range that it has; Refusal::key is below the
/// event: `switch.index`. Requires: not `as_printed`.
std::variant<std::vector<Cable>, Refusal> find_cables(const Fabric& fabric,
                                                      const spec::FaultTarget& target);

}  // namespace planewise::fabric
