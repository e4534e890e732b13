// Operators against the model's closed forms and against shapes of the published trace.
#include "workload/operators.h"

#include <gtest/gtest.h>

#include <set>

#include "model/model_size.h"
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

double work_of(const Block& block) {
  double sum = 0;
  for (const Operator& op : block.operators) sum += op.work.base();
  return sum;
}

double work_of(const Block& block, const std::string& what) {
  for (const Operator& op : block.operators) {
    if (op.what == what) return op.work.base();
  }
  ADD_FAILURE() << block.name << " has no " << what;
  return 0;
}

// The operators, summed over all layers, must do the work that model/ counts in closed form: a
// third of the training FLOPs is forward, two thirds backward. Two derivations of one number.
TEST(Operators, ForwardWorkIsAThirdOfTheTrainingFlops) {
  const OperatorInput in = v3_input();
  const double forward = 61 * work_of(attention_forward(in)) +
                         58 * (work_of(router_forward(in)) + work_of(moe_forward(in))) +
                         3 * work_of(dense_forward(in)) + work_of(head_forward(in));
  const model::TrainingFlop flop =
      model::training_flop_per_token(v3().model, {.sequence_length = 4096, .causal = true});
  EXPECT_NEAR(forward / 4096, flop.total().base() / 3, flop.total().base() * 1e-12);
}

// Recomputation and the factor 2.5 of core attention aside, every forward product has an input
// gradient and a weight gradient of the same size.
TEST(Operators, BackwardDoesTwiceTheForwardProducts) {
  const OperatorInput in = v3_input();
  EXPECT_NEAR(work_of(moe_backward(in)) + work_of(moe_weight(in)), 2 * work_of(moe_forward(in)), 1);
  EXPECT_NEAR(work_of(router_backward(in)), 2 * work_of(router_forward(in)), 1);
  EXPECT_NEAR(work_of(dense_backward(in)) + work_of(dense_weight(in)),
              2 * work_of(dense_forward(in)), 1);
  EXPECT_NEAR(work_of(head_backward(in)) + work_of(head_weight(in)), 2 * work_of(head_forward(in)),
              1);
  EXPECT_NEAR(work_of(mtp_input_backward(in)) + work_of(mtp_input_weight(in)),
              2 * work_of(mtp_input_forward(in)), 1);
  const Block backward = attention_backward(in);
  const double recomputed =
      work_of(backward, "q_b, recomputed") + work_of(backward, "kv_b, recomputed");
  const double core = work_of(attention_forward(in), "core attention");
  EXPECT_NEAR(work_of(backward) + work_of(attention_weight(in)) - recomputed - 2.5 * core,
              2 * (work_of(attention_forward(in)) - core), 1);
}

TEST(Operators, HaveTheShapesOfTheTrace) {
  const OperatorInput in = v3_input();
  // Causal core attention: 2 x 128 heads x (192 + 128) x 4096 x 4096 / 2 = 687.2 GFLOP.
  EXPECT_NEAR(work_of(attention_forward(in), "core attention"), 687.195e9, 0.001e9);
  // 4096 tokens x 8 experts over 64 ranks x 4 experts: 8192 rows each (DeepGEMM's EP64 shape).
  const Block moe = moe_forward(in);
  const spec::GemmShape gate_up{.groups = 4, .m = 8192, .n = 4096, .k = 7168};
  const spec::GemmShape down{.groups = 4, .m = 8192, .n = 7168, .k = 2048};
  EXPECT_EQ(moe.operators[1].shape, gate_up);
  EXPECT_EQ(moe.operators[2].shape, down);
  // 2 x 32768 rows x 3 x 7168 x 2048 = 2.886 TFLOP routed, an eighth of it
  // shared.
  EXPECT_NEAR(work_of(moe_weight(in)), 2 * (32768.0 + 4096.0) * 3 * 7168 * 2048, 1);
}

TEST(Operators, RowsDoNotDependOnHowManyRanksShareTheExperts) {
  OperatorInput in = v3_input();
  const double at_64 = work_of(moe_forward(in));
  in.expert_ranks = 32;
  EXPECT_EQ(work_of(moe_forward(in)), at_64);
}

TEST(OperatorTime, TakesAPublishedPointAsItIs) {
  Block block = moe_forward(v3_input());
  time_block(block, v3().profile);
  // DeepGEMM, grouped contiguous, 4 x 8192 x 4096 x 7168 at 1346 TFLOPS: 1.924 TFLOP in 1.4295 ms.
  EXPECT_NEAR(block.operators[1].time.in(milliseconds(1)), 1.4295, 0.0001);
  EXPECT_EQ(block.operators[1].evidence, spec::Evidence::published);
}

TEST(OperatorTime, UsesTheModelForOtherShapes) {
  Block block = dense_forward(v3_input());
  time_block(block, v3().profile);
  const Operator& gate_up = block.operators[0];
  // m = 4096, n = 36864, k = 7168: 14.25 us + 2.1647 TFLOP / 1589 TFLOPS + bytes / 3625 GB/s with
  // bytes = 4096 x 7168 x 1.03125 + 36864 x 7168 + 2 x 4096 x 36864 = 596.5 MB.
  EXPECT_NEAR(gate_up.time.in(microseconds(1)), 14.25 + 2164.66e3 / 1589 + 596.5e3 / 3625, 0.1);
  EXPECT_EQ(gate_up.evidence, spec::Evidence::fitted);
}

TEST(OperatorTime, CountsProductsBeyondThePointsAsEstimates) {
  OperatorInput in = v3_input();
  in.tokens = 64;  // the profile's DeepGEMM rows have 4096 rows and more
  Block block = dense_forward(in);
  time_block(block, v3().profile);
  EXPECT_EQ(block.operators[0].evidence, spec::Evidence::estimated);
}

TEST(OperatorTime, CountsValuesUsedOutsideTheirConditionsAsEstimates) {
  Block block = attention_weight(v3_input());
  time_block(block, v3().profile);
  // The trace has it on 112 SMs beside communication; here it runs alone on 132.
  EXPECT_EQ(block.operators[0].evidence, spec::Evidence::estimated);
  EXPECT_EQ(block.estimated_time, block.time);
}

TEST(OperatorTime, NeedsEachProfileEntryOnce) {
  const ProfileNeeds needs = training_needs(v3().job, v3().model);
  const std::set<std::string> distinct(needs.operators.begin(), needs.operators.end());
  EXPECT_EQ(distinct.size(), needs.operators.size());
  EXPECT_TRUE(distinct.contains("grouped_gemm.fp8"));
  EXPECT_TRUE(distinct.contains("optimizer"));
}

}  // namespace
}  // namespace planewise::workload
