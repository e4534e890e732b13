#include "simulate/flow_sizes.h"

#include "workload/traffic.h"

namespace planewise::simulate {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }

}  // namespace

Bytes FlowSizes::start(int f, int transfer, std::int64_t before) {
  const SystemFlow& flow = system_.flows[at(f)];
  if (drawn_.empty()) return flow.size;
  const Bytes size = workload::drawn_size(flow.size, system_.program->size_spread,
                                          {.seed = system_.seed,
                                           .transfer = static_cast<std::uint64_t>(transfer),
                                           .source = flow.source,
                                           .destination = flow.destination,
                                           .start = before});
  drawn_[at(f)].total += size;
  drawn_[at(f)].last = size;
  return size;
}

Bytes FlowSizes::last(int f) const {
  return drawn_.empty() ? system_.flows[at(f)].size : drawn_[at(f)].last;
}

Bytes FlowSizes::total(int f, std::int64_t count) const {
  if (!drawn_.empty()) return drawn_[at(f)].total;
  return system_.flows[at(f)].size * static_cast<double>(count);
}

}  // namespace planewise::simulate
