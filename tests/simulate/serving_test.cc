// Serving iterations, simulated: against closed forms, without symmetry, by the other engine, and
// laws of what makes them faster.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <string>
#include <vector>

#include "fabric/fabric.h"
#include "simulate/simulate.h"
#include "spec/check_inference.h"
#include "spec/cross_check.h"
#include "workload/make_serving.h"

namespace planewise::simulate {
namespace {

using workload::Program;
using workload::Resource;

struct Ran {
  test::LoadedServing loaded;
  workload::Placement placement;

  explicit Ran(test::LoadedServing from)
      : loaded(std::move(from)),
        placement(workload::place_unit(loaded.spec.decode->unit, loaded.topology.nodes.gpus)) {}

  Program program(std::int64_t sequences) const {
    return workload::decode_program(loaded.input(), sequences, placement);
  }
  Result run(const Program& program, const SimulationOptions& options = {}) const {
    return simulate(program, placement, fabric::lay_out(loaded.topology), options);
  }
  Seconds time(std::int64_t sequences) const { return run(program(sequences)).step_time; }
};

test::LoadedServing with_expert_ranks(int ranks, int redundant) {
  test::LoadedServing loaded = test::ep144();
  loaded.spec.decode->unit.parallel.data = ranks;
  loaded.spec.decode->unit.parallel.expert = ranks;
  loaded.spec.decode->unit.redundant_experts = redundant;
  return loaded;
}

// design/WORKLOAD.md: T = alpha + remote_bytes / bandwidth, remote = B (1 - 8 / EP), at 8 GPUs a
// node. 58 MoE layers of one micro-batch of 100 tokens, 8 experts each, 7,408 B there and 14,336 B
// back at 50 GB/s times the profile's efficiency; a little for latencies of the fabric.
TEST(DecodeProgram, ExchangesTakeLatencyAndRemoteBytes) {
  for (const int ranks : {32, 64, 128, 256}) {
    Ran ran(with_expert_ranks(ranks, 0));
    ran.loaded.spec.decode->unit.micro_batches = 1;
    test::make_operators_free(ran.loaded.profile);
    const auto exchange = [&](const char* id, double size) {
      const spec::CollectiveCurve& curve = *spec::find_collective(ran.loaded.profile, id);
      const Bytes remote = bytes(100.0 * 8 * size * (1 - 8.0 / ranks));
      return curve.latency + remote / (gigabytes_per_second(50) * curve.rail_efficiency);
    };
    const Seconds expected =
        (exchange("ep_dispatch_low_latency", 7408) + exchange("ep_combine_low_latency", 14336)) *
        58;
    const double hops = 58 * 2 * 2 * 1.5e-6;  // Two leaves and a spine at most, 0.45 us each.
    const Seconds simulated = ran.time(100);
    EXPECT_GE(simulated.base(), expected.base() * (1 - 1e-9)) << ranks;
    EXPECT_LE(simulated.base(), expected.base() + hops) << ranks;
  }
}

// Micro-batches of 32 either way: overlap hides what is shorter, and never more than all of it.
TEST(DecodeProgram, OfTwoMicroBatchesHidesExchanges) {
  Ran both(test::ep144());
  Ran one(test::ep144());
  one.loaded.spec.decode->unit.micro_batches = 1;
  const Seconds overlapped = both.time(64);
  const Seconds twice = one.time(32) * 2;
  EXPECT_LT(overlapped, twice * 0.75);
  const Result result = both.run(both.program(64));
  EXPECT_GE(overlapped, result.ranks.front().compute);
  Seconds busy{};
  for (const Seconds time : result.ranks.front().busy) busy += time;
  EXPECT_GE(overlapped, busy);
  EXPECT_LE(overlapped.base(), (busy + result.ranks.front().compute).base());
}

TEST(DecodeProgram, IsTheSameUnreducedAndByTheOtherEngine) {
  Ran ran(with_expert_ranks(16, 0));
  ran.loaded.model.layers = 6;
  const Program program = ran.program(16);
  const Seconds reduced = ran.run(program).step_time;
  EXPECT_NEAR(ran.run(program, {.symmetry = false}).step_time.in(reduced), 1, 1e-9);
  EXPECT_NEAR(ran.run(program, {.engine = EngineKind::simgrid}).step_time.in(reduced), 1, 1e-9);
}

// Under ecmp no two ranks are alike, but layers are: what a fourth adds to three, the others add.
// It is what stands for whole iterations there.
TEST(DecodeProgram, GrowsEvenlyWithItsLayers) {
  Ran ran(with_expert_ranks(32, 0));
  spec::Diagnostics diagnostics;
  ran.loaded.topology =
      spec::read_topology(test::root_path("topologies/street/mpft_2048_street.yaml"), diagnostics);
  ASSERT_TRUE(diagnostics.empty());
  ASSERT_EQ(ran.loaded.topology.fabric.routing, spec::Routing::ecmp);
  const auto time = [&](int layers) {
    workload::ServingInput input = ran.loaded.input();
    input.expert_layers = layers;
    return ran.run(workload::decode_program(input, 32, ran.placement)).step_time;
  };
  const Seconds three = time(3);
  const Seconds four = time(4);
  EXPECT_NEAR(time(9).in(four + (four - three) * 5), 1, 1e-9);
}

TEST(DecodeProgram, TakesLongerWithMoreSequencesAndLessThanInProportion) {
  const Ran ran(test::ep144());
  Seconds before{};
  for (const std::int64_t sequences : {16, 32, 64, 128}) {
    const Seconds time = ran.time(sequences);
    EXPECT_GT(time, before);
    if (before > Seconds{}) {
      EXPECT_LT(time.base(), 2 * before.base());
    }
    before = time;
  }
}

// A proxy posts 1.7 million messages a second: 64 tokens x 8 experts x 136 / 144 of them remote
// take 0.28 ms, more than their bytes (3.6 MB at 50 GB/s are 0.07 ms).
TEST(DecodeProgram, PostedByTheHostWaitsForMessages) {
  Ran gpu(test::ep144());
  Ran host(test::ep144());
  host.loaded.spec.decode->unit.posting = spec::Posting::cpu_proxy;
  const Seconds messages = microseconds(0.588) * (64 * 8 * 136.0 / 144);
  const Seconds exchanges = messages * (2 * 2 * 58);  // Two micro-batches, there and back.
  EXPECT_GT(host.time(128), gpu.time(128));
  EXPECT_GT(host.time(128), exchanges);
}

TEST(DecodeProgram, WithDraftsTakesLongerButNotTwiceAsLong) {
  Ran plain(test::ep144());
  Ran drafted(test::ep144());
  drafted.loaded.spec.decode->draft = spec::DraftSpec{.acceptance = {0.85}};
  EXPECT_GT(drafted.time(32), plain.time(32));
  EXPECT_LT(drafted.time(32), plain.time(32) * 1.85);
}

// Halving everything at once halves the iteration; one by one nothing gets longer.
TEST(WithTwice, SavesAtMostHalf) {
  const Ran ran(test::ep144());
  const Program program = ran.program(96);
  const Seconds as_is = ran.run(program).step_time;
  Program all = program;
  for (int i = 0; i < workload::kResourceCount; ++i) {
    const auto resource = static_cast<Resource>(i);
    const Seconds time = ran.run(workload::with_twice(program, resource)).step_time;
    EXPECT_LE(time.base(), as_is.base() * (1 + 1e-9)) << i;
    EXPECT_GE(time.base(), as_is.base() / 2) << i;
    all = workload::with_twice(std::move(all), resource);
  }
  // The fabric's own latencies stay: below 1 % of exchanges here.
  EXPECT_NEAR(ran.run(all).step_time.in(as_is), 0.5, 0.01);
}

// The published schedule: a prefill of two micro-batches hides exchanges that are shorter than what
// the other computes meanwhile.
TEST(PrefillProgram, HidesExchanges) {
  test::LoadedServing v3 = test::load_serving("workloads/deepseek_v3_prefill_ep32_h800.yaml",
                                              "topologies/mpft_2048.yaml");
  const workload::Placement placement =
      workload::place_unit(v3.spec.prefill->unit, v3.topology.nodes.gpus);
  const Program program = workload::prefill_program(v3.input(), placement);
  const Result result = simulate(program, placement, fabric::lay_out(v3.topology), {});
  const RankResult& rank = result.ranks.front();
  Seconds busy{};
  Seconds exposed{};
  for (std::size_t i = 0; i < rank.busy.size(); ++i) {
    busy += rank.busy[i];
    exposed += rank.exposed[i];
  }
  EXPECT_LT(exposed, busy * 0.2);
  EXPECT_NEAR(result.step_time.in(rank.compute + exposed), 1, 1e-9);
}

// One prompt's cache over one NIC: bytes over the rate, and a few microseconds.
TEST(TransferProgram, IsAsLongAsOneNicTakes) {
  const test::LoadedServing v3 = test::ep144();
  workload::Placement placement = workload::place_unit(v3.spec.prefill->unit, 8);
  for (const std::int64_t gpu : workload::place_unit(v3.spec.decode->unit, 8).gpu_of_rank) {
    placement.gpu_of_rank.push_back(gpu + 32);
  }
  const Bytes cache = bytes(4096.0 * 70272);
  const Program program = workload::transfer_program(v3.input(), cache, placement);
  const Seconds time = simulate(program, placement, fabric::lay_out(v3.topology), {}).step_time;
  const double efficiency = spec::find_collective(v3.profile, "point_to_point")->rail_efficiency;
  const Seconds bytes_alone = cache / (gigabytes_per_second(50) * efficiency);
  EXPECT_GE(time, bytes_alone);
  EXPECT_LE(time, bytes_alone + microseconds(10));
}

struct Bundled {
  const char* workload;
  const char* topology;
};

/// Every inference workload that comes with planewise, on a fabric of its GPUs.
class BundledServing : public testing::TestWithParam<Bundled> {};

TEST_P(BundledServing, FitsRunsAndHasItsCurves) {
  const test::LoadedServing loaded =
      test::load_serving(std::string("workloads/") + GetParam().workload + ".yaml",
                         std::string("topologies/") + GetParam().topology + ".yaml");
  spec::Diagnostics diagnostics;
  spec::check_inference_and_model(loaded.spec, loaded.model, diagnostics);
  spec::check_inference_and_topology(loaded.spec, loaded.topology, diagnostics);
  const workload::ProfileNeeds needs =
      workload::serving_needs(loaded.spec, loaded.model, loaded.profile);
  spec::check_profile(loaded.profile, needs.operators, needs.collectives, diagnostics);
  ASSERT_TRUE(diagnostics.empty());
  ASSERT_TRUE(loaded.spec.decode && loaded.spec.prefill && loaded.spec.gpu_hour);
  const fabric::Fabric fabric = fabric::lay_out(loaded.topology);
  const auto time = [&](const Program& program, const workload::Placement& placement) {
    return simulate(program, placement, fabric, {}).step_time;
  };
  const int gpus = loaded.topology.nodes.gpus;
  const workload::Placement decode = workload::place_unit(loaded.spec.decode->unit, gpus);
  const std::vector<std::int64_t>& sequences = loaded.spec.decode->sequences;
  const Seconds fewest =
      time(workload::decode_program(loaded.input(), sequences.front(), decode), decode);
  const Seconds most =
      time(workload::decode_program(loaded.input(), sequences.back(), decode), decode);
  EXPECT_GT(fewest, Seconds{});
  EXPECT_GE(most, fewest);
  const workload::Placement prefill = workload::place_unit(loaded.spec.prefill->unit, gpus);
  EXPECT_GT(time(workload::prefill_program(loaded.input(), prefill), prefill), Seconds{});
}

INSTANTIATE_TEST_SUITE_P(
    All, BundledServing,
    testing::Values(Bundled{"deepseek_v3_decode_ep128_h800", "mpft_2048"},
                    Bundled{"deepseek_v3_decode_ep144_h800", "mpft_2048"},
                    Bundled{"deepseek_v3_decode_ep320_h800", "mpft_2048"},
                    Bundled{"deepseek_v3_prefill_ep32_h800", "mpft_2048"},
                    Bundled{"deepseek_v3_decode_nvl72", "street/rail_only_nvl72"},
                    Bundled{"qwen3_235b_a22b_decode_h100", "mrft_256_h100"},
                    Bundled{"llama3.1_405b_decode_h100", "mrft_256_h100"},
                    Bundled{"small/deepseek_v2_ai_pc", "one_gpu"},
                    Bundled{"small/qwen2.5_72b_ai_pc", "one_gpu"},
                    Bundled{"small/deepseek_v3_server_one_gpu", "one_gpu"},
                    Bundled{"ideal/decode_ib_50gbps", "ideal_ib_128"},
                    Bundled{"ideal/decode_nvl72_900gbps", "ideal_nvl72"},
                    Bundled{"published/sglang_deepseek_v3_96_h100", "mrft_256_h100"}),
    [](const auto& param) {
      std::string name = param.param.workload;
      std::replace_if(
          name.begin(), name.end(), [](char c) { return std::isalnum(c) == 0; }, '_');
      return name;
    });

}  // namespace
}  // namespace planewise::simulate
