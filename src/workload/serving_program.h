// One iteration of a serving unit as a Program: a token of every sequence (decode), or some prompts
// (prefill).
//
// Source of the schedules: github deepseek-ai/profile-data, README. Decode: while micro-batch 0
// dispatches, the GPU computes its shared experts and the projections of micro-batch 1; while it
// combines, core attention and the router of micro-batch 1. Prefill: computation and exchanges are
// two streams, and each micro-batch computes while the other exchanges.
#pragma once

#include <cstdint>
#include "spec/inference.h"
#include "spec/model.h"
#include "spec/profile.h"
#include "spec/topology.h"
#include "workload/placement.h"
#include "workload/program.h"
#include "workload/training.h"

namespace planewise::workload {

/// Chunks of the program, as it runs them.
enum class ServedChunk : std::uint8_t {
  layers,
  head,  ///< Embedding, head, sampling.
  mtp,   ///< Every draft.
  host,
};
inline constexpr int kServedChunkCount = 4;

struct ServingInput {
  const spec::InferenceSpec& spec;
  const spec::ModelSpec& model;
  const spec::ProfileSpec& profile;
  const spec::TopologySpec& topology;
  std::uint64_t seed = 1;  ///< Of the experts' popularity, of lengths and chance.
  /// Layers with experts to simulate, 0: all. They are alike: after the first, each takes as long.
  int expert_layers = 0;
};

/// A token of each of `sequences` sequences of every replica; with drafts, those as well, checked,
/// and new ones made by the MTP module, one after the other, all sequences at once.
///
/// Requires: the inputs passed spec/check_inference.h, and sequences divide over micro-batches.
Program decode_program(const ServingInput& in, std::int64_t sequences, const Placement& placement);

/// The prompt tokens of one iteration of every replica.
Program prefill_program(const ServingInput& in, const Placement& placement);

/// The caches of `prompts` prompts of the mean length, each from its prefill rank to its decode
/// rank; ranks of the prefill unit come first. Every tensor rank sends a part.
Program transfer_program(const ServingInput& in, Bytes cache, const Placement& placement);

/// Where the ranks of a unit are, from GPU 0 on.
Placement place_unit(const spec::ServingUnit& unit, int gpus_per_node);

/// Of a GPU, all its NICs together, one direction.
Rate nic_rate(const spec::TopologySpec& topology);

/// The profile entries that a workload needs, named as the profile has them.
ProfileNeeds serving_needs(const spec::InferenceSpec& spec, const spec::ModelSpec& model,
                           const spec::ProfileSpec& profile);

/// What an iteration can wait for.
enum class Resource : std::uint8_t {
  memory,             ///< Bytes of operators that memory bounds.
  compute,            ///< FLOPs of the others.
  launches,           ///< Of kernels; whatever of an operator hangs on no size. And the host.
  network_latency,    ///< Software's latency of exchanges.
  network_bandwidth,  ///< Their bytes.
};
inline constexpr int kResourceCount = 5;

/// The same program where all that `resource` takes is half as long.
Program with_twice(Program program, Resource resource);

}  // namespace planewise::workload
