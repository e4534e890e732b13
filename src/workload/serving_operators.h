// The operators of a transformer layer on one serving rank: decode (a few tokens of many sequences
// over their caches) and prefill (prompts).
//
// Sources: MLA absorbed into its latents for decode, DeepSeek-V2 report, arXiv 2405.04434, section
// 2.1, and FlashMLA; which operators belong together, github deepseek-ai/profile-data, README.
// Prefill runs the training forward's operators (workload/operators.h) but for core attention.
#pragma once

#include <cstdint>
#include <vector>

#include "spec/inference.h"
#include "spec/model.h"
#include "spec/profile.h"
#include "workload/program.h"

namespace planewise::workload {

/// Pieces of an iteration between which communication can come.
enum class ServedPiece : std::uint8_t {
  attention_in,    ///< Norm, projections of queries, keys and values.
  attention_core,  ///< Core attention, output projection.
  router,          ///< Norm, scores, top-k.
  shared,          ///< Shared experts.
  experts,         ///< Routed experts.
  // What low-latency exchanges take of the GPU, before and after the network has it.
  dispatch_send,  ///< Quantises tokens and copies each to its messages.
  dispatch_receive,
  combine_send,
  combine_receive,  ///< Adds up what a token's experts say.
  dense,            ///< Norm, dense feed-forward.
  embedding,
  head,  ///< Final norm, head, sampling.
  mtp_input,
};
inline constexpr int kServedPieceCount = 13;

/// Sizes that the operators of one rank and micro-batch follow from.
struct ServedInput {
  const spec::ModelSpec& model;
  const spec::InferenceSpec& spec;
  const spec::ServingUnit& unit;
  bool is_decode = true;
  std::int64_t tokens = 0;     ///< That a replica computes in a micro-batch.
  std::int64_t sequences = 0;  ///< Of a replica in a micro-batch; of prefill its prompts.
  /// Decode: mean tokens in a sequence's cache, of the rank with the most. Prefill: mean tokens
  /// that a token attends to.
  double attended = 0;
  double busiest = 1;  ///< Token-expert pairs of the busiest rank over their mean.
  /// Prefill: tokens a new token whose keys and values are made of cached latents again.
  double cached_per_token = 0;
};

/// [ServedPiece] Untimed blocks; pieces that the model does not have are left without operators.
///
/// Heads, dense and shared matrices are cut by `tensor`; tokens of norms and routers are not.
/// Routed experts: pairs of tokens and experts of the whole expert group are spread evenly over its
/// ranks, each of which then counts as the busiest; those of a rank that no token chose are not
/// read: of n experts and t tokens with k each n (1 - (1 - k / n)^t) are. A dispatch reads tokens
/// in BF16 and writes a message for each of their experts, and the receiver copies each; a combine
/// does so with BF16 results, and reads all of a token's to add them up. Decode's operators are
/// those of the profile with `.decode` behind their name.
std::vector<Block> served_blocks(const ServedInput& in);

/// Names each operator as `profile` has it: without `.decode` where only that is there, as a
/// profile that was measured at decode's sizes has it.
void name_as_profiled(std::vector<Block>& blocks, const spec::ProfileSpec& profile);

/// Experts that a token goes to through an exchange: top-k, and shared ones if they are routed.
int exchanged_experts(const spec::MoeSpec& moe, const spec::ServingUnit& unit);

}  // namespace planewise::workload
