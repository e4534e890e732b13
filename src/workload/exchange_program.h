// One expert exchange by itself, as benchmarks of its kernels time it.
#pragma once

#include "base/units.h"
#include "spec/profile.h"
#include "workload/placement.h"
#include "workload/program.h"
#include "workload/token_routing.h"

namespace planewise::workload {

/// One exchange of a group of ranks 0 to its last.
struct BalancedExchange {
  int ranks = 1;
  double tokens = 0;  ///< On each rank.
  BalancedChoice choice{};
  double bytes_per_token = 0;  ///< Payload, scales included.
};

/// A step in which every rank dispatches once, and nothing else. Combine sends the same
/// flows the other way, which takes as long on links of equal directions.
///
/// Requires as many ranks in `placement`.
Program exchange_program(const BalancedExchange& exchange, const Placement& placement,
                         const spec::CollectiveCurve& curve);

/// What DeepEP prints for an exchange that takes `time`: each token counted once for each of its
/// nodes, its own included. Source: github deepseek-ai/DeepEP, tests/test_internode.py.
Rate logical_rate(const BalancedExchange& exchange, Seconds time);

}  // namespace planewise::workload
