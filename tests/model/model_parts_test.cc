// Parts by hand, and that they sum to the whole.
#include "model/model_parts.h"

#include <gtest/gtest.h>

#include <vector>

#include "model/make_model.h"

namespace planewise::model {
namespace {

std::vector<spec::ModelSpec> all_models() {
  spec::ModelSpec tied = test::qwen25_72b();
  tied.tied_embedding = true;
  spec::ModelSpec plain = test::llama31_405b();
  plain.feed_forward = spec::FeedForward::gelu;
  return {test::deepseek_v3(),
          test::deepseek_v2(),
          test::qwen25_72b(),
          test::llama31_405b(),
          tied,
          plain};
}

TEST(ModelParts, SumToTheWhole) {
  for (const spec::ModelSpec& model : all_models()) {
    const ModelSize size = model_size(model);
    EXPECT_EQ(parameters_by_part(size).total(), size.main) << model.name;
    for (const bool causal : {true, false}) {
      const TrainingFlopOptions options{.sequence_length = 4096, .causal = causal};
      // Sums of whole numbers far below 2^53: exact.
      EXPECT_EQ(training_flop_by_part(model, options).total(),
                training_flop_per_token(model, options).total())
          << model.name;
    }
  }
}

TEST(ModelParts, DeepSeekV3) {
  const ParameterParts parts = parameters_by_part(model_size(test::deepseek_v3()));
  EXPECT_EQ(parts.attention, 61LL * 187'105'280);
  EXPECT_EQ(parts.dense_feed_forward, 3LL * 396'361'728);
  EXPECT_EQ(parts.routed_experts, 58LL * 256 * 44'040'192);
  EXPECT_EQ(parts.shared_experts, 58LL * 44'040'192);
  EXPECT_EQ(parts.routers, 58LL * 1'835'008);
  EXPECT_EQ(parts.norms_and_biases, 61 * 16'384 + 58 * 256 + 7168);
  EXPECT_EQ(parts.head, 926'679'040);
  const TrainingFlopParts flops =
      training_flop_by_part(test::deepseek_v3(), {.sequence_length = 4096});
  EXPECT_EQ(flops.routed_experts, flop(6.0 * 58 * 8 * 44'040'192));
  EXPECT_EQ(flops.head, flop(6.0 * 926'679'040));
}

TEST(ModelParts, ATiedHeadHasFlopsButNoParameters) {
  spec::ModelSpec model = test::qwen25_72b();
  model.tied_embedding = true;
  EXPECT_EQ(parameters_by_part(model_size(model)).head, 0);
  EXPECT_EQ(training_flop_by_part(model, {.sequence_length = 1}).head, flop(6.0 * 152'064 * 8192));
}

}  // namespace
}  // namespace planewise::model
