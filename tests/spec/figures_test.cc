// Every key of a file of published figures arrives where it belongs; each kind reads its value in
// its unit.
#include "spec/figures.h"

#include <gtest/gtest.h>

#include "spec/example_files.h"
#include "spec/mistakes.h"
#include "spec/read.h"

namespace planewise::spec {
namespace {

FiguresSpec read_text(std::string_view text) {
  const std::string path = std::string(PLANEWISE_ROOT) + "/figures.yaml";
  Diagnostics diagnostics;
  FiguresSpec figures =
      read_figures(parse_document(path, std::string(text), diagnostics), diagnostics);
  EXPECT_EQ(test::mistakes(diagnostics, path), std::vector<std::string>{});
  return figures;
}

TEST(ReadFigures, ReadsEveryKey) {
  const FiguresSpec figures = read_text(test::kFigures);
  EXPECT_EQ(figures.name, "bounds");
  ASSERT_EQ(figures.groups.size(), 1U);
  const FigureGroup& group = figures.groups[0];
  EXPECT_EQ(group.id, "decode");
  EXPECT_EQ(group.name, "Decoding");
  ASSERT_EQ(group.figures.size(), 2U);
  const FigureSpec& first = group.figures[0];
  EXPECT_EQ(first.id, "decode.exchange");
  EXPECT_EQ(first.name, "an exchange");
  EXPECT_EQ(first.source, "a paper");  // The group's.
  EXPECT_EQ(first.role, FigureRole::identity);
  EXPECT_EQ(first.digits, PrintedDigits::rounded);
  EXPECT_EQ(first.limit, std::nullopt);
  EXPECT_DOUBLE_EQ(first.published.base, 120.96e-6);
  EXPECT_EQ(first.published.decimals, 2);
  const auto& ours = std::get<ours::DecodeLimit>(first.ours);
  EXPECT_EQ(ours.value, ours::DecodeValue::exchange);
  EXPECT_EQ(ours.tokens, 32);
  EXPECT_EQ(ours.experts_per_token, 9);
  EXPECT_EQ(ours.hidden, 7000);
  EXPECT_EQ(ours.dispatch_bytes, 1);
  EXPECT_EQ(ours.combine_bytes, 2);
  EXPECT_EQ(ours.layers, 61);
  EXPECT_EQ(ours.rate, gigabytes_per_second(50));
  const FigureSpec& second = group.figures[1];
  EXPECT_EQ(second.source, "another paper");
  EXPECT_EQ(second.role, FigureRole::checked);
  EXPECT_DOUBLE_EQ(second.limit.value_or(0), 0.02);
  EXPECT_EQ(second.digits, std::nullopt);
  EXPECT_EQ(second.note, "cut off, not rounded");
}

/// One figure of `ours`, whose value is printed as `published`.
FiguresSpec one_figure(const std::string& published, const std::string& ours) {
  return read_text(
      "planewise_figures: 1\nname: f\ngroups:\n  - id: g\n    name: G\n    figures:\n"
      "      - id: a\n        name: A\n        source: s\n        role: predicted\n"
      "        published: " +
      published + "\n        ours: {" + ours + "}\n");
}

TEST(ReadFigures, EachKindHasItsUnit) {
  struct Case {
    std::string published;
    double base;
    std::string ours;
  };
  const std::string model = "model: models/deepseek_v3.yaml";
  const std::string fabric = "kind: fabric, topology: topologies/mpft_2048.yaml, value: ";
  const std::string workload = "workload: workloads/all_reduce_256.yaml, ";
  const std::string at = workload + "topology: topologies/mpft_256.yaml, ";
  for (const Case& c :
       {Case{"7 B", 7, "kind: kv_cache, " + model},
        Case{"1.5", 1.5, "kind: kv_cache, " + model + ", against: models/deepseek_v2.yaml"},
        Case{"250 GFLOP", 250e9, "kind: training_flop, sequence_length: 4096, " + model},
        Case{"671e9", 671e9, "kind: parameters, part: total, " + model},
        Case{"96", 96, fabric + "switches"},
        Case{"9e6 USD", 9e6, fabric + "cost"},
        Case{"41 %", 0.41, fabric + "saving, against: topologies/ft3_2048.yaml"},
        Case{"43 GB/s", 43e9,
             "kind: expert_exchange, topology: topologies/mpft_2048.yaml, profile: "
             "calibration/profiles/h800_published.yaml, collective: ep_dispatch, ranks: 16, "
             "tokens: 4096, nodes_per_token: 2, experts_per_token: 8, routed_experts: 256, "
             "token_size: 7392 B"},
        Case{"118 us", 118e-6,
             "kind: low_latency_exchange, topology: topologies/mpft_2048.yaml, profile: "
             "calibration/profiles/h800_published.yaml, collective: ep_dispatch_low_latency, "
             "ranks: 16, tokens: 128, experts_per_token: 8, message_size: 7408 B"},
        Case{"1009 TFLOPS", 1009e12,
             "kind: product, profile: calibration/profiles/h800_published.yaml, precision: "
             "fp8_blockwise, groups: 4, m: 4096, n: 2112, k: 7168"},
        Case{"599 TFLOPS", 599e12,
             "kind: attention, profile: calibration/profiles/h800_published.yaml, operator: "
             "attention_mla.forward, sequence_length: 4096"},
        Case{"14 s", 14,
             "kind: ideal_bubble, topology: topologies/mpft_256.yaml, schedule: dualpipe, ranks: "
             "16, micro_batches: 120, forward: 1 s, backward: 2 s, weight: 1 s, pair: 3 s"},
        Case{"129.0 ms", 0.129, "kind: chunk_pair, moe_layers: 4, value: span, " + at},
        Case{"2.8 us", 2.8e-6, "kind: traffic, step: ring, value: time, " + at},
        Case{"40 GB/s", 40e9, "kind: traffic, step: ring, value: busbw, " + at},
        Case{"19.926 s", 19.926, "kind: step, value: step_time, " + at},
        Case{"385 TFLOPS", 385e12, "kind: step, value: tflops_causal, " + at},
        Case{"38.94 %", 0.3894, "kind: step, value: mfu_causal, " + at},
        Case{"180e3 h", 180e3 * 3600, "kind: step, value: gpu_hours_per_trillion_tokens, " + at},
        Case{"1541.7", 1541.7, "kind: step, value: tokens_per_s_per_gpu, " + at},
        Case{"1.001", 1.001, "kind: step_ratio, against: topologies/mrft_256.yaml, " + at}}) {
    SCOPED_TRACE(c.ours);
    const FiguresSpec figures = one_figure(c.published, c.ours);
    ASSERT_EQ(figures.groups.size(), 1U);
    EXPECT_DOUBLE_EQ(figures.groups[0].figures[0].published.base, c.base);
  }
}

TEST(FilesOf, NamesEachOnce) {
  const FiguresSpec figures =
      one_figure("1.001",
                 "kind: step_ratio, workload: workloads/all_reduce_256.yaml, topology: "
                 "topologies/mpft_256.yaml, against: topologies/mpft_256.yaml");
  const FigureFiles files = files_of(figures);
  EXPECT_EQ(files.models.size(), 0U);
  EXPECT_EQ(files.workloads.size(), 1U);
  ASSERT_EQ(files.topologies.size(), 1U);
  EXPECT_TRUE(files.topologies[0].ends_with("topologies/mpft_256.yaml"));
}

}  // namespace
}  // namespace planewise::spec
