// What a traffic workload says: collectives and pauses, one after the other, without a model. Also
// what an htsim connection matrix says: flows by themselves.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/units.h"
#include "spec/group_layout.h"
#include "spec/input_error.h"

namespace planewise::spec {

/// Spelled as in YAML.
enum class Collective : std::uint8_t {
  all_to_all,
  all_reduce,
  reduce_scatter,
  all_gather,
  broadcast,  ///< From the first rank of each group.
  send,       ///< From one rank to another, in pairs.
};

/// How a collective is made of flows, spelled as in YAML.
enum class Algorithm : std::uint8_t {
  direct,        ///< Every rank to every other at once.
  node_limited,  ///< Along the rails to each other node, and beside it by NVLink in the node.
  two_hop,       ///< By NVLink to the GPU of the destination's rail, then along the rails.
  ring,          ///< From neighbour to neighbour.
  tree,          ///< A binary tree: rank i of a group is a child of rank (i - 1) / 2.
  hierarchical,  ///< In the node by NVLink, and rings along the rails.
};

std::string_view collective_word(Collective collective);
std::string_view algorithm_word(Algorithm algorithm);

struct RankPair {
  int from = 0;
  int to = 0;
};

/// One step of all ranks: a collective of every group at once, or a pause.
struct TrafficStep {
  std::string name{};
  bool is_compute = false;
  Seconds compute{};  ///< The pause; of a compute step only.
  Collective collective = Collective::all_to_all;
  Algorithm algorithm = Algorithm::direct;
  GroupLayout layout = GroupLayout::packed;
  int group = 0;                  ///< Ranks a group.
  Bytes size{};                   ///< all_to_all, send: of a pair; else a rank's whole buffer.
  Bytes nvlink_size{};            ///< node_limited: to each other GPU of the node.
  int chunks = 1;                 ///< Pieces that follow each other down a chain or tree.
  std::vector<RankPair> pairs{};  ///< send.
  std::string curve{};            ///< The profile's collective.
};

/// How a trigger of an htsim connection matrix fires, as planewise can drive it: once, when all the
/// flows that activate it have ended.
struct MatrixTrigger {
  std::vector<int> senders{};    ///< Flows that activate it when they are sent.
  std::vector<int> receivers{};  ///< The same, when they are received.
  std::vector<int> targets{};    ///< Flows that it starts.
};
struct MatrixFlow {
  int source = 0;
  int destination = 0;
  Bytes size{};
  Seconds start{};   ///< Of a flow without a trigger.
  int trigger = -1;  ///< Indexes into TrafficMatrix::triggers; -1: none.
  int send_done_trigger = -1;
  int recv_done_trigger = -1;
};
struct TrafficMatrix {
  std::vector<MatrixFlow> flows{};
  std::vector<MatrixTrigger> triggers{};
};

struct TrafficSpec {
  Origin origin{};
  std::string name{};
  std::string source{};
  std::string profile_path{};  ///< Empty: no software latency, links at their full rate.
  int ranks = 0;               ///< Rank i is GPU i.
  double size_spread = 0;      ///< A flow's size is drawn from within this share of it, each time.
  std::int64_t repeat = 1;     ///< Times that the steps run, one after the other.
  std::vector<TrafficStep> steps{};
  std::optional<TrafficMatrix> matrix{};  ///< Of an htsim connection matrix, which has no steps.
};

/// The profile's collectives that the steps name, each once.
std::vector<std::string> curves_of(const TrafficSpec& traffic);

}  // namespace planewise::spec
