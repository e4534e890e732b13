#include "workload/cached_lengths.h"

#include <algorithm>

#include "base/random.h"

namespace planewise::workload {
namespace {

constexpr std::uint64_t kOfLengths = 0x1e9575;  // Apart from the experts' popularity.

/// A sequence's tokens: the kind that `share` falls on, `along` the way to its end.
double cached(const std::vector<spec::RequestKind>& requests, double iterations, double share,
              double along) {
  double passed = share * iterations;
  const spec::RequestKind* kind = &requests.back();
  for (const spec::RequestKind& candidate : requests) {
    passed -= candidate.share * static_cast<double>(candidate.output_length);
    if (passed >= 0) continue;
    kind = &candidate;
    break;
  }
  return static_cast<double>(kind->prompt_length) +
         along * static_cast<double>(kind->output_length);
}

}  // namespace

double most_cached(const std::vector<spec::RequestKind>& requests, const CachedDraw& draw) {
  const spec::MeanRequest mean = spec::mean_request(requests);
  if (draw.replicas < 2) return mean.cached;
  Random random(fold_bits(mix_bits(draw.seed), kOfLengths));
  double most = 0;
  for (std::int64_t replica = 0; replica < draw.replicas; ++replica) {
    double sum = 0;
    for (std::int64_t i = 0; i < draw.sequences; ++i) {
      const double share = random.uniform();
      sum += cached(requests, mean.output, share, random.uniform());
    }
    most = std::max(most, sum / static_cast<double>(draw.sequences));
  }
  return std::max(most, mean.cached);
}

}  // namespace planewise::workload
