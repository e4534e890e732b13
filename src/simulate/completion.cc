#include "simulate/completion.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace planewise::simulate {
namespace {

constexpr Seconds kFirstBucket = Seconds::from_base(1e-9);
const double kLogOfWidth = std::log1p(1e-3);

std::size_t bucket_of(Seconds time) {
  if (time <= kFirstBucket) return 0;
  return static_cast<std::size_t>(std::log(time.in(kFirstBucket)) / kLogOfWidth);
}

/// The middle of a bucket on the logarithmic scale.
Seconds middle_of(std::size_t bucket) {
  return kFirstBucket * std::exp((static_cast<double>(bucket) + 0.5) * kLogOfWidth);
}

}  // namespace

void LogHistogram::add(Seconds time, std::int64_t count) {
  const std::size_t bucket = bucket_of(time);
  if (bucket >= buckets_.size()) buckets_.resize(bucket + 1);
  buckets_[bucket] += count;
  shortest_ = count_ == 0 ? time : std::min(shortest_, time);
  longest_ = std::max(longest_, time);
  count_ += count;
}

Seconds LogHistogram::percentile(double share) const {
  PW_CHECK(count_ > 0);
  const auto wanted = static_cast<std::int64_t>(std::ceil(share * static_cast<double>(count_)));
  std::int64_t seen = 0;
  std::size_t bucket = 0;
  while (bucket + 1 < buckets_.size() && (seen += buckets_[bucket]) < wanted) ++bucket;
  return std::clamp(middle_of(bucket), shortest_, longest_);
}

void Completion::run_began(const System& system) {
  system_ = &system;
  line_of_ = first_of_name(*system.program);
  histograms_.assign(system.program->labels.size(), {});
}

void Completion::flow_ended(const FlowEvent& flow) {
  const SystemTransfer& transfer = system_->transfers[static_cast<std::size_t>(flow.transfer)];
  const int line = line_of_[static_cast<std::size_t>(transfer.label)];
  histograms_[static_cast<std::size_t>(line)].add(flow.ended - flow.requested,
                                                  system_->flow_count(flow.flow));
}

std::vector<LabelCompletion> Completion::by_label() const {
  std::vector<LabelCompletion> labels;
  for (std::size_t label = 0; label < histograms_.size(); ++label) {
    const LogHistogram& times = histograms_[label];
    if (times.count() == 0) continue;
    labels.push_back({.label = system_->program->labels[label].name,
                      .flows = times.count(),
                      .p50 = times.percentile(0.5),
                      .p90 = times.percentile(0.9),
                      .p99 = times.percentile(0.99),
                      .longest = times.longest()});
  }
  return labels;
}

}  // namespace planewise::simulate
