// Operators against the model's closed forms, against shapes and counts of the published trace, and
// against themselves when more ranks share them.
#include "workload/operators.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <vector>

#include "workload/make_job.h"
#include "workload/operator_time.h"

namespace planewise::workload {
namespace {

const test::Loaded& v3() {
  static const test::Loaded loaded =
      test::load_bundled("workloads/deepseek_v3_train_2048_h800.yaml");
  return loaded;
}

OperatorInput v3_input() {
  return {.model = v3().model, .tokens = 4096, .sequence_length = 4096, .expert_ranks = 64};
}

/// LLaMA-3.1-70B's layer (arXiv 2407.21783, table 3), in BF16 without recomputation.
const spec::ModelSpec& llama() {
  static const spec::ModelSpec model = [] {
    spec::ModelSpec made;
    made.layers = 80;
    made.hidden = 8192;
    made.intermediate = 28672;
    made.vocabulary = 128256;
    made.attention = {
        .kind = spec::AttentionKind::gqa, .heads = 64, .kv_heads = 8, .head_dim = 128};
    return made;
  }();
  return model;
}

OperatorInput llama_input(int tensor) {
  return {.model = llama(),
          .tokens = 8192,
          .sequence_length = 8192,
          .tensor = tensor,
          .precision = spec::Precision::bf16,
          .recomputation = spec::Recomputation::none};
}

double work_of(const Block& block) {
  double sum = 0;
  for (const Operator& op : block.operators) sum += op.work.base();
  return sum;
}

const Operator& operator_of(const Block& block, const std::string& what) {
  for (const Operator& op : block.operators) {
    if (op.what == what) return op;
  }
  ADD_FAILURE() << block.name << " has no " << what;
  static const Operator none;
  return none;
}

/// Bytes of all operators `id` of the blocks.
double traffic_of(std::initializer_list<Block> blocks, const std::string& id) {
  double sum = 0;
  for (const Block& block : blocks) {
    for (const Operator& op : block.operators) {
      if (op.id == id) sum += op.traffic.base();
    }
  }
  return sum;
}

double work_of(std::initializer_list<Block> blocks, const std::string& id) {
  double sum = 0;
  for (const Block& block : blocks) {
    for (const Operator& op : block.operators) {
      if (op.id == id) sum += op.work.base();
    }
  }
  return sum;
}

/// The blocks of a layer as the trace of V3 names its phases.
struct Phases {
  Passes in, core, out, scores, moe;
  explicit Phases(const OperatorInput& input)
      : in(attention_in(input)),
        core(attention_core(input)),
        out(attention_out(input)),
        scores(router(input)),
        moe(experts(input)) {}
};

// The profile's rates are the trace's times over these counts (docs/profiles.md), so the counts of
// the trace's categories must be what they were there, whatever pieces a layer is cut into.
// t = 4096, h = 7168, q = 1536, c = 512, r = 64, H = 128 heads of 192 and 128, rows R = 32768.
TEST(Operators, AddUpToTheCategoriesOfTheTrace) {
  const OperatorInput input = v3_input();
  const Phases p(input);
  const double t = 4096, h = 7168, q = 1536, c = 512, heads = 128, rows = 32768, w = 2048;
  const double wide_q = heads * 192, wide_kv = heads * 256, down = 2112, output = heads * 128;
  const double f = 2 + 1 + 4.0 / 128;
  const auto attention_f = {p.in.forward, p.core.forward, p.out.forward};
  const auto attention_b = {p.out.backward, p.core.backward, p.in.backward};
  EXPECT_NEAR(traffic_of(attention_f, "norm"), 4 * t * (2 * h + q + c), 1);  // 268.44 MB
  EXPECT_NEAR(traffic_of(attention_b, "norm"),                               // 553.65 MB
              t * (4 * (h + q + c) + 6 * (2 * h + q + c)), 1);
  EXPECT_NEAR(traffic_of(attention_f, "rope"), 4 * t * 64 * 129, 1);  // 135.27 MB
  EXPECT_NEAR(traffic_of(attention_b, "rope"), 2 * 4 * t * 64 * 129, 1);
  EXPECT_NEAR(traffic_of(attention_f, "copy"),  // 605.03 MB
              2 * t * (heads * 192 + heads * 128 + 128 + 2 * heads * 128), 1);
  EXPECT_NEAR(traffic_of(attention_b, "copy"), 2 * traffic_of(attention_f, "copy"), 1);
  EXPECT_NEAR(traffic_of(attention_f, "elementwise"), 6 * t * h, 1);  // 176.16 MB
  EXPECT_NEAR(traffic_of(attention_b, "elementwise"), 12 * t * h, 1);
  EXPECT_NEAR(traffic_of(attention_f, "quantise"), f * t * (2 * h + q + c + output), 1);
  EXPECT_NEAR(traffic_of(attention_b, "quantise.backward"),  // 1997.68 MB
              f * t * (2 * (h + wide_q + wide_kv + down) + (h + q + c + output) + q + c), 1);
  EXPECT_NEAR(traffic_of({p.moe.forward}, "permute"), 2 * rows * h * (f), 1);   // 1423.97 MB
  EXPECT_NEAR(traffic_of({p.moe.forward}, "swiglu"), 6 * (rows + t) * w, 1);    // 452.98 MB
  EXPECT_NEAR(traffic_of({p.moe.backward}, "swiglu"), 16 * (rows + t) * w, 1);  // 1207.96 MB
  EXPECT_NEAR(traffic_of({p.moe.forward}, "quantise"), f * (rows + t) * w, 1);  // 228.85 MB
  EXPECT_NEAR(traffic_of({p.moe.backward}, "quantise.backward"),                // 2517.37 MB
              f * (rows + t) * (2 * h + 4 * w), 1);
  EXPECT_NEAR(traffic_of({p.moe.backward}, "norm"), 4 * t * h, 1);  // 117.44 MB
  EXPECT_NEAR(traffic_of({gradient_quantise(input)}, "quantise.backward"), f * t * h, 1);
  // 1532.8 GFLOP of projections, 3247.0 of experts.
  const double projections = 2 * t * (h * down + q * wide_q + c * wide_kv + output * h);
  EXPECT_NEAR(work_of(attention_f, "gemm.fp8"), projections, 1);
  EXPECT_NEAR(work_of(attention_b, "gemm.fp8"), projections + 2 * t * (q * wide_q + c * wide_kv),
              1);
  EXPECT_NEAR(work_of({p.in.weight, p.core.weight, p.out.weight}, "wgrad.fp8"), projections, 1);
  EXPECT_NEAR(work_of({p.moe.weight}, "wgrad.fp8"), 2 * (rows + t) * 3 * h * w, 1);
  // Causal: 2 x 128 x 320 x 4096 x 4096 / 2 = 687.2 GFLOP; 2.5 times as many backward.
  EXPECT_NEAR(work_of(attention_f, "attention_mla.forward"), 687.195e9, 0.001e9);
  EXPECT_NEAR(work_of(attention_b, "attention_mla.backward"), 2.5 * 687.195e9, 0.001e9);
}

TEST(Operators, HaveTheShapesOfTheTrace) {
  const Passes moe = experts(v3_input());
  // 4096 tokens x 8 experts over 64 ranks x 4 experts: 8192 rows each (DeepGEMM's EP64 shape).
  const spec::GemmShape gate_up{.groups = 4, .m = 8192, .n = 4096, .k = 7168};
  const spec::GemmShape down{.groups = 4, .m = 8192, .n = 7168, .k = 2048};
  const spec::GemmShape down_weight{.groups = 4, .m = 7168, .n = 2048, .k = 8192};
  EXPECT_EQ(operator_of(moe.forward, "routed gate and up").shape, gate_up);
  EXPECT_EQ(operator_of(moe.forward, "routed down").shape, down);
  EXPECT_EQ(operator_of(moe.weight, "routed down, weight gradient").shape, down_weight);
}

// 8 of 64 query heads and 1 of 8 key and value heads: (8 + 2) x 128 columns. o takes 8 x 128 in,
// the feed-forward 28672 / 8 = 3584.
TEST(Operators, TensorParallelismCutsColumnsThenRows) {
  const OperatorInput in = llama_input(8);
  const auto shape = [](const Passes& passes, const char* what) {
    return operator_of(passes.forward, what).shape;
  };
  const spec::GemmShape qkv{.m = 8192, .n = 1280, .k = 8192}, o{.m = 8192, .n = 8192, .k = 1024};
  const spec::GemmShape gate_up{.m = 8192, .n = 7168, .k = 8192};
  const spec::GemmShape down{.m = 8192, .n = 8192, .k = 3584};
  const spec::GemmShape columns{.m = 8192, .n = 16032, .k = 8192};
  EXPECT_EQ(shape(attention_in(in), "q, k and v"), qkv);
  EXPECT_EQ(shape(attention_out(in), "o"), o);
  EXPECT_EQ(shape(dense_in(in), "gate and up"), gate_up);
  EXPECT_EQ(shape(dense_out(in), "down"), down);
  EXPECT_EQ(shape(head(in), "head"), columns);
  const Passes dense = dense_in(in);
  const spec::GemmShape gradient{.m = 8192, .n = 8192, .k = 7168};
  const spec::GemmShape weight{.m = 7168, .n = 8192, .k = 8192};
  EXPECT_EQ(operator_of(dense.backward, "gate and up, input gradient").shape, gradient);
  EXPECT_EQ(operator_of(dense.weight, "gate and up, weight gradient").shape, weight);
}

TEST(Operators, MoreRanksThanKeyHeadsHoldOneEach) {
  const OperatorInput in = llama_input(16);
  // 4 query heads and a key and a value head: 6 x 128.
  EXPECT_EQ(operator_of(attention_in(in).forward, "q, k and v").shape.n, 768);
}

// Norms, residuals, activation and rotary embedding of a tensor group are as many bytes as of one
// rank.
TEST(Operators, TensorRanksShareTheBytesOfALayer) {
  const auto bytes_of = [](const OperatorInput& in, const std::string& id) {
    const Passes a = attention_in(in), o = attention_out(in), x = dense_in(in), y = dense_out(in);
    return traffic_of(
        {a.forward, a.backward, o.forward, o.backward, x.backward, y.forward, y.backward}, id);
  };
  for (const char* id : {"norm", "elementwise", "rope", "swiglu"}) {
    const double alone = bytes_of(llama_input(1), id);
    EXPECT_GT(alone, 0) << id;
    EXPECT_NEAR(8 * bytes_of(llama_input(8), id), alone, 1e-9 * alone) << id;
  }
}

// Under mla each rank of a tensor group runs the down-projections for its own tokens, on the whole
// matrices; heads are spread.
TEST(Operators, LatentAttentionSpreadsTokensThenHeads) {
  OperatorInput in = v3_input();
  in.tensor = 4;
  const Passes p = attention_in(in);
  const spec::GemmShape down{.m = 1024, .n = 2112, .k = 7168};
  const spec::GemmShape q_b{.m = 4096, .n = 32 * 192, .k = 1536};
  EXPECT_EQ(operator_of(p.forward, "q_a and kv_a").shape, down);
  EXPECT_EQ(operator_of(p.forward, "q_b").shape, q_b);
}

TEST(Operators, QueriesNeedNotBeCompressed) {
  spec::ModelSpec model = v3().model;
  model.attention.q_lora_rank = 0;
  const OperatorInput uncompressed{
      .model = model, .tokens = 4096, .sequence_length = 4096, .expert_ranks = 64};
  const Passes p = attention_in(uncompressed);
  const spec::GemmShape q{.m = 4096, .n = 128 * 192, .k = 7168};
  const spec::GemmShape kv_a{.m = 4096, .n = 576, .k = 7168};
  EXPECT_EQ(operator_of(p.forward, "q").shape, q);
  EXPECT_EQ(operator_of(p.forward, "kv_a").shape, kv_a);
  // Only kv_b is recomputed.
  EXPECT_NEAR(work_of({attention_core(uncompressed).backward}, "gemm.fp8"),
              2.0 * 4096 * 512 * 128 * 256, 1);
}

TEST(Operators, HeadNormsAddNormsOfQueriesAndKeys) {
  spec::ModelSpec model = llama();
  model.attention.qk_norm = true;
  const OperatorInput plain = llama_input(1);
  const OperatorInput with{.model = model,
                           .tokens = 8192,
                           .sequence_length = 8192,
                           .precision = spec::Precision::bf16,
                           .recomputation = spec::Recomputation::none};
  const double heads = 8192.0 * (64 + 8) * 128;
  EXPECT_NEAR(traffic_of({attention_in(with).forward}, "norm") -
                  traffic_of({attention_in(plain).forward}, "norm"),
              4 * heads, 1);
  EXPECT_NEAR(traffic_of({attention_in(with).backward}, "norm") -
                  traffic_of({attention_in(plain).backward}, "norm"),
              6 * heads, 1);
}

TEST(Operators, GeluHasOneMatrixBeforeIt) {
  spec::ModelSpec model = llama();
  model.feed_forward = spec::FeedForward::gelu;
  const OperatorInput in{.model = model,
                         .tokens = 64,
                         .sequence_length = 64,
                         .precision = spec::Precision::bf16,
                         .recomputation = spec::Recomputation::none};
  EXPECT_EQ(operator_of(dense_in(in).forward, "up").shape.n, 28672);
  const Passes out = dense_out(in);
  const double elements = 64.0 * 28672;
  EXPECT_NEAR(traffic_of({out.forward}, "gelu"), 2 * 2 * elements, 1);   // x in, y out
  EXPECT_NEAR(traffic_of({out.backward}, "gelu"), 2 * 3 * elements, 1);  // x, dy in, dx out
}

TEST(Operators, RecomputeOnlyWhatIsSelected) {
  OperatorInput in = v3_input();
  const double selective = work_of(attention_core(in).backward);
  const double norms = traffic_of({attention_in(in).backward}, "norm");
  const double swiglu = traffic_of({experts(in).backward}, "swiglu");
  for (const auto other : {spec::Recomputation::none, spec::Recomputation::full}) {
    in.recomputation = other;
    // The up-projections, 2 x 4096 x (1536 x 24576 + 512 x 32768) FLOPs.
    EXPECT_NEAR(selective - work_of(attention_core(in).backward),
                2.0 * 4096 * (1536 * 24576 + 512 * 32768), 1);
    EXPECT_NEAR(norms - traffic_of({attention_in(in).backward}, "norm"), 4.0 * 4096 * 7168, 1);
    // Of 8 reads and writes an element, 3 are the forward's.
    EXPECT_NEAR(traffic_of({experts(in).backward}, "swiglu"), swiglu * 5 / 8, 1);
    EXPECT_EQ(traffic_of({experts(in).backward}, "norm"), 0);
  }
}

std::vector<Block> all_blocks(const OperatorInput& in) {
  std::vector<Block> blocks{gradient_quantise(in)};
  for (const Passes& p :
       {attention_in(in), attention_core(in), attention_out(in), router(in), experts(in),
        dense_in(in), dense_out(in), embedding(in), head(in), mtp_input(in)}) {
    blocks.insert(blocks.end(), {p.forward, p.backward, p.weight});
  }
  return blocks;
}

TEST(Operators, PrecisionNamesTheProducts) {
  OperatorInput in = v3_input();
  const auto ids = [&](spec::Precision precision) {
    in.precision = precision;
    std::string joined;
    for (const std::string& id : operator_ids(all_blocks(in))) {
      const bool of_precision = id.find("gemm") != std::string::npos || id.starts_with("wgrad") ||
                                id.starts_with("quantise");
      if (of_precision) joined += id + " ";
    }
    return joined;
  };
  EXPECT_EQ(ids(spec::Precision::bf16), "gemm.bf16 grouped_gemm.bf16 ");
  EXPECT_EQ(ids(spec::Precision::fp8_blockwise),
            "quantise.backward quantise gemm.fp8 wgrad.fp8 gemm.bf16 grouped_gemm.fp8 ");
  EXPECT_EQ(ids(spec::Precision::fp8_tensorwise),
            "quantise.backward quantise gemm.fp8_tensorwise gemm.bf16 "
            "grouped_gemm.fp8_tensorwise ");
  EXPECT_EQ(ids(spec::Precision::mxfp8),
            "quantise.backward quantise gemm.mxfp8 gemm.bf16 grouped_gemm.mxfp8 ");
}

// Read in BF16 (2 B) and written twice, row- and column-wise: 1 B each with one scale a tensor,
// 33/32 B with a scale of 1 B for 32 elements.
TEST(Operators, OneReadMakesBothDirectionsUnlessBlockwise) {
  OperatorInput in = v3_input();
  const double elements = 4096.0 * (7168 + 1536 + 512);
  const auto quantised = [&](spec::Precision precision) {
    in.precision = precision;
    return traffic_of({attention_in(in).forward}, "quantise");
  };
  EXPECT_NEAR(quantised(spec::Precision::bf16), 0, 0);
  EXPECT_NEAR(quantised(spec::Precision::fp8_blockwise), (2 + 33.0 / 32) * elements, 1);
  EXPECT_NEAR(quantised(spec::Precision::fp8_tensorwise), 4 * elements, 1);
  EXPECT_NEAR(quantised(spec::Precision::mxfp8), (2 + 2 * 33.0 / 32) * elements, 1);
}

}  // namespace
}  // namespace planewise::workload
