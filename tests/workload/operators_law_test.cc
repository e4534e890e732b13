// No FLOP is lost or done twice, however many ranks share a layer: random models, random sizes.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "base/random.h"
#include "model/model_size.h"
#include "workload/operators.h"

namespace planewise::workload {
namespace {

/// The environment's PLANEWISE_SEED, to repeat a failure, or else `usual`.
std::uint64_t seed_or(std::uint64_t usual) {
  const char* text = std::getenv("PLANEWISE_SEED");
  return text == nullptr ? usual : std::strtoull(text, nullptr, 10);
}

struct Case {
  spec::ModelSpec model{};
  int tensor = 1;
  int context = 1;
  int expert_ranks = 1;
  int expert_tensor = 1;
  std::int64_t sequence = 0;
  std::int64_t sequences = 1;

  OperatorInput input() const {
    return {.model = model,
            .tokens = sequences * sequence / context,
            .sequence_length = sequence,
            .tensor = tensor,
            .context = context,
            .expert_ranks = expert_ranks,
            .expert_tensor = expert_tensor,
            .precision = spec::Precision::bf16,
            .recomputation = spec::Recomputation::none};
  }
};

std::int64_t power(Random& random, std::int64_t most) {
  return std::int64_t{1} << random.integer(0, most);
}

/// Sizes divide: what does not is rounded up, and then does more.
Case random_case(Random& random) {
  Case c;
  c.tensor = static_cast<int>(power(random, 3));
  c.context = static_cast<int>(power(random, 2));
  c.expert_ranks = static_cast<int>(power(random, 3));
  c.expert_tensor = static_cast<int>(power(random, 2));
  c.sequence = 1024 * power(random, 2);
  c.sequences = random.integer(1, 3);
  const auto times = [&](int factor, std::int64_t most) {
    return factor * static_cast<int>(random.integer(1, most));
  };
  c.model.layers = static_cast<int>(random.integer(2, 9));
  c.model.hidden = times(64, 9);
  c.model.intermediate = times(64, 9);
  c.model.vocabulary = times(64, 9);
  c.model.feed_forward =
      random.integer(0, 1) == 0 ? spec::FeedForward::swiglu : spec::FeedForward::gelu;
  spec::AttentionSpec& a = c.model.attention;
  a.kind = static_cast<spec::AttentionKind>(random.integer(0, 2));
  a.heads = times(c.tensor, 3) * 2;
  a.kv_heads = a.kind == spec::AttentionKind::mha ? a.heads : a.heads / 2;
  a.head_dim = times(16, 4);
  a.q_lora_rank = random.integer(0, 1) == 0 ? 0 : times(16, 4);
  a.kv_lora_rank = times(16, 4);
  a.qk_nope_head_dim = times(16, 4);
  a.qk_rope_head_dim = times(16, 4);
  a.v_head_dim = times(16, 4);
  spec::MoeSpec moe;
  moe.first_dense_layers = static_cast<int>(random.integer(0, c.model.layers - 1));
  moe.routed_experts = times(c.expert_ranks, 4);
  moe.shared_experts = static_cast<int>(random.integer(0, 2));
  moe.experts_per_token = moe.routed_experts / c.expert_ranks;  // rows divide over local experts
  moe.expert_intermediate = times(64, 9);
  c.model.moe = moe;
  return c;
}

double work_of(const Block& block, bool with_core) {
  double sum = 0;
  for (const Operator& op : block.operators) {
    if (with_core || !op.id.starts_with("attention")) sum += op.work.base();
  }
  return sum;
}

/// FLOPs a token of a pass of the whole model without MTP module: those of a tensor group's ranks,
/// which are alike, over the group's tokens.
double per_token(const Case& c, double (*pass_of)(const Passes&)) {
  const OperatorInput in = c.input();
  const double moe_layers = c.model.layers - c.model.moe->first_dense_layers;
  const double rank =
      c.model.layers *
          (pass_of(attention_in(in)) + pass_of(attention_core(in)) + pass_of(attention_out(in))) +
      moe_layers * (pass_of(router(in)) + pass_of(experts(in))) +
      c.model.moe->first_dense_layers * (pass_of(dense_in(in)) + pass_of(dense_out(in))) +
      pass_of(embedding(in)) + pass_of(head(in));
  return rank * c.tensor / static_cast<double>(in.tokens);
}

// model/ counts 6 FLOPs a parameter and 3 times the forward of core attention: a third of each is
// the forward, a third the gradients of inputs, a third those of weights. Core attention has no
// weights and does 2.5 times the forward's products backward.
TEST(OperatorLaws, RanksTogetherDoTheModelsFlops) {
  const std::uint64_t first = seed_or(1);
  for (std::uint64_t seed = first; seed < first + 200; ++seed) {
    SCOPED_TRACE("PLANEWISE_SEED=" + std::to_string(seed));
    Random random(seed);
    const Case c = random_case(random);
    const model::TrainingFlop flop =
        model::training_flop_per_token(c.model, {.sequence_length = c.sequence, .causal = true});
    const double matrices = flop.matrices.base() / 3;
    const double attention = flop.attention.base() / 3;
    const double forward = per_token(c, [](const Passes& p) { return work_of(p.forward, true); });
    const double backward = per_token(c, [](const Passes& p) { return work_of(p.backward, true); });
    const double weight = per_token(c, [](const Passes& p) { return work_of(p.weight, true); });
    const double router_weight = flop.router.base() / 3;  // in the backward, as in the trace
    EXPECT_NEAR(forward, matrices + attention, 1e-9 * forward);
    EXPECT_NEAR(backward, matrices + router_weight + 2.5 * attention, 1e-9 * backward);
    EXPECT_NEAR(weight, matrices - router_weight, 1e-9 * weight);
  }
}

// Whatever the expert group, rows that grow with what a rank received are marked, and are as many
// FLOPs as tokens / tensor x top-k through three (or two) matrices.
TEST(OperatorLaws, RoutedWorkFollowsFromTheTokensOfARank) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE("PLANEWISE_SEED=" + std::to_string(seed));
    Random random(seed);
    const Case c = random_case(random);
    const OperatorInput in = c.input();
    double routed = 0;
    for (const Operator& op : experts(in).forward.operators) {
      if (op.routed) routed += op.work.base();
    }
    const double matrices = c.model.feed_forward == spec::FeedForward::swiglu ? 3 : 2;
    const double rows = static_cast<double>(in.tokens) / c.tensor * c.model.moe->experts_per_token;
    EXPECT_NEAR(routed, 2 * rows * matrices * c.model.hidden * c.model.moe->expert_intermediate,
                1e-9 * routed);
  }
}

TEST(OperatorLaws, MtpInputIsSharedByTheTensorGroup) {
  Random random(3);
  Case c = random_case(random);
  c.tensor = 1;
  const double alone = work_of(mtp_input(c.input()).forward, true);
  c.tensor = 4;
  EXPECT_NEAR(4 * work_of(mtp_input(c.input()).forward, true), alone, 1e-9 * alone);
}

}  // namespace
}  // namespace planewise::workload
