// What a workload file says: which model is trained how, on how many ranks.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/units.h"
#include "spec/group_layout.h"
#include "spec/input_error.h"

namespace planewise::spec {

/// Pipeline schedules, spelled as in YAML.
enum class Schedule : std::uint8_t {
  one_f_one_b,  ///< `1f1b`: warm-up forwards, then one forward and one backward in turn, then
                ///< backwards.
};

/// How tokens choose experts, spelled as in YAML.
enum class TokenRouting : std::uint8_t {
  balanced,  ///< Every expert, and every node that a token may choose, gets the same number of
             ///< tokens.
};

struct BatchSpec {
  std::int64_t sequence_length = 0;  ///< Tokens.
  std::int64_t sequences_per_micro_batch = 1;
  std::int64_t micro_batches = 0;  ///< A pipeline and step.
  std::string source{};

  std::int64_t tokens_per_micro_batch() const {
    return sequence_length * sequences_per_micro_batch;
  }
};

/// Rank = stage * data + replica. Packed, GPUs are taken in order, so that a stage's ranks are
/// neighbours; spread, each expert group is on nodes as far apart as there are groups.
struct ParallelSpec {
  int pipeline = 1;  ///< Stages.
  int data = 1;      ///< Ranks that hold the same stage.
  int expert = 1;    ///< Ranks over which a layer's routed experts are spread; divides `data`.
  std::vector<std::int64_t> layers_per_stage{};
  GroupLayout layout = GroupLayout::packed;  ///< Of the expert groups.
  std::string source{};

  std::int64_t ranks() const { return static_cast<std::int64_t>(pipeline) * data; }
};

struct MoeRoutingSpec {
  TokenRouting tokens = TokenRouting::balanced;
  int nodes_per_token = 1;  ///< Node-limited routing: how many nodes a token's experts are on.
  std::string source{};
};

/// Element sizes in bytes; ZeRO-1: the optimizer states are spread over the ranks that share a
/// parameter.
struct OptimizerSpec {
  int gradient_bytes = 4;
  int parameter_bytes = 2;  ///< As gathered after the update.
  int master_bytes = 4;
  int moment_bytes = 2;  ///< Each of AdamW's two.
  std::string source{};
};

struct JobSpec {
  Origin origin{};
  std::string name{};
  std::string source{};
  std::string model_path{};
  std::string profile_path{};
  Schedule schedule = Schedule::one_f_one_b;
  BatchSpec batch{};
  ParallelSpec parallel{};
  MoeRoutingSpec routing{};
  OptimizerSpec optimizer{};
};

}  // namespace planewise::spec
