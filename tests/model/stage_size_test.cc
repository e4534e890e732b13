// Stages and ranks together hold the model once.
#include "model/stage_size.h"

#include <gtest/gtest.h>

#include "model/make_model.h"

namespace planewise::model {
namespace {

std::vector<std::int64_t> v3_layers() {
  std::vector<std::int64_t> layers(16, 4);
  layers.back() = 1;
  return layers;
}

TEST(StageContents, PutsDenseLayersFirstAndMtpLast) {
  const std::vector<StageContent> stages = stage_contents(test::deepseek_v3(), v3_layers());
  ASSERT_EQ(stages.size(), 16U);
  EXPECT_EQ(stages[0].dense_layers, 3);
  EXPECT_EQ(stages[0].moe_layers, 1);
  EXPECT_TRUE(stages[0].embedding);
  EXPECT_EQ(stages[1].dense_layers, 0);
  EXPECT_EQ(stages[1].moe_layers, 4);
  EXPECT_EQ(stages[15].moe_layers, 1);
  EXPECT_TRUE(stages[15].head);
  EXPECT_TRUE(stages[15].mtp);
}

TEST(StageContents, OfADenseModelAreDense) {
  for (const StageContent& stage : stage_contents(test::llama31_405b(), {63, 63})) {
    EXPECT_EQ(stage.dense_layers, 63);
    EXPECT_EQ(stage.moe_layers, 0);
  }
}

/// Parameters over all stages and the ranks that split them, each once.
double sum_over_ranks(const spec::ModelSpec& model, const std::vector<std::int64_t>& layers,
                      const ParameterSplit& split) {
  double sum = 0;
  for (const StageContent& stage : stage_contents(model, layers)) {
    const RankParameters held = rank_parameters(stage, model_size(model), split);
    sum += split.tensor * (held.shared - held.replicated) + held.replicated;
    sum += split.expert * split.expert_tensor * held.expert;
  }
  return sum;
}

// With MTP the last stage has the embedding a second time.
TEST(RankParameters, AddUpToTheModel) {
  const spec::ModelSpec v3 = test::deepseek_v3();
  const ModelSize size = model_size(v3);
  const auto expected = static_cast<double>(size.with_mtp + size.input_embedding);
  EXPECT_EQ(sum_over_ranks(v3, v3_layers(), {.expert = 64}), expected);
  EXPECT_EQ(sum_over_ranks(v3, v3_layers(), {.tensor = 8, .expert = 8, .expert_tensor = 4}),
            expected);
  EXPECT_EQ(sum_over_ranks(v3, {61}, {.tensor = 2}), static_cast<double>(size.with_mtp));
}

TEST(RankParameters, OfDenseModelsAddUp) {
  for (spec::ModelSpec model : {test::llama31_405b(), test::qwen25_72b()}) {
    const std::vector<std::int64_t> halves{model.layers / 2, model.layers - model.layers / 2};
    EXPECT_EQ(sum_over_ranks(model, halves, {.tensor = 8}),
              static_cast<double>(model_size(model).main));
    // Tied, both ends hold the one matrix.
    model.tied_embedding = true;
    const ModelSize tied = model_size(model);
    EXPECT_EQ(sum_over_ranks(model, halves, {.tensor = 8}),
              static_cast<double>(tied.main + tied.input_embedding));
    EXPECT_EQ(sum_over_ranks(model, {model.layers}, {}), static_cast<double>(tied.main));
  }
}

}  // namespace
}  // namespace planewise::model
