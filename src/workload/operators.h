// The operators of an MLA/MoE transformer layer, forward and backward, with shapes, FLOPs and
// bytes.
//
// Sources: DeepSeek-V3 report (arXiv 2412.19437), sections 2.1 and 3.3 (FP8 recipe, recomputation
// of norms, MLA up-projections and SwiGLU); which kernels run is read off the published training
// trace (deepseek-ai/profile-data). Bytes are counted by the formulas below; the profile's rates
// are over the same.
#pragma once

#include <vector>

#include "spec/job.h"
#include "spec/model.h"
#include "workload/program.h"

namespace planewise::workload {

/// Sizes that the operators of one rank follow from.
struct OperatorInput {
  const spec::ModelSpec& model;
  std::int64_t tokens = 0;           ///< A micro-batch on this rank.
  std::int64_t sequence_length = 0;  ///< Tokens that attend to each other.
  int expert_ranks = 1;              ///< Ranks of an expert group.
};

/// Norm, projections, rotary embedding, core attention, residual; the norm, router and quantisation
/// of the feed-forward's input belong to it, as in the trace.
Block attention_forward(const OperatorInput& in);
Block attention_backward(const OperatorInput& in);  ///< Gradients of inputs, with recomputation.
Block attention_weight(const OperatorInput& in);    ///< Gradients of weights.

/// Scores and top-k of a MoE layer (in the trace a part of attention).
Block router_forward(const OperatorInput& in);
Block router_backward(const OperatorInput& in);

/// Output gradients in FP8 for the dispatch that is the backward of combine.
Block gradient_quantise(const OperatorInput& in);

/// Permute, routed experts, unpermute, shared experts; balanced routing, so tokens * top-k rows a
/// rank.
Block moe_forward(const OperatorInput& in);
Block moe_backward(const OperatorInput& in);
Block moe_weight(const OperatorInput& in);

Block dense_forward(const OperatorInput& in);
Block dense_backward(const OperatorInput& in);
Block dense_weight(const OperatorInput& in);

Block embedding_forward(const OperatorInput& in);
Block embedding_backward(const OperatorInput& in);

/// Final norm, head and loss. The head runs in BF16 (arXiv 2412.19437, section 3.3.1).
Block head_forward(const OperatorInput& in);
Block head_backward(const OperatorInput& in);
Block head_weight(const OperatorInput& in);

/// The MTP module's input: two norms, the projection of the joined 2 x hidden, and an embedding.
Block mtp_input_forward(const OperatorInput& in);
Block mtp_input_backward(const OperatorInput& in);
Block mtp_input_weight(const OperatorInput& in);

/// AdamW on `parameters` of this rank's share: reads gradient, master and two moments, writes
/// master, moments and the parameter.
Block optimizer_update(double parameters, const spec::OptimizerSpec& optimizer);

}  // namespace planewise::workload
