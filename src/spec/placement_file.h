// Which GPU runs which rank, as a file says it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "spec/input_error.h"

namespace planewise::spec {

struct PlacementFile {
  Origin origin{};
  /// [rank] Its GPU: node * GPUs a node + index in the node.
  std::vector<std::int64_t> gpu_of_rank{};
};

/// Reads a CSV of `rank,gpu`: each of `ranks` ranks once, in any order, no GPU twice. Reports every
/// mistake with its place.
PlacementFile read_placement(const std::string& path, std::int64_t ranks, Diagnostics& diagnostics);

}  // namespace planewise::spec
