// The maps of a training workload's file, each read by itself.
#pragma once

#include <string>

#include "spec/job.h"
#include "spec/yaml_reader.h"

namespace planewise::spec {

/// `micro_batches`, or `global_batch` sequences over the replicas of `parallel`, which is read
/// before.
BatchSpec read_batch(MapReader& map, const ParallelSpec& parallel, bool parallel_is_known);
ParallelSpec read_parallel(MapReader& map, Schedule schedule);
MoeRoutingSpec read_routing(MapReader map);
OptimizerSpec read_optimizer(MapReader map);
OverlapSpec read_overlap(MapReader map);

Schedule read_schedule(MapReader& map, std::string_view key);
Precision read_precision(MapReader& map, std::string_view key);
Recomputation read_recomputation(MapReader& map, std::string_view key);

}  // namespace planewise::spec
