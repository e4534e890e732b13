// Every field of every kind of file, from a file on disk.
#include "spec/read.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "spec/example_files.h"
#include "spec/mistakes.h"
#include "spec/temporary_folder.h"

namespace planewise::spec {
namespace {

using Texts = std::vector<std::string>;

/// Reads `text` from a file of its own, with other files beside it; expects no mistake.
class ReadTest : public testing::Test {
 protected:
  template <class Spec>
  Spec read(Spec (*reader)(const std::string&, Diagnostics&), std::string_view text) {
    Diagnostics diagnostics;
    const std::string path = folder.write("file.yaml", text);
    Spec spec = reader(path, diagnostics);
    EXPECT_EQ(test::mistakes(diagnostics, path), Texts{});
    EXPECT_EQ(spec.origin.path, path);
    EXPECT_EQ(spec.origin.sha256.size(), 64U);
    EXPECT_EQ(spec.source, "made up");
    return spec;
  }
  test::TemporaryFolder folder;
};

TEST_F(ReadTest, Topology) {
  const TopologySpec topology = read(read_topology, test::kTopology);
  EXPECT_EQ(topology.name, "three_planes");
  EXPECT_EQ(topology.nodes.count, 16);
  EXPECT_EQ(topology.nodes.gpus, 6);
  EXPECT_EQ(topology.nodes.nics, 6);
  EXPECT_EQ(topology.nodes.nvlink_rate, gigabytes_per_second(200));
  EXPECT_EQ(topology.nodes.nvlink_latency, microseconds(0.98));
  EXPECT_EQ(topology.nodes.source, "nodes");
  EXPECT_EQ(topology.fabric.family, Family::mpft);
  EXPECT_EQ(topology.fabric.tree().layers, 3);
  EXPECT_EQ(topology.fabric.planes, 3);
  EXPECT_EQ(topology.fabric.radix, 8);
  EXPECT_EQ(topology.fabric.link_rate, gigabits_per_second(400));
  EXPECT_EQ(topology.fabric.switch_latency, microseconds(0.45));
  EXPECT_EQ(topology.fabric.tree().leaf_oversubscription, 1.5);
  EXPECT_EQ(topology.fabric.tree().spine_oversubscription, 3);
  EXPECT_EQ(topology.fabric.tree().striping, Striping::greedy);
  EXPECT_EQ(topology.fabric.routing, Routing::static_path);
  EXPECT_EQ(topology.fabric.source, "fabric");
  EXPECT_EQ(topology.price_book_path, "");
  EXPECT_EQ(topology.origin.positions.at("fabric.radix").line, 15);
}

TEST_F(ReadTest, TopologyWithDefaultsAndAPriceBook) {
  const std::string book = folder.write("book.yaml", test::kPriceBook);
  const TopologySpec topology = read(
      read_topology,
      "planewise_topology: 1\nname: t\nsource: made up\n"
      "nodes: {count: 32, gpus: 8, nics: 8, nvlink_rate: 200 GB/s, nvlink_latency: 0 us, source: "
      "n}\n"
      "fabric: {family: mrft, layers: 2, radix: 64, link_rate: 50 GB/s, switch_latency: 0 us,\n"
      "  routing: ecmp, source: f}\nprices: ./book.yaml\n");
  EXPECT_EQ(topology.fabric.family, Family::mrft);
  EXPECT_EQ(topology.fabric.planes, 1);
  EXPECT_EQ(topology.fabric.tree().leaf_oversubscription, 1);
  EXPECT_EQ(topology.fabric.tree().spine_oversubscription, 1);
  EXPECT_EQ(topology.fabric.tree().striping, Striping::even);
  EXPECT_EQ(topology.fabric.routing, Routing::ecmp);
  EXPECT_EQ(topology.price_book_path, book);
  EXPECT_EQ(topology.scenario_path, "");
  EXPECT_EQ(topology.fabric.uplink_rate, gigabytes_per_second(50));
}

TEST_F(ReadTest, PriceBook) {
  const PriceBookSpec book = read(read_price_book, test::kPriceBook);
  EXPECT_EQ(book.name, "prices");
  EXPECT_EQ(book.date, "2025-05-14");
  ASSERT_TRUE(book.roles);
  const RolePrices& roles = *book.roles;
  EXPECT_TRUE(book.parts.empty());
  EXPECT_EQ(roles.switch_radix, 8);
  EXPECT_EQ(roles.switch_role.price, usd(40000));
  EXPECT_EQ(roles.switch_role.price_evidence, Evidence::fitted);
  EXPECT_EQ(roles.switch_role.price_source, "a");
  EXPECT_EQ(roles.switch_role.power_typical, watts(747));
  EXPECT_EQ(roles.switch_role.power_maximum, watts(1720));
  EXPECT_EQ(roles.switch_role.power_evidence, Evidence::measured);
  EXPECT_EQ(roles.switch_role.power_source, "b");
  EXPECT_EQ(roles.inter_switch_link.price, usd(1855.5));
  EXPECT_EQ(roles.inter_switch_link.price_evidence, Evidence::published);
  EXPECT_EQ(roles.inter_switch_link.power_maximum, watts(17));
  EXPECT_EQ(roles.endpoint_link.price, usd(0));
  EXPECT_EQ(roles.endpoint_link.power_evidence, Evidence::estimated);
  EXPECT_EQ(roles.endpoint_link.power_typical, watts(0));
  EXPECT_EQ(roles.endpoint_link.power_source, "f");
}

TEST_F(ReadTest, ModelWithLatentsAndExperts) {
  const ModelSpec model = read(read_model, test::kModel);
  EXPECT_EQ(model.name, "latent");
  EXPECT_EQ(model.layers, 7);
  EXPECT_EQ(model.hidden, 512);
  EXPECT_EQ(model.intermediate, 1024);
  EXPECT_EQ(model.vocabulary, 32000);
  EXPECT_TRUE(model.tied_embedding);
  EXPECT_EQ(model.mtp_depth, 1);
  EXPECT_EQ(model.attention.kind, AttentionKind::mla);
  EXPECT_EQ(model.attention.heads, 16);
  EXPECT_EQ(model.attention.q_lora_rank, 96);
  EXPECT_EQ(model.attention.kv_lora_rank, 64);
  EXPECT_EQ(model.attention.qk_nope_head_dim, 32);
  EXPECT_EQ(model.attention.qk_rope_head_dim, 8);
  EXPECT_EQ(model.attention.v_head_dim, 24);
  EXPECT_EQ(model.attention.kv_heads, 0);
  EXPECT_EQ(model.attention.source, "attention");
  ASSERT_TRUE(model.moe);
  EXPECT_EQ(model.moe->first_dense_layers, 2);
  EXPECT_EQ(model.moe->routed_experts, 64);
  EXPECT_EQ(model.moe->shared_experts, 1);
  EXPECT_EQ(model.moe->experts_per_token, 4);
  EXPECT_EQ(model.moe->expert_intermediate, 128);
  EXPECT_EQ(model.moe->groups, 8);
  EXPECT_EQ(model.moe->groups_per_token, 4);
  EXPECT_EQ(model.moe->source, "experts");
}

TEST_F(ReadTest, DenseModels) {
  const ModelSpec grouped = read(read_model, test::kDenseModel);
  EXPECT_EQ(grouped.attention.kind, AttentionKind::gqa);
  EXPECT_EQ(grouped.attention.kv_heads, 2);
  EXPECT_EQ(grouped.attention.head_dim, 32);
  EXPECT_TRUE(grouped.attention.qkv_bias);
  EXPECT_FALSE(grouped.tied_embedding);
  EXPECT_FALSE(grouped.moe);
  const std::string one_each = test::changed(
      test::changed(test::kDenseModel, "kind: gqa", "kind: mha"), "kv_heads: 2", "kv_heads: 8");
  const ModelSpec plain = read(read_model, test::changed(one_each, "  qkv_bias: true\n", ""));
  EXPECT_EQ(plain.attention.kind, AttentionKind::mha);
  EXPECT_EQ(plain.attention.kv_heads, 8);
  EXPECT_FALSE(plain.attention.qkv_bias);
}

TEST_F(ReadTest, ATileIsOptional) {
  EXPECT_EQ(read(read_profile, test::kProfile).operators[0].tile, 0);
  const std::string with_tile = test::changed(test::kProfile, "      overhead: 14.25 us\n",
                                              "      overhead: 14.25 us\n      tile: 128\n");
  EXPECT_EQ(read(read_profile, with_tile).operators[0].tile, 128);
}

TEST_F(ReadTest, FeedForwardAndHeadNormsAreOptional) {
  const ModelSpec plain = read(read_model, test::kDenseModel);
  EXPECT_EQ(plain.feed_forward, FeedForward::swiglu);
  EXPECT_FALSE(plain.attention.qk_norm);
  const ModelSpec with_norms =
      read(read_model, test::changed(test::kDenseModel, "  qkv_bias: true\n", "  qk_norm: true\n"));
  EXPECT_TRUE(with_norms.attention.qk_norm);
  const ModelSpec two_matrices = read(
      read_model,
      test::changed(test::kDenseModel, "tied_embedding:", "feed_forward: gelu\ntied_embedding:"));
  EXPECT_EQ(two_matrices.feed_forward, FeedForward::gelu);
}

TEST_F(ReadTest, Job) {
  const std::string model = folder.write("model.yaml", "anything");
  const std::string profile = folder.write("profile.yaml", "anything");
  const JobSpec job = read(read_job, test::kWorkload);
  EXPECT_EQ(job.name, "work");
  EXPECT_EQ(job.model_path, model);
  EXPECT_EQ(job.profile_path, profile);
  EXPECT_EQ(job.schedule, Schedule::one_f_one_b);
  EXPECT_EQ(job.batch.sequence_length, 2048);
  EXPECT_EQ(job.batch.sequences_per_micro_batch, 2);
  EXPECT_EQ(job.batch.micro_batches, 9);
  EXPECT_EQ(job.batch.source, "batch");
  EXPECT_EQ(job.batch.tokens_per_micro_batch(), 4096);
  EXPECT_EQ(job.parallel.pipeline, 3);
  EXPECT_EQ(job.parallel.data, 32);
  EXPECT_EQ(job.parallel.expert, 16);
  EXPECT_EQ(job.parallel.layers_per_stage, (std::vector<std::int64_t>{3, 2, 2}));
  EXPECT_EQ(job.parallel.source, "parallel");
  EXPECT_EQ(job.parallel.ranks(), 96);
  EXPECT_EQ(job.routing.tokens, TokenRouting::balanced);
  EXPECT_EQ(job.routing.nodes_per_token, 2);
  EXPECT_EQ(job.routing.source, "routing");
  EXPECT_EQ(job.optimizer.gradient_bytes, 4);
  EXPECT_EQ(job.optimizer.parameter_bytes, 2);
  EXPECT_EQ(job.optimizer.master_bytes, 4);
  EXPECT_EQ(job.optimizer.moment_bytes, 3);
  EXPECT_EQ(job.optimizer.source, "optimizer");
}

TEST_F(ReadTest, ProfileOfAGpu) {
  const GpuSpec gpu = read(read_profile, test::kProfile).gpu;
  EXPECT_EQ(gpu.name, "GPU");
  EXPECT_EQ(gpu.sms, 100);
  EXPECT_EQ(gpu.bf16_peak, teraflops(989));
  EXPECT_EQ(gpu.memory_rate, gigabytes_per_second(3350));
  EXPECT_EQ(gpu.memory, bytes(80e9));
  EXPECT_EQ(gpu.source, "gpu");
}

TEST_F(ReadTest, ProfileOfOperators) {
  const ProfileSpec profile = read(read_profile, test::kProfile);
  EXPECT_EQ(profile.name, "machine");
  ASSERT_EQ(profile.operators.size(), 3U);
  const OperatorCurve& gemm = profile.operators[0];
  EXPECT_EQ(gemm.id, "gemm");
  EXPECT_EQ(gemm.form, OperatorForm::gemm);
  EXPECT_EQ(gemm.sms, 100);
  EXPECT_EQ(gemm.beside, Beside::alone);
  EXPECT_EQ(gemm.evidence, Evidence::published);
  EXPECT_EQ(gemm.source, "a");
  ASSERT_EQ(gemm.points.size(), 1U);
  EXPECT_EQ(gemm.points[0].shape, (GemmShape{.groups = 4, .m = 1, .n = 2, .k = 3}));
  EXPECT_EQ(gemm.points[0].rate, teraflops(1009));
  EXPECT_EQ(gemm.flop_rate, teraflops(1589));
  EXPECT_EQ(gemm.memory_rate, gigabytes_per_second(3625));
  EXPECT_EQ(gemm.overhead, microseconds(14.25));
  EXPECT_EQ(gemm.model_evidence, Evidence::fitted);
  const OperatorCurve& attention = profile.operators[1];
  EXPECT_EQ(attention.form, OperatorForm::flop_rate);
  EXPECT_EQ(attention.beside, Beside::communication);
  EXPECT_EQ(attention.evidence, Evidence::measured);
  EXPECT_EQ(attention.flop_rate, teraflops(556));
  EXPECT_EQ(profile.operators[2].form, OperatorForm::byte_rate);
  EXPECT_EQ(profile.operators[2].memory_rate, gigabytes_per_second(1090));
  EXPECT_EQ(find_operator(profile, "norm"), &profile.operators[2]);
  EXPECT_EQ(find_operator(profile, "ring"), nullptr);
}

TEST_F(ReadTest, ProfileOfCollectives) {
  const ProfileSpec profile = read(read_profile, test::kProfile);
  ASSERT_EQ(profile.collectives.size(), 2U);
  const CollectiveCurve& ring = profile.collectives[0];
  EXPECT_EQ(ring.id, "ring");
  EXPECT_EQ(ring.latency, microseconds(2.35));
  EXPECT_EQ(ring.rail_efficiency, 0.94);
  EXPECT_EQ(ring.nvlink_efficiency, 0.8);
  EXPECT_EQ(ring.chunk_tokens, 32);
  EXPECT_EQ(ring.evidence, Evidence::fitted);
  EXPECT_EQ(ring.source, "d");
  EXPECT_EQ(profile.collectives[1].chunk_tokens, 0);
  EXPECT_EQ(profile.collectives[1].latency, seconds(0));
  EXPECT_EQ(find_collective(profile, "point_to_point"), &profile.collectives[1]);
  EXPECT_EQ(find_collective(profile, "norm"), nullptr);
}

std::string with(const std::string& text, const std::string& before, const std::string& lines) {
  const std::size_t at = text.find(before);
  return text.substr(0, at) + lines + text.substr(at);
}

TEST_F(ReadTest, ProfileOfSeveralCurvesOfOneId) {
  const std::string text = with(std::string(test::kProfile), "collectives:\n", R"(  - id: norm
    form: byte_rate
    sms: 100
    beside: alone
    evidence: published
    source: f
    kernels: 3
    memory_rate: 3000 GB/s
)") + R"(  - id: ring
    beside: compute
    latency: 5 us
    rail_efficiency: 0.5
    nvlink_efficiency: 0.5
    evidence: fitted
    source: g
)";
  const ProfileSpec profile = read(read_profile, text);
  ASSERT_EQ(profile.operators.size(), 4U);
  EXPECT_EQ(profile.operators[0].kernels, 1);
  EXPECT_EQ(profile.operators[3].kernels, 3);
  EXPECT_EQ(find_operator(profile, "norm"), &profile.operators[3]);
  EXPECT_EQ(find_operator(profile, "norm", {.sms = 88, .beside = Beside::communication}),
            &profile.operators[2]);
  EXPECT_EQ(find_collective(profile, "ring"), &profile.collectives[0]);
  EXPECT_EQ(find_collective(profile, "ring", Beside::compute), &profile.collectives[2]);
  EXPECT_EQ(find_collective(profile, "point_to_point", Beside::compute), &profile.collectives[1]);
}

TEST_F(ReadTest, ProfileOfRooflinesAndHosts) {
  std::string text = with(std::string(test::kProfile), "collectives:\n", R"(  - id: gemm.fp8.decode
    form: roofline
    sms: 100
    beside: alone
    evidence: fitted
    source: f
    flop_rate: 800 TFLOPS
    memory_rate: 2725 GB/s
    overhead: 2 us
)");
  text = with(text, "operators:\n", "host:\n  memory: 1 TB\n  source: g\n") + R"(  - id: proxied
    latency: 5 us
    rail_efficiency: 0.5
    nvlink_efficiency: 0.5
    message_time: 0.5 us
    evidence: fitted
    source: g
)";
  const ProfileSpec profile = read(read_profile, text);
  const OperatorCurve& curve = profile.operators.back();
  EXPECT_EQ(curve.form, OperatorForm::roofline);
  EXPECT_EQ(curve.flop_rate, teraflops(800));
  EXPECT_EQ(curve.memory_rate, gigabytes_per_second(2725));
  EXPECT_EQ(curve.overhead, microseconds(2));
  ASSERT_TRUE(profile.host.has_value());
  EXPECT_EQ(profile.host->memory, bytes(1e12));
  EXPECT_EQ(profile.collectives.back().message_time, microseconds(0.5));
}

TEST_F(ReadTest, ProfileOfSequencesAndGaps) {
  std::string text =
      with(std::string(test::kProfile), "    flop_rate: 556 TFLOPS\n", R"(    sequences:
      - {sequence: 2048, rate: 522 TFLOPS}
      - {sequence: 4096, rate: 599 TFLOPS}
)");
  text = with(text, "  memory_rate: 3350", "  kernel_gap: 1.5 us\n");
  const ProfileSpec profile = read(read_profile, text);
  EXPECT_EQ(profile.gpu.kernel_gap, microseconds(1.5));
  const OperatorCurve& attention = profile.operators[1];
  ASSERT_EQ(attention.sequences.size(), 2U);
  EXPECT_EQ(attention.sequences[1].sequence, 4096);
  EXPECT_EQ(attention.sequences[1].rate, teraflops(599));
  EXPECT_EQ(attention.flop_rate, teraflops(556));

  const std::string rate = "    flop_rate: 556 TFLOPS\n";
  text.erase(text.find(rate), rate.size());
  EXPECT_EQ(read(read_profile, text).operators[1].flop_rate, teraflops(599));
}

TEST_F(ReadTest, ProfileOfPiecesBySize) {
  const ProfileSpec profile = read(read_profile, std::string(test::kProfile) + R"(    pieces:
      - {from: 1 MiB, latency: 7 us, rail_efficiency: 0.9, nvlink_efficiency: 0.6}
      - {from: 64 MiB, latency: 9 us, rail_efficiency: 0.8, nvlink_efficiency: 0.7}
)");
  const CollectiveCurve& curve = profile.collectives[1];
  ASSERT_EQ(curve.pieces.size(), 2U);
  EXPECT_EQ(curve.pieces[1].from, bytes(64 * 1024 * 1024));
  EXPECT_EQ(at_size(curve, bytes(1024 * 1024 - 1)).latency, seconds(0));
  EXPECT_EQ(at_size(curve, bytes(1024 * 1024)).latency, microseconds(7));
  EXPECT_EQ(at_size(curve, bytes(1e12)).nvlink_efficiency, 0.7);
  EXPECT_EQ(at_size(curve, bytes(1e12)).rail_efficiency, 0.8);
}

TEST_F(ReadTest, EvidenceIsSpelledAsInYaml) {
  EXPECT_EQ(evidence_name(Evidence::measured), "measured");
  EXPECT_EQ(evidence_name(Evidence::published), "published");
  EXPECT_EQ(evidence_name(Evidence::fitted), "fitted");
  EXPECT_EQ(evidence_name(Evidence::quoted), "quoted");
  EXPECT_EQ(evidence_name(Evidence::secondary), "secondary");
  EXPECT_EQ(evidence_name(Evidence::recalled), "recalled");
  EXPECT_EQ(evidence_name(Evidence::estimated), "estimated");
}

TEST_F(ReadTest, CheckFileTellsTheKindAndReadsWhatIsNamed) {
  const auto kind = [&](const std::string& name) {
    Diagnostics diagnostics;
    const std::string found = check_file(folder.path(name), diagnostics);
    EXPECT_EQ(test::mistakes(diagnostics, folder.path(name)), Texts{});
    return found;
  };
  folder.write("model.yaml", test::kModel);
  folder.write("profile.yaml", test::kProfile);
  folder.write("prices.yaml", test::kPriceBook);
  folder.write("topology.yaml", std::string(test::kTopology) + "prices: prices.yaml\n");
  folder.write("workload.yaml", test::kWorkload);
  folder.write("parts.yaml", test::kCatalogue);
  folder.write("street.yaml", test::kPartPrices);
  folder.write("quotes.yaml", test::kQuotes);
  folder.write("scenario.yaml", test::kScenario);
  EXPECT_EQ(kind("parts.yaml"), "parts catalogue");
  EXPECT_EQ(kind("street.yaml"), "price book");
  EXPECT_EQ(kind("quotes.yaml"), "list of quotes");
  EXPECT_EQ(kind("scenario.yaml"), "scenario");
  folder.write("faults.yaml", test::kFaults);
  EXPECT_EQ(kind("faults.yaml"), "list of faults");
  folder.write("figures.yaml", test::kFigures);
  EXPECT_EQ(kind("figures.yaml"), "list of published figures");
  EXPECT_EQ(kind("model.yaml"), "model");
  EXPECT_EQ(kind("profile.yaml"), "profile");
  EXPECT_EQ(kind("prices.yaml"), "price book");
  EXPECT_EQ(kind("topology.yaml"), "topology");
  EXPECT_EQ(kind("workload.yaml"), "workload");
  folder.write("planned.yaml", std::string(test::kTopology) + "scenario: scenario.yaml\n");
  EXPECT_EQ(kind("planned.yaml"), "topology");
  folder.write("model.yaml", test::changed(test::kModel, "layers: 7", "layers: 8"));
  Diagnostics diagnostics;
  EXPECT_EQ(check_file(folder.path("workload.yaml"), diagnostics), "workload");
  EXPECT_EQ(test::mistakes(diagnostics, folder.path("workload.yaml")),
            (Texts{"19:21: parallel.layers_per_stage: sums to 7, but latent has 8 layers"}));
  EXPECT_EQ(check_file(folder.path("gone.yaml"), diagnostics), "");
  folder.write("scenario.yaml", test::changed(test::kScenario, "years: 6", "years: 0"));
  Diagnostics of_scenario;
  check_file(folder.path("planned.yaml"), of_scenario);
  ASSERT_EQ(of_scenario.list().size(), 1U);
  EXPECT_EQ(of_scenario.list()[0].file, folder.path("scenario.yaml"));
  EXPECT_EQ(of_scenario.list()[0].key, "years");
}

// Two files that name the same broken one: its mistakes are told once.
TEST_F(ReadTest, MistakesOfASharedFileAreToldOnce) {
  folder.write("prices.yaml", test::changed(test::kPriceBook, "40000 USD", "40000"));
  Diagnostics diagnostics;
  for (const char* name : {"a.yaml", "b.yaml"}) {
    folder.write(name, std::string(test::kTopology) + "prices: prices.yaml\n");
    check_file(folder.path(name), diagnostics);
  }
  EXPECT_EQ(test::mistakes(diagnostics, folder.path("prices.yaml")),
            (Texts{"8:12: roles.switch.price: '40000' has no unit"}));
}

// A mistake in one file must not hide those of the next.
TEST_F(ReadTest, FilesAreCheckedEachByItself) {
  Diagnostics diagnostics;
  read_topology(folder.write("a.yaml", test::changed(test::kTopology, "radix: 8", "radix: 7")),
                diagnostics);
  read_topology(folder.write("b.yaml", test::changed(test::kTopology, "planes: 3", "planes: 4")),
                diagnostics);
  EXPECT_EQ(diagnostics.list().size(), 2U);
}

TEST_F(ReadTest, EveryBundledFileIsRight) {
  std::size_t files = 0;
  for (const char* name : {"topologies", "models", "workloads", "calibration/profiles"}) {
    const std::filesystem::path root = std::filesystem::path(PLANEWISE_ROOT) / name;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
      if (entry.path().extension() != ".yaml") continue;
      Diagnostics diagnostics;
      EXPECT_NE(check_file(entry.path().string(), diagnostics), "") << entry.path();
      EXPECT_EQ(test::mistakes(diagnostics, entry.path().string()), Texts{}) << entry.path();
      ++files;
    }
  }
  EXPECT_GE(files, 15U);
}

// What the operators and exchanges of workload/ may ask for, of whatever model and precision.
TEST(BundledProfiles, HaveEveryCurve) {
  for (const char* gpu : {"a100", "h100", "h200", "h800", "b200"}) {
    Diagnostics diagnostics;
    const ProfileSpec profile = read_profile(
        std::string(PLANEWISE_ROOT) + "/calibration/profiles/" + gpu + "_published.yaml",
        diagnostics);
    diagnostics.throw_if_any();
    for (const char* id : {"gemm.bf16",
                           "grouped_gemm.bf16",
                           "gemm.fp8",
                           "grouped_gemm.fp8",
                           "wgrad.fp8",
                           "gemm.fp8_tensorwise",
                           "grouped_gemm.fp8_tensorwise",
                           "gemm.mxfp8",
                           "grouped_gemm.mxfp8",
                           "attention.forward",
                           "attention.backward",
                           "attention_mla.forward",
                           "attention_mla.backward",
                           "norm",
                           "rope",
                           "copy",
                           "elementwise",
                           "quantise",
                           "quantise.backward",
                           "router",
                           "permute",
                           "swiglu",
                           "gelu",
                           "embedding",
                           "cross_entropy",
                           "optimizer"}) {
      EXPECT_NE(find_operator(profile, id), nullptr) << gpu << ": " << id;
    }
    for (const char* id :
         {"ep_dispatch", "ep_combine", "ep_combine_backward", "ep_dispatch_backward", "all_to_all",
          "point_to_point", "ring", "all_gather", "reduce_scatter"}) {
      EXPECT_NE(find_collective(profile, id), nullptr) << gpu << ": " << id;
    }
  }
}

}  // namespace
}  // namespace planewise::spec
