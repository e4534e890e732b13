// What was timed between ranks, as a profile keeps it so that it can be simulated again.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/units.h"
#include "spec/evidence.h"
#include "spec/yaml_reader.h"

namespace planewise::spec {

/// Spelled as in YAML, as are the next ones.
enum class Operation : std::uint8_t {
  all_to_all,
  all_reduce,
  reduce_scatter,
  all_gather,
  broadcast,
  send,      ///< Between the two ranks of a group, both ways at once.
  dispatch,  ///< Tokens to the ranks of their experts.
  combine,   ///< Their weighted results back, summed.
};

/// Which ranks make a group; all groups of a kind run at once.
enum class GroupKind : std::uint8_t {
  node,      ///< Those of one node.
  rail,      ///< Those of the same place in their nodes.
  expert,    ///< Those that share the experts, in a row.
  pipeline,  ///< Two of the same place in neighbouring expert groups.
  pair,      ///< Any two.
  world,
};

enum class Cadence : std::uint8_t {
  isolated,   ///< A barrier before each; the time of the last rank to finish.
  streaming,  ///< One after the other without a pause; the mean.
};

/// How an operation is made.
enum class ExchangeAlgorithm : std::uint8_t {
  library,        ///< As the library's own function does it.
  padded,         ///< An all-to-all with as much room for every pair.
  exact,          ///< Counts first, then each pair as much as it has; a token once a rank.
  two_hop,        ///< Over the rail to each node, then in the node; a token once a node.
  loopback,       ///< One rank: packed, copied and summed in its own memory.
  deepep_normal,  ///< Imported from DeepEP's own tests, as the next one.
  deepep_low_latency,
};

const std::vector<std::string>& operation_words();
const std::vector<std::string>& group_words();
const std::vector<std::string>& cadence_words();
const std::vector<std::string>& exchange_algorithm_words();

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

struct ExchangeTime {
  Bytes size{};  ///< As nccl-tests count it; of dispatch and combine what the busiest rank sends.
  std::int64_t tokens = 0;  ///< Of dispatch and combine: of a rank.
  Seconds time{};
  bool is_fitted = false;  ///< A curve of the profile was fitted to it.
};

/// One operation of one kind of groups over sizes.
struct MeasuredExchange {
  Operation operation = Operation::all_to_all;
  ExchangeAlgorithm algorithm = ExchangeAlgorithm::library;
  GroupKind group = GroupKind::world;
  Cadence cadence = Cadence::isolated;
  int ranks = 1;                      ///< Of a group.
  int nodes = 1;                      ///< That a group spans.
  int groups = 1;                     ///< At once.
  int ranks_per_node = 1;             ///< Of the cluster.
  TokenLoad load{};                   ///< But for the tokens, of which each time has its own.
  std::vector<ExchangeTime> times{};  ///< By size.
};

/// How much longer each of two takes beside the other.
struct Interference {
  std::string compute{};        ///< `layer.forward`.
  std::string communication{};  ///< `dispatch two_hop`.
  double compute_slowdown = 1;
  double communication_slowdown = 1;
  Evidence evidence = Evidence::measured;
  std::string source{};
};

/// The rates that efficiencies of collectives are shares of; 0: not known.
struct LinkRates {
  Rate rail{};    ///< Of a GPU's NIC, one direction.
  Rate nvlink{};  ///< Of a GPU, one direction.
  std::string source{};
};

MeasuredExchange read_exchange(MapReader& map);
Interference read_interference(MapReader& map);
LinkRates read_link_rates(MapReader map);

}  // namespace planewise::spec
