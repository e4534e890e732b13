#include "simulate/system.h"

#include <algorithm>
#include <numeric>

#include "base/check.h"

namespace planewise::simulate {
namespace {

/// Renumbers the router's links so that only those on a path are left, in order of first use.
class LinkTable {
 public:
  LinkTable(const fabric::Router& router, System& system)
      : router_(router), system_(system), index_(router.links().size(), -1) {}

  std::int32_t index_of(std::int32_t router_link) {
    std::int32_t& index = index_[static_cast<std::size_t>(router_link)];
    if (index < 0) {
      index = static_cast<std::int32_t>(system_.links.size());
      const fabric::Link& link = router_.links()[static_cast<std::size_t>(router_link)];
      system_.links.push_back(
          {.capacity = link.capacity, .kind = link.kind, .router_link = router_link});
    }
    return index;
  }

 private:
  const fabric::Router& router_;
  System& system_;
  std::vector<std::int32_t> index_;
};

}  // namespace

System make_system(const workload::Program& program, const workload::Placement& placement,
                   const fabric::Router& router, std::uint64_t seed) {
  System system;
  system.program = &program;
  system.rank_of.resize(static_cast<std::size_t>(program.rank_count()));
  std::iota(system.rank_of.begin(), system.rank_of.end(), 0);
  system.rank_weight.assign(system.rank_of.size(), 1);
  system.class_of = system.rank_of;
  LinkTable links(router, system);
  for (const workload::Transfer& transfer : program.transfers) {
    const auto begin = static_cast<std::int32_t>(system.flows.size());
    for (const workload::RankFlow& flow : transfer.flows) {
      const auto gpu = [&](int rank) {
        return placement.gpu_of_rank[static_cast<std::size_t>(rank)];
      };
      const fabric::FlowKey key{.seed = seed, .queue = static_cast<std::uint64_t>(transfer.label)};
      const fabric::Route route = router.route(gpu(flow.source), gpu(flow.destination), key);
      const auto path_begin = static_cast<std::int32_t>(system.paths.size());
      for (const std::int32_t link : route.links) system.paths.push_back(links.index_of(link));
      system.flows.push_back({.source = flow.source,
                              .destination = flow.destination,
                              .size = flow.size,
                              .latency = transfer.latency + route.latency,
                              .path_begin = path_begin,
                              .path_end = static_cast<std::int32_t>(system.paths.size())});
    }
    std::stable_sort(
        system.flows.begin() + begin, system.flows.end(),
        [](const SystemFlow& a, const SystemFlow& b) { return a.latency < b.latency; });
    system.transfers.push_back({.label = transfer.label,
                                .members = transfer.members,
                                .flow_begin = begin,
                                .flow_end = static_cast<std::int32_t>(system.flows.size()),
                                .tail = transfer.tail});
  }
  return system;
}

}  // namespace planewise::simulate
