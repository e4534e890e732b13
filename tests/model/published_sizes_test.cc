// Parameters of the shipped models against the totals that their makers print. Half of the last
// printed digit is the tolerance.
#include <gtest/gtest.h>

#include <string>

#include "model/model_size.h"
#include "spec/read.h"

namespace planewise::model {
namespace {

spec::ModelSpec shipped(const std::string& name) {
  spec::Diagnostics diagnostics;
  spec::ModelSpec model =
      spec::read_model(std::string(PLANEWISE_ROOT) + "/models/" + name + ".yaml", diagnostics);
  for (const spec::Diagnostic& diagnostic : diagnostics.list()) {
    ADD_FAILURE() << spec::render(diagnostic);
  }
  return model;
}

double billions(std::int64_t parameters) { return static_cast<double>(parameters) * 1e-9; }

// arXiv 2104.04473, table 2, prints 174.6 B. Its equation 2 also counts positions (2,048 of 12,288)
// and all biases.
TEST(PublishedSizes, Gpt3) {
  const ModelSize size = model_size(shipped("gpt3_175b"));
  // 96 * (12 * 12,288^2 + 3 * 12,288 biases + 2 * 12,288 norms) + 12,288 + 51,200 * 12,288.
  EXPECT_EQ(size.main, 174'581'231'616);
  EXPECT_NEAR(billions(size.main), 174.6, 0.05);
}

// As the pages of meta-llama/Llama-3.1-8B, -70B and -405B on Hugging Face show them.
TEST(PublishedSizes, Llama) {
  EXPECT_NEAR(billions(model_size(shipped("llama3.1_8b")).main), 8.03, 0.005);
  EXPECT_NEAR(billions(model_size(shipped("llama3.1_70b")).main), 70.6, 0.05);
  EXPECT_NEAR(billions(model_size(shipped("llama3.1_405b")).main), 406, 0.5);
}

// mistral.ai/news/mixtral-of-experts: 46.7 B, of which a token uses 12.9 B.
TEST(PublishedSizes, Mixtral8x7B) {
  const ModelSize size = model_size(shipped("mixtral_8x7b"));
  EXPECT_NEAR(billions(size.main), 46.7, 0.05);
  EXPECT_NEAR(billions(size.active.with_head_and_embedding), 12.9, 0.05);
}

// mistral.ai/news/mixtral-8x22b: 141 B, of which a token uses 39 B.
TEST(PublishedSizes, Mixtral8x22B) {
  const ModelSize size = model_size(shipped("mixtral_8x22b"));
  EXPECT_NEAR(billions(size.main), 141, 0.5);
  EXPECT_NEAR(billions(size.active.with_head_and_embedding), 39, 0.5);
}

// Model card of Qwen/Qwen3-235B-A22B: 235 B, 234 B without embedding, 22 B active.
TEST(PublishedSizes, Qwen3Of235B) {
  const ModelSize size = model_size(shipped("qwen3_235b_a22b"));
  EXPECT_NEAR(billions(size.main), 235, 0.5);
  EXPECT_NEAR(billions(size.main - size.input_embedding - size.head), 234, 0.5);
  EXPECT_NEAR(billions(size.active.with_head_and_embedding), 22, 0.5);
}

// Model card of Qwen/Qwen3-30B-A3B: 30.5 B, 29.9 B without embedding, 3.3 B active. The last is
// cut, not rounded: ours is 3.353.
TEST(PublishedSizes, Qwen3Of30B) {
  const ModelSize size = model_size(shipped("qwen3_30b_a3b"));
  EXPECT_NEAR(billions(size.main), 30.5, 0.05);
  EXPECT_NEAR(billions(size.main - size.input_embedding - size.head), 29.9, 0.05);
  EXPECT_GE(billions(size.active.with_head_and_embedding), 3.3);
  EXPECT_LT(billions(size.active.with_head_and_embedding), 3.4);
}

// Model card of moonshotai/Kimi-K2-Instruct: 1 T and 32 B active. Its report (arXiv 2507.20534,
// table 2) prints 1.04 T and 32.6 B. The first comes out if the first layer has experts as well,
// which it has not (first_k_dense_replace 1); the second lies between ours with the head and ours
// with the embedding too.
TEST(PublishedSizes, KimiK2) {
  spec::ModelSpec model = shipped("kimi_k2");
  const ModelSize size = model_size(model);
  EXPECT_NEAR(billions(size.main), 1'000, 500);
  EXPECT_NEAR(billions(size.active.with_head), 32, 0.5);
  EXPECT_LT(billions(size.active.with_head), 32.6);
  EXPECT_GT(billions(size.active.with_head_and_embedding), 32.6);
  // 61 * (101,122,048 of attention, 16,384 of norms, 2,752,512 + 384 of the router and 385 experts
  // of 44,040,192), less one layer's router and experts, more one dense feed-forward of
  // 396,361,728; two matrices of 163,840 * 7168; the final norm.
  EXPECT_EQ(size.main, 61LL * (101'122'048 + 16'384 + 2'752'896 + 385LL * 44'040'192) -
                           (2'752'896 + 385LL * 44'040'192) + 396'361'728 + 2LL * 163'840 * 7168 +
                           7168);
  model.moe->first_dense_layers = 0;
  EXPECT_NEAR(billions(model_size(model).main), 1'040, 5);
}

}  // namespace
}  // namespace planewise::model
