// One expert exchange by itself, as benchmarks of its kernels time it.
#pragma once

#include "base/units.h"
#include "spec/profile.h"
#include "workload/placement.h"
#include "workload/program.h"
#include "workload/traffic.h"

namespace planewise::workload {

/// A step in which every rank of `moe` dispatches once, and nothing else. Combine sends the same
/// flows the other way, which takes as long on links of equal directions.
///
/// Requires that `moe.ranks` are 0 to placement's last.
Program exchange_program(const MoeTraffic& moe, const Placement& placement,
                         const spec::CollectiveCurve& curve);

/// What DeepEP prints for an exchange that takes `time`: each token counted once for each of its
/// nodes, its own included. Source: github deepseek-ai/DeepEP, tests/test_internode.py.
Rate logical_rate(const MoeTraffic& moe, Seconds time);

}  // namespace planewise::workload
