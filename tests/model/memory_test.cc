// Memory of a rank against published formulas and against what is published to have fitted.
#include "model/memory.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "model/make_model.h"

namespace planewise::model {
namespace {

// An 80 GB H100 or H800 reports 81,559 MiB.
const Bytes kGpu = bytes(81559.0 * 1024 * 1024);

double ratio(Bytes a, Bytes b) { return a.base() / b.base(); }

spec::ModelSpec gpt3() {
  spec::ModelSpec model;
  model.layers = 96;
  model.hidden = 12288;
  model.intermediate = 4 * 12288;
  model.feed_forward = spec::FeedForward::gelu;
  model.vocabulary = 51200;
  model.attention = {
      .kind = spec::AttentionKind::mha, .heads = 96, .kv_heads = 96, .head_dim = 128};
  return model;
}

spec::JobSpec plain_job() {
  spec::JobSpec job;
  job.precision = spec::Precision::bf16;
  job.recomputation = spec::Recomputation::none;
  job.batch = {.sequence_length = 2048, .sequences_per_micro_batch = 1, .micro_batches = 64};
  return job;
}

// arXiv 2205.05198, section 4.1: 34 s b h without the scores. The softmax's sums, 4 B a head, are
// FlashAttention's.
TEST(LayerActivation, OfGpt3IsKorthikantis34) {
  const LayerActivation layer = layer_activation(gpt3(), plain_job(), LayerKind::dense);
  EXPECT_EQ(layer.shared, bytes(34.0 * 12288 + 4 * 96));
  EXPECT_EQ(layer.experts, Bytes{});
}

// The same, section 5 and abstract: with sequence parallelism and without the scores a fifth of
// the baseline s b h (10 + 24/t + 5 a s / (h t)) is left; t = 8, 5 a s / h = 80.
TEST(LayerActivation, OfGpt3IsAFifthOfTheBaseline) {
  const Bytes ours = layer_activation(gpt3(), plain_job(), LayerKind::dense).shared * (1.0 / 8);
  const Bytes baseline = bytes(12288 * (10 + 24.0 / 8 + 80.0 / 8));
  EXPECT_NEAR(ratio(ours, baseline), 0.2, 0.02);
}

// Section 5: full recomputation keeps 2 s b h.
TEST(LayerActivation, UnderFullRecomputationIsTheInput) {
  spec::JobSpec job = plain_job();
  job.recomputation = spec::Recomputation::full;
  EXPECT_EQ(layer_activation(gpt3(), job, LayerKind::dense).shared, bytes(2.0 * 12288));
}

TEST(LayerActivation, FallsWithRecomputationAndPrecision) {
  const spec::ModelSpec v3 = test::deepseek_v3();
  for (const LayerKind kind : {LayerKind::dense, LayerKind::moe}) {
    spec::JobSpec job = plain_job();
    const LayerActivation none = layer_activation(v3, job, kind);
    job.recomputation = spec::Recomputation::selective;
    const LayerActivation selective = layer_activation(v3, job, kind);
    job.precision = spec::Precision::fp8_blockwise;
    const LayerActivation fp8 = layer_activation(v3, job, kind);
    EXPECT_LT(selective.shared, none.shared);
    EXPECT_LT(fp8.shared + fp8.experts, selective.shared + selective.experts);
  }
}

struct V3Rank {
  int rank = 0;
  spec::Precision precision = spec::Precision::fp8_blockwise;
};

/// 16 x 128 ranks, EP64, DualPipe. Rank r holds stages r and 15 - r; of the micro-batches that
/// enter at its own end 16 - e are in flight and e + 1 of the others, e ranks from that end.
Memory v3_memory(const V3Rank& which) {
  spec::JobSpec job = plain_job();
  job.precision = which.precision;
  job.recomputation = spec::Recomputation::selective;
  job.batch.sequence_length = 4096;
  job.parallel.pipeline = 16;
  job.parallel.data = 128;
  job.parallel.expert = 64;
  const spec::ModelSpec model = test::deepseek_v3();
  std::vector<std::int64_t> layers(16, 4);
  layers.back() = 1;
  const std::vector<StageContent> stages = stage_contents(model, layers);
  const auto rank = static_cast<std::size_t>(which.rank);
  return rank_memory(
      {.model = model,
       .job = job,
       .chunks = {{stages[rank], 16 - which.rank}, {stages[15 - rank], which.rank + 1}},
       .weights_pending = which.rank == 7 ? 0 : 1,
       .gpu_memory = kGpu});
}

// arXiv 2412.19437, section 3.2: trained on 80 GB H800 without tensor parallelism.
TEST(Memory, OfDeepSeekV3FitsWithoutTensorParallelism) {
  for (int rank = 0; rank < 8; ++rank) {
    const Memory memory = v3_memory({.rank = rank});
    EXPECT_TRUE(memory.fits) << rank << ": " << memory.total().base();
    EXPECT_EQ(memory.largest, MemoryUse::activations);
    EXPECT_LT(memory.total(),
              v3_memory({.rank = rank, .precision = spec::Precision::bf16}).total());
  }
}

struct LlamaJob {
  spec::Sharding sharding = spec::Sharding::fsdp;
  int tensor = 8;
};

/// TP8, PP16, 128 replicas, sequences of 8,192; the first rank of 1F1B.
Memory llama_memory(const LlamaJob& which) {
  spec::JobSpec job = plain_job();
  job.batch.sequence_length = 8192;
  job.optimizer = {.sharding = which.sharding, .moment_bytes = 4};
  job.parallel.tensor = which.tensor;
  job.parallel.pipeline = 16;
  job.parallel.data = 128;
  const spec::ModelSpec model = test::llama31_405b();
  std::vector<std::int64_t> layers(16, 8);
  layers.front() = 7;
  layers.back() = 7;
  return rank_memory({.model = model,
                      .job = job,
                      .chunks = {{stage_contents(model, layers).front(), 16}},
                      .gpu_memory = kGpu});
}

// arXiv 2407.21783, table 4 and section 3.3.2: TP8 CP1 PP16 DP128 with FSDP, sequences of 8,192,
// without recomputation on 80 GB.
TEST(Memory, OfLlama405BFitsUnderFsdp) {
  const Memory sharded = llama_memory({});
  EXPECT_TRUE(sharded.fits) << sharded.total().base();
  EXPECT_FALSE(llama_memory({.tensor = 4}).fits);
}

// ZeRO (arXiv 1910.02054, section 5) divides the states,
// then all.
TEST(Memory, FallsWithSharding) {
  const Memory none = llama_memory({.sharding = spec::Sharding::none});
  const Memory zero1 = llama_memory({.sharding = spec::Sharding::zero1});
  const Memory fsdp = llama_memory({});
  EXPECT_NEAR(ratio(none.use(MemoryUse::optimizer), zero1.use(MemoryUse::optimizer)), 128, 1e-9);
  EXPECT_EQ(none.use(MemoryUse::weights), zero1.use(MemoryUse::weights));
  EXPECT_NEAR(ratio(zero1.use(MemoryUse::weights), fsdp.use(MemoryUse::weights)), 128, 1e-9);
  EXPECT_NEAR(ratio(zero1.use(MemoryUse::gradients), fsdp.use(MemoryUse::gradients)), 128, 1e-9);
  // Masters and two moments of 4 B over weights of 2 B.
  EXPECT_NEAR(ratio(none.use(MemoryUse::optimizer), none.use(MemoryUse::weights)), 6, 1e-9);
}

}  // namespace
}  // namespace planewise::model
