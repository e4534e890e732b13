// What is planned to be measured: all that the simulator asks a profile for, each once.
#include "calibration/measure/plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "calibration/measure/plan_operators.h"
#include "spec/read.h"
#include "workload/operators.h"

namespace planewise::calibration {
namespace {

spec::ModelSpec v3() {
  spec::Diagnostics diagnostics;
  spec::ModelSpec model = spec::read_model(PLANEWISE_ROOT "/models/deepseek_v3.yaml", diagnostics);
  diagnostics.throw_if_any();
  return model;
}

workload::OperatorInput step_input(const spec::ModelSpec& model) {
  return {.model = model, .tokens = 4096, .sequence_length = 4096, .expert_ranks = 64};
}

/// Of a step of V3's pre-training on a rank: micro-batches of one sequence of 4,096 tokens, EP 64.
std::vector<workload::Operator> operators_of_step(const spec::ModelSpec& model) {
  const workload::OperatorInput in = step_input(model);
  std::vector<workload::Operator> all;
  for (const workload::Passes& passes :
       {workload::attention_in(in), workload::attention_core(in), workload::attention_out(in),
        workload::router(in), workload::experts(in), workload::dense_in(in),
        workload::dense_out(in), workload::mtp_input(in), workload::embedding(in),
        workload::head(in)}) {
    for (const workload::Block& block : {passes.forward, passes.backward, passes.weight}) {
      all.insert(all.end(), block.operators.begin(), block.operators.end());
    }
  }
  return all;
}

std::set<std::string> keys_of(const Plan& plan) {
  std::set<std::string> keys;
  for (const Measurement& m : plan.measurements) keys.insert(key_of(m));
  return keys;
}

TEST(Plan, HasEveryKeyOnce) {
  const spec::ModelSpec model = v3();
  for (const Phase phase : {Phase::train, Phase::prefill, Phase::decode}) {
    for (const bool is_quick : {false, true}) {
      for (const bool is_host : {false, true}) {
        const Plan plan =
            make_plan(model, {.phase = phase, .is_quick = is_quick, .is_host = is_host});
        EXPECT_EQ(keys_of(plan).size(), plan.measurements.size());
      }
    }
  }
}

TEST(Plan, MeasuresEveryProductOfAStepAtItsShape) {
  const spec::ModelSpec model = v3();
  const Plan plan = make_plan(model, {});
  for (const workload::Operator& op : operators_of_step(model)) {
    if (op.shape.m == 0) continue;
    const bool is_there =
        std::any_of(plan.measurements.begin(), plan.measurements.end(), [&](const Measurement& m) {
          // dW [n, k] over m rows is the product n x k over m of src/workload.
          const spec::GemmShape shape = m.kernel == Kernel::weight_gradient
                                            ? spec::GemmShape{.groups = m.shape.groups,
                                                              .m = m.shape.n,
                                                              .n = m.shape.k,
                                                              .k = m.shape.m}
                                            : m.shape;
          // k = 2,112 is padded to 17 x 128.
          const bool is_k = shape.k == op.shape.k || (op.shape.k == 2112 && shape.k == 2176);
          return m.id == op.id && shape.groups == op.shape.groups && shape.m == op.shape.m &&
                 shape.n == op.shape.n && is_k;
        });
    EXPECT_TRUE(is_there) << op.id << " " << op.what;
  }
}

TEST(Plan, MovesAsManyBytesAsTheLargestOperatorOfAStep) {
  const spec::ModelSpec model = v3();
  const Plan plan = make_plan(model, {});
  std::map<std::string, Bytes> planned;
  for (const Measurement& m : plan.measurements) {
    planned[m.id] = std::max(planned[m.id], m.traffic);
  }
  for (const workload::Operator& op : operators_of_step(model)) {
    if (op.shape.m > 0) continue;
    ASSERT_TRUE(planned.contains(op.id)) << op.id;
    if (op.sequence > 0) continue;
    EXPECT_GE(planned[op.id], op.traffic) << op.id << " " << op.what;
  }
}

TEST(Plan, CountsWorkAndBytesAsAStepDoes) {
  const spec::ModelSpec model = v3();
  const Plan plan = make_plan(model, {});
  int compared = 0;
  for (const workload::Operator& op : operators_of_step(model)) {
    for (const Measurement& m : plan.measurements) {
      if (m.id != op.id || m.sequence != op.sequence) continue;
      const bool is_product = m.kernel == Kernel::product && m.shape == op.shape;
      const spec::GemmShape turned{m.shape.groups, m.shape.n, m.shape.k, m.shape.m};
      const bool is_gradient = m.kernel == Kernel::weight_gradient && turned == op.shape;
      if (is_product || is_gradient) {
        ++compared;
        EXPECT_DOUBLE_EQ(m.work.in(flop(1)), op.work.in(flop(1))) << key_of(m);
        EXPECT_NEAR(m.traffic.in(op.traffic), 1, 1e-12) << key_of(m);
      }
      if (op.sequence > 0) {
        ++compared;
        EXPECT_DOUBLE_EQ(m.work.in(flop(1)), op.work.in(flop(1))) << key_of(m);
      }
    }
  }
  EXPECT_GT(compared, 30);
}

TEST(Plan, BytesOfAnElementAreThoseOfTheWorkload) {
  const spec::ModelSpec model = v3();
  const workload::OperatorInput in = step_input(model);
  const LayerSizes sizes;  // V3's
  const auto traffic = [](const workload::Block& block, const std::string& id) {
    for (const workload::Operator& op : block.operators) {
      if (op.id == id) return op.traffic.in(bytes(1));
    }
    return 0.0;
  };
  const auto planned = [&](Kernel kernel, double elements) {
    return bytes_each(kernel, sizes).in(bytes(1)) * elements;
  };
  EXPECT_DOUBLE_EQ(traffic(workload::router(in).forward, "router"),
                   planned(Kernel::router, 4096.0 * 256));
  const workload::Passes experts = workload::experts(in);
  EXPECT_DOUBLE_EQ(traffic(experts.forward, "permute"), planned(Kernel::permute, 4096.0 * 7168));
  EXPECT_DOUBLE_EQ(traffic(experts.forward, "swiglu"), planned(Kernel::swiglu, 8 * 4096.0 * 2048));
  EXPECT_DOUBLE_EQ(traffic(experts.forward, "quantise"),
                   planned(Kernel::quantise, 8 * 4096.0 * 2048));
  EXPECT_DOUBLE_EQ(traffic(experts.backward, "swiglu"),
                   planned(Kernel::swiglu_backward, 8 * 4096.0 * 2048));
  EXPECT_DOUBLE_EQ(traffic(experts.backward, "quantise.backward"),
                   planned(Kernel::quantise_backward, 8 * 4096.0 * (7168 + 2 * 2048)));
  EXPECT_DOUBLE_EQ(traffic(workload::head(in).forward, "cross_entropy"),
                   planned(Kernel::cross_entropy, 4096.0 * 129280));
  EXPECT_DOUBLE_EQ(traffic(workload::embedding(in).forward, "embedding"),
                   planned(Kernel::embedding, 4096.0 * 7168));
  EXPECT_DOUBLE_EQ(traffic(workload::attention_out(in).forward, "elementwise"),
                   planned(Kernel::elementwise, 4096.0 * 7168));
  EXPECT_DOUBLE_EQ(traffic(workload::optimizer_update(1000, {}), "optimizer"),
                   planned(Kernel::optimizer, 1000));
}

TEST(Plan, LayersComeAfterAllTheirParts) {
  for (const Part part : {Part::all, Part::layer}) {
    const Plan plan = make_plan(v3(), {.part = part});
    std::set<std::string> before;
    int layers = 0;
    for (const Measurement& m : plan.measurements) {
      for (const std::string& key : m.parts) EXPECT_TRUE(before.contains(key)) << key;
      layers += m.parts.empty() ? 0 : 1;
      before.insert(key_of(m));
    }
    EXPECT_EQ(layers, 4);  // forward and backward at two sizes
  }
}

TEST(Plan, TheExpertsOfALayerDoWhatTheReportSays) {
  // 8 experts a token of 3 matrices of 7,168 x 2,048: 2 x 8 x 3 x 7,168 x 2,048 FLOPs a token, and
  // the router's 2 x 7,168 x 256.
  const Plan plan = make_plan(v3(), {.part = Part::layer});
  const Measurement& layer =
      *std::find_if(plan.measurements.begin(), plan.measurements.end(),
                    [](const Measurement& m) { return m.id == "layer.forward" && m.rows == 4096; });
  EXPECT_DOUBLE_EQ(layer.work.in(flop(1)), 4096 * (2.0 * 8 * 3 * 7168 * 2048 + 2.0 * 7168 * 256));
}

TEST(Plan, TakesSmsFromTheGpuThatIsThere) {
  const Plan plan = make_plan(v3(), {.sms = 108});
  std::set<int> sms;
  for (const Measurement& m : plan.measurements) sms.insert(m.sms);
  EXPECT_EQ(sms, (std::set<int>{0, 104, 100, 92, 88, 76}));  // 108 less 4, 8, 16, 20, 32
}

TEST(Plan, DecodeIsMaskedAndForwardOnly) {
  const Plan plan = make_plan(v3(), {.phase = Phase::decode, .expert_ranks = 128});
  EXPECT_EQ(plan.sizes.local_experts, 2);
  int masked = 0;
  for (const Measurement& m : plan.measurements) {
    EXPECT_FALSE(m.kernel == Kernel::weight_gradient || m.kernel == Kernel::attention_backward);
    masked += m.layout == RowLayout::masked ? 1 : 0;
  }
  EXPECT_GT(masked, 10);
}

TEST(Plan, OnAProcessorIsSmallAndTheSameInKind) {
  const Plan gpu = make_plan(v3(), {.is_quick = true});
  const Plan host = make_plan(v3(), {.is_quick = true, .is_host = true});
  const auto kinds = [](const Plan& plan) {
    std::set<std::pair<std::string, Kernel>> all;
    for (const Measurement& m : plan.measurements) all.insert({m.id, m.kernel});
    return all;
  };
  std::set<std::pair<std::string, Kernel>> expected = kinds(gpu);
  expected.erase({"swiglu", Kernel::swiglu});  // bound by the sigmoid there, not by bytes
  EXPECT_EQ(kinds(host), expected);
  EXPECT_EQ(host.sizes.local_experts, gpu.sizes.local_experts);
  for (const Measurement& m : host.measurements) {
    EXPECT_LE(m.work, gigaflop(1)) << key_of(m);
    EXPECT_LE(m.traffic, bytes(1e8)) << key_of(m);
  }
}

TEST(Plan, RefusesWhatItCannotMeasure) {
  spec::ModelSpec model = v3();
  EXPECT_EQ(plan_problem(model, {}), "");
  EXPECT_EQ(plan_problem(model, {.expert_ranks = 48}),
            "256 routed experts cannot be shared out evenly among --ep 48 ranks");
  model.hidden = 7000;
  EXPECT_EQ(plan_problem(model, {}), "hidden of 7000 is no multiple of 128, the width of a scale");
  model = v3();
  model.attention.kind = spec::AttentionKind::gqa;
  EXPECT_NE(plan_problem(model, {}).find("another kind than mla"), std::string::npos);
  model.moe.reset();
  EXPECT_NE(plan_problem(model, {}).find("no routed experts"), std::string::npos);
}

}  // namespace
}  // namespace planewise::calibration
