// The operators of a transformer layer on one rank, forward and backward, with shapes, FLOPs and
// bytes.
//
// Sources: DeepSeek-V3 report (arXiv 2412.19437), sections 2.1 and 3.3 (FP8 recipe, recomputation
// of norms, MLA up-projections and SwiGLU); which kernels run is read off the published training
// trace (deepseek-ai/profile-data). How tensor parallelism cuts the matrices and sequence
// parallelism the rest: arXiv 1909.08053 and 2205.05198. Bytes are counted by the formulas of
// docs/equations.md; the profile's rates are over the same.
#pragma once

#include <cstdint>

#include "spec/job.h"
#include "spec/model.h"
#include "workload/program.h"

namespace planewise::workload {

/// Sizes that the operators of one rank follow from. What does not divide is rounded up.
struct OperatorInput {
  const spec::ModelSpec& model;
  /// Of a micro-batch, on this rank's tensor group: sequences x sequence_length / context.
  std::int64_t tokens = 0;
  std::int64_t sequence_length = 0;  ///< Tokens that attend to each other (the whole sequence).
  int tensor = 1;  ///< Matrices are cut in so many; norms, residuals, router work on tokens/tensor.
  int context = 1;        ///< Ranks that share a sequence; `tokens` is already divided by it.
  int expert_ranks = 1;   ///< Ranks of an expert group.
  int expert_tensor = 1;  ///< Ranks that share an expert.
  spec::Precision precision = spec::Precision::fp8_blockwise;
  spec::Recomputation recomputation = spec::Recomputation::selective;
};

/// A piece of a layer in its three passes. Pieces meet where communication can come between them.
///
/// Under recomputation `selective` the backward holds what is recomputed for it. Under `full` it
/// does not: the forwards run again before it.
struct Passes {
  Block forward{};
  Block backward{};  ///< Gradients of inputs, with what is recomputed for them.
  Block weight{};    ///< Gradients of weights; may have no operators.
};

/// Input norm, projections to queries, keys and values, rotary embedding.
///
/// Heads are spread over the tensor group. Under mla its ranks all hold the down-projections, each
/// for its tokens/tensor (as Megatron-LM does), so that the latents are what they gather.
Passes attention_in(const OperatorInput& in);

/// 2 x heads x (qk + v) x tokens x sequence_length / 2 FLOPs on the rank's heads (causal; a context
/// group is balanced), 2.5 times as many backward. Under mla and `selective` the up-projections are
/// recomputed here.
Passes attention_core(const OperatorInput& in);

/// Output projection, residual; the feed-forward's norm and the quantisation of its input belong to
/// it, as in the trace.
Passes attention_out(const OperatorInput& in);

/// Scores and top-k of a MoE layer, in BF16. Its weight gradient is in `backward`, as in the trace.
Passes router(const OperatorInput& in);

/// Output gradients in FP8 for the dispatch that is the backward of combine; no operators under
/// bf16.
Block gradient_quantise(const OperatorInput& in);

/// Permute, routed experts, unpermute, shared experts (whose matrices are cut by `tensor`).
///
/// Each of the expert_ranks x expert_tensor ranks brings tokens/tensor tokens with top-k rows each;
/// balanced over expert_ranks, tokens/tensor x top-k x expert_tensor rows reach a rank, which holds
/// 1/expert_tensor of its experts' width.
Passes experts(const OperatorInput& in);

/// The dense feed-forward's first matrix: gate and up together under swiglu.
Passes dense_in(const OperatorInput& in);
/// Activation and second matrix.
Passes dense_out(const OperatorInput& in);

/// Rows of the input embedding, of which a rank holds vocabulary/tensor. Nothing in `backward`.
Passes embedding(const OperatorInput& in);

/// Final norm, head (vocabulary/tensor columns) and loss. The head runs in BF16 (arXiv 2412.19437,
/// section 3.3.1).
Passes head(const OperatorInput& in);

/// The MTP module's input: an embedding, two norms, the projection of the joined 2 x hidden.
Passes mtp_input(const OperatorInput& in);

/// AdamW on `parameters` of this rank's share: reads gradient, master and two moments, writes
/// master, moments and the parameter.
Block optimizer_update(double parameters, const spec::OptimizerSpec& optimizer);

}  // namespace planewise::workload
