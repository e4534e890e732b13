// How many tokens the sequences of a decode unit have cached: not the same on every rank.
#pragma once

#include <cstdint>
#include <vector>

#include "spec/inference.h"

namespace planewise::workload {

struct CachedDraw {
  std::int64_t sequences = 1;  ///< Of a replica in one micro-batch.
  std::int64_t replicas = 1;   ///< That wait for each other.
  std::uint64_t seed = 1;
};

/// Mean tokens cached of a sequence of the replica that has the most, of so many. Each sequence is
/// of a kind by its share of all iterations and anywhere between its prompt and its end. Of one
/// replica, and where nothing is drawn apart, that is spec::mean_request's.
double most_cached(const std::vector<spec::RequestKind>& requests, const CachedDraw& draw);

}  // namespace planewise::workload
