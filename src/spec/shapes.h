// The keys of `fabric:` that differ from family to family, and what of a family cannot be built.
#pragma once

#include "spec/topology.h"
#include "spec/yaml_reader.h"

namespace planewise::spec {

/// Most endpoints of a fabric, and most switches: links are numbered with 31 bits, which leaves
/// room for eight kinds of link an endpoint.
inline constexpr std::int64_t kMostEndpoints = 10'000'000;

/// Reads `family`, `as_printed` and the family's own keys. A key of another family is a mistake.
void read_shape(FabricSpec& fabric, MapReader& map);

/// Checks of one family that need the radix. `map` is that of `fabric:`; requires that the family
/// was read well. A mistake names the nearest that can be built.
void check_shape(const FabricSpec& fabric, MapReader& map);

}  // namespace planewise::spec
