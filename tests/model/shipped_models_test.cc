// The shipped model files say what the tests' models say, so that the published checks hold for
// both.
#include <gtest/gtest.h>

#include <string>

#include "model/make_model.h"
#include "spec/read.h"

namespace planewise {
namespace {

void expect_equal(const spec::AttentionSpec& file, const spec::AttentionSpec& expected) {
  EXPECT_EQ(file.kind, expected.kind);
  EXPECT_EQ(file.heads, expected.heads);
  EXPECT_EQ(file.kv_heads, expected.kv_heads);
  EXPECT_EQ(file.head_dim, expected.head_dim);
  EXPECT_EQ(file.qkv_bias, expected.qkv_bias);
  EXPECT_EQ(file.qk_norm, expected.qk_norm);
  EXPECT_EQ(file.q_lora_rank, expected.q_lora_rank);
  EXPECT_EQ(file.kv_lora_rank, expected.kv_lora_rank);
  EXPECT_EQ(file.qk_nope_head_dim, expected.qk_nope_head_dim);
  EXPECT_EQ(file.qk_rope_head_dim, expected.qk_rope_head_dim);
  EXPECT_EQ(file.v_head_dim, expected.v_head_dim);
  EXPECT_FALSE(file.source.empty());
}

void expect_equal(const spec::MoeSpec& file, const spec::MoeSpec& expected) {
  EXPECT_EQ(file.first_dense_layers, expected.first_dense_layers);
  EXPECT_EQ(file.routed_experts, expected.routed_experts);
  EXPECT_EQ(file.shared_experts, expected.shared_experts);
  EXPECT_EQ(file.experts_per_token, expected.experts_per_token);
  EXPECT_EQ(file.expert_intermediate, expected.expert_intermediate);
  EXPECT_EQ(file.groups, expected.groups);
  EXPECT_EQ(file.groups_per_token, expected.groups_per_token);
  EXPECT_FALSE(file.source.empty());
}

void expect_file(const std::string& name, const spec::ModelSpec& expected) {
  spec::Diagnostics diagnostics;
  const spec::ModelSpec file =
      spec::read_model(std::string(PLANEWISE_ROOT) + "/models/" + name, diagnostics);
  for (const spec::Diagnostic& diagnostic : diagnostics.list()) {
    ADD_FAILURE() << spec::render(diagnostic);
  }
  if (!diagnostics.empty()) return;
  EXPECT_EQ(file.name, expected.name);
  EXPECT_FALSE(file.source.empty());
  EXPECT_EQ(file.layers, expected.layers);
  EXPECT_EQ(file.hidden, expected.hidden);
  EXPECT_EQ(file.intermediate, expected.intermediate);
  EXPECT_EQ(file.feed_forward, expected.feed_forward);
  EXPECT_EQ(file.vocabulary, expected.vocabulary);
  EXPECT_EQ(file.tied_embedding, expected.tied_embedding);
  EXPECT_EQ(file.mtp_depth, expected.mtp_depth);
  expect_equal(file.attention, expected.attention);
  ASSERT_EQ(file.moe.has_value(), expected.moe.has_value());
  if (expected.moe) expect_equal(*file.moe, *expected.moe);
}

TEST(ShippedModels, DeepSeekV3) { expect_file("deepseek_v3.yaml", test::deepseek_v3()); }
TEST(ShippedModels, DeepSeekV2) { expect_file("deepseek_v2.yaml", test::deepseek_v2()); }
TEST(ShippedModels, Qwen) { expect_file("qwen2.5_72b.yaml", test::qwen25_72b()); }
TEST(ShippedModels, Llama) { expect_file("llama3.1_405b.yaml", test::llama31_405b()); }

}  // namespace
}  // namespace planewise
