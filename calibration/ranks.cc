#include "calibration/ranks.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <csignal>

#include "calibration/comm/discovery.h"
#include "calibration/launch/mpi.h"
#include "calibration/launch/spawn.h"
#include "print/interrupts.h"
#include "print/program.h"
#include "spec/input_error.h"

namespace planewise::calibration {
namespace {

/// A mistake of the launcher, as run_program() would say it.
int refuse(const LaunchProblem& problem) {
  fmt::print(stderr, "planewise-calibrate: {}\n  {}\n", problem.message, problem.hint);
  return kUsage;
}

int spawn(const RankOptions& options) {
  if (options.backend == BackendKind::cuda) {
    if (const std::string problem = nccl_problem(options.spawn); !problem.empty()) {
      fmt::print(stderr, "planewise-calibrate: {}; --backend host exchanges over sockets\n",
                 problem);
      return kMachine;
    }
  }
  const SpawnResult result =
      spawn_ranks(own_arguments(), {.ranks = options.spawn, .grace = options.timeout + 5});
  for (const std::string& problem : result.problems) {
    fmt::print(stderr, "planewise-calibrate: {}\n", problem);
  }
  return result.exit_code;
}

/// Null after saying why there is none.
std::unique_ptr<Transport> transport_of(const RankOptions& options, const World& world,
                                        Store& store) {
  const TransportOptions transport{.timeout = options.timeout};
  if (options.backend == BackendKind::host) return make_socket_transport(store, transport);
  auto made = make_nccl_transport(store, world.local_rank, transport);
  if (auto* nccl = std::get_if<std::unique_ptr<Transport>>(&made)) return std::move(*nccl);
  throw std::runtime_error(std::get<NotMeasured>(made).reason +
                           "; --backend host exchanges over sockets");
}

RankPlace own_place(const RankOptions& options, const World& world, Transport& transport) {
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  RankPlace place = find_place(transport.gpu_bus(), SystemFolders{});
  place.host = host.data();
  if (options.node_size > 0) place.host += fmt::format("/{}", world.local_rank / options.node_size);
  return place;
}

int run_rank(const RankOptions& options, const World& world, Store& store,
             const std::function<int(Session&)>& body) {
  const std::unique_ptr<Transport> transport = transport_of(options, world, store);
  const Cluster cluster = find_cluster(store, own_place(options, world, *transport));
  Session session{.world = world, .store = store, .transport = *transport, .cluster = cluster};
  // The others must hear why before they see connections close.
  try {
    const int code = body(session);
    store.barrier();  // nobody goes while others still need it
    return code;
  } catch (const PeerFailed& failure) {
    store.give_up(failure.what());
    throw;
  } catch (const std::exception& problem) {
    store.give_up(fmt::format("rank {}: {}", world.rank, problem.what()));
    throw;
  }
}

}  // namespace

bool is_one_of_several(const RankOptions& options) {
  if (options.spawn > 1) return true;
  const auto found = discover_world(process_variables());
  const World* world = std::get_if<World>(&found);
  return world == nullptr || world->size > 1;
}

int run_ranks(const RankOptions& options, const std::function<int(Session&)>& body) {
  if (options.spawn > 1 && !is_spawned()) return spawn(options);
  Variables variables = process_variables();
  add_address_by_mpi(variables);
  const auto found = discover_world(variables);
  if (const auto* problem = std::get_if<LaunchProblem>(&found)) return refuse(*problem);
  const World& world = std::get<World>(found);
  Store store(world, {.start_timeout = options.start_timeout,
                      .timeout = options.timeout,
                      .listener = inherited_listener()});
  // Ctrl-C on a terminal goes to all ranks; rank 0 stops the others, once its point is whole.
  if (world.rank != 0) std::signal(SIGINT, SIG_IGN);
  try {
    return run_rank(options, world, store, body);
  } catch (const PeerFailed& failure) {
    // Who found it out says so; rank 0 does in any case.
    if (failure.is_relayed() && world.rank != 0) return kMachine;
    throw std::runtime_error(fmt::format("rank {}: {}", world.rank, failure.what()));
  } catch (const Interrupted&) {
    throw;
  } catch (const spec::InputError&) {
    if (world.rank == 0) throw;
    return kInput;
  } catch (const std::exception& problem) {
    store.give_up(fmt::format("rank {}: {}", world.rank, problem.what()));  // before the body ran
    if (world.size == 1) throw;
    throw std::runtime_error(fmt::format("rank {}: {}", world.rank, problem.what()));
  }
}

}  // namespace planewise::calibration
