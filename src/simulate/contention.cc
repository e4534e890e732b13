#include "simulate/contention.h"

#include <algorithm>
#include <limits>

namespace planewise::simulate {
namespace {

constexpr Seconds kNever = Seconds::from_base(std::numeric_limits<double>::infinity());

/// What some flows put on every link; only touched links are looked at and cleared.
class LinkSums {
 public:
  explicit LinkSums(std::size_t links) : bytes_(links), latency_(links, kNever) {}

  void add(const System& system, const SystemFlow& flow) {
    for (const std::int32_t link : system.path(flow)) {
      const auto l = static_cast<std::size_t>(link);
      if (latency_[l] == kNever) touched_.push_back(l);
      bytes_[l] += flow.size * flow.weight;
      latency_[l] = std::min(latency_[l], flow.latency);
    }
  }
  /// Until `link` could have carried all of it.
  Seconds time(const System& system, std::size_t link) const {
    return latency_[link] + bytes_[link] / system.links[link].capacity;
  }
  const std::vector<std::size_t>& touched() const { return touched_; }
  void clear() {
    for (const std::size_t link : touched_) {
      bytes_[link] = Bytes{};
      latency_[link] = kNever;
    }
    touched_.clear();
  }

 private:
  std::vector<Bytes> bytes_;
  std::vector<Seconds> latency_;
  std::vector<std::size_t> touched_;
};

struct Slowest {
  Seconds time{};
  std::optional<fabric::LinkKind> kind{};
};

/// The slowest of `links` under `sums`.
Slowest slowest_link(const System& system, const LinkSums& sums,
                     const std::vector<std::size_t>& links) {
  Slowest slowest;
  for (const std::size_t link : links) {
    const Seconds time = sums.time(system, link);
    if (time > slowest.time) slowest = {time, system.links[link].kind};
  }
  return slowest;
}

}  // namespace

void find_bounds(System& system) {
  LinkSums of_label(system.links.size());
  LinkSums of_transfer(system.links.size());
  const auto flows_of = [&](const SystemTransfer& transfer) {
    return std::span(system.flows)
        .subspan(static_cast<std::size_t>(transfer.flow_begin),
                 static_cast<std::size_t>(transfer.flow_end - transfer.flow_begin));
  };
  for (int label = 0; label < static_cast<int>(system.program->labels.size()); ++label) {
    for (const SystemTransfer& transfer : system.transfers) {
      if (transfer.label != label) continue;
      for (const SystemFlow& flow : flows_of(transfer)) of_label.add(system, flow);
    }
    for (SystemTransfer& transfer : system.transfers) {
      if (transfer.label != label) continue;
      Seconds latency{};
      for (const SystemFlow& flow : flows_of(transfer)) {
        of_transfer.add(system, flow);
        latency = std::max(latency, flow.latency);
      }
      const Slowest alone = slowest_link(system, of_transfer, of_transfer.touched());
      const Slowest together = slowest_link(system, of_label, of_transfer.touched());
      transfer.bound = {.alone = std::max(latency, alone.time) + transfer.tail,
                        .together = std::max(latency, together.time) + transfer.tail,
                        .alone_by = alone.kind,
                        .together_by = together.kind};
      of_transfer.clear();
    }
    of_label.clear();
  }
}

void TransferTimes::run_began(const System& system) {
  system_ = &system;
  sums_.assign(system.transfers.size(), {});
}

void TransferTimes::transfer_ended(const TransferEnd& end) {
  const auto transfer = static_cast<std::size_t>(end.transfer);
  Sum& sum = sums_[transfer];
  const Seconds time = end.ended - end.started + system_->transfers[transfer].tail;
  sum.times += 1;
  sum.total += time;
  sum.longest = std::max(sum.longest, time);
}

std::vector<LabelTimes> TransferTimes::by_label() const {
  const std::vector<int> line_of = first_of_name(*system_->program);
  std::vector<LabelTimes> labels;
  for (int label = 0; label < static_cast<int>(system_->program->labels.size()); ++label) {
    LabelTimes times{.label = system_->program->labels[static_cast<std::size_t>(label)].name};
    for (std::size_t t = 0; t < sums_.size(); ++t) {
      const SystemTransfer& transfer = system_->transfers[t];
      const Sum& sum = sums_[t];
      const int line = line_of[static_cast<std::size_t>(transfer.label)];
      if (line != label || sum.times == 0) continue;
      const auto count = static_cast<double>(transfer.count);
      const double weight = count * static_cast<double>(sum.times);
      times.transfers += transfer.count * sum.times;
      times.alone += transfer.bound.alone * weight;
      times.together += transfer.bound.together * weight;
      times.mean += sum.total * count;
      if (sum.longest <= times.longest && times.bound_by) continue;
      times.longest = std::max(times.longest, sum.longest);
      times.bound_by = transfer.bound.together_by;
    }
    if (times.mean == Seconds{}) continue;
    const auto transfers = static_cast<double>(times.transfers);
    times.alone = times.alone / transfers;
    times.together = times.together / transfers;
    times.mean = times.mean / transfers;
    labels.push_back(std::move(times));
  }
  return labels;
}

}  // namespace planewise::simulate
