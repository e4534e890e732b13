// What a training job keeps in a GPU's memory, in closed form: parameters, optimizer, activations,
// buffers.
//
// Sources: activations after Korthikanti et al., arXiv 2205.05198, section 4, with FlashAttention;
// sharding after ZeRO, arXiv 1910.02054, section 5; FP8 copies after arXiv 2412.19437, section 3.3.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/units.h"
#include "model/stage_size.h"
#include "spec/job.h"
#include "spec/model.h"

namespace planewise::model {

/// One stage of the model on a rank (two under dualpipe, `virtual` when interleaved).
struct HeldChunk {
  StageContent content{};
  std::int64_t in_flight = 0;  ///< Micro-batches forward and not yet backward, at most.
};

struct MemoryInput {
  const spec::ModelSpec& model;
  const spec::JobSpec& job;
  std::vector<HeldChunk> chunks{};
  /// Micro-batches whose weight gradients are put off while the most are in flight. zb1p: rank + 1;
  /// dualpipe: 0 (they are put off while one micro-batch less is in flight, or the pipeline
  /// drains).
  std::int64_t weights_pending = 0;
  Bytes gpu_memory{};
};

/// What memory is for, spelled as in reports.
enum class MemoryUse : std::uint8_t { weights, gradients, optimizer, activations, buffers };
inline constexpr int kMemoryUseCount = 5;
/// [MemoryUse]
inline constexpr std::array<const char*, kMemoryUseCount> kMemoryUseWords = {
    "weights", "gradients", "optimizer", "activations", "buffers"};

/// Of one rank. Each part at its own peak: the sum is an upper bound.
struct Memory {
  std::array<Bytes, kMemoryUseCount> uses{};  ///< [MemoryUse]
  MemoryUse largest = MemoryUse::weights;
  bool fits = false;  ///< total() is at most gpu_memory.

  Bytes use(MemoryUse which) const { return uses[static_cast<std::size_t>(which)]; }
  Bytes total() const;
};

/// What the backward of one layer needs, of one token, before any division over ranks.
struct LayerActivation {
  Bytes shared{};   ///< Attention, norms, dense feed-forward or router and shared experts.
  Bytes experts{};  ///< Of the token's routed experts.
  Bytes put_off{};  ///< Kept on for weight gradients that come later: inputs and output gradients.
};
enum class LayerKind : std::uint8_t { dense, moe };

/// Counts the tensors of one layer under FlashAttention (no score matrix).
///
/// BF16, no recomputation, hidden h, gelu with dropout: 34 h + 4 heads B a token (arXiv 2205.05198,
/// section 4.1, less 5 a s / h: equation 2 without the scores; 4 heads is the softmax's sums).
/// `selective` drops the outputs of norms and of the activation, under mla also q, k and v; `full`
/// leaves the layer's input. Inputs of matrix products count 1 B in FP8, under fp8_blockwise and
/// mxfp8 with the scales of their tiles; the attention's output stays BF16, since its own backward
/// reads it. fp8_blockwise keeps gate and up in FP8 as well (arXiv 2412.19437, section 3.3.3).
LayerActivation layer_activation(const spec::ModelSpec& model, const spec::JobSpec& job,
                                 LayerKind kind);

/// Memory of a rank that holds `chunks`, with balanced routing.
///
/// A rank with the first stage and the MTP module has the embedding once (arXiv 2412.19437, section
/// 3.2.3). weights: 2 B a parameter; FP8 recipes add a copy of every matrix in products, 1 B and
/// its scales. gradients, optimizer: element sizes of the job; zero1 divides the optimizer's by the
/// ranks that hold the same parameter, fsdp all three. activations: layer_activation times layers
/// and micro- batches in flight over tensor (sequence parallelism) and context, logits in FP32, and
/// under full recomputation one layer computed again. buffers: messages, expert exchanges, gathered
/// activations and (fsdp) two layers' weights and one's gradients, and 2 GB for the CUDA context,
/// NCCL and fragments (estimated).
Memory rank_memory(const MemoryInput& in);

}  // namespace planewise::model
