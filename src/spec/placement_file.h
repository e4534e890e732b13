// Which GPU runs which rank, as a file says it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "spec/input_error.h"

namespace planewise::spec {

/// Reads a CSV of `rank,gpu`: each of `ranks` ranks once, in any order, no GPU twice. Returns
/// [rank] its GPU (node * GPUs a node + index in the node). Reports every mistake with its place.
std::vector<std::int64_t> read_placement(const std::string& path, std::int64_t ranks,
                                         Diagnostics& diagnostics);

}  // namespace planewise::spec
