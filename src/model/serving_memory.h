// What a serving rank keeps in its GPU's memory, in closed form: weights, KV cache, buffers; and
// how many sequences that leaves room for.
//
// Source of the cache's sizes: arXiv 2505.09343, table 1.
#pragma once

#include <cstdint>

#include "base/units.h"
#include "spec/inference.h"
#include "spec/model.h"

namespace planewise::model {

/// What one token adds to the cache of one of `tensor` ranks, in all layers and, if drafts are
/// made, in the first MTP module.
///
/// mla: every rank keeps the latent. gqa, mha: each its heads; with more ranks than key/value heads
/// several keep the same. fp8: one byte an element, scales left out.
Bytes cache_per_token(const spec::ModelSpec& model, const spec::InferenceSpec& spec, int tensor,
                      bool drafts);

/// Bytes of a parameter in matrix products: 2 (bf16), 1 and its scales (fp8_blockwise, mxfp8), 1
/// (fp8_tensorwise), 0.516 (int4: 16 bits of scale for 128).
double weight_bytes(spec::Precision precision);

struct ServingMemory {
  Bytes weights{};
  Bytes host_weights{};        ///< Experts that are kept in the host's memory.
  Bytes buffers{};             ///< Activations of an iteration, and 2 GB for context and libraries.
  Bytes cache_per_sequence{};  ///< Of a replica's sequence on this rank, at its mean length.
  Bytes available{};           ///< memory_share of the GPU's.
  std::int64_t sequences_most = 0;  ///< Of a replica, that fit beside weights and buffers.
  std::int64_t sequences = 0;       ///< The most that the curve asks for; of prefill 0.

  Bytes total() const {
    return weights + buffers + cache_per_sequence * static_cast<double>(sequences);
  }
  bool fits() const { return total() <= available; }
};

/// Of the rank that holds most. `cached` tokens are those of the mean request; one sequence needs
/// room for the longest.
///
/// Embedding, head, norms and routers are BF16 but for int4, every other matrix as `precision`
/// says. Embedding and head are cut by `tensor`. The MTP module is there if drafts are
/// made. Units that share GPUs share the larger one's buffers.
ServingMemory decode_memory(const spec::InferenceSpec& spec, const spec::ModelSpec& model,
                            Bytes gpu_memory);
ServingMemory prefill_memory(const spec::InferenceSpec& spec, const spec::ModelSpec& model,
                             Bytes gpu_memory);

}  // namespace planewise::model
