// A body that runs on every rank: started by a launcher, by --spawn, or alone.
#pragma once

#include <cstdint>
#include <functional>

#include "calibration/comm/cluster.h"
#include "calibration/comm/transport.h"

namespace planewise::calibration {

enum class BackendKind : std::uint8_t { cuda, host };

struct RankOptions {
  BackendKind backend = BackendKind::cuda;
  int spawn = 0;      ///< Start so many ranks here; 0: what the launcher started.
  int node_size = 0;  ///< Pretend that so many ranks of a host are a node; 0: do not.
  double timeout = 60;
  double start_timeout = 60;
};

/// What a rank has to measure with.
struct Session {
  const World& world;
  Store& store;
  Transport& transport;
  const Cluster& cluster;

  bool is_root() const { return world.rank == 0; }
};

/// Runs `body` on this rank once all ranks are connected, and returns its exit code. With `spawn`
/// this process starts the ranks, and returns theirs. What goes wrong on one rank stops all: it is
/// said by the rank that it happened to, and by rank 0.
int run_ranks(const RankOptions& options, const std::function<int(Session&)>& body);

/// Whether a launcher or --spawn makes this process one of several ranks.
bool is_one_of_several(const RankOptions& options);

}  // namespace planewise::calibration
