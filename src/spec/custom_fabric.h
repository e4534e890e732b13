// A fabric as the user lists it: switches by name, and the links between them.
#pragma once

#include "spec/topology.h"
#include "spec/yaml_reader.h"

namespace planewise::spec {

/// Reads `switches` and `links` of family `custom`; the switches come back sorted by layer. Reports
/// unknown names, a switch linked to itself, and switches that no links join to the others. Needs
/// `radix` of the same map for the ports.
CustomSpec read_custom_fabric(MapReader& map);

}  // namespace planewise::spec
