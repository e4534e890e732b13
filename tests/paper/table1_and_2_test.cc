// Tables 1 and 2 of "Insights into DeepSeek-V3", arXiv 2505.09343: KV cache and training cost a
// token.
#include <gtest/gtest.h>

#include <cmath>

#include "model/make_model.h"
#include "model/model_size.h"

namespace planewise {
namespace {

/// Training FLOPs a token at table 2's sequence length, causal.
Flop at_4096(const spec::ModelSpec& model) {
  return model::training_flop_per_token(model, {.sequence_length = 4096}).total();
}

/// `value` as a table prints it with one decimal.
double one_decimal(double value) { return std::round(value * 10) / 10; }

// Table 1 prints kilobytes of 1000 B with three decimals: to the byte, so no tolerance.
TEST(Table1, KvCachePerToken) {
  EXPECT_EQ(model::kv_cache_per_token(test::deepseek_v3()), bytes(70'272));
  EXPECT_EQ(model::kv_cache_per_token(test::qwen25_72b()), bytes(327'680));
  EXPECT_EQ(model::kv_cache_per_token(test::llama31_405b()), bytes(516'096));
}

// The multipliers against DeepSeek-V3, printed with two decimals: half of 0.01 is the tolerance.
TEST(Table1, Multipliers) {
  const Bytes latent = model::kv_cache_per_token(test::deepseek_v3());
  EXPECT_NEAR(model::kv_cache_per_token(test::qwen25_72b()).in(latent), 4.66, 0.005);
  // The paper prints 7.28, which its own sizes do not give: 516.096 / 70.272 = 7.344.
  EXPECT_NEAR(model::kv_cache_per_token(test::llama31_405b()).in(latent), 7.34, 0.005);
}

// Table 2 prints whole GFLOP: half of one is the tolerance.
TEST(Table2, DeepSeekAsPrinted) {
  EXPECT_NEAR(at_4096(test::deepseek_v2()).in(gigaflop(1)), 155, 0.5);
  EXPECT_NEAR(at_4096(test::deepseek_v3()).in(gigaflop(1)), 250, 0.5);
}

// The same convention to a decimal. Recomputed by hand:
//   V2    6 * 20.850769920 B + 3*60*2*128*(192+128)*4096/2 =  125.105 +  30.199 =  155.3
//   V3    6 * 36.624596992 B + 3*61*2*128*(192+128)*4096/2 =  219.748 +  30.702 =  250.4(499)
//   Qwen  6 * 71.458357248 B + 3*80*2*64*(128+128)*4096/2 =  428.750 +  16.106 =  444.9
//   LLaMA 6 * 403.747897344 B + 3*126*2*128*(128+128)*4096/2 = 2422.487 +  50.734 = 2473.2
// V3's last digit decides what N_active is: with norms and router biases it would be 250.5.
TEST(Table2, AllFourToADecimal) {
  EXPECT_EQ(one_decimal(at_4096(test::deepseek_v2()).in(gigaflop(1))), 155.3);
  EXPECT_EQ(one_decimal(at_4096(test::deepseek_v3()).in(gigaflop(1))), 250.4);
  EXPECT_EQ(one_decimal(at_4096(test::qwen25_72b()).in(gigaflop(1))), 444.9);
  EXPECT_EQ(one_decimal(at_4096(test::llama31_405b()).in(gigaflop(1))), 2473.2);
}

// Table 2 prints 394 for a dense Qwen of 72 B and 2,448 for LLaMA-405B. Neither follows from what
// gives 155 and 250: ours are 444.9 (12.9 % more; 394 is below 6 * 71.5 B = 428.7 even without
// attention) and 2,473.2 (1.0 % more). This test holds the distance, so that a change of convention
// cannot pass unseen.
TEST(Table2, DenseModelsAsPrintedDoNotFollow) {
  EXPECT_NEAR(at_4096(test::qwen25_72b()).in(gigaflop(394)), 1.129, 0.0005);
  EXPECT_NEAR(at_4096(test::llama31_405b()).in(gigaflop(2448)), 1.0103, 0.00005);
}

/// What table 4 divides by: 15,360 sequences of 4,096 tokens a step on 2,048 GPUs (batch size and
/// GPUs of arXiv 2412.19437, section 4.2).
FlopRate rate_per_gpu(Flop per_token, Seconds step) {
  return per_token * (15'360.0 * 4'096.0 / 2'048.0) / step;
}

// Table 4's TFLOPS and MFU follow from its step times, without any simulation, if the routers'
// matrices are left out of V3's FLOPs (0.26 %): 249.8 GFLOP causal and 280.5 non-causal. With them
// it is 250.4 and 281.2 and the rates would print as 386 and 433. Table 2's 155 and 250 hold either
// way (155.0 and 249.8).
TEST(Table4, RatesFollowFromItsStepTimesWithoutTheRouters) {
  struct Row {
    Seconds step{};
    double mfu_noncausal = 0;
    double mfu_causal = 0;
  };
  const model::TrainingFlop causal =
      model::training_flop_per_token(test::deepseek_v3(), {.sequence_length = 4096});
  const model::TrainingFlop noncausal = model::training_flop_per_token(
      test::deepseek_v3(), {.sequence_length = 4096, .causal = false});
  EXPECT_EQ(one_decimal((noncausal.total() - noncausal.router).in(gigaflop(1))), 280.5);
  EXPECT_EQ(one_decimal(noncausal.total().in(gigaflop(1))), 281.2);

  // MPFT, then MRFT.
  for (const Row& row :
       {Row{seconds(19.926), 0.4373, 0.3894}, Row{seconds(19.946), 0.4368, 0.3890}}) {
    const FlopRate full = rate_per_gpu(noncausal.total() - noncausal.router, row.step);
    const FlopRate half = rate_per_gpu(causal.total() - causal.router, row.step);
    EXPECT_NEAR(full.in(teraflops(1)), 432, 0.5);
    EXPECT_NEAR(half.in(teraflops(1)), 385, 0.5);
    // 989 TFLOPS: dense BF16 peak of an H800. Printed to 0.01 %.
    EXPECT_NEAR(full.in(teraflops(989)), row.mfu_noncausal, 0.00005);
    EXPECT_NEAR(half.in(teraflops(989)), row.mfu_causal, 0.00005);
  }
  EXPECT_EQ(std::round(rate_per_gpu(causal.total(), seconds(19.926)).in(teraflops(1))), 386);
  EXPECT_EQ(std::round(rate_per_gpu(noncausal.total(), seconds(19.926)).in(teraflops(1))), 433);
}

}  // namespace
}  // namespace planewise
