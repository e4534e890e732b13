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
  gpipe,        ///< All forwards, then all backwards.
  one_f_one_b,  ///< `1f1b`: warm-up forwards, then one forward and one backward in turn, then
                ///< backwards.
  interleaved_one_f_one_b,  ///< `interleaved_1f1b`: the same with several chunks of layers a rank.
  zb1p,                     ///< Weight gradients apart, where they fill the bubble.
  dualpipe,  ///< From both ends at once, two chunks a rank; a forward and a backward overlap.
};

/// Of matrix products, spelled as in YAML.
enum class Precision : std::uint8_t {
  bf16,
  fp8_blockwise,
  fp8_tensorwise,
  mxfp8,
  int4,  ///< Of weights alone; inference only.
};

/// What the backward computes again, spelled as in YAML.
enum class Recomputation : std::uint8_t {
  none,
  selective,  ///< Norms, the feed-forward's activation and, under mla, the up-projections.
  full,       ///< Each layer's forward, its communication included.
};

/// How tokens choose experts, spelled as in YAML.
enum class TokenRouting : std::uint8_t {
  balanced,  ///< Every expert, and every node that a token may choose, gets the same number of
             ///< tokens.
  random,    ///< Top-k of random scores under the model's group limits, with popular experts.
  zipf,      ///< Experts' popularity falls with a power of their rank, in a random order a layer.
  counts,    ///< Popularity from a file of tokens by layer and expert.
};

/// How tokens travel to experts, spelled as in YAML.
enum class TokenTransport : std::uint8_t {
  node_limited,  ///< Once to each node over the own rail, forwarded there (DeepEP).
  all_to_all,    ///< One copy an expert, straight to its rank (NCCL).
};

/// Axes of the rank order, spelled tp, cp, ep, dp, pp.
enum class Axis : std::uint8_t { tensor, context, expert, data, pipeline };

/// What data-parallel ranks each hold of a parameter, spelled as in YAML.
enum class Sharding : std::uint8_t {
  none,   ///< All of it; gradients are all-reduced.
  zero1,  ///< The optimizer's states in parts.
  fsdp,   ///< Weights, gradients and states in parts; weights are gathered for each layer.
};

/// How keys and values get to the other ranks of a context group, spelled as in YAML.
enum class ContextExchange : std::uint8_t {
  ring,        ///< From neighbour to neighbour, beside the attention.
  all_gather,  ///< All at once, before the attention.
};

struct BatchSpec {
  std::int64_t sequence_length = 0;  ///< Tokens.
  std::int64_t sequences_per_micro_batch = 1;
  std::int64_t micro_batches = 0;  ///< A pipeline and step; from global_batch if that is given.
  std::string source{};

  std::int64_t tokens_per_micro_batch() const {
    return sequence_length * sequences_per_micro_batch;
  }
};

/// tensor x context x data x pipeline ranks, numbered by `order`; rank i is on GPU i unless a
/// layout or a placement says otherwise.
struct ParallelSpec {
  int tensor = 1;          ///< Ranks that share every matrix; with sequence parallelism.
  int context = 1;         ///< Ranks that share a sequence.
  int pipeline = 1;        ///< Ranks that share the layers.
  int virtual_stages = 1;  ///< `virtual`: chunks of layers a rank, under interleaved_1f1b.
  int data = 1;            ///< Replicas, each with batches of its own.
  int expert = 1;          ///< Ranks over which a layer's routed experts are spread.
  int expert_tensor = 1;   ///< Ranks that share every expert.
  std::vector<Axis> order{Axis::tensor, Axis::context, Axis::expert, Axis::data, Axis::pipeline};
  std::vector<std::int64_t> layers_per_stage{};  ///< [pipeline x virtual]
  GroupLayout layout = GroupLayout::packed;      ///< Of the expert groups.
  std::string placement_path{};                  ///< Empty: none.
  std::vector<std::int64_t> gpu_of_rank{};       ///< From that file; else empty.
  ContextExchange context_exchange = ContextExchange::ring;
  std::string source{};

  std::int64_t ranks_per_stage() const {
    return static_cast<std::int64_t>(tensor) * context * data;
  }
  std::int64_t ranks() const { return ranks_per_stage() * pipeline; }
  std::int64_t stages() const { return static_cast<std::int64_t>(pipeline) * virtual_stages; }
};

/// Ranks that go on a node of `gpus`: as many as there are, so that expert and tensor groups fill
/// nodes or nodes hold whole groups. Below `gpus` where groups do not fit the node; then GPUs are
/// left idle.
int ranks_per_node(const ParallelSpec& parallel, int gpus);

struct MoeRoutingSpec {
  TokenRouting tokens = TokenRouting::balanced;
  TokenTransport transport = TokenTransport::node_limited;
  int nodes_per_token = 1;       ///< Node-limited routing: how many nodes a token's experts are on.
  double popularity_spread = 0;  ///< random: standard deviation of an expert's share over its mean.
  double zipf_exponent = 0;      ///< zipf: share ~ rank ^ -exponent.
  std::string counts_path{};     ///< Empty: none.
  std::vector<std::vector<double>>
      counts{};  ///< counts: [MoE layer][expert], MTP's after the last.
  std::string source{};
};

/// Element sizes in bytes.
struct OptimizerSpec {
  Sharding sharding = Sharding::zero1;
  int gradient_bytes = 4;
  int parameter_bytes = 2;  ///< As gathered after the update.
  int master_bytes = 4;
  int moment_bytes = 2;  ///< Each of AdamW's two.
  std::string source{};
};

/// What communication runs beside computation; a dualpipe pair always overlaps its expert
/// exchanges.
struct OverlapSpec {
  int communication_sms = 0;  ///< That kernels of expert exchanges take while the rest computes.
  bool tensor = false;        ///< Gathers and scatters of tensor groups beside their products.
  bool gradients = false;     ///< Reduced layer by layer during the last backwards.
  bool parameters = false;    ///< Gathered layer by layer during the first forwards.
  std::string source{};
};

struct JobSpec {
  Origin origin{};
  std::string name{};
  std::string source{};
  std::string model_path{};
  std::string profile_path{};
  Schedule schedule = Schedule::one_f_one_b;
  Precision precision = Precision::fp8_blockwise;
  Recomputation recomputation = Recomputation::selective;
  BatchSpec batch{};
  ParallelSpec parallel{};
  bool has_routing = true;  ///< Dense models need none.
  MoeRoutingSpec routing{};
  OptimizerSpec optimizer{};
  OverlapSpec overlap{};
  std::vector<Origin> tables{};  ///< Of the placement and the counts, where there are any.
};

}  // namespace planewise::spec
