// Inference workloads: what is read, and what follows from the requests.
#include "spec/inference.h"

#include <gtest/gtest.h>

#include <string>

#include "spec/read.h"

namespace planewise::spec {
namespace {

InferenceSpec bundled(const std::string& name) {
  Diagnostics diagnostics;
  InferenceSpec spec =
      read_inference(std::string(PLANEWISE_ROOT) + "/workloads/" + name + ".yaml", diagnostics);
  diagnostics.throw_if_any();
  return spec;
}

TEST(ReadInference, ReadsBothUnits) {
  const InferenceSpec spec = bundled("deepseek_v3_decode_ep144_h800");
  ASSERT_TRUE(spec.decode.has_value());
  EXPECT_EQ(spec.decode->unit.parallel.expert, 144);
  EXPECT_EQ(spec.decode->unit.redundant_experts, 32);
  EXPECT_EQ(spec.decode->unit.exchange, ExchangeMode::low_latency);
  EXPECT_EQ(spec.decode->unit.posting, Posting::ibgda);
  ASSERT_TRUE(spec.decode->tpot_limit.has_value());
  EXPECT_EQ(*spec.decode->tpot_limit, milliseconds(47.6));
  ASSERT_TRUE(spec.prefill.has_value());
  EXPECT_EQ(spec.prefill->unit.exchange, ExchangeMode::normal);
  EXPECT_EQ(spec.prefill->unit.communication_sms, 24);
  EXPECT_EQ(spec.prefill->tokens, 16'384);
  EXPECT_DOUBLE_EQ(spec.prefix_hit_rate, 0.563);
  EXPECT_FALSE(spec.shares_gpus);
  EXPECT_EQ(*spec.gpu_hour, usd(2));
  EXPECT_EQ(expert_slots(spec.decode->unit, 256), 288);
}

TEST(ReadInference, ReadsOneMachine) {
  const InferenceSpec spec = bundled("small/deepseek_v3_server_one_gpu");
  EXPECT_EQ(spec.precision, Precision::int4);
  EXPECT_EQ(spec.expert_memory, ExpertMemory::host);
  EXPECT_TRUE(spec.shares_gpus);
}

// 1 + 0.9 + 0.9 x 0.8; a third draft is right only if both before it are.
TEST(TokensPerIteration, IsOneAndTheDraftsThatAreRight) {
  DecodeSpec decode;
  EXPECT_EQ(tokens_per_iteration(decode), 1);
  EXPECT_EQ(tokens_computed(decode), 1);
  decode.draft = DraftSpec{.acceptance = {0.9, 0.8}};
  EXPECT_DOUBLE_EQ(tokens_per_iteration(decode), 2.62);
  EXPECT_EQ(tokens_computed(decode), 3);
  decode.draft->acceptance = {0, 1};
  EXPECT_DOUBLE_EQ(tokens_per_iteration(decode), 1);
}

// A kind with four times the output stays four times as long: (1 x 1,050 + 4 x 2,200) / 5 cached.
TEST(MeanRequest, WeighsByTheIterationsThatARequestStays) {
  const MeanRequest mean =
      mean_request({{.prompt_length = 1000, .output_length = 100, .share = 0.5},
                    {.prompt_length = 2000, .output_length = 400, .share = 0.5}});
  EXPECT_DOUBLE_EQ(mean.prompt, 1500);
  EXPECT_DOUBLE_EQ(mean.output, 250);
  EXPECT_DOUBLE_EQ(mean.cached, 1970);
  EXPECT_DOUBLE_EQ(mean.cached_most, 2400);
  EXPECT_DOUBLE_EQ(mean.prompt_square, 2.5e6);
}

}  // namespace
}  // namespace planewise::spec
