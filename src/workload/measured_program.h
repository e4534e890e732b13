// An operation that was timed between ranks, once more as a program to be simulated.
#pragma once

#include <optional>
#include <string>

#include "spec/exchanges.h"
#include "spec/profile.h"
#include "spec/traffic.h"
#include "workload/collectives.h"
#include "workload/placement.h"
#include "workload/program.h"

namespace planewise::workload {

/// Ranks of all groups of the exchange together.
int rank_count(const spec::MeasuredExchange& exchange);

/// Why the exchange cannot be simulated again; empty if it can.
std::string replay_problem(const spec::MeasuredExchange& exchange);

/// Whether it goes in the node first and along the rails then, for which nodes must be full.
bool is_hierarchical(const spec::MeasuredExchange& exchange);

/// The profile's collective that stands for it: `all_to_all` ... `point_to_point`, `ep_dispatch`.
/// Padded and exact tokens are an all_to_all.
std::string collective_id(const spec::MeasuredExchange& exchange);

/// Whether a group lies in one node.
spec::Reach reach_of(const spec::MeasuredExchange& exchange);

/// The groups, of ranks that lie node after node. Pipeline: rank r and the one half of all ranks
/// further on.
RankGroups groups_of(const spec::MeasuredExchange& exchange);

/// The step that stands for one time. all_to_all, all_gather and reduce_scatter go directly from
/// each rank to every other; all_reduce is a ring, over several nodes hierarchical; broadcast a
/// chain of eight chunks. Tokens that are padded or exact: an all-to-all of the mean over the pairs
/// of what the busiest rank sends. Low-latency kernels: an all-to-all of each token to each of its
/// experts, which are spread evenly.
///
/// Requires: replay_problem() is empty; not of tokens over two hops.
spec::TrafficStep step_of(const spec::MeasuredExchange& exchange, const spec::ExchangeTime& time);

/// What a rank sends: what the pieces of the curve go by.
Bytes sent_by_rank(const spec::MeasuredExchange& exchange, const spec::ExchangeTime& time);

/// Its program. Tokens over two hops are a balanced exchange (exchange_program.h). `curve` holds
/// for this size. Requires: replay_problem() is empty, and as many ranks in `placement`.
Program measured_program(const spec::MeasuredExchange& exchange, const spec::ExchangeTime& time,
                         const Placement& placement, const spec::CollectiveCurve& curve);

}  // namespace planewise::workload
