#include "simulate/system.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "base/check.h"
#include "base/random.h"
#include "workload/traffic.h"

namespace planewise::simulate {
namespace {

/// Links of a path from leaf to leaf.
constexpr std::size_t kUsualPathLength = 4;

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

/// Appends the flows of one RankFlow: one a queue pair, those of equal paths as one.
class FlowMaker {
 public:
  FlowMaker(const workload::Placement& placement, const fabric::Router& router,
            const SystemOptions& options, System& system)
      : placement_(placement),
        router_(router),
        options_(options),
        system_(system),
        links_(router, system) {
    if (!options.routes_at_start) return;
    for (std::size_t i = 0; i < router.links().size(); ++i) {
      links_.index_of(static_cast<std::int32_t>(i));
    }
  }

  void append(const workload::Transfer& transfer, const workload::RankFlow& flow) {
    const bool in_node = placement_.node(flow.source) == placement_.node(flow.destination);
    const int parts = in_node ? 1 : options_.queue_pairs;
    std::map<std::vector<std::int32_t>, std::size_t> flow_by_path;
    for (int part = 0; part < parts; ++part) {
      const fabric::Route route =
          router_.route(gpu(flow.source), gpu(flow.destination),
                        {.seed = options_.seed, .queue = queue_of(transfer.label, part)});
      if (parts > 1 && !options_.routes_at_start) {
        const auto [same, is_new] = flow_by_path.try_emplace(route.links, system_.flows.size());
        if (!is_new) {
          system_.flows[same->second].weight += 1;
          continue;
        }
      }
      const auto path_begin = static_cast<std::int32_t>(system_.paths.size());
      for (const std::int32_t link : route.links) system_.paths.push_back(links_.index_of(link));
      system_.flows.push_back({.source = flow.source,
                               .destination = flow.destination,
                               .size = flow.size / static_cast<double>(parts),
                               .latency = transfer.latency + route.latency,
                               .path_begin = path_begin,
                               .path_length = static_cast<std::int32_t>(route.links.size()),
                               .queue_pair = static_cast<std::int16_t>(part)});
    }
  }

 private:
  std::int64_t gpu(int rank) const {
    return placement_.gpu_of_rank[static_cast<std::size_t>(rank)];
  }

  const workload::Placement& placement_;
  const fabric::Router& router_;
  const SystemOptions& options_;
  System& system_;
  LinkTable links_;
};

}  // namespace

std::uint64_t queue_of(int label, int queue_pair) {
  const auto queue = static_cast<std::uint64_t>(label);
  return queue_pair == 0 ? queue : fold_bits(queue, static_cast<std::uint64_t>(queue_pair));
}

std::vector<int> first_of_name(const workload::Program& program) {
  std::map<std::string, int> first;
  std::vector<int> found;
  for (const workload::Label& label : program.labels) {
    const auto index = static_cast<int>(found.size());
    found.push_back(first.try_emplace(label.name, index).first->second);
  }
  return found;
}

System make_system(const workload::Program& program, const workload::Placement& placement,
                   const fabric::Router& router, const SystemOptions& options) {
  System system;
  system.program = &program;
  system.seed = options.seed;
  system.rank_of.resize(static_cast<std::size_t>(program.rank_count()));
  std::iota(system.rank_of.begin(), system.rank_of.end(), 0);
  system.rank_weight.assign(system.rank_of.size(), 1);
  system.class_of = system.rank_of;
  std::int64_t flow_count = 0;
  for (const workload::Transfer& transfer : program.transfers) {
    flow_count += workload::flow_count(transfer);
  }
  // Memory that is reserved but not used costs nothing; growing would copy all there is.
  system.flows.reserve(static_cast<std::size_t>(flow_count));
  system.paths.reserve(static_cast<std::size_t>(flow_count) * kUsualPathLength);
  FlowMaker maker(placement, router, options, system);
  for (const workload::Transfer& transfer : program.transfers) {
    const auto begin = static_cast<std::int32_t>(system.flows.size());
    workload::visit_flows(transfer, placement,
                          [&](const workload::RankFlow& flow) { maker.append(transfer, flow); });
    system.transfers.push_back({.label = transfer.label,
                                .members = transfer.members,
                                .flow_begin = begin,
                                .flow_end = static_cast<std::int32_t>(system.flows.size()),
                                .tail = transfer.tail});
  }
  return system;
}

}  // namespace planewise::simulate
