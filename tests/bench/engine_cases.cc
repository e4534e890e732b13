#include "bench/engine_cases.h"

#include <chrono>
#include <cmath>
#include <utility>

#include "base/check.h"
#include "base/random.h"
#include "fabric/fabric.h"
#include "fabric/make_topology.h"
#include "fabric/router.h"

namespace planewise::bench {
namespace {

constexpr int kGroupGpus = 64;
constexpr int kNodeGpus = 8;
constexpr int kGroupNodes = kGroupGpus / kNodeGpus;

constexpr Bytes kRailSize = bytes(14.68e6);
constexpr Bytes kNvlinkSize = bytes(25.7e6);
constexpr Bytes kDirectSize = bytes(3.67e6);

/// Routes flows and draws their sizes.
class TrafficBuilder {
 public:
  TrafficBuilder(const spec::TopologySpec& topology, double size_spread, std::uint64_t seed)
      : router_(fabric::lay_out(topology), topology.fabric.routing),
        size_spread_(size_spread),
        seed_(seed),
        random_(seed) {
    for (const fabric::Link& link : router_.links()) traffic_.capacities.push_back(link.capacity);
  }

  void add(std::int64_t source, std::int64_t destination, Bytes size) {
    const fabric::Route route = router_.route(source, destination, {.seed = seed_});
    traffic_.hops.insert(traffic_.hops.end(), route.links.begin(), route.links.end());
    traffic_.first_hop.push_back(static_cast<std::uint32_t>(traffic_.hops.size()));
    const double share = 1 + size_spread_ * (2 * random_.uniform() - 1);
    traffic_.sizes.push_back(bytes(std::floor(size.base() * (size_spread_ > 0 ? share : 1))));
  }
  void reserve(std::size_t flows, std::size_t hops_each) {
    traffic_.sizes.reserve(flows);
    traffic_.first_hop.reserve(flows + 1);
    traffic_.hops.reserve(flows * hops_each);
  }
  Traffic take() { return std::move(traffic_); }

 private:
  fabric::Router router_;
  double size_spread_;
  std::uint64_t seed_;
  Random random_;
  Traffic traffic_;
};

using AddFlow = std::function<void(int source, int destination, Bytes size)>;

/// The flows of one dispatch within a group whose first rank is `first`.
void visit_node_limited(int first, const AddFlow& add) {
  for (int rank = 0; rank < kGroupGpus; ++rank) {
    const int node = rank / kNodeGpus;
    const int rail = rank % kNodeGpus;
    for (int other = 0; other < kGroupNodes; ++other) {
      if (other != node) add(first + rank, first + other * kNodeGpus + rail, kRailSize);
    }
    for (int local = 0; local < kNodeGpus; ++local) {
      if (local != rail) add(first + rank, first + node * kNodeGpus + local, kNvlinkSize);
    }
  }
}

void visit_direct(int first, const AddFlow& add) {
  for (int rank = 0; rank < kGroupGpus; ++rank) {
    for (int other = 0; other < kGroupGpus; ++other) {
      if (other != rank) add(first + rank, first + other, kDirectSize);
    }
  }
}

using VisitGroup = void (*)(int first, const AddFlow& add);

Traffic groups(const GroupOptions& options, VisitGroup visit) {
  PW_CHECK(options.gpus % kGroupGpus == 0);
  TrafficBuilder builder(group_fabric(options.gpus, spec::Routing::ecmp), options.size_spread,
                         options.seed);
  const workload::Placement placement = place_groups(options.gpus, options.layout);
  for (int first = 0; first < options.gpus; first += kGroupGpus) {
    visit(first, [&](int source, int destination, Bytes size) {
      const auto gpu = [&](int rank) {
        return placement.gpu_of_rank[static_cast<std::size_t>(rank)];
      };
      builder.add(gpu(source), gpu(destination), size);
    });
  }
  return builder.take();
}

/// Every rank does `steps`; label l is an exchange within each group.
workload::Program group_program(std::int64_t gpus, std::vector<workload::Step> steps,
                                const std::vector<workload::Label>& labels, VisitGroup visit) {
  PW_CHECK(gpus % kGroupGpus == 0);
  workload::Program program;
  program.blocks = {{.name = "compute", .time = microseconds(200)}};
  program.labels = labels;
  program.stage_of_rank.assign(static_cast<std::size_t>(gpus), 0);
  program.stages = {{.chunks = {{.name = "all", .steps = std::move(steps)}},
                     .slots = {{workload::Phase::forward_1f, 0}}}};
  for (int label = 0; label < static_cast<int>(labels.size()); ++label) {
    for (int first = 0; first < gpus; first += kGroupGpus) {
      workload::Transfer transfer{.label = label};
      for (int rank = 0; rank < kGroupGpus; ++rank) transfer.members.push_back(first + rank);
      visit(first, [&](int source, int destination, Bytes size) {
        transfer.flows.push_back({source, destination, size});
      });
      program.transfers.push_back(std::move(transfer));
    }
  }
  return program;
}

using Clock = std::chrono::steady_clock;

Seconds since(Clock::time_point start) {
  return seconds(std::chrono::duration<double>(Clock::now() - start).count());
}

/// Thrown through run() when the time is over.
struct TimeIsOver {};

}  // namespace

std::int64_t Traffic::held_bytes() const {
  return static_cast<std::int64_t>(
      capacities.size() * sizeof(Rate) + hops.size() * sizeof(engine::LinkId) +
      first_hop.size() * sizeof(std::uint32_t) + sizes.size() * sizeof(Bytes));
}

spec::TopologySpec group_fabric(std::int64_t gpus, spec::Routing routing) {
  return test::make_topology({.family = spec::Family::mpft,
                              .planes = kNodeGpus,
                              .radix = gpus <= 16'384 ? 64 : 128,
                              .nodes = gpus / kNodeGpus,
                              .gpus = kNodeGpus,
                              .routing = routing});
}

Traffic node_limited(const GroupOptions& options) { return groups(options, visit_node_limited); }

Traffic direct_in_groups(const GroupOptions& options) { return groups(options, visit_direct); }

Traffic all_to_all(const AllToAllOptions& options) {
  TrafficBuilder builder(test::make_topology({.nodes = options.ranks, .gpus = 1}),
                         options.size_spread, options.seed);
  const auto ranks = static_cast<std::size_t>(options.ranks);
  builder.reserve(ranks * (ranks - 1), 4);
  for (int source = 0; source < options.ranks; ++source) {
    for (int destination = 0; destination < options.ranks; ++destination) {
      if (destination != source) builder.add(source, destination, options.size);
    }
  }
  return builder.take();
}

workload::Program dispatch_and_combine(std::int64_t gpus, int layers) {
  std::vector<workload::Step> steps;
  for (int layer = 0; layer < layers; ++layer) {
    steps.push_back({workload::StepKind::exchange, 0});
    steps.push_back({workload::StepKind::compute, 0});
    steps.push_back({workload::StepKind::exchange, 1});
  }
  return group_program(gpus, std::move(steps), {{.name = "dispatch"}, {.name = "combine"}},
                       visit_direct);
}

workload::Program one_all_to_all(int ranks) {
  workload::Program program;
  program.labels = {{.name = "all-to-all"}};
  program.stage_of_rank.assign(static_cast<std::size_t>(ranks), 0);
  program.stages = {{.chunks = {{.name = "all", .steps = {{workload::StepKind::exchange, 0}}}},
                     .slots = {{workload::Phase::forward_1f, 0}}}};
  workload::Transfer transfer{
      .all_pairs = workload::AllPairs{.in_node = bytes(1 << 20), .between_nodes = bytes(1 << 20)}};
  for (int rank = 0; rank < ranks; ++rank) transfer.members.push_back(rank);
  program.transfers = {transfer};
  return program;
}

workload::Program one_dispatch(std::int64_t gpus) {
  return group_program(gpus, {{workload::StepKind::exchange, 0}}, {{.name = "dispatch"}},
                       visit_node_limited);
}

workload::Placement place_groups(std::int64_t gpus, Layout layout) {
  return layout == Layout::packed ? workload::place_in_order(gpus, kNodeGpus)
                                  : workload::place_apart(gpus, kGroupGpus, kNodeGpus);
}

Played play(const Traffic& traffic, const MakeEngine& make_engine, Seconds limit) {
  Played played;
  played.ends.resize(traffic.flow_count());
  const auto start = Clock::now();
  Seconds first_event{};
  Seconds last_look{};
  double next_look = 1;
  std::unique_ptr<engine::Engine> engine;
  const auto on_flow = [&](engine::FlowId flow) {
    played.ends[flow] = engine->now();
    if (++played.events < next_look) return;
    // A look at the clock costs as much as a small event: many events a look, unless they are slow.
    const Seconds time = since(start);
    if (played.events == 1) first_event = time;
    if (time > limit) throw TimeIsOver{};
    next_look += time - last_look > milliseconds(10) ? 1 : 100;
    last_look = time;
  };
  engine = make_engine(traffic.capacities, {.on_flow = on_flow, .on_timer = {}});
  for (std::size_t flow = 0; flow < traffic.flow_count(); ++flow) {
    engine->start_flow({.id = flow, .path = traffic.path(flow), .size = traffic.sizes[flow]});
  }
  try {
    played.complete = engine->run();
  } catch (const TimeIsOver&) {
  }
  played.wall = since(start);
  const bool after_first = !played.complete && played.events >= 2;
  const double counted = played.events - (after_first ? 1 : 0);
  const Seconds running = played.wall - (after_first ? first_event : Seconds{});
  played.events_per_second = counted / running.base();
  played.statistics = engine->statistics();
  return played;
}

}  // namespace planewise::bench
