// The maps of an inference workload's file, each read by itself.
#pragma once

#include <vector>

#include "spec/inference.h"
#include "spec/yaml_reader.h"

namespace planewise::spec {

/// The list `requests`, whose shares add up to 1; of a single kind the share may be left out.
std::vector<RequestKind> read_requests(MapReader& root);
DecodeSpec read_decode(MapReader map);
PrefillSpec read_prefill(MapReader map);

}  // namespace planewise::spec
