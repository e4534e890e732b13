// What is timed between GPUs: an operation of groups of ranks at one size, and in which cadence.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/units.h"

namespace planewise::calibration {

/// Spelled as in raw.jsonl.
enum class Operation : std::uint8_t {
  all_to_all,
  all_reduce,
  reduce_scatter,
  all_gather,
  broadcast,
  send,      ///< Rank i of a group of two to the other one, both at once.
  dispatch,  ///< Tokens to the ranks of their experts.
  combine,   ///< Their weighted results back, summed.
};

/// Which ranks make a group; all groups of a kind run at once. Spelled as in raw.jsonl.
enum class GroupKind : std::uint8_t {
  node,      ///< Those of one node.
  rail,      ///< Those of the same index in their nodes.
  expert,    ///< Those that share the experts, `ep` in a row.
  pipeline,  ///< Two of the same place in neighbouring expert groups.
  pair,      ///< Any two, alone.
  world,
};

enum class Cadence : std::uint8_t {
  isolated,   ///< A barrier before each; the time of the last rank to finish.
  streaming,  ///< One after the other without a pause; the mean.
};

/// How it is made.
enum class ExchangeAlgorithm : std::uint8_t {
  library,        ///< As the transport's own function does it.
  padded,         ///< An all-to-all with as much room for every pair.
  exact,          ///< Counts first, then each pair as much as it has; a token once a rank.
  two_hop,        ///< Over the rail to each node, then in the node; a token once a node.
  loopback,       ///< One rank: packed, copied and summed in its own memory.
  deepep_normal,  ///< Imported from DeepEP's own tests, as the next one.
  deepep_low_latency,
};

/// Of dispatch and combine: what is sent.
struct TokenLoad {
  std::int64_t tokens = 0;  ///< Of a rank.
  std::int64_t hidden = 0;
  int experts = 0;
  int experts_per_token = 0;
  int nodes_per_token = 0;  ///< At most; 0: any.
  Bytes bytes_per_token{};  ///< Payload with scales, without what routes it.

  bool operator==(const TokenLoad&) const = default;
};

struct CommPoint {
  Operation operation = Operation::all_to_all;
  ExchangeAlgorithm algorithm = ExchangeAlgorithm::library;
  GroupKind group = GroupKind::world;
  Cadence cadence = Cadence::isolated;
  int ranks = 1;   ///< Of a group.
  int nodes = 1;   ///< That a group spans.
  int groups = 1;  ///< At once.
  /// As nccl-tests count it: all_to_all, all_gather, reduce_scatter: what a rank has for or from
  /// all together. Dispatch and combine: see `load`.
  Bytes size{};
  std::string datatype{"float"};  ///< As nccl-tests spell it.
  TokenLoad load{};
  std::vector<int> members{};  ///< Of a `pair`.
};

/// One line that names a point, the same for the same point.
std::string key_of(const CommPoint& point);

/// All words of an enumeration, in the order of its values.
const std::vector<std::string>& operation_words();
const std::vector<std::string>& group_words();
const std::vector<std::string>& cadence_words();
const std::vector<std::string>& algorithm_words();
const std::string& to_string(Operation operation);
const std::string& to_string(GroupKind group);
const std::string& to_string(Cadence cadence);
const std::string& to_string(ExchangeAlgorithm algorithm);

/// Bus bandwidth over algorithm bandwidth, as nccl-tests count it (doc/PERFORMANCE.md of
/// github NVIDIA/nccl-tests): 2 (n - 1) / n of all_reduce, (n - 1) / n of all_to_all, all_gather
/// and reduce_scatter, else 1.
double bus_factor(Operation operation, int ranks);

}  // namespace planewise::calibration
