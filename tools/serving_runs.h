// Runs a loaded inference workload on one topology: its curve, operating point, prefill and the
// cache's transfer.
#pragma once

#include "report/serving.h"
#include "tools/load.h"
#include "tools/simulate_program.h"

namespace planewise::tools {

/// Throws Interrupted after Ctrl-C.
report::ServingReport simulate_serving(const LoadedInference& loaded, const PricedTopology& priced,
                                       const fabric::Fabric& fabric, const RunContext& context);

}  // namespace planewise::tools
