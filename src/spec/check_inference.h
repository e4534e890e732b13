// Checks of an inference workload against its model and the topology. Each mistake points at the
// key of the workload that has to change. All require that the files by themselves were read
// without a mistake.
#pragma once

#include "spec/read.h"

namespace planewise::spec {

/// The units' ranks fill with the model's heads and experts, and the model can make the drafts.
void check_inference_and_model(const InferenceSpec& spec, const ModelSpec& model,
                               Diagnostics& diagnostics);

/// The topology has a GPU for each rank, of both units if they are apart, and its routing can be
/// simulated.
void check_inference_and_topology(const InferenceSpec& spec, const TopologySpec& topology,
                                  Diagnostics& diagnostics);

}  // namespace planewise::spec
