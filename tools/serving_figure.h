// What of a simulated inference workload a published figure stands beside.
#pragma once

#include "report/serving.h"
#include "spec/figures.h"

namespace planewise::tools {

/// The point that `what` is of: the one of its sequences, or the operating point. Null if the run
/// has no such point.
const report::DecodePoint* point_of(const report::ServingReport& run,
                                    const spec::ours::Serving& what);

/// In base units. Requires: the run has what `what` asks for (serving_refusal).
double serving_value(const report::ServingReport& run, const spec::ours::Serving& what);

/// The key of the figure that asks for what the run does not have, and why; empty if it has it.
struct ServingRefusal {
  const char* key = "";
  std::string reason{};
};
ServingRefusal serving_refusal(const report::ServingReport& run, const spec::ours::Serving& what);

}  // namespace planewise::tools
