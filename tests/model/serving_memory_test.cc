// What a serving rank keeps in memory, by hand.
#include "model/serving_memory.h"

#include <gtest/gtest.h>

#include "model/make_model.h"
#include "model/model_size.h"

namespace planewise::model {
namespace {

spec::InferenceSpec served(int ranks, int redundant) {
  spec::InferenceSpec spec;
  spec.requests = {{.prompt_length = 4096, .output_length = 1024}};
  spec::DecodeSpec decode;
  decode.unit.parallel.data = ranks;
  decode.unit.parallel.expert = ranks;
  decode.unit.redundant_experts = redundant;
  decode.sequences = {64};
  spec.decode = decode;
  return spec;
}

constexpr Bytes kGpu = bytes(80e9);

// arXiv 2505.09343, table 1: 70,272 B; a module of drafts is a 62nd layer of 1,152 B.
TEST(CachePerToken, IsTheTablesAndHalfInFp8) {
  spec::InferenceSpec spec = served(128, 0);
  EXPECT_EQ(cache_per_token(test::deepseek_v3(), spec, 1, false), bytes(70'272));
  EXPECT_NEAR(cache_per_token(test::deepseek_v3(), spec, 1, true).in(bytes(1)), 71'424, 1e-6);
  EXPECT_EQ(cache_per_token(test::deepseek_v3(), spec, 4, false), bytes(70'272));  // latents: all
  spec.cache = spec::CacheElement::fp8;
  EXPECT_EQ(cache_per_token(test::deepseek_v3(), spec, 1, false), bytes(35'136));
}

// Eight key/value heads over 4 ranks are two each, over 16 one that two ranks hold.
TEST(CachePerToken, OfGroupedQueriesIsCutByHeads) {
  const spec::ModelSpec llama = test::llama31_405b();
  const spec::InferenceSpec spec = served(8, 0);
  EXPECT_EQ(cache_per_token(llama, spec, 4, false), bytes(516'096 / 4.0));
  EXPECT_EQ(cache_per_token(llama, spec, 16, false), bytes(516'096 / 8.0));
}

// 58 layers x 2 experts of 3 x 7,168 x 2,048 = 44,040,192 parameters, and all else of the model at
// a byte, of which embedding, head and routers take two.
TEST(DecodeMemory, CountsWeightsOfARank) {
  const spec::ModelSpec v3 = test::deepseek_v3();
  const ServingMemory memory = decode_memory(served(144, 32), v3, kGpu);
  const ModelSize size = model_size(v3);
  const double experts = 58 * 2 * 44'040'192.0;
  const double others = static_cast<double>(size.main) - 58 * 256 * 44'040'192.0;
  const double wide = 2.0 * 129'280 * 7168 + 58 * 256 * 7168.0;
  const double weight = 1 + 4.0 / (128 * 128);
  constexpr double kNorms = 1e-4;  // Two bytes as well.
  EXPECT_NEAR(memory.weights.in(bytes((experts + others - wide) * weight + 2 * wide)), 1, kNorms);
}

// Room for sequences: what is left of 90 % over 4,608 tokens of 70,272 B.
TEST(DecodeMemory, SaysHowManySequencesFit) {
  const ServingMemory memory = decode_memory(served(128, 0), test::deepseek_v3(), kGpu);
  EXPECT_DOUBLE_EQ(memory.cache_per_sequence.in(bytes(1)), 4608.0 * 70'272);
  const double room = 0.9 * 80e9 - memory.weights.base() - memory.buffers.base();
  EXPECT_EQ(memory.sequences_most, static_cast<std::int64_t>(room / (4608.0 * 70'272)));
  EXPECT_TRUE(memory.fits());
  spec::InferenceSpec more = served(128, 0);
  more.decode->sequences = {memory.sequences_most + 1};
  EXPECT_FALSE(decode_memory(more, test::deepseek_v3(), kGpu).fits());
}

// Not even one request of the longest kind fits beside the weights.
TEST(DecodeMemory, HasNoRoomIfTheLongestDoesNotFit) {
  spec::InferenceSpec spec = served(128, 0);
  spec.requests = {{.prompt_length = 4096, .output_length = 1024, .share = 0.99},
                   {.prompt_length = 1'000'000, .output_length = 1024, .share = 0.01}};
  EXPECT_EQ(decode_memory(spec, test::deepseek_v3(), kGpu).sequences_most, 0);
}

// 16,384 prompt tokens of a prefill need more room than 64 tokens of decode, on the same GPU as
// well.
TEST(DecodeMemory, HasRoomForPrefillOnItsGpus) {
  spec::InferenceSpec spec = served(128, 0);
  spec::PrefillSpec prefill;
  prefill.unit = spec.decode->unit;
  prefill.tokens = 16'384;
  spec.prefill = prefill;
  const Bytes apart = decode_memory(spec, test::deepseek_v3(), kGpu).buffers;
  spec.shares_gpus = true;
  const Bytes together = decode_memory(spec, test::deepseek_v3(), kGpu).buffers;
  EXPECT_GT(together, apart);
  EXPECT_EQ(together, prefill_memory(spec, test::deepseek_v3(), kGpu).buffers);
}

TEST(DecodeMemory, KeepsExpertsOnTheHost) {
  spec::InferenceSpec spec = served(1, 0);
  spec.precision = spec::Precision::int4;
  const ServingMemory all = decode_memory(spec, test::deepseek_v3(), kGpu);
  spec.expert_memory = spec::ExpertMemory::host;
  const ServingMemory memory = decode_memory(spec, test::deepseek_v3(), kGpu);
  EXPECT_DOUBLE_EQ((memory.weights + memory.host_weights).in(all.weights), 1);
  EXPECT_DOUBLE_EQ(memory.host_weights.in(bytes(1)), 58 * 256 * 44'040'192.0 * (0.5 + 2.0 / 128));
}

}  // namespace
}  // namespace planewise::model
