// Every pair of ranks by itself, before hours are spent: a slow NIC, a wrong rail, a cable.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "calibration/comm/cluster.h"
#include "calibration/comm/transport.h"
#include "spec/hosts.h"

namespace planewise::calibration {

/// Which way a pair has between its GPUs.
enum class PathClass : std::uint8_t {
  nvlink,       ///< In a node.
  rail,         ///< The same place on two nodes, as far as known on one leaf.
  cross_rail,   ///< Different places: over NVLink and a rail (PXN), or over a spine.
  cross_leaf,   ///< The same place on two nodes on different leaves.
  cross_plane,  ///< NICs on planes without a way between them.
};
const std::string& to_string(PathClass path);

/// Without `hosts` only nvlink, rail and cross_rail are told apart.
PathClass path_class(const Cluster& cluster, const spec::HostsSpec* hosts, int a, int b);

struct PairTime {
  int a = 0;
  int b = 0;
  PathClass path = PathClass::nvlink;
  Seconds latency{};            ///< Of the small message, both ways at once.
  Rate rate{};                  ///< Of the large one, each way.
  std::optional<Rate> alone{};  ///< Of the large one with all other pairs at rest.
};

/// What is wrong with pairs, as far as their times tell.
struct PairFinding {
  int rank = -1;  ///< What all its slow pairs have in common; -1: a pair, or a NIC.
  std::string text{};
};

struct PairOptions {
  Bytes small{bytes(8)};
  Bytes large{bytes(1 << 22)};
  int iterations = 5;
  int rounds_most = 128;  ///< Of more ranks a sample.
};

/// Rounds in which every rank meets another one, by the circle method; over all of them every pair
/// once, of ranks 0 to `ranks` - 1. Shape: [round][rank], -1: at rest.
std::vector<std::vector<int>> pair_rounds(int ranks);

/// Times pairs: all of a round at once, so that all NICs are busy; then the slow ones alone. On
/// rank 0; elsewhere nothing.
std::vector<PairTime> measure_pairs(Store& store, Transport& transport, const Cluster& cluster,
                                    const spec::HostsSpec* hosts, const PairOptions& options);

/// Pairs below four fifths of the median rate of their class, or above twice its median latency; by
/// rank where half or more of a rank's pairs are. And NICs that several ranks of a node share.
std::vector<PairFinding> judge_pairs(const std::vector<PairTime>& pairs, const Cluster& cluster);

}  // namespace planewise::calibration
