// What a serving rank computes: shapes, FLOPs and bytes against arithmetic by hand.
#include "workload/serving_operators.h"

#include <gtest/gtest.h>

#include <string>

#include "workload/make_serving.h"
#include "workload/operators.h"

namespace planewise::workload {
namespace {

const Block& block_of(const std::vector<Block>& blocks, ServedPiece piece) {
  return blocks[static_cast<std::size_t>(piece)];
}

const Operator& find(const Block& block, const std::string& what) {
  for (const Operator& op : block.operators) {
    if (op.what == what) return op;
  }
  ADD_FAILURE() << "no operator " << what << " in " << block.name;
  return block.operators.front();
}

/// 64 tokens of 64 sequences with 4,989 tokens each.
ServedInput decode_input(const test::LoadedServing& loaded) {
  return {.model = loaded.model,
          .spec = loaded.spec,
          .unit = loaded.spec.decode->unit,
          .tokens = 64,
          .sequences = 64,
          .attended = 4989};
}

// Core attention: 128 heads, 2 x (576 + 512) FLOPs a cached token and head; 1,152 B a cached token.
TEST(ServedBlocks, OfDecodeAttendOverLatents) {
  const test::LoadedServing v3 = test::ep144();
  const std::vector<Block> blocks = served_blocks(decode_input(v3));
  const Operator& core =
      find(block_of(blocks, ServedPiece::attention_core), "core attention over the cache");
  EXPECT_EQ(core.id, "attention_mla.decode");
  EXPECT_DOUBLE_EQ(core.work.in(flop(1)), 128.0 * 2 * 1088 * 4989 * 64);
  EXPECT_DOUBLE_EQ(core.traffic.in(bytes(1)), 1152.0 * 4989 * 64);
  const Operator& absorbed =
      find(block_of(blocks, ServedPiece::attention_in), "queries into the latent");
  EXPECT_EQ(absorbed.shape, (spec::GemmShape{.groups = 128, .m = 64, .n = 512, .k = 128}));
}

// Two drafts: three tokens a sequence read its cache once.
TEST(ServedBlocks, OfDraftsReadACacheOnce) {
  const test::LoadedServing v3 = test::ep144();
  ServedInput in = decode_input(v3);
  const Operator plain = find(block_of(served_blocks(in), ServedPiece::attention_core),
                              "core attention over the cache");
  in.tokens = 3 * 64;
  const Operator drafted = find(block_of(served_blocks(in), ServedPiece::attention_core),
                                "core attention over the cache");
  EXPECT_DOUBLE_EQ(drafted.traffic.in(plain.traffic), 1);
  EXPECT_DOUBLE_EQ(drafted.work.in(plain.work), 3);
}

// 144 ranks x 64 tokens x 8 experts = 73,728 pairs over 288 slots, two a rank: 256 rows each.
TEST(ServedBlocks, OfExpertsShareTheGroupsTokens) {
  const test::LoadedServing v3 = test::ep144();
  const std::vector<Block> blocks = served_blocks(decode_input(v3));
  const Operator& first = find(block_of(blocks, ServedPiece::experts), "routed gate and up");
  EXPECT_EQ(first.shape, (spec::GemmShape{.groups = 2, .m = 256, .n = 4096, .k = 7168}));
  ServedInput busiest = decode_input(v3);
  busiest.busiest = 1.25;
  const std::vector<Block> more = served_blocks(busiest);
  EXPECT_EQ(find(block_of(more, ServedPiece::experts), "routed gate and up").shape.m, 320);
}

// One token chooses 8 of 256 experts: nobody else's weights are read.
TEST(ServedBlocks, OfOneTokenReadItsExpertsAlone) {
  const test::LoadedServing v3 = test::load_serving(
      "workloads/small/deepseek_v3_server_one_gpu.yaml", "topologies/one_gpu.yaml");
  ServedInput in = decode_input(v3);
  in.tokens = 1;
  in.sequences = 1;
  const std::vector<Block> blocks = served_blocks(in);
  const Operator& first = find(block_of(blocks, ServedPiece::experts), "routed gate and up");
  EXPECT_EQ(first.shape, (spec::GemmShape{.groups = 8, .m = 1, .n = 4096, .k = 7168}));
  EXPECT_EQ(first.id, "grouped_gemm.int4.host.decode");
}

// LLaMA-3.1-405B over 8 ranks: 16 query heads and one key/value head of 128 each.
TEST(ServedBlocks, OfGroupedQueriesAreCutByHeads) {
  const test::LoadedServing llama = test::load_serving("workloads/llama3.1_405b_decode_h100.yaml",
                                                       "topologies/mrft_256_h100.yaml");
  const std::vector<Block> blocks = served_blocks(decode_input(llama));
  const Operator& core =
      find(block_of(blocks, ServedPiece::attention_core), "core attention over the cache");
  EXPECT_EQ(core.id, "attention.decode");
  EXPECT_DOUBLE_EQ(core.work.in(flop(1)), 4.0 * 16 * 128 * 4989 * 64);
  EXPECT_DOUBLE_EQ(core.traffic.in(bytes(1)), 2.0 * 1 * 128 * 2 * 4989 * 64);
  EXPECT_EQ(find(block_of(blocks, ServedPiece::dense), "gate and up").shape,
            (spec::GemmShape{.groups = 1, .m = 64, .n = 2 * 53248 / 8, .k = 16384}));
  EXPECT_TRUE(block_of(blocks, ServedPiece::experts).operators.empty());
}

// Whole prompts, none cached: what training's forward computes of as many tokens.
TEST(ServedBlocks, OfPrefillAreTrainingsForward) {
  const test::LoadedServing v3 = test::load_serving("workloads/deepseek_v3_prefill_ep32_h800.yaml",
                                                    "topologies/mpft_2048.yaml");
  spec::ModelSpec placed = v3.model;
  placed.moe->routed_experts = 288;
  const OperatorInput forward{.model = placed,
                              .tokens = 8192,
                              .sequence_length = 4096,
                              .expert_ranks = 32,
                              .precision = v3.spec.precision,
                              .recomputation = spec::Recomputation::none};
  const std::vector<Block> blocks = served_blocks({.model = v3.model,
                                                   .spec = v3.spec,
                                                   .unit = v3.spec.prefill->unit,
                                                   .is_decode = false,
                                                   .tokens = 8192,
                                                   .sequences = 2,
                                                   .attended = 2048});
  const auto work = [](const Block& block) {
    Flop sum{};
    for (const Operator& op : block.operators) sum += op.work;
    return sum;
  };
  const Flop core = work(attention_core(forward).forward) + work(attention_out(forward).forward);
  EXPECT_DOUBLE_EQ(work(block_of(blocks, ServedPiece::attention_core)).in(core), 1);
  const Flop experts_work =
      work(block_of(blocks, ServedPiece::experts)) + work(block_of(blocks, ServedPiece::shared));
  EXPECT_DOUBLE_EQ(experts_work.in(work(experts(forward).forward)), 1);
}

// A profile that was measured at decode's sizes has no '.decode'.
TEST(ServedBlocks, AreNamedAsTheProfileHasThem) {
  spec::ProfileSpec profile;
  profile.operators = {{.id = "norm"}, {.id = "rope"}, {.id = "rope.decode"}};
  std::vector<Block> blocks = {
      {.operators = {{.id = "norm.decode"}, {.id = "rope.decode"}, {.id = "router.decode"}}}};
  name_as_profiled(blocks, profile);
  EXPECT_EQ(blocks[0].operators[0].id, "norm");
  EXPECT_EQ(blocks[0].operators[1].id, "rope.decode");
  EXPECT_EQ(blocks[0].operators[2].id, "router.decode");
}

}  // namespace
}  // namespace planewise::workload
