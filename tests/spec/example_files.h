// One right file of each kind, for tests that read them or change one thing in them.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace planewise::test {

inline constexpr std::string_view kTopology = R"(planewise_topology: 1
name: three_planes
source: made up
nodes:
  count: 16
  gpus: 6
  nics: 6
  nvlink_rate: 200 GB/s
  nvlink_latency: 0.98 us
  source: nodes
fabric:
  family: mpft
  layers: 3
  planes: 3
  radix: 8
  link_rate: 400 Gb/s
  switch_latency: 0.45 us
  leaf_oversubscription: 1.5
  spine_oversubscription: 3
  striping: greedy
  routing: static
  source: fabric
)";

inline constexpr std::string_view kPriceBook = R"(planewise_price_book: 1
name: prices
date: 2025-05-14
source: made up
roles:
  switch:
    radix: 8
    price: 40000 USD
    price_evidence: fitted
    price_source: a
    power_typical: 747 W
    power_maximum: 1.72 kW
    power_evidence: measured
    power_source: b
  inter_switch_link:
    price: 1855.5 USD
    price_evidence: published
    price_source: c
    power_typical: 17 W
    power_maximum: 17 W
    power_evidence: estimated
    power_source: d
  endpoint_link:
    price: 0 USD
    price_evidence: estimated
    price_source: e
    power_typical: 0 W
    power_maximum: 1 W
    power_evidence: estimated
    power_source: f
)";

inline constexpr std::string_view kModel = R"(planewise_model: 1
name: latent
source: made up
layers: 7
hidden: 512
intermediate: 1024
vocabulary: 32000
tied_embedding: true
mtp_depth: 1
attention:
  kind: mla
  heads: 16
  q_lora_rank: 96
  kv_lora_rank: 64
  qk_nope_head_dim: 32
  qk_rope_head_dim: 8
  v_head_dim: 24
  source: attention
moe:
  first_dense_layers: 2
  routed_experts: 64
  shared_experts: 1
  experts_per_token: 4
  expert_intermediate: 128
  groups: 8
  groups_per_token: 4
  source: experts
)";

inline constexpr std::string_view kDenseModel = R"(planewise_model: 1
name: dense
source: made up
layers: 3
hidden: 256
intermediate: 512
vocabulary: 1000
tied_embedding: false
mtp_depth: 0
attention:
  kind: gqa
  heads: 8
  kv_heads: 2
  head_dim: 32
  qkv_bias: true
  source: attention
)";

/// Names `model.yaml` and `profile.yaml` beside it.
inline constexpr std::string_view kWorkload = R"(planewise_workload: 1
name: work
source: made up
phase: training
model: model.yaml
profile: profile.yaml
schedule: 1f1b
batch:
  sequence_length: 2048
  sequences_per_micro_batch: 2
  micro_batches: 9
  source: batch
parallel:
  pipeline: 3
  data: 32
  expert: 16
  layers_per_stage: [3, 2, 2]
  source: parallel
routing:
  tokens: balanced
  nodes_per_token: 2
  source: routing
optimizer:
  gradient_bytes: 4
  parameter_bytes: 2
  master_bytes: 4
  moment_bytes: 3
  source: optimizer
)";

inline constexpr std::string_view kProfile = R"(planewise_calibration: 1
name: machine
source: made up
gpu:
  name: GPU
  sms: 100
  bf16_peak: 989 TFLOPS
  memory_rate: 3350 GB/s
  memory: 80 GB
  source: gpu
operators:
  - id: gemm
    form: gemm
    sms: 100
    beside: alone
    evidence: published
    source: a
    points:
      - {groups: 4, m: 1, n: 2, k: 3, rate: 1009 TFLOPS}
    model:
      flop_rate: 1589 TFLOPS
      memory_rate: 3625 GB/s
      overhead: 14.25 us
      held_out_error: 5.1 %
      evidence: fitted
  - id: attention
    form: flop_rate
    sms: 88
    beside: communication
    evidence: measured
    source: b
    flop_rate: 556 TFLOPS
  - id: norm
    form: byte_rate
    sms: 88
    beside: communication
    evidence: estimated
    source: c
    memory_rate: 1090 GB/s
collectives:
  - id: ring
    latency: 2.35 us
    rail_efficiency: 0.94
    nvlink_efficiency: 80 %
    chunk_tokens: 32
    evidence: fitted
    source: d
  - id: point_to_point
    latency: 0 us
    rail_efficiency: 1
    nvlink_efficiency: 0.5
    evidence: published
    source: e
)";

/// `text` with `from`, which must be in it, replaced once by `to`.
inline std::string changed(std::string_view text, std::string_view from, std::string_view to) {
  std::string out(text);
  const std::size_t at = out.find(from);
  if (at == std::string::npos) throw std::logic_error("not in the example: " + std::string(from));
  return out.replace(at, from.size(), to);
}

}  // namespace planewise::test
